"""The classes that a model tells apart: one numbering for training, maps and reports."""

from dataclasses import dataclass
from typing import Annotated

from terramamba.core.typed import FieldError, Text, between
from terramamba.data.labels.palette import Colour

MAX_CLASSES = 255
"""More different values than this are no class codes but measurements."""

MAX_CODE = 65_535
"""Class maps have the codes of the labels, in 8 or 16 bits."""

UNLABELLED = -1
"""Target of a pixel that is of none of the classes."""

Code = Annotated[int, between(0, MAX_CODE)]


@dataclass(frozen=True)
class ClassTable:
    """K classes in the order of a model's outputs: the first has the target 0, the last K - 1.

    ``codes`` are what files have for them, labels as well as maps; ``names`` are for people; ``colours``
    (red, green, blue; 0..255) for pictures, None for a class without one. ``UNLABELLED`` is no class.

    >>> table = ClassTable((1, 4), ("water", "roof"), ((0, 0, 255), None))
    >>> table.target_of_code[4], table.name_of_code[4], len(table)
    (1, 'roof', 2)
    """

    codes: tuple[Code, ...]
    names: tuple[Text, ...]
    colours: tuple[Colour | None, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.codes) <= MAX_CLASSES:
            raise FieldError("codes", self.codes, f"a list of 1 to {MAX_CLASSES} classes")
        if len(set(self.codes)) < len(self.codes):
            raise FieldError("codes", self.codes, "a code of its own for each class")
        for field, values in (("names", self.names), ("colours", self.colours)):
            if len(values) != len(self.codes):
                raise FieldError(field, values, f"one for each of {len(self.codes)} codes")

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def target_of_code(self) -> dict[int, int]:
        """Return the target of each code."""
        return {code: target for target, code in enumerate(self.codes)}

    @property
    def target_of_name(self) -> dict[str, int]:
        """Return the target of each name."""
        return {name: target for target, name in enumerate(self.names)}

    @property
    def name_of_code(self) -> dict[int, str]:
        """Return the name of each code."""
        return dict(zip(self.codes, self.names, strict=True))

    @property
    def colour_of_code(self) -> dict[int, Colour]:
        """Return the colour of each code that has one."""
        return {
            code: colour for code, colour in zip(self.codes, self.colours, strict=True) if colour is not None
        }
