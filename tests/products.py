"""Small files in the structure of sensors' products: EMIT, PRISMA, and the metadata of EnMAP."""

from pathlib import Path

import h5py
import numpy as np

LINES, SAMPLES, BANDS = 12, 9, 7
WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]'
)
SIZE = 0.000542232520256367


def write_emit(path: Path, seed: int, *, name: str = "reflectance", good: bool = True) -> np.ndarray:
    """A granule whose swath lies askew on its grid; returns the orthorectified values (c, h, w)."""
    rng = np.random.default_rng(seed)
    cube = rng.uniform(0, 1, (LINES, SAMPLES, BANDS)).astype(np.float32)
    cube[3, 4] = -9999
    height, width = 20, 18
    row, col = np.mgrid[:height, :width]
    line = np.round(0.7 * row - 0.3 * col + 2).astype(np.int32)
    sample = np.round(0.3 * row + 0.7 * col - 5).astype(np.int32)
    inside = (line >= 0) & (line < LINES) & (sample >= 0) & (sample < SAMPLES)
    ortho = np.full((BANDS, height, width), -9999, np.float32)
    ortho[:, inside] = cube[line[inside], sample[inside]].T
    with h5py.File(path, "w") as file:
        file.attrs["geotransform"] = np.array([-120.5, SIZE, -0.0, 35.25, -0.0, -SIZE])
        file.attrs["spatial_ref"] = np.bytes_(WGS84)
        data = file.create_dataset(name, data=cube, chunks=(5, 4, 3), compression="gzip")
        data.attrs["_FillValue"] = np.array([-9999], np.float32)
        glt_x = np.where(inside, sample + 1, 0).astype(np.int32)
        glt_x[row % 7 == 0] *= -1
        file["location/glt_x"] = glt_x
        file["location/glt_y"] = np.where(inside, line + 1, 0).astype(np.int32)
        file["location/lat"] = np.zeros((LINES, SAMPLES))
        file["sensor_band_parameters/wavelengths"] = np.linspace(381, 2493, BANDS).astype(np.float32)
        file["sensor_band_parameters/fwhm"] = np.full(BANDS, 8.5, np.float32)
        if good:
            file["sensor_band_parameters/good_wavelengths"] = np.array([1, 1, 1, 0, 1, 0, 1], np.uint8)
    return ortho


ROWS, COLS = 11, 8
VNIR = np.array([1010.0, 980.0, 700.0, 450.0, 0.0])  # falling; 0: not recorded
SWIR = np.array([0.0, 2490.0, 1600.0, 995.0, 960.0])
SCALES = {"Vnir": (0.0, 0.8), "Swir": (0.05, 0.65)}


def write_prisma(path: Path, seed: int, *, centres: bool = True) -> np.ndarray:
    """A product with 3 columns outside the scene; returns reflectances (c, h, w) by rising wavelength."""
    rng = np.random.default_rng(seed)
    margin = 0 if centres else 15
    west, north = 500_015 - margin, 4_600_000 + margin
    east, south = 500_015 + 30 * (COLS - 1) + margin, 4_600_000 - 30 * (ROWS - 1) - margin
    corners = {"UL": (west, north), "UR": (east, north), "LL": (west, south), "LR": (east, south)}
    found: dict[float, np.ndarray] = {}
    with h5py.File(path, "w") as file:
        for name, (x, y) in corners.items():
            file.attrs[f"Product_{name}corner_easting"] = np.float64(x)
            file.attrs[f"Product_{name}corner_northing"] = np.float64(y)
        file.attrs["Epsg_Code"] = np.uint32(32633)
        for name, waves in (("Vnir", VNIR), ("Swir", SWIR)):
            low, high = SCALES[name]
            stored = rng.integers(1, 65535, (ROWS, len(waves), COLS)).astype(np.uint16)
            stored[:, waves == 0] = 0
            stored[:, :, -3:] = 0
            if name == "Swir":
                stored[2, 1, 2] = 0  # dark, not outside
            file.attrs[f"List_Cw_{name}"] = waves.astype(np.float32)
            file.attrs[f"List_Fwhm_{name}"] = (waves / 100).astype(np.float32)
            file.attrs[f"L2Scale{name}Min"], file.attrs[f"L2Scale{name}Max"] = (
                np.float32(low),
                np.float32(high),
            )
            fields = file.require_group("HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields")
            fields.create_dataset(f"{name.upper()}_Cube", data=stored, chunks=(4, 2, 5), compression="gzip")
            for i, wave in enumerate(waves):
                found[wave] = low + stored[:, i] * (np.float64(high - low) / 65535)
    values = np.stack([found[wave] for wave in sorted({*VNIR[2:4], *SWIR[1:]})])
    values[..., -3:] = np.nan
    return values


ENMAP_STEM = "ENMAP01-____L2A-DT0000001867_20220724T104526Z_008_V010302_20230628T165614Z"
ENMAP_WAVES = (418.24, 423.874, 1390.48, 2445.53)
BAND = """<bandID number="{n}"><wavelengthCenterOfBand>{wave}</wavelengthCenterOfBand>
<FWHMOfBand>{fwhm}</FWHMOfBand><GainOfBand>{gain}</GainOfBand><OffsetOfBand>{offset}</OffsetOfBand></bandID>"""
STATISTICS = """<bandID number="{n}"><mean>{mean}</mean><stdDeviation>{std}</stdDeviation></bandID>"""


def enmap_metadata(gains: tuple[float, ...] = (0.0001,) * 4, offsets: tuple[float, ...] = (0.0,) * 4) -> str:
    known = zip(ENMAP_WAVES, gains, offsets, strict=True)
    bands = [
        BAND.format(n=i, wave=w, fwhm=6 + i, gain=g, offset=o) for i, (w, g, o) in enumerate(known, start=1)
    ]
    statistics = [STATISTICS.format(n=i, mean=-1000000 if i == 3 else 900, std=3 - i) for i in range(1, 5)]
    return (
        "<level_X><product><bandStatistics>"
        + "".join(statistics)
        + "</bandStatistics></product><specific><backgroundValue>-32768</backgroundValue>"
        + "<bandCharacterisation>"
        + "".join(bands[::-1])
        + "</bandCharacterisation></specific></level_X>"
    )
