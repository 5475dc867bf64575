"""The formats that scenes come in: one record for each.

The records choose the reader of a file, name its format in ``terramamba check``, and are the page of formats:
``python -m terramamba.raster.readers.formats > docs/formats.md``.
"""

from dataclasses import replace
from pathlib import Path

from terramamba.core import tables
from terramamba.core.errors import InputError
from terramamba.core.regular import require_regular
from terramamba.raster.readers import (
    archive,
    array_scene,
    datasets,
    emit,
    enmap,
    gdal,
    neon,
    netcdf,
    prisma,
    run_folder,
    scene_folders,
    spectral_library,
    stac,
    swaths,
    tanager,
    variables,
    zarr_store,
)
from terramamba.raster.readers.alpha import AlphaUse
from terramamba.raster.readers.array_path import split_variable
from terramamba.raster.readers.axes import FLAG
from terramamba.raster.readers.format_record import (
    NO_OPTIONS,
    Format,
    InputPath,
    OpenOptions,
    drivers,
    ends_in,
    hdf5,
    on_disk,
)
from terramamba.raster.readers.satellite_folders import described_folder, is_description
from terramamba.raster.readers.tiff_pages import with_pages_as_bands
from terramamba.raster.scene import ARRAY_SUFFIXES, Scene


def open_any(path: str, options: OpenOptions = NO_OPTIONS) -> Scene:
    """Open ``path`` as a scene.

    Raises:
        InputError: it is not there, or of no format.
    """
    path, inner = split_variable(path, options.variable, options.variable_flag)
    options = replace(options, variable=inner)
    given = InputPath(path)
    if not given.on_disk and given.suffix in ARRAY_SUFFIXES:
        raise InputError(f"{path}: array files are read from disk only; download it first")
    if given.on_disk:
        require_regular(path)
    if given.on_disk and not Path(path).exists():
        raise InputError(f"{path}: no such file; check the path")
    known = next(known for known in FORMATS if known.matches(given))
    if options.asked.axes is not None and not known.bare:
        raise InputError(f"{FLAG}: {path} is {known.name}, which says itself how its axes lie; leave it out")
    if inner is not None and not known.named:
        raise InputError(
            f"{options.variable_flag} {inner}: {path} is {known.name}, which holds one image; leave it out"
        )
    return known.open(path, options)


def open_part(path: str, alpha: AlphaUse | None) -> Scene:
    """Open one of the files that a scene is made of."""
    return open_any(path, OpenOptions(alpha=alpha))


def page() -> str:
    """Write the page about formats, in Markdown."""
    columns = ("Format", "Known by", "What is read", "Good to know")
    rows = [(known.name, known.known_by, known.reads, known.notes) for known in FORMATS]
    table = [columns, ("---",) * len(columns), *rows]
    return "\n".join([_HEADING, *(f"| {' | '.join(row)} |" for row in table), ""])


def _image(path: str, options: OpenOptions) -> Scene:
    return gdal.open_image(path, options.variable, alpha=options.alpha, flag=options.variable_flag)


def _tiff(path: str, options: OpenOptions) -> Scene:
    return with_pages_as_bands(_image(path, options))


def _is_netcdf(given: InputPath) -> bool:
    if given.on_disk:
        listed = given.is_hdf5 or variables.is_netcdf3(given.begin)
        return listed and given.suffix not in _HDF5_OF_OTHERS
    return given.suffix in _NETCDF_ENDINGS and given.driver in ("netCDF", "HDF5", "HDF5Image")


def _netcdf(path: str, options: OpenOptions) -> Scene:
    if datasets.is_address(path):
        raise InputError(f"{path}: NetCDF and HDF5 are read from disk only; download it first")
    return netcdf.open_netcdf(path, options.variable, options.asked, options.variable_flag)


def _folder(path: str, options: OpenOptions) -> Scene:
    folder = str(described_folder(path)) if is_description(path) else path
    return scene_folders.open_folder(folder, open_part, options.alpha)


def _any_image(path: str, options: OpenOptions) -> Scene:
    names = ", ".join(known.name for known in FORMATS[:-1])
    remedy = f"give one of: {names}"
    scene = gdal.open_image(path, options.variable, remedy, options.alpha, options.variable_flag)
    return replace(scene, format=gdal.driver_of(path) or "")


def _array(path: str, options: OpenOptions) -> Scene:
    return array_scene.open_array(path, variable=options.variable, asked=options.asked)


def _stac(path: str, options: OpenOptions) -> Scene:
    names = [name.strip() for name in (options.variable or "").split(",") if name.strip()]
    return stac.open_stac(path, assets=names or None)


_MATLAB_NOTES = (
    "The largest of several; `--scene-variable scene.Data` or `FILE.mat:scene.Data` names another, "
    "in structures (`s(2).x`) and cells (`c{3}`) too. What holds the bands is settled by the labels, other "
    "entries of the file (`wavelength`, `nRow`, `gt`) or the model; else `--axes rows,cols,bands` says it. "
    "Tables of pixels (with `nRow`, `nCol`) are read column by column."
)

