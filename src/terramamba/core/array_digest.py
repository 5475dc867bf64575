"""A digest of arrays that come one after the other: by it a run knows that it reads what another read."""

import hashlib

import numpy as np
from jaxtyping import Shaped


class ArrayDigest:
    """The SHA-256 of arrays: of their types, shapes and values, in the order in which they were added."""

    def __init__(self, *arrays: Shaped[np.ndarray, "..."]) -> None:
        self._sum = hashlib.sha256()
        self.add(*arrays)

    def add(self, *arrays: Shaped[np.ndarray, "..."]) -> None:
        """Take in further arrays."""
        for array in arrays:
            self._sum.update(f"{array.dtype.str} {array.shape}".encode())
            self._sum.update(np.ascontiguousarray(array).data.cast("B") if array.size else b"")

    @property
    def text(self) -> str:
        """Hexadecimal digits."""
        return self._sum.hexdigest()
