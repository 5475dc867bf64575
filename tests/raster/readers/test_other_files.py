"""Files of other programs are called by what they are, whichever way they are given."""

from pathlib import Path

import numpy as np
import pytest

from terramamba.core.errors import InputError
from terramamba.raster.checks.describe_vector import describe_features
from terramamba.raster.readers.open import open_scene

LABELME = '{"version": "5", "shapes": [{"label": "tree"}], "imagePath": "a.png"}'
COCO = '{"images": [], "annotations": [{"image_id": 1}], "categories": []}'
VIA = '{"a.png": {"filename": "a.png", "regions": [{"shape_attributes": {"name": "polygon"}}]}}'


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", LABELME, r"a\.json: holds labelme's annotations, .*codes of classes, as PNG"),
        ("a.json", COCO, r"holds annotations of COCO, .*annToMask"),
        ("a.json", VIA, r"holds annotations of VIA"),
        ("a.xml", "<RegionsOfInterest version='1.0'><Region/></RegionsOfInterest>", r"ROI Tool, Export to"),
        ("a.xml", "<annotations><image id='0'/></annotations>", r"annotations of CVAT"),
        ("a.xml", "<annotation><object><name>tree</name></object></annotation>", r"Pascal VOC"),
        ("MOD09.hdf", "HDF", r"is HDF4, which .*gdal_translate -sds"),
        ("a.xlsx", "e", r"is a workbook of Excel; save its sheet as CSV UTF-8"),
        ("a.ECW", "e", r"is ECW, which .*save it as GeoTIFF"),
    ],
)
def test_they_are_called_by_what_they_are(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        describe_features(str(path)) if path.suffix == ".json" else open_scene(path)


def test_an_image_is_told_from_shapes(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((4, 5)))
    with pytest.raises(InputError, match=r"a\.npy: is an image, where points or polygons are asked for"):
        describe_features(str(tmp_path / "a.npy"))


def test_other_files_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"imagePath": "a.png"}', encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read as a vector file"):
        describe_features(str(tmp_path / "a.json"))
