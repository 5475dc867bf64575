"""Files that unpack to far more than they seem are refused before they do."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from terramamba.core import unpacked
from terramamba.core.errors import InputError
from terramamba.raster.readers.arrays import list_arrays, load_arrays
from terramamba.raster.readers.open import open_scene

ZEROS = np.zeros((100, 100, 20), np.uint8)


def packed_npz(path: Path) -> None:
    np.savez_compressed(path, cube=ZEROS)


def packed_mat(path: Path) -> None:
    scipy.io.savemat(path, {"cube": ZEROS, "again": ZEROS}, do_compression=True)


@pytest.mark.parametrize(("name", "write"), [("a.npz", packed_npz), ("a.mat", packed_mat)])
def test_what_unpacks_to_far_more_than_an_image_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, write: Callable[[Path], None]
) -> None:
    write(tmp_path / name)
    assert list_arrays(str(tmp_path / name))["cube"].shape == ZEROS.shape
    monkeypatch.setattr(unpacked, "MOST_UNPACKED", 2000)
    for use in (list_arrays, load_arrays):
        with pytest.raises(InputError, match=rf"{name}: cannot be read as .* MB unpack to more than .* GB"):
            use(str(tmp_path / name))
    monkeypatch.setattr(unpacked, "MOST_RATIO", 2000)
    assert load_arrays(str(tmp_path / name))["cube"].shape == ZEROS.shape


def mat_of_zeros(path: Path, count: int, follow: int, *, of: int = 9) -> None:
    """A .mat file of one compressed matrix of ``count`` bytes of class ``of``; ``follow`` are there."""
    inner = struct.pack(
        "<16I", 6, 8, of, 0, 5, 12, 100, 100, count // 10_000, 0, 1, 4, 0x65627563, 0, 2, count
    )
    head = struct.pack("<II", 14, len(inner) + count) + inner
    element = zlib.compress(head + bytes(follow))
    path.write_bytes(b"made by hand".ljust(124) + b"\0\1IM" + struct.pack("<II", 15, len(element)) + element)


def test_mat_files_are_refused_by_the_sizes_that_they_declare_before_they_are_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mat"
    mat_of_zeros(path, 200_000, 200_000)
    assert list_arrays(str(path))["cube"].shape == (100, 100, 20)
    mat_of_zeros(path, 200_000, 300_000)
    with pytest.raises(InputError, match="at byte 128 does not end where its matrix does"):
        list_arrays(str(path))
    monkeypatch.setattr("terramamba.raster.readers.matlab_tags._decompressed", None)
    grown = r"a\.mat: cannot be read as MATLAB v5 \(0\.0 MB unpack to more than 2\.1 GB"
    mat_of_zeros(path, 3_000_000_000, 1000)  # no more than that is there to unpack
    with pytest.raises(InputError, match=grown):
        list_arrays(str(path))
    mat_of_zeros(path, 300_000_000, 1000, of=6)  # stored in bytes, of eight bytes each in memory
    with pytest.raises(InputError, match=grown):
        list_arrays(str(path))


def test_arrays_are_listed_by_their_headers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        for name, array in {"cube": ZEROS > 0, "names": np.array(["a", "b"]), "any": np.array([{}])}.items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(f"{name}.npy", content.getvalue())
        archive.writestr("README.txt", "words")
    monkeypatch.setattr("terramamba.raster.readers.arrays.load_npz", None)
    listed = list_arrays(str(tmp_path / "a.npz"))
    assert {name: info.dtype for name, info in listed.items()} == {"cube": "bool", "names": "<U1"}
    monkeypatch.undo()
    assert set(load_arrays(str(tmp_path / "a.npz"))) == {"cube", "names"}


def test_a_header_that_claims_more_than_follows_takes_no_memory(tmp_path: Path) -> None:
    header = io.BytesIO()
    claimed = {"descr": "<f4", "fortran_order": False, "shape": (10**6, 10**6, 10**6)}
    np.lib.format.write_array_header_1_0(header, claimed)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("cube.npy", header.getvalue() + bytes(99))
    with pytest.raises(InputError, match=r"a\.npz: cannot be read .*\(cube\.npy is shorter than its header"):
        open_scene(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["a.h5", "a.mat"])
def test_a_block_of_hdf5_is_stored_with_no_more_bytes_than_it_has(tmp_path: Path, name: str) -> None:
    for stored, refused in ((zlib.compress(bytes(8 * 8 * 4 * 2)), False), (bytes(1 << 17), True)):
        with h5py.File(tmp_path / name, "w") as file:
            cube = file.create_dataset("cube", (8, 8, 4), "u2", chunks=(8, 8, 4), compression="gzip")
            cube.id.write_direct_chunk((0, 0, 0), stored)
            file["wavelength"] = np.linspace(400, 700, 4)
        if refused:
            with pytest.raises(InputError, match=rf"{name}: a block of its member 'cube' is stored"):
                open_scene(tmp_path / name)
        else:
            assert open_scene(tmp_path / name).bands == 4


@pytest.mark.parametrize("name", ["a.h5", "a.mat"])
def test_a_block_of_hdf5_stands_for_no_more_than_an_image_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """All of a block is unpacked for one of its pixels: gigabytes of zeros take a minute, again and again."""
    with h5py.File(tmp_path / name, "w") as file:
        file.create_dataset("cube", data=np.zeros((64, 64, 4), "u2"), chunks=(64, 64, 4), compression="gzip")
        file["wavelength"] = np.linspace(400, 700, 4)
    assert open_scene(tmp_path / name).bands == 4
    monkeypatch.setattr(unpacked, "MOST_UNPACKED", 64 * 64 * 4)
    path = (tmp_path / name).rename(tmp_path / f"again-{name}")
    with pytest.raises(InputError, match=rf"{name}: a block of its member 'cube' is too large: .* unpack to"):
        open_scene(path)
