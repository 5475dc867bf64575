"""Why GDAL opens no image at a path, in one line with what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rasterio.errors import RasterioError

from terramamba.core.errors import InputError, reason_of
from terramamba.core.network import what_of_address
from terramamba.raster.rasterio_errors import is_from_rasterio
from terramamba.raster.readers.datasets import is_address, is_on_web
from terramamba.raster.readers.envi_header import ENVI_SUFFIXES, wrong_header
from terramamba.raster.readers.other_files import annotations_in, format_elsewhere

PICKLES = (".pkl", ".pickle", ".joblib")
"""How dumps of Python end, among them the classifiers of EnMAP-Box."""


def why_not(path: str, error: RasterioError, remedy: str) -> str:
    """Say why GDAL opens no image at ``path``, and what to do."""
    reason = reason_of(error).removeprefix(f"'{path}' ")
    if is_on_web(path):
        return what_of_address(reason)
    if is_address(path):
        return f"cannot be opened ({reason}); check the address"
    if "not recognized" not in reason:
        return f"cannot be opened ({reason}); the file is damaged or incomplete, fetch it again"
    if (other := annotations_in(path) or format_elsewhere(path)) is not None:
        return other
    if Path(path).suffix.lower() in PICKLES:
        return "is a pickle of Python, which could run any code, so it is never opened; give images or labels"
    described = Path(path).with_suffix(".grd")
    if Path(path).suffix.lower() == ".gri" and described.is_file():
        return f"holds the values alone of a raster of R; give {described.name}, which describes them"
    if (wrong := wrong_header(path)) is not None:
        return f"its header {wrong.name} does not begin with the word ENVI; save it as plain text that does"
    if Path(path).suffix.lower() in ENVI_SUFFIXES:
        remedy = f"ENVI data need their header {Path(path).with_suffix('.hdr').name} beside them"
    return f"not an image that can be read ({reason}); {remedy}"


@contextmanager
def reading_header(path: str) -> Iterator[None]:
    """Turn what rasterio raises on a damaged header, or text that is not UTF-8, into ``InputError``."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: its header holds text that is not UTF-8 ({error.object[:60]!r}); save it in UTF-8"
        ) from error
    except Exception as error:
        if not is_from_rasterio(error):
            raise
        raise InputError(
            f"{path}: its header cannot be read ({reason_of(error)}); the file is damaged, fetch it again"
        ) from error
