"""EnMAP and DESIS products: the spectral image, with what the metadata beside it say of its bands.

A product of either is a folder of files that share a stem: ``STEM-METADATA.XML``,
``STEM-SPECTRAL_IMAGE.TIF`` (or another format) and quality layers. The folder, the metadata or the image may
be given.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

from terramamba.core.errors import InputError, reason_of
from terramamba.raster.readers.format_record import Format, on_disk
from terramamba.raster.readers.gdal import open_image
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.scene import Scene, Source
from terramamba.raster.views.physical import PhysicalSource

NAME = "EnMAP"
DESIS = "DESIS"
METADATA = "-METADATA.XML"
_IMAGE = re.compile(r"-SPECTRAL_IMAGE(_[A-Z]+)?\.(tif|tiff|jp2|bsq|bil|bip|img)$", re.I)
_NO_BAND_MEAN = -1e6
"""The mean that the processor gives to a band without any data."""


def is_enmap(path: str) -> bool:
    """Tell whether ``path`` is such a product: its folder, its metadata, or its image beside them."""
    return _metadata(path) is not None


def open_enmap(path: str) -> Scene:
    """Open the spectral image of such a product with wavelengths, widths, bad bands, scale from beside it.

    Raises:
        InputError: a part of the product is missing, or the metadata do not fit the image.
    """
    metadata = _metadata(path)
    assert metadata is not None
    stem = metadata.name[: -len(METADATA)]
    images = sorted(
        file
        for file in metadata.parent.iterdir()
        if file.name.startswith(f"{stem}-") and _IMAGE.search(file.name[len(stem) :])
    )
    if len(images) != 1:
        beside = ", ".join(image.name for image in images) or "no spectral image"
        raise InputError(
            f"{metadata}: beside it lies {beside}; give a product of level L1C or L2A with its SPECTRAL_IMAGE"
        )
    scene = open_image(str(images[0]))
    bands, background = _read(metadata)
    if len(bands) != scene.bands:
        raise InputError(
            f"{metadata}: describes {len(bands)} bands, {images[0].name} has {scene.bands}; "
            "give the metadata of this image"
        )
    assert isinstance(scene.source, GdalSource)
    source: Source = scene.source
    if scene.nodata is None and background is not None:
        source = replace(scene.source, nodata=(background,) * scene.bands)
        scene = replace(scene, nodata=background)
    gains, offsets = tuple(b.gain for b in bands), tuple(b.offset for b in bands)
    alike = len(set(gains)) == 1 and not any(offsets)
    if not alike:
        source = PhysicalSource(source, gains, offsets)
        applied = "gain and offset of each band applied, as they differ from band to band"
        scene = replace(scene, dtype="float32", nodata=float("nan"), notes=(*scene.notes, applied))
    return replace(
        scene,
        declared=None,
        path=path,
        format=_sensor(metadata),
        source=source,
        band_names=tuple(f"{b.wavelength:.2f} nm" for b in bands),
        wavelengths=tuple(b.wavelength for b in bands),
        fwhm=tuple(b.fwhm for b in bands),
        bad_bands=tuple(b.empty for b in bands),
        scale=gains[0] if alike and gains[0] != 1 else None,
    )


@dataclass(frozen=True)
class _Band:
    wavelength: float
    fwhm: float
    gain: float
    offset: float
    empty: bool


def _metadata(path: str) -> Path | None:
    given = Path(path)
    if given.is_dir():
        listed = [file for file in given.iterdir() if _is_metadata(file)]
        return listed[0] if len(listed) == 1 else None
    if _is_metadata(given):
        return given
    image = _IMAGE.search(given.name)
    if image is None:
        return None
    wanted = (given.name[: image.start()] + METADATA).upper()
    beside = [file for file in given.parent.iterdir() if file.name.upper() == wanted and _is_metadata(file)]
    return beside[0] if beside else None


def _is_metadata(file: Path) -> bool:
    return file.name.upper().startswith(("ENMAP", DESIS)) and file.name.upper().endswith(METADATA)


def _sensor(metadata: Path) -> str:
    return DESIS if metadata.name.upper().startswith(DESIS) else NAME


def _read(metadata: Path) -> tuple[list[_Band], float | None]:
    """Read the bands of the product in their order, and the value that stands for no data."""
    try:
        root = ElementTree.parse(metadata).getroot()
        listed = root.findall(".//{*}bandCharacterisation/{*}bandID")
        if not listed:
            return _of_desis(root), None
        empty = {
            band.get("number")
            for band in root.findall(".//{*}bandStatistics/{*}bandID")
            if _number(band, "stdDeviation", 1.0) == 0 and _number(band, "mean", 0.0) == _NO_BAND_MEAN
        }
        bands = [
            _Band(
                _number(band, "wavelengthCenterOfBand"),
                _number(band, "FWHMOfBand"),
                _number(band, "GainOfBand", 1.0),
                _number(band, "OffsetOfBand", 0.0),
                band.get("number") in empty,
            )
            for band in sorted(listed, key=lambda band: int(band.get("number", "0")))
        ]
        value = root.findtext(".//{*}specific/{*}backgroundValue")
        return bands, None if value is None else float(value)
    except (ElementTree.ParseError, ValueError, OSError) as error:
        raise InputError(
            f"{metadata}: cannot be read as {_sensor(metadata)} metadata ({reason_of(error)}); fetch it again"
        ) from error


def _of_desis(root: ElementTree.Element) -> list[_Band]:
    listed = root.findall(".//{*}bandCharacterisation/{*}band")
    return [
        _Band(
            _number(band, "wavelengthCenterOfBand"),
            _number(band, "wavelengthWidthOfBand"),
            _number(band, "gainOfBand", 1.0),
            _number(band, "offsetOfBand", 0.0),
            empty=False,
        )
        for band in sorted(listed, key=lambda band: _number(band, "bandNumber"))
    ]


def _number(band: ElementTree.Element, name: str, missing: float | None = None) -> float:
    text = band.findtext(f"{{*}}{name}")
    if text is None or not text.strip():
        if missing is None:
            raise ValueError(f"a band without {name}")
        return missing
    return float(text)


FORMAT = Format(
    name="EnMAP",
    known_by="a folder with one `ENMAP...-METADATA.XML` or `DESIS...-METADATA.xml`, that file, or the "
    "`...-SPECTRAL_IMAGE` beside it",
    reads="the spectral image; wavelengths, band widths, gain and offset from the metadata",
    notes="Levels L1C and L2A, of DESIS alike. Bands that the metadata report as empty are bad bands. "
    "Gains are applied only where they differ from band to band.",
    matches=on_disk(is_enmap),
    reader=lambda path, options: open_enmap(path),
)
