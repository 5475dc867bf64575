"""Classes of the features of a vector file, called and coloured as the style of QGIS beside it has them.

n features
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int, Shaped

from terramamba.data.labels.class_attribute import find_classes
from terramamba.data.labels.palette import Colour
from terramamba.data.labels.qgis_style import category_style


@dataclass(frozen=True, eq=False)
class StyledClasses:
    """The class of every feature: a code, or 0 for none; names and colours by code, as far as known.

    ``by_name``: the attribute is text, and codes only count its values. ``is_zero``: which have the
    number 0; ``below`` have one below 0, and no class therefore.
    """

    attribute: str
    codes: Int[np.ndarray, " n"]
    names: Mapping[int, str]
    colours: Mapping[int, Colour]
    by_name: bool
    is_zero: Bool[np.ndarray, " n"]
    below: int = 0
    notes: tuple[str, ...] = ()


def find_styled_classes(
    path: str, attributes: Mapping[str, Shaped[np.ndarray, " n"]], wanted: str | None = None
) -> StyledClasses:
    """Find the class of each feature as ``find_classes`` does, by the style's attribute where none is wanted.

    Names of text are the text; those of numbers, and colours, are the style's, where it shows this attribute.

    Raises:
        InputError: as ``find_classes``.
    """
    style = category_style(path)
    shown = None if style is None else style.attribute
    classes = find_classes(path, attributes, wanted, shown)
    notes: tuple[str, ...] = () if classes.note is None else (classes.note,)
    unstyled = StyledClasses(
        classes.attribute,
        classes.codes,
        classes.names,
        {},
        classes.by_name,
        classes.is_zero,
        classes.below,
        notes,
    )
    if style is None or classes.attribute != shown:
        return unstyled
    present = set(np.unique(classes.codes).tolist()) - {0}
    names = {code: name for code, name in style.names_of_codes().items() if code in present}
    colours = {code: rgb for code, rgb in style.colours_of(classes.names).items() if code in present}
    if colours or (names and not classes.names):
        what = "colours" if classes.names else "names and colours"
        notes += (f"{what} of classes are those of {style.name}",)
    return replace(unstyled, names=classes.names or names, colours=colours, notes=notes)
