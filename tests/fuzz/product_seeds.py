"""Products of sensors, and a grid whose longitudes run from 0 to 360."""

from pathlib import Path

import h5py
import numpy as np
import rasterio
from seed import FILE, Seed

from products import ENMAP_STEM, enmap_metadata, write_emit, write_prisma


def product_seeds(home: Path) -> list[Seed]:
    """Write small products below ``home``; ``check`` reads them."""
    write_emit(home / "emit.nc", 1)
    write_prisma(home / "prisma.he5", 1)
    _whole_circle(home / "circle.nc")
    folder = home / ENMAP_STEM
    folder.mkdir()
    image, metadata = (f"{ENMAP_STEM}/{ENMAP_STEM}-{part}" for part in ("SPECTRAL_IMAGE.TIF", "METADATA.XML"))
    values = np.random.default_rng(1).integers(1, 9000, (4, 6, 5)).astype(np.int16)
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(30, 0, 500_000, 0, -30, 5_800_000)}
    with rasterio.open(
        home / image, "w", driver="GTiff", width=5, height=6, count=4, dtype="int16", **place
    ) as file:
        file.write(values)
    (home / metadata).write_text(enmap_metadata())
    read = (("check", FILE),)
    return [
        Seed("EMIT", "emit.nc", read),
        Seed("PRISMA", "prisma.he5", read),
        Seed("longitudes of 0 to 360", "circle.nc", read),
        Seed("EnMAP metadata", metadata, (("check", FILE), ("check", image)), (ENMAP_STEM,)),
    ]


def _whole_circle(path: Path) -> None:
    values = np.random.default_rng(1).uniform(0, 1, (3, 10, 36)).astype(np.float32)
    with h5py.File(path, "w") as file:
        cube = file.create_dataset("reflectance", data=values)
        axes = {
            "wavelength": np.array([450.0, 550.0, 650.0]),
            "lat": np.linspace(45, -45, 10),
            "lon": np.arange(5.0, 360.0, 10.0),
        }
        for place, (name, axis) in enumerate(axes.items()):
            file[name] = axis
            file[name].make_scale(name)
            cube.dims[place].attach_scale(file[name])
        file["lat"].attrs["units"], file["lon"].attrs["units"] = "degrees_north", "degrees_east"
        file["wavelength"].attrs["units"] = "nm"
