"""Errors that come out of rasterio.

What GDAL reports reaches the caller now as one of ``rasterio.errors``, now as a class that rasterio keeps to
itself, and releases differ in which. All of them are defined somewhere in the package, and by that they are
known here.
"""

NOT_SUPPORTED = 6
"""GDAL's number (``CPLE_NotSupported`` in cpl_error.h) of what it has no way to do."""


def is_from_rasterio(error: BaseException) -> bool:
    """Tell whether rasterio, or GDAL through it, raised ``error``."""
    return type(error).__module__.partition(".")[0] == "rasterio"


def is_not_supported(error: BaseException) -> bool:
    """Tell whether GDAL has no way at all to do what was asked for, whatever the numbers are."""
    return is_from_rasterio(error) and getattr(error, "errno", None) == NOT_SUPPORTED
