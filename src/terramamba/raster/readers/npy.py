"""Cubes in .npy files, read by pieces. Nothing is mapped into memory: a file that is cut meanwhile would then
end the process by a signal, and here it ends in an error.
"""

from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy.lib.format import open_memmap
from numpy.lib.stride_tricks import as_strided

READ_ANYWAY_BYTES = 1 << 20
"""So much is read in one piece, whatever of it is wanted; more where at least a quarter of it is."""


@dataclass(frozen=True)
class NpyArray:
    """The array of a .npy file, cut by slices and whole numbers as a NumPy array is."""

    path: str
    shape: tuple[int, ...]
    dtype: Any
    fortran: bool
    offset: int
    """Bytes before the first value."""

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, index: tuple[slice | int, ...]) -> Shaped[np.ndarray, "..."]:
        """Read what ``index`` names, which has an entry for each axis.

        Raises:
            ValueError: the file ends before.
        """
        wanted = [
            (slice(entry, entry + 1) if isinstance(entry, int) else entry).indices(length)
            for entry, length in zip(index, self.shape, strict=True)
        ]
        axes = [range(*entry) for entry in wanted]
        with Path(self.path).open("rb", buffering=0) as file:
            # In Fortran order the last axis is the outermost.
            if self.fortran:
                block = self._read(file, axes[::-1], self.shape[::-1], 0).T
            else:
                block = self._read(file, axes, self.shape, 0)
        return np.asarray(block[tuple(0 if isinstance(entry, int) else slice(None) for entry in index)])

    def _read(
        self, file: FileIO, axes: list[range], shape: tuple[int, ...], first: int
    ) -> Shaped[np.ndarray, "..."]:
        """Read ``axes`` of what is stored with this ``shape``, outermost first, from value ``first`` on."""
        lengths = tuple(len(axis) for axis in axes)
        if 0 in lengths:
            return np.empty(lengths, self.dtype)
        steps = [int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape))]
        begin = first + sum(axis[0] * step for axis, step in zip(axes, steps, strict=True))
        end = first + sum(axis[-1] * step for axis, step in zip(axes, steps, strict=True)) + 1
        size = self.dtype.itemsize
        wanted = int(np.prod(lengths, dtype=np.int64))
        if len(axes) == 1 or (end - begin) * size <= max(READ_ANYWAY_BYTES, 4 * wanted * size):
            values = self._values(file, begin, end - begin)
            strides = [step * axis.step * size for axis, step in zip(axes, steps, strict=True)]
            return as_strided(values, lengths, strides, writeable=False)
        return np.stack(
            [self._read(file, axes[1:], shape[1:], first + place * steps[0]) for place in axes[0]]
        )

    def _values(self, file: FileIO, first: int, count: int) -> Shaped[np.ndarray, " n"]:
        values = np.empty(count, self.dtype)
        file.seek(self.offset + first * self.dtype.itemsize)
        room, done = values.view(np.uint8), 0
        while done < len(room):
            read = file.readinto(room[done:].data)
            if not read:
                raise ValueError("the file is shorter than its header says: it was cut")
            done += read
        return values


def open_npy(path: str) -> NpyArray:
    """Open a .npy file, of which only the header is read.

    Raises:
        OSError, ValueError: it is none, holds Python objects, or is shorter than its header says.
    """
    # Mapped to have its header read and its length compared; no value is looked at.
    try:
        mapped = open_memmap(path, mode="r")
    except OverflowError as error:  # of a shape below 0
        raise ValueError(str(error)) from error
    fortran = bool(mapped.flags.f_contiguous and not mapped.flags.c_contiguous)
    return NpyArray(path, mapped.shape, mapped.dtype, fortran, int(mapped.offset))
