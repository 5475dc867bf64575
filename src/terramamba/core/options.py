"""What an option is, written once: a field of a frozen dataclass, its type and bounds in its annotation.

::

    @dataclass(frozen=True, kw_only=True)
    class Optimisation(Options):
        epochs: Annotated[ByRecipe[int], at_least(1)] = UNDECIDED
        \"\"\"Passes over the training samples.\"\"\"

The field is a flag, a key of YAML files and a keyword in Python, the text below it the flag's help. A value
of another kind or out of bounds is refused when the dataclass is made, wherever it came from. Dataclasses are
put together from groups of options by inheritance.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import MISSING, Field, dataclass, fields
from enum import Enum
from os import PathLike, fspath
from types import NoneType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from terramamba.core.errors import InputError
from terramamba.core.typed import Bound, FieldError, of_kind

T = TypeVar("T")
G = TypeVar("G")


def at_least(least: float) -> Bound:
    """Bound finite numbers from below by ``least``, which is allowed."""
    return Bound(f"at least {least:g}", lambda value: least <= value < math.inf)


ABOVE_ZERO = Bound("a number above 0", lambda value: 0 < value < math.inf)
RATE = Bound("a fraction above 0 and below 1", lambda value: 0 < value < 1)
PROBABILITY = Bound("a probability above 0 and at most 1", lambda value: 0 < value <= 1)


@dataclass(frozen=True)
class Silent:
    """The value of what a recipe decides, where a model's recipe says nothing of it."""

    value: Any


class Mark(Enum):
    """What else an annotation says of an option."""

    BY_RECIPE = "what is not given the recipe decides"
    MAY_DIFFER = "a run or map with another value is the same one"
    RECORD = "written into the run, and given by nobody: no flag of it is shown"
    BY_STEPS = "obeyed by models alone that gradient steps train"


BY_RECIPE, MAY_DIFFER, RECORD, BY_STEPS = Mark.BY_RECIPE, Mark.MAY_DIFFER, Mark.RECORD, Mark.BY_STEPS

UNDECIDED: Any = None
"""Default of what the recipe decides."""

# None until ``recipes.resolve`` has decided. Whoever works with settings works with decided ones, so that
# to a type checker there always is a value.
if TYPE_CHECKING:
    ByRecipe = Annotated[T, BY_RECIPE]
else:
    ByRecipe = Annotated[T | None, BY_RECIPE]


@dataclass(frozen=True)
class Option:
    """A field, and what its annotation says of it."""

    name: str
    hint: Any
    """Its plain type."""
    default: Any
    """``MISSING`` where it must be given."""
    bounds: tuple[Bound, ...]
    marks: frozenset[Mark]
    silent: Any
    """The value where the recipe is to decide and says nothing; None: it always does."""

    @property
    def flag(self) -> str:
        """How the command line spells it."""
        return flag_of(self.name)

    @property
    def may_differ(self) -> bool:
        """Whether a run or map with another value is the same one."""
        return MAY_DIFFER in self.marks

    @property
    def by_recipe(self) -> bool:
        """Whether the recipe decides it where it is not given."""
        return BY_RECIPE in self.marks

    @property
    def by_steps(self) -> bool:
        """Whether only training by gradient steps obeys it."""
        return BY_STEPS in self.marks

    def checked(self, value: Any, what: str) -> Any:
        """Return ``value`` as the option has it; raises ``InputError``, which calls the option ``what``."""
        try:
            found = of_kind(self.hint, _as_meant(value, self.hint))
        except FieldError as error:
            refused = InputError(f"{what}: {error.value!r} is not {error.wanted}", value=error.value)
            raise refused from error
        for bound in self.bounds if found is not None else ():
            if not bound.holds(found):
                raise InputError(where=what, value=found, what=f"{bound.words} is needed")
        return found


class Options:
    """Base of groups of options. A group's ``refuse_contradictions`` is called when each value is right."""

    heading: ClassVar[str] = "files and results"
    """Under what a command's help lists the group."""

    def __post_init__(self) -> None:
        for option in options_of(type(self)):
            value = getattr(self, option.name)
            found = option.checked(value, option.flag)
            if found is not value:
                object.__setattr__(self, option.name, found)
        for group in type(self).__mro__:
            refuse = vars(group).get("refuse_contradictions")
            if refuse is not None:
                refuse(self)


_READ: dict[type, tuple[Option, ...]] = {}


def options_of(kind: type) -> tuple[Option, ...]:
    """Return the options of a dataclass in their order."""
    if kind not in _READ:
        hints = get_type_hints(kind, include_extras=True)
        _READ[kind] = tuple(_option(field, hints[field.name]) for field in fields(kind))
    return _READ[kind]


def part_of(options: Any, group: type[G]) -> G:
    """Return the ``group`` alone, of options that are put together from it and others."""
    return group(**{option.name: getattr(options, option.name) for option in options_of(group)})


def identity(options: Any) -> dict[str, Any]:
    """Return the values that make a run or map the one it is: all but those that may differ."""
    return {
        option.name: getattr(options, option.name)
        for option in options_of(type(options))
        if not option.may_differ
    }


def before_it_was_there(kind: type) -> dict[str, Any]:
    """Return what an option was in runs that are older than the option, of those that may not differ.

    That is its default, or the value where the recipe says nothing: a new option leaves everything as it was.
    """
    return {
        option.name: option.silent if option.by_recipe else option.default
        for option in options_of(kind)
        if option.default is not MISSING and not option.may_differ
    }


def flag_of(name: str) -> str:
    """Return an option as the command line spells it."""
    return "--" + name.replace("_", "-")


def without_none(hint: Any) -> Any:
    """Return ``int`` for ``int | None``."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if NoneType in get_args(hint) else hint


def _option(field: "Field[Any]", hint: Any) -> Option:
    plain, *said = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    default = field.default if field.default_factory is MISSING else field.default_factory()
    return Option(
        field.name,
        plain,
        default,
        tuple(mark for mark in said if isinstance(mark, Bound)),
        frozenset(mark for mark in said if isinstance(mark, Mark)),
        next((mark.value for mark in said if isinstance(mark, Silent)), None),
    )


def _as_meant(value: Any, hint: Any) -> Any:
    """What a value means that is of no kind of JSON, such as a path, or that YAML takes for one of another.

    YAML reads 1e-3 as a text, and 32 as a number where "32" is one of the choices.
    """
    kind = without_none(hint)
    if isinstance(value, PathLike):
        return str(fspath(value))
    if isinstance(value, Sequence) and not isinstance(value, str):
        texts = get_args(kind) == (str,)
        entries = [_as_meant(entry, Any) for entry in value]
        return [str(entry) if texts and type(entry) in (int, float) else entry for entry in entries]
    if hasattr(value, "item"):  # a number of NumPy
        value = value.item()
    if get_origin(kind) is Literal:
        return {str(choice): choice for choice in get_args(kind)}.get(str(value), value)
    if kind is float and isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    return value
