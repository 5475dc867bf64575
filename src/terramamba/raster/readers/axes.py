"""Which axis of a bare array holds rows, which columns, which bands.

Nothing is taken for granted: what the caller says, the names of the axes, the labels' shape, other entries of
the file and the model that is to be used each rule some orders out. Where they leave more than one axis for
the bands, the array is refused with the flag that settles it. Only between rows and columns, where both fit,
the usual order counts: rows first.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from terramamba.core.errors import InputError
from terramamba.core.typed import Bound

Role = Literal["rows", "cols", "bands"]
Axes = tuple[int, int, int | None]
"""Which axes hold rows, columns and bands; None where there is one band."""

ROLES: tuple[Role, ...] = ("rows", "cols", "bands")
FLAG = "--axes"
_WORDS: dict[Role, str] = {"rows": "rows", "cols": "columns", "bands": "bands"}
_NAMES: dict[Role, tuple[str, ...]] = {
    "rows": (
        *("y", "ydim", "y_dim", "row", "rows", "nrow", "nrows", "ny", "height", "line", "lines", "scanline"),
        *("scanlines", "number_of_lines", "lat", "latitude", "northing", "downtrack", "down_track"),
        *("along_track", "alongtrack"),
    ),
    "cols": (
        *("x", "xdim", "x_dim", "col", "cols", "column", "columns", "ncol", "ncols", "nx", "width", "sample"),
        *("samples", "pixel", "pixels", "pixels_per_line", "lon", "longitude", "easting", "crosstrack"),
        *("cross_track", "across_track", "acrosstrack"),
    ),
    "bands": (
        *("band", "bands", "nband", "nbands", "b", "channel", "channels", "c", "spectral", "spectral_band"),
        *("spectral_bands", "wavelength", "wavelengths", "wavelength_3d", "radiation_wavelength", "wave"),
        *("wl", "lambda"),
    ),
}


def axes_of_text(text: str) -> tuple[Role, ...] | None:
    """Read the roles that a text such as ``rows,cols,bands`` gives to axes; None where it names no order."""
    found = tuple({"columns": "cols", "lines": "rows"}.get(w, w) for w in text.replace(" ", "").split(","))
    return found if sorted(found) == sorted(ROLES) else None  # type: ignore[return-value]


ORDER = Bound(
    "an order of the three axes, such as rows,cols,bands or bands,rows,cols,",
    lambda text: axes_of_text(text) is not None,
)


def role_of_name(name: str) -> Role | None:
    """Tell what an axis of this name holds; None where the name does not say."""
    plain = name.rsplit("/", 1)[-1].strip().lower()
    return next((role for role, names in _NAMES.items() if plain in names), None)


@dataclass(frozen=True)
class Asked:
    """What whoever opens an array knows of its axes.

    ``axes`` is the order that was asked for by name, ``shape`` that of the labels (rows, columns), ``bands``
    the number that a model takes, ``like`` the order in which that model's own scene was read.
    """

    axes: tuple[Role, ...] | None = None
    shape: tuple[int, int] | None = None
    bands: int | None = None
    like: tuple[Role, ...] | None = None


NOTHING = Asked()
"""Of somebody who knows nothing."""


@dataclass(frozen=True)
class InFile:
    """What the file says of the axes: their names, and lengths that its other entries have.

    ``bands`` and ``size`` (rows, columns) are paired with the entry that says so.
    """

    roles: tuple[Role | None, ...] = ()
    bands: tuple[tuple[int, str], ...] = ()
    size: tuple[tuple[tuple[int, int], str], ...] = ()


UNTOLD = "rows taken to come before columns, which a square does not tell"
Told = tuple[tuple[tuple[int, str], ...], tuple[tuple[tuple[int, int], str], ...]]
_OF_BANDS = re.compile(r".*wave_?len.*|wave|lambda|wl|wvl?|fwhm|bbl|sle?e?ctbands|band_?names?")
_OF_PIXELS = re.compile(r"(.*_)?(gt|tr|te|dsm|dem|map)(_.*)?|.*(label|truth|mask|class|train|test).*")


def lengths_told(shapes: Mapping[str, tuple[int, ...]]) -> Told:
    """Tell how many bands, and which sizes of the image, the entries of a file speak of by name and shape.

    Lists such as ``wavelength`` have one value a band, maps such as ``gt`` one a pixel.
    """
    bands, sizes = [], []
    for name, shape in shapes.items():
        leaf = re.split(r"[./]", name)[-1].lower()
        longest = max(shape, default=0)
        if _OF_BANDS.fullmatch(leaf) and math.prod(shape) == longest > 1:
            bands.append((longest, f"the length of {name}"))
        if _OF_PIXELS.fullmatch(leaf) and len(shape) == 2 and 1 not in shape:
            sizes.append(((shape[0], shape[1]), f"the size of {name}"))
    return tuple(bands), tuple(sizes)


def settle(stored: Sequence[int], what: str, asked: Asked, in_file: InFile) -> tuple[Axes, str]:
    """Settle the axes of an array of the shape ``stored``; ``what`` names it in messages.

    Returns:
        The axes, and in words what settled them.

    Raises:
        InputError: it has not 2 or 3 axes, nothing settles which one holds the bands, or what is known of
            them contradicts itself.
    """
    if len(stored) not in (2, 3):
        raise InputError(f"{what} has {len(stored)} axes; a scene has 2 or 3: give another array")
    orders: list[Axes] = (
        list(permutations(range(3))) if len(stored) == 3 else [(0, 1, None), (1, 0, None)]  # type: ignore[arg-type]
    )
    reasons: list[str] = []

    def narrow(kept: list[Axes], reason: str, otherwise: str | None) -> None:
        nonlocal orders
        if not kept and otherwise is not None:
            raise InputError(f"{what} {otherwise}")
        if kept and len(kept) < len(orders):
            if len({order[2] for order in orders}) > 1 or reason == FLAG:
                reasons.append(reason)
            orders = kept

    def having(**lengths: int) -> list[Axes]:
        return [o for o in orders if all(_length(stored, o, role) == n for role, n in lengths.items())]

    if asked.axes is not None:
        narrow(
            [o for o in orders if _roles(o, len(stored)) == _without_bands(asked.axes, len(stored))], FLAG, ""
        )
    elif any(in_file.roles):
        named = ", ".join(role for role in in_file.roles if role)
        narrow(
            [o for o in orders if _agree(in_file.roles, _roles(o, len(stored)))],
            "the names of the axes",
            f"has axes named {named}, which are no rows, columns and bands; say which is which with {FLAG}",
        )
    if asked.shape is not None:
        rows, cols = asked.shape
        square = rows == cols and len(having(rows=rows, cols=cols)) > 1
        narrow(
            having(rows=rows, cols=cols),
            "the size of the labels" + (f" ({UNTOLD})" if square else ""),
            f"does not fit {rows} x {cols} pixels; "
            + (
                "it may be a table of all pixels: save it as rows, columns and bands (in Python: reshape)"
                if len(stored) == 2 and rows * cols in stored
                else "give a scene, labels and masks of one size"
            ),
        )
    for length, entry in in_file.bands:
        narrow(having(bands=length), entry, None)
    for (rows, cols), entry in in_file.size:
        narrow(having(rows=rows, cols=cols), entry, None)
    if asked.bands is not None and asked.axes is None and len(stored) == 3:
        narrow(
            having(bands=asked.bands),
            f"the model's {asked.bands} bands",
            f"has no axis that can be the {asked.bands} bands of the model; give a scene with its bands",
        )
    if asked.like is not None and len(stored) == 3:
        narrow(
            [o for o in orders if _roles(o, 3) == asked.like], "the run's own scene, which was read so", None
        )
    if len({order[2] for order in orders}) > 1:
        raise InputError(
            f"{what}: nothing says which axis holds the bands; say so with {FLAG}, such as "
            f"{FLAG} rows,cols,bands or {FLAG} bands,rows,cols"
        )
    return min(orders, key=lambda order: order[0] > order[1]), " and ".join(reasons)


def roles_of(axes: Axes, ndim: int) -> tuple[Role, ...]:
    """Return the roles of an array's axes in their order."""
    return _roles(axes, ndim)


def in_words(axes: Axes, ndim: int) -> str:
    """Name the axes in their order, such as ``rows, columns, bands``."""
    return ", ".join(_WORDS[role] for role in _roles(axes, ndim))


def _roles(axes: Axes, ndim: int) -> tuple[Role, ...]:
    role: dict[int | None, Role] = dict(zip(axes, ROLES, strict=True))
    return tuple(role[axis] for axis in range(ndim))


def _agree(named: Sequence[Role | None], roles: Sequence[Role]) -> bool:
    return all(name in (None, role) for name, role in zip(named, roles, strict=True))


def _without_bands(order: tuple[Role, ...], ndim: int) -> tuple[Role, ...]:
    return tuple(role for role in order if ndim == 3 or role != "bands")


def _length(stored: Sequence[int], order: Axes, role: str) -> int | None:
    axis = order[ROLES.index(role)]
    return None if axis is None else stored[axis]
