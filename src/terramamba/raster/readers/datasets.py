"""What GDAL has open: a dataset for each path or address, kept for the next window.

A dataset must not be shared between threads, nor between a process and its fork. So a source keeps only a
path, and each thread of each process keeps the few datasets that it used last: their decoded blocks serve
the next, overlapping window. Pages of a TIFF that are bands are kept beside them, as a read takes them all.
"""

import os
import re
import threading
import warnings
from collections import OrderedDict
from contextlib import nullcontext
from functools import cache, lru_cache
from itertools import islice
from typing import Any
from weakref import WeakSet

import rasterio
from rasterio.env import ensure_env_with_credentials
from rasterio.errors import NotGeoreferencedWarning

from terramamba.core.errors import InputError
from terramamba.core.network import set_for_gdal
from terramamba.core.regular import require_regular
from terramamba.core.trust import is_trusted
from terramamba.raster.readers.references import LEADING, require_own_files, require_own_parts

OPEN_DATASETS = 16
MOST_PAGES, PAGES_OF_FILES = 256, 4
"""Pages that all threads keep open, about, at most this part of the files that a process may have open."""
MOST_LISTED = 1000
"""Files of a folder among which GDAL looks for those of an image; the list of a fuller one is thrown away."""
_ADDRESS = re.compile(r"/vsi|[A-Za-z][A-Za-z0-9+._-]+:")  # two letters at least: C: is a drive
_ON_WEB = re.compile(r"(/vsi\w+/)*(/vsi(curl|s3|gs|az|oss|swift|webhdfs)|https?:|ftp:)", re.IGNORECASE)
_PAGE = re.compile(r"GTIFF_DIR:(?:off:)?[0-9]+:(.+)")
_THREAD = threading.local()
_WITH_PAGES: WeakSet[threading.Thread] = WeakSet()
# Filters of warnings belong to the whole process, so only one thread at a time may change them.
_WARNINGS = threading.Lock()


def is_address(path: str) -> bool:
    """Tell whether ``path`` is something else than a file on disk: a URL, /vsi..., netcdf:file:variable."""
    if _ADDRESS.match(path) is None:
        return False
    # a file may be called as an address begins
    return path.startswith("/vsi") or "://" in path or not os.path.lexists(path)


def is_on_web(path: str) -> bool:
    """Tell whether ``path`` is read from a server."""
    return _ON_WEB.match(path) is not None


def dataset_of(path: str) -> Any:
    """Return this thread's dataset of ``path``, opened anew where it, or what describes it, has changed.

    Raises:
        RasterioError: GDAL opens none.
        InputError: the file names others that it may not.
    """
    process = os.getpid()
    if getattr(_THREAD, "process", None) != process:
        _THREAD.process, _THREAD.opened, _THREAD.pages = process, OrderedDict(), OrderedDict()
    page = _PAGE.fullmatch(path)
    if page is not None:
        return _page_of(path, page[1], _THREAD.pages)
    opened: OrderedDict[tuple[Any, ...], Any] = _THREAD.opened
    on_disk = not is_address(path)
    key = (path, *_stamps(path, *_describing(path))) if on_disk else (path,)
    if key not in opened:
        opened[key] = open_raster(path)
        while len(opened) > OPEN_DATASETS:
            opened.popitem(last=False)[1].close()
    opened.move_to_end(key)
    return opened[key]


def _page_of(name: str, path: str, opened: OrderedDict[tuple[Any, ...], Any]) -> Any:
    """Return the dataset of one page of ``path``, which the next read takes in its turn.

    Threads share how many are kept. Where more are read in turn, the last one makes room: the first are
    needed next.
    """
    key = (name, path, *_stamps(path))
    if key not in opened:
        _WITH_PAGES.add(threading.current_thread())
        while len(opened) >= max(1, _most_pages() // len(_WITH_PAGES)):
            of_this = next(iter(opened))[1:] == key[1:]
            opened.popitem(last=of_this)[1].close()
        opened[key] = open_raster(name)
    return opened[key]


@cache
def _most_pages() -> int:
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:  # Windows, where a process may have thousands
        return MOST_PAGES
    allowed, _ = getrlimit(RLIMIT_NOFILE)
    return MOST_PAGES if allowed < 0 else min(MOST_PAGES, max(1, allowed // PAGES_OF_FILES))


def open_raster(path: str) -> Any:
    """Return a dataset of ``path`` that is nobody else's.

    Raises:
        RasterioError: GDAL opens none.
        InputError: the file names others that it may not.
    """
    set_for_gdal()
    on_disk = not is_address(path)
    if on_disk:
        require_regular(path)
        require_own_files(path)
    with _WARNINGS, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.Env.from_defaults(**_without_list(path)) if on_disk else nullcontext():
            dataset = rasterio.open(path) if is_trusted() or _is_service(path) else _plainly(path, on_disk)
    if on_disk:
        try:
            require_own_parts(path, dataset.files)
        except InputError:
            dataset.close()
            raise
    return dataset


def _is_service(path: str) -> bool:
    """Tell whether ``path`` says itself which driver of GDAL is to open it: ``WMTS:https://...``."""
    return is_address(path) and not is_on_web(path) and not path.startswith("/vsi")


def _plainly(path: str, on_disk: bool) -> Any:
    """Open ``path`` by a driver that leads nowhere else; ``rasterio.open`` itself takes one driver alone."""
    # what is on disk needs no credentials, which take as long as opening it
    return _by_plain_drivers(path) if on_disk else ensure_env_with_credentials(_by_plain_drivers)(path)


def _by_plain_drivers(path: str) -> Any:
    return rasterio.DatasetReader(path, driver=_plain_drivers())


@cache
def _plain_drivers() -> list[str]:
    with rasterio.Env() as environment:
        return [driver for driver in environment.drivers() if driver not in LEADING]


def files_of_image(path: str) -> list[str]:
    """List the files that GDAL reads for ``path``; raises ``RasterioError`` where it opens nothing."""
    return list(dataset_of(path).files)


def _without_list(path: str) -> dict[str, bool]:
    """Where GDAL would list the folder of ``path`` only to throw the list away: half the time of opening."""
    folder = os.path.dirname(path) or os.curdir  # noqa: PTH120  (making a Path takes longer)
    return {"GDAL_DISABLE_READDIR_ON_OPEN": True} if _is_crowded(folder, _stamps(folder)) else {}


@lru_cache(64)
def _is_crowded(folder: str, stamps: tuple[int, ...]) -> bool:
    """Tell whether ``folder`` holds more than GDAL lists; its stamps have it looked at anew."""
    try:
        with os.scandir(folder) as entries:
            return next(islice(entries, MOST_LISTED, None), None) is not None
    except OSError:
        return False


def _describing(path: str) -> tuple[str, str, str]:
    """Where what describes an image lies: statistics and nodata, and the header of ENVI data."""
    return f"{path}.aux.xml", f"{path}.hdr", f"{path.rpartition('.')[0] or path}.hdr"


def _stamps(*paths: str) -> tuple[int, ...]:
    """When each of the files was changed last, and its size; zeros where there is none."""
    found: list[int] = []
    for path in paths:
        try:
            status = os.stat(path)  # noqa: PTH116  (asked for each window: making a Path takes longer)
        except (OSError, ValueError):  # or a name that no file can have
            found += (0, 0)
        else:
            found += (status.st_mtime_ns, status.st_size)
    return tuple(found)
