"""Quality layers as providers deliver them: which of their values are pixels that are not to be used.

They are known by their names, those of files or of bands. In none of them is a good pixel 0 and a bad one
not, as in a mask, so that each has its rule: no data, clouds and their surroundings, thin clouds, shadows of
clouds and defects are left out; snow, water and the dark are not.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError

_SIZE_OR_CLIP = r"(?:_[0-9]{2}m|_clip|_file_format|_composite)*"


@dataclass(frozen=True)
class QualityLayer:
    """A layer whose ``name`` ends what files or bands are called, in any case.

    Left out are pixels with one of the ``bits``, or one of ``values``.
    """

    called: str
    name: str
    bits: int = 0
    values: tuple[int, ...] = ()

    def left_out(self, values: Shaped[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
        """Tell where a pixel is not to be used."""
        codes = np.nan_to_num(np.asarray(values)).astype(np.int64)
        return np.isin(codes, self.values) | ((codes & self.bits) != 0)


LAYERS = (
    QualityLayer("Landsat's QA_PIXEL", r"QA_PIXEL", bits=0b11111),
    QualityLayer("the Fmask of HLS", r"HLS\..*\.Fmask", bits=0b1110),
    QualityLayer("Sentinel-2's scene classification", r"SCL", values=(0, 1, 3, 8, 9, 10)),
    QualityLayer("Planet's clear pixels", r"clear", values=(0,)),
)
"""The bits of QA_PIXEL are fill, dilated cloud, cirrus, cloud and shadow of cloud, of Fmask cloud, beside
cloud or shadow, and shadow."""
_UNCLEAR = (
    (r".*fmask", "may hold bits or classes"),
    (r"(?:.*_)?(?:MSK_)?(?:CLDPRB|SNWPRB|cloud_probability|snow_probability)", "holds probabilities"),
    (
        r"(?:.*_)?(?:SR_QA_AEROSOL|pixel_qa|BQA|cloud_shadow_mask)",
        "holds bits, in which good pixels are not 0",
    ),
)
_UDM2 = {"clear", "cloud", "unusable_data"}

_CODES = re.compile(
    r"(?:.*[_.])?(?:SCL|QA|QA[0-9]+|QA_[A-Z0-9_]+|SR_QA_[A-Z]+|[A-Z]+QA|pixel_qa|BQA|Fmask|MSK_[A-Z]+)", re.I
)


def holds_codes(band_name: str) -> bool:
    """Tell whether a band is called like layers of quality, whose values are codes and no measurements."""
    return _CODES.fullmatch(band_name.strip()) is not None


def is_quality_file(path: str) -> bool:
    """Tell whether a file is called like a layer of quality that lies beside the bands of a scene."""
    if serves_as_mask(path) or _called(path, "udm"):
        return True
    stem = re.sub(_SIZE_OR_CLIP + "$", "", _stem(path), flags=re.I)
    return holds_codes(stem) or any(_called(path, name) for name, _ in _UNCLEAR)


def serves_as_mask(path: str) -> bool:
    """Tell whether a file is called like a layer of quality whose bad pixels are known."""
    return any(_called(path, name) for name in (*(layer.name for layer in LAYERS[:-1]), "udm2"))


def _called(path: str, name: str) -> bool:
    return re.fullmatch(rf"(?:.*[_.])?{name}{_SIZE_OR_CLIP}", _stem(path), re.I) is not None


def quality_layer(
    path: str, names: Sequence[str], plain: Callable[[], bool]
) -> tuple[int, QualityLayer] | None:
    """Find the band (0-based) of a file that is a known quality layer; None where there is none.

    Args:
        path: The file, or its address.
        names: The names of its bands.
        plain: Tells whether the only band has the values of a mask, whatever it is called.

    Raises:
        InputError: a layer of which good pixels are not 0, but nothing says which they are.
    """
    stem = _stem(path)
    own = [name.strip() for name in names]
    planet = {name.lower() for name in own} >= _UDM2
    for layer in LAYERS if planet else LAYERS[:-1]:
        pattern = re.compile(rf"(?:.*[_.])?{layer.name}{_SIZE_OR_CLIP}", re.I)
        for band, name in enumerate(own):
            if pattern.fullmatch(name):
                return None if len(own) == 1 and plain() else (band, layer)
        if len(own) == 1 and pattern.fullmatch(stem):
            return None if plain() else (0, layer)
    if len(own) > 1 and re.fullmatch(rf".*_udm2{_SIZE_OR_CLIP}", stem, re.I):
        return 0, LAYERS[-1]  # its first band
    for name, what in _UNCLEAR:
        pattern = re.compile(name + _SIZE_OR_CLIP, re.I)
        if len(own) == 1 and (pattern.fullmatch(stem) or pattern.fullmatch(own[0])) and not plain():
            raise InputError(
                f"{path}: {what}, so that it does not say which pixels are to be left out; save a mask that"
                " is 0 where they are good (such as gdal_calc.py -A FILE --calc 'A>40' --outfile mask.tif)"
            )
    return None


def _stem(path: str) -> str:
    return re.sub(r"\.(?:tiff?|jp2|img|vrt|png)$", "", re.split(r"[/\\:]", path)[-1], flags=re.I)
