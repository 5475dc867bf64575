"""Files of other programs that are not read: what they are, and what to save instead."""

from contextlib import suppress
from pathlib import Path

LOOKED_AT = 1 << 16
_LIBRARY = "which GDAL opens only with a library of its makers; save it as GeoTIFF (in QGIS: Export)"
_ELSEWHERE = {
    ".ecw": f"is ECW, {_LIBRARY}",
    ".sid": f"is MrSID, {_LIBRARY}",
    ".xlsx": "is a workbook of Excel; save its sheet as CSV UTF-8",
    ".xls": "is a workbook of Excel; save its sheet as CSV UTF-8",
    ".hdf": "is HDF4, which this GDAL does not open; save its images as GeoTIFF (gdal_translate -sds, of one"
    " that does)",
}
"""Formats that are not opened everywhere, by how files end."""
_POLYGONS = "which lie on pixels of a picture; save them as an image of codes of classes, as PNG"
_ROI = (
    "ENVI's regions of interest as XML; save them as a shapefile (in ENVI: ROI Tool, Export to Shapefile) or"
    " as a classification image"
)
_KINDS = (
    ((b'"shapes"', b'"imagePath"'), f"labelme's annotations, {_POLYGONS} (labelme_export_json)"),
    ((b'"annotations"', b'"categories"'), f"annotations of COCO, {_POLYGONS} (pycocotools: annToMask)"),
    ((b'"annotations"', b'"image_id"'), f"annotations of COCO, {_POLYGONS} (pycocotools: annToMask)"),
    ((b'"lng_lat"', b'"features"'), f"the labels of xView2, {_POLYGONS} (xView2's mask_polygons.py)"),
    ((b'"shape_attributes"', b'"filename"'), f"annotations of VIA, {_POLYGONS}"),
    ((b"<RegionsOfInterest",), _ROI),
    ((b"<annotations>", b"<image "), f"annotations of CVAT, {_POLYGONS} (in CVAT: Segmentation mask)"),
    ((b"<annotation>", b"<object>"), f"annotations of Pascal VOC, {_POLYGONS}"),
)
"""Words that all stand near the beginning, or the end, of a file, and what it is."""


def annotations_in(path: str) -> str | None:
    """Say what a file holds that annotates a picture, and what to save instead; None for other files."""
    with suppress(OSError), Path(path).open("rb") as file:
        text = file.read(LOOKED_AT)
        file.seek(max(0, Path(path).stat().st_size - LOOKED_AT))
        text += file.read()
        return next((f"holds {said}" for words, said in _KINDS if all(word in text for word in words)), None)
    return None


def format_elsewhere(path: str) -> str | None:
    """Say which format a file has that GDAL opens elsewhere, and what to save instead; None for others."""
    return _ELSEWHERE.get(Path(path).suffix.lower())
