"""The formats of images that GDAL reads."""

from terramamba.raster.readers import gdal
from terramamba.raster.readers.format_record import Format, OpenOptions, drivers
from terramamba.raster.readers.tiff_pages import with_pages_as_bands
from terramamba.raster.scene import Scene


def _image(path: str, options: OpenOptions) -> Scene:
    return gdal.open_image(path, options.variable, alpha=options.alpha, flag=options.variable_flag)


def _tiff(path: str, options: OpenOptions) -> Scene:
    return with_pages_as_bands(_image(path, options))


IMAGES = (
    Format(
        name="GeoTIFF",
        known_by="content, at any address that GDAL opens (file, URL, `/vsi...`)",
        reads="all bands but transparency, which is a mask; COG and TIFF without georeferencing, too",
        notes="Wavelengths, widths and bad bands are read from the tags of the bands. Scale and offset that "
        "they declare are applied by training, and by a model that learnt so: nodata.md. A band that the "
        "file calls transparency is one only if its values are 0 or full nearly everywhere: bands.md. Five "
        "pages or more of one size and type are bands; of others the first is read, and that is noted.",
        matches=drivers("GTiff", "COG"),
        reader=_tiff,
        named=True,
    ),
    Format(
        name="VRT",
        known_by="content, as GeoTIFF",
        reads="as GeoTIFF",
        notes="Its parts may lie elsewhere. Bands without names are called by the files that they show.",
        matches=drivers("VRT"),
        reader=_image,
        named=True,
    ),
    Format(
        name="ENVI",
        known_by="a header `.hdr` beside the data; either may be given",
        reads="BSQ, BIL and BIP; wavelengths, band widths, bad-band list (`bbl`), value of no data",
        notes="The reflectance scale factor is reported, not applied. Bad bands may be told in words (True, "
        "no); lists of another length than the bands are noted and not used. Bands whose wavelength is 0 are "
        "left out. Text may be Latin-1. A header whose interleave, numbers, byte order or data type are not "
        "the file's is told by how alike neighbouring pixels are otherwise.",
        matches=drivers("ENVI"),
        reader=_image,
        named=True,
    ),
    Format(
        name="JPEG 2000",
        known_by="content, as GeoTIFF",
        reads="as GeoTIFF",
        notes="Sentinel-2's bands come so.",
        matches=drivers("JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID"),
        reader=_image,
        named=True,
    ),
    Format(
        name="picture (PNG, JPEG, BMP)",
        known_by="content",
        reads="all bands but transparency, which is a mask; a palette as its colours, in labels as numbers",
        notes="Without georeferencing, results have none either.",
        matches=drivers("PNG", "JPEG", "BMP", "GIF", "WEBP"),
        reader=_image,
        named=True,
    ),
)
