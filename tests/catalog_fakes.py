"""Small made-up data sets that lie as the published ones do, and small records of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import rasterio
from affine import Affine
from jaxtyping import Int, UInt8
from PIL import Image
from scipy.io import savemat

from terramamba.data.catalog import CATALOG, PairSet, SceneSet
from terramamba.data.catalog.oscd import BANDS

ONERA = "Onera Satellite Change Detection dataset - "


def scene_record(name: str, /, **changes: object) -> SceneSet:
    record = CATALOG[name]
    assert isinstance(record, SceneSet)
    return replace(record, **changes)  # type: ignore[arg-type]


def pair_record(name: str, /, **changes: object) -> PairSet:
    record = CATALOG[name]
    assert isinstance(record, PairSet)
    return replace(record, **changes)  # type: ignore[arg-type]


def label_map(
    height: int, width: int, pixels: Sequence[int], chance: np.random.Generator
) -> UInt8[np.ndarray, "h w"]:
    """A map with exactly ``pixels`` of each class, in strips that a block split can part."""
    codes = np.repeat(np.arange(1, len(pixels) + 1), pixels)
    flat = np.zeros(height * width, np.uint8)
    free = len(flat) - len(codes)
    assert free >= 0
    start = int(chance.integers(0, free + 1))
    flat[start : start + len(codes)] = codes
    return flat.reshape(height, width)


def cube_of(
    labels: Int[np.ndarray, "h w"], bands: int, chance: np.random.Generator
) -> UInt8[np.ndarray, "h w c"]:
    """Bands from which the classes can be told."""
    spectra = chance.integers(20, 200, (int(labels.max()) + 1, bands))
    return (spectra[labels] + chance.integers(0, 20, (*labels.shape, bands))).astype(np.uint8)


def indian_pines(folder: Path, record: SceneSet, chance: np.random.Generator) -> UInt8[np.ndarray, "h w"]:
    labels = label_map(record.height, record.width, record.pixels["all"], chance)
    cube = cube_of(labels, record.bands[0], chance)
    folder.mkdir(parents=True, exist_ok=True)
    savemat(folder / "Indian_pines_corrected.mat", {"indian_pines_corrected": cube})
    savemat(folder / "Indian_pines_gt.mat", {"indian_pines_gt": labels})
    return labels


def xiongan(folder: Path, record: SceneSet, chance: np.random.Generator, *, transposed: bool) -> None:
    """Both files in HDF5; the arrays of one copy are the transposed ones of the other."""
    pixels = [record.height * record.width // record.number - 1] * record.number
    labels = label_map(record.height, record.width, pixels, chance)
    cube = cube_of(labels, record.bands[0], chance)
    if transposed:
        labels, cube = labels.T, cube.transpose(1, 0, 2)
    folder.mkdir(parents=True, exist_ok=True)
    for name, key, array in (("xiongan.mat", "XiongAn", cube), ("xiongan_gt.mat", "xiongan_gt", labels)):
        with h5py.File(folder / name, "w", userblock_size=512) as file:
            file[key] = array.T  # MATLAB's order of axes
            file[key].attrs["MATLAB_class"] = np.bytes_("uint8")
        with (folder / name).open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def houston(
    folder: Path, record: SceneSet, chance: np.random.Generator
) -> dict[str, UInt8[np.ndarray, "h w"]]:
    """The contest's files: a GeoTIFF and regions as text, in an order of their own."""
    train, test = (record.pixels[part] for part in ("train", "test"))
    both = label_map(record.height, record.width, [a + b for a, b in zip(train, test, strict=True)], chance)
    parts = {"train": np.zeros_like(both), "test": np.zeros_like(both)}
    for code, number in enumerate(train, start=1):
        places = np.flatnonzero(both == code)
        parts["train"].flat[places[:number]] = code
        parts["test"].flat[places[number:]] = code
    folder.mkdir(parents=True, exist_ok=True)
    cube = cube_of(both, record.bands[0], chance)
    tif = folder / "2013_IEEE_GRSS_DF_Contest_CASI.tif"
    profile = {"driver": "GTiff", "count": cube.shape[2], "dtype": "uint8", "crs": "EPSG:32615"}
    size = {"height": record.height, "width": record.width}
    transform = Affine(2.5, 0, 270_000, 0, -2.5, 3_290_000)
    with rasterio.open(tif, "w", **profile, **size, transform=transform) as file:
        file.write(np.moveaxis(cube, 2, 0))
    for part, stem in (("train", "TR"), ("test", "VA")):
        write_rois(folder / f"2013_IEEE_GRSS_DF_Contest_Samples_{stem}.txt", parts[part], record.classes)
    return parts


def write_rois(path: Path, labels: UInt8[np.ndarray, "h w"], names: Sequence[str]) -> None:
    height, width = labels.shape
    order = sorted(range(1, len(names) + 1), key=lambda code: names[code - 1])
    lines = ["; ENVI Output of ROIs (4.8)", f"; Number of ROIs: {len(names)}"]
    lines += [f"; File Dimension: {width} x {height}", ";"]
    for code in order:
        lines += [f"; ROI name: {names[code - 1]}", f"; ROI npts: {np.count_nonzero(labels == code)}", ";"]
    lines.append(";   ID    X    Y")
    for code in order:
        lines += [f"  1  {col + 1}  {row + 1}" for row, col in np.argwhere(labels == code)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def pairs(
    root: Path,
    folders: tuple[str, str, str],
    numbers: dict[str, int],
    side: int,
    chance: np.random.Generator,
    suffixes: tuple[str, str] = (".png", ".png"),
) -> None:
    """``numbers`` of pairs in each part; a bright square comes in each later date."""
    for part, number in numbers.items():
        for folder in folders:
            (root / part / folder).mkdir(parents=True, exist_ok=True)
        for place in range(number):
            before = chance.integers(0, 120, (side, side, 3)).astype(np.uint8)
            row, col = chance.integers(0, side // 2, 2)
            mask = np.zeros((side, side), np.uint8)
            mask[row : row + side // 3, col : col + side // 3] = 255
            after = np.where(mask[..., None] > 0, 250, before).astype(np.uint8)
            for folder, array, suffix in zip(
                folders, (before, after, mask), (suffixes[0], suffixes[0], suffixes[1]), strict=True
            ):
                Image.fromarray(array).save(root / part / folder / f"{part}_{place}{suffix}")


def oscd(root: Path, regions: dict[str, Sequence[str]], side: int, chance: np.random.Generator) -> None:
    """Folders of single bands, of which band i has the values 100 i ... 100 i + 99; later dates change."""
    for part, names in regions.items():
        for name in names:
            mask = np.zeros((side, side), np.uint8)
            mask[: side // 2, : side // 2] = 255
            place = root / f"{ONERA}{part} Labels" / name / "cm"
            place.mkdir(parents=True)
            Image.fromarray(mask).save(place / "cm.png")
            for date in (1, 2):
                bands = root / f"{ONERA}Images" / name / f"imgs_{date}_rect"
                bands.mkdir(parents=True)
                for number, band in enumerate(BANDS, start=1):
                    values = chance.integers(0, 50, (side, side)) + 100 * number
                    values = np.where((mask > 0) & (date == 2), values + 49, values).astype(np.uint16)
                    Image.fromarray(values).save(bands / f"{band}.tif")