_HDF5_OF_OTHERS = (".kea", ".bag")
"""Endings of files that are HDF5, which GDAL reads with drivers of their own."""
_NETCDF_ENDINGS = (".nc", ".nc4", ".cdf", ".h5", ".he5", ".hdf5", ".hdf")

FORMATS = (
    Format(
        name="archive (zip, tar, ...)",
        known_by="`.zip`, `.tar`, `.tgz`, `.gz` and others",
        reads="nothing: refused",
        notes="Unpack it. A single image in a zip archive opens as `/vsizip/PATH.zip/IMAGE.tif`. Polygons "
        "are read from zip archives.",
        matches=on_disk(archive.is_archive),
        reader=lambda path, options: archive.refuse_archive(path),
    ),
    Format(
        name=zarr_store.NAME,
        known_by="a folder with `.zgroup`, `.zarray` or `zarr.json`",
        reads="nothing: refused",
        notes="Save it as NetCDF or GeoTIFF.",
        matches=on_disk(zarr_store.is_zarr),
        reader=lambda path, options: zarr_store.refuse_zarr(path),
    ),
    Format(
        name=run_folder.NAME,
        known_by="a folder with `model.json`, or `config.yaml` and `plan.json`",
        reads="nothing: refused",
        notes="It is what maps, not what is mapped. The image of its split in it opens by its own name.",
        matches=on_disk(run_folder.is_run),
        reader=lambda path, options: run_folder.refuse_run(path),
    ),
    Format(
        name="EnMAP",
        known_by="a folder with one `ENMAP...-METADATA.XML` or `DESIS...-METADATA.xml`, that file, or the "
        "`...-SPECTRAL_IMAGE` beside it",
        reads="the spectral image; wavelengths, band widths, gain and offset from the metadata",
        notes="Levels L1C and L2A, of DESIS alike. Bands that the metadata report as empty are bad bands. "
        "Gains are applied only where they differ from band to band.",
        matches=on_disk(enmap.is_enmap),
        reader=lambda path, options: enmap.open_enmap(path),
    ),
    Format(
        name="folder",
        known_by="a folder, a `.SAFE` product of Sentinel-2, a list of files, or the file that describes a "
        "scene of single bands and lies beside them (`MTD_MSIL2A.xml`, `..._MTL.txt`, SNAP's `.dim`)",
        reads="tiles of one pixel grid side by side, or single bands of one place; in a folder without "
        "images, the products in it (folders of bands, items) side by side",
        notes="Single bands stand in the order of their wavelengths, which the names of Landsat and "
        "Sentinel-2 files tell, else of their names; larger pixels are brought onto the finest grid (nearest "
        "pixel). Of a band in several pixel sizes the finest counts. In bands of these satellites 0 is no "
        "data where the file does not say otherwise. Without georeferencing, files of one size whose names "
        "differ in the band alone (B01, ... B8A, B12) are bands. What lies beside a scene by its name is "
        "left out and noted: layers of quality, pictures, maps of aerosols, dark and white references. Of "
        "images that show the same ground the first with data counts, which is noted. To leave out bands, "
        "list the others in a CSV table.",
        matches=on_disk(lambda path: Path(path).is_dir() or is_description(path)),
        reader=_folder,
    ),
    Format(
        name="CSV table",
        known_by="`.csv`, `.tsv`",
        reads="the tiles that the column `image` lists, with paths relative to the table, or addresses; "
        "a tile may be whatever opens as a scene",
        notes="Labels are read from the column `mask`.",
        matches=ends_in(*tables.SUFFIXES),
        reader=lambda path, options: scene_folders.open_table(path, options.column, open_part, options.alpha),
    ),
    Format(
        name="MATLAB v7.3",
        known_by="`.mat` that is HDF5",
        reads="the 3-D array, else the only 2-D one, by windows",
        notes=_MATLAB_NOTES,
        matches=lambda given: ends_in(".mat")(given) and given.is_hdf5,
        reader=_array,
        named=True,
        bare=True,
    ),
    Format(
        name="MATLAB v5",
        known_by="`.mat`",
        reads="the 3-D array, else the only 2-D one, as a whole",
        notes="As v7.3.",
        matches=ends_in(".mat"),
        reader=_array,
        named=True,
        bare=True,
    ),
    Format(
        name="NumPy .npy",
        known_by="`.npy`",
        reads="the array, by windows",
        notes="Labels, model or `--axes` settle which axis holds the bands. Objects are not unpickled.",
        matches=ends_in(".npy"),
        reader=_array,
        named=True,
        bare=True,
    ),
    Format(
        name="NumPy .npz",
        known_by="`.npz`",
        reads="the 3-D array, else the only 2-D one, as a whole",
        notes="As .npy; of several arrays as MATLAB.",
        matches=ends_in(".npz"),
        reader=_array,
        named=True,
        bare=True,
    ),
    Format(
        name=stac.NAME,
        known_by="JSON with a `stac_version`, on disk or at a web address (`....json` or `.../items/...`)",
        reads="the bands of its assets by rising wavelength, through pystac-client and odc-stac; "
        "wavelengths, band widths, values of no data; scale and offset are applied",
        notes="Needs `pip install 'terramamba[stac]'`. Larger pixels are brought onto the finest grid "
        "(nearest pixel). Of a band that is there twice one counts; pictures, classes and quality layers are "
        "left out. `--scene-variable red,nir` names assets or bands. Addresses are opened unsigned.",
        matches=lambda given: stac.is_stac(given.path),
        reader=_stac,
        named=True,
    ),
    Format(
        name=emit.NAME,
        known_by="NetCDF with a geometry lookup table (`location/glt_x`, `location/glt_y`)",
        reads="`reflectance` (L2A) or `radiance` (L1B), put on the ground by the lookup table as it is read; "
        "wavelengths and band widths",
        notes="By windows. Bands that `good_wavelengths` excludes are bad bands; pixels outside the swath "
        "have no data. The mask product is for `--mask`: its flags of clouds, cirrus and the spacecraft "
        "count.",
        matches=hdf5(emit.is_emit),
        reader=lambda path, options: emit.open_emit(path, options.variable, options.variable_flag),
        named=True,
    ),
    Format(
        name=prisma.NAME,
        known_by="HDF-EOS5 with swaths `PRS_...`",
        reads="both cubes as one, by rising wavelength, as reflectance; band widths; the UTM grid",
        notes="By windows. Where the spectrometers overlap, the short-wave infrared one counts. Other levels "
        "than L2D have no map grid and are refused.",
        matches=hdf5(prisma.is_prisma),
        reader=lambda path, options: prisma.open_prisma(path),
    ),
    Format(
        name=neon.NAME,
        known_by="HDF5 with `SITE/Reflectance/Reflectance_Data` (or `Radiance`) and its `Metadata`",
        reads="the cube, its grid from map info and EPSG code; wavelengths, band widths, value of no data",
        notes="By windows; bidirectional reflectance, too. The scale factor is reported, not applied. Bands "
        "in the windows of water vapour that it names are bad bands. The layout before 2016 is refused.",
        matches=hdf5(neon.is_neon),
        reader=lambda path, options: neon.open_neon(path, options.variable, options.variable_flag),
        named=True,
    ),
    Format(
        name=tanager.NAME,
        known_by="HDF-EOS5 with the grid `HYP`",
        reads="`surface_reflectance` or `toa_radiance` on its UTM grid; wavelengths, widths, fill value",
        notes="By windows. Bands that `good_wavelengths` excludes are bad bands.",
        matches=hdf5(tanager.is_tanager),
        reader=lambda path, options: tanager.open_tanager(path, options.variable, options.variable_flag),
        named=True,
    ),
    Format(
        name=swaths.NAME,
        known_by="HDF5 with swaths `HYP`, or with `navigation_data` beside `geophysical_data`",
        reads="nothing: refused",
        notes="Their pixels lie on no map grid: give a product that does, of Tanager the ortho one.",
        matches=hdf5(swaths.is_swath),
        reader=lambda path, options: swaths.refuse_swath(path),
    ),
    Format(
        name="NetCDF, HDF5",
        known_by="content; on disk only",
        reads="one variable, by windows, north up on the grid of its coordinate variables (or "
        "`GeoTransform`), with the reference system of its grid mapping; wavelengths, widths, bad bands; "
        "`_FillValue` and `valid_range` are no data, packed values are unpacked; longitudes of 180 to 360 "
        "are read as -180 to 0, and run on where they jump from 359 to 0",
        notes="`--scene-variable` names one of several, with its group or without. Names and coordinates of "
        "the axes settle what is rows, columns and bands; axes without names are as those of .npy. Latitude "
        "and longitude without a reference system are taken for EPSG:4326. A `scale_factor` of 100 or more "
        "of reflectance in whole numbers divides.",
        matches=_is_netcdf,
        reader=_netcdf,
        named=True,
        bare=True,
    ),
    Format(
        name=spectral_library.NAME,
        known_by="`file type = ENVI Spectral Library` in the header `.hdr` of a `.sli` or `.esl`",
        reads="nothing: refused",
        notes="Spectra without places. So are those of EnMAP-Box in a GeoPackage: points that have a place "
        "are labels like others, their profiles are not read.",
        matches=on_disk(spectral_library.is_library),
        reader=lambda path, options: spectral_library.refuse_library(path),
    ),
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
    Format(
        name="any other raster that GDAL reads",
        known_by="content",
        reads="as GeoTIFF",
        notes="Untested.",
        matches=lambda given: True,
        reader=_any_image,
        named=True,
    ),
)

_HEADING = """# Formats

What `terramamba` reads as a scene. `terramamba check FILE` says what it makes of a file.
This page is printed by `python -m terramamba.raster.readers.formats`.
"""


if __name__ == "__main__":
    print(page(), end="")
