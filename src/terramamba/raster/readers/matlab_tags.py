"""The tags of a MATLAB v5 file, walked before SciPy reads it: damaged ones would end the whole process.

A file is a header of 128 bytes and data elements; each begins with a tag of its type and its length in bytes,
eight bytes or, for up to four bytes of data, four. Matrices hold elements in turn, compressed elements one
matrix (MAT-File Format, The MathWorks, R2024b, chapter 1).
"""

import zlib
from collections.abc import Iterator
from math import prod
from pathlib import Path
from struct import unpack_from

from terramamba.core.unpacked import most_unpacked, require_plausible

HEADER = 128
MATRIX, COMPRESSED = 14, 15
NUMBERS = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8, 16: 1, 17: 2, 18: 4}
"""Bytes of a number of each type that may hold data."""
CELL, STRUCT, OBJECT, TEXT, SPARSE = 1, 2, 3, 4, 5
ARRAYS = range(6, 16)
OPAQUE = (16, 17)
"""Classes of arrays: function handles and objects, which are not opened."""
COMPLEX = 0x0800
BYTES = {6: 8, 7: 4, 8: 1, 9: 1, 10: 2, 11: 2, 12: 4, 13: 4, 14: 8, 15: 8}
"""Bytes of a number of each class in memory."""
DECLARING = 160
"""The first bytes of a matrix, which hold its length, class and up to 32 dimensions."""
MOST_NESTED = 32
MOST_BYTES = 64 << 30
"""Of the decompressed elements of a file together; more is a trap, or no file for memory."""


_Elements = Iterator[tuple[int, memoryview]]


class TagError(ValueError):
    """Tags that no program of MATLAB writes, and at what byte."""


def require_tags(path: str) -> None:
    """Raise ``TagError`` where an element of the v5 file ``path`` is not as its tag or its class says.

    Files of other versions are left to who reads them.
    """
    data = Path(path).read_bytes()
    if (
        len(data) < HEADER
        or data[126:128] not in (b"IM", b"MI")
        or data[124:126] not in (b"\x00\x01", b"\x01\x00")
    ):
        return
    order = "<" if data[126:128] == b"IM" else ">"
    _require_affordable(data, order)
    for kind, place, body in _outermost(data, order):
        if kind == COMPRESSED:
            _element(_decompressed(body, order, place), order, place)
        else:
            _matrix(body, order, place, 0)


def _require_affordable(data: bytes, order: str) -> None:
    """Raise where the tags of compressed elements say that they come to more than a file of this size may."""
    most, unpacked = min(MOST_BYTES, most_unpacked(len(data))), 0
    for kind, place, body in _outermost(data, order):
        if kind == COMPRESSED:
            unpacked += _declared(_beginning(body, place, DECLARING), order)
    if unpacked > most:
        require_plausible(len(data), unpacked)
        raise TagError(f"it unpacks to more than {MOST_BYTES >> 30} GB")


def _outermost(data: bytes, order: str) -> Iterator[tuple[int, int, memoryview]]:
    """The type, the place and the content of each element of the file."""
    place = HEADER
    while place + 8 <= len(data):
        kind, length = unpack_from(order + "II", data, place)
        body = memoryview(data)[place + 8 : place + 8 + length]
        if kind not in (COMPRESSED, MATRIX):
            raise TagError(f"element of type {kind} at byte {place}")
        if kind == MATRIX and len(body) < length:
            raise TagError(f"cut short at byte {len(data)}")
        yield kind, place, body
        place += 8 + length + (-length % 8 if kind == MATRIX else 0)


def _declared(head: bytes, order: str) -> int:
    """Bytes that a matrix, of which ``head`` is the beginning, says that it has in the file or in memory.

    Numbers may be stored in fewer bytes than those of its class.
    """
    if len(head) < 8:
        return 0
    stored = 8 + int(unpack_from(order + "I", head, 4)[0])
    if len(head) < 32:
        return stored
    word, kind, length = (unpack_from(order + "I", head, at)[0] for at in (16, 24, 28))
    size = BYTES.get(word & 0xFF, 0) * (2 if word & COMPLEX else 1)
    if kind != 5 or length % 4 or len(head) < 32 + length:
        return stored
    lengths = unpack_from(f"{order}{length // 4}i", head, 32)
    return max(stored, size * prod(max(0, length) for length in lengths))


def _beginning(body: memoryview, place: int, most: int) -> bytes:
    """Unpack the first ``most`` bytes of an element, or all."""
    try:
        return zlib.decompressobj().decompress(body, most)
    except zlib.error as error:
        raise TagError(f"{error} at byte {place}") from error


def _decompressed(body: memoryview, order: str, place: int) -> memoryview:
    """Unpack an element up to the end of the matrix that it begins with."""
    head = _beginning(body, place, 8)
    length = int(unpack_from(order + "I", head, 4)[0]) if len(head) == 8 else 0
    engine = zlib.decompressobj()
    try:
        # one byte more, if there is one, so that the checksum at the end is looked at
        content = engine.decompress(body, 8 + length + 1)
    except zlib.error as error:
        raise TagError(f"{error} at byte {place}") from error
    if not engine.eof:
        raise TagError(f"compressed element at byte {place} does not end where its matrix does")
    return memoryview(content)


def _element(body: memoryview, order: str, place: int) -> None:
    """A compressed element holds one matrix."""
    if len(body) < 8:
        raise TagError(f"compressed element at byte {place} is empty")
    kind, length = unpack_from(order + "II", body)
    if kind != MATRIX or length > len(body) - 8:
        raise TagError(f"compressed element at byte {place} holds no matrix")
    _matrix(body[8 : 8 + length], order, place, 0)


def _matrix(body: memoryview, order: str, place: int, depth: int) -> None:
    """Check the elements inside a matrix against its class and shape."""
    if not len(body):
        return  # an empty matrix
    if depth > MOST_NESTED:
        raise TagError(f"more than {MOST_NESTED} matrices in each other at byte {place}")
    elements = _elements(body, order, place)
    kind, flags = _next(elements, place)
    if kind != 6 or len(flags) != 8:
        raise TagError(f"matrix at byte {place} has no flags")
    word = unpack_from(order + "I", flags)[0]
    of, is_complex = word & 0xFF, bool(word & COMPLEX)
    if of in OPAQUE:
        return
    if of not in (*ARRAYS, CELL, STRUCT, OBJECT, TEXT, SPARSE):
        raise TagError(f"matrix at byte {place} is of class {of}")
    kind, dimensions = _next(elements, place)
    if kind != 5 or len(dimensions) < 8 or len(dimensions) % 4:
        raise TagError(f"matrix at byte {place} has no dimensions")
    lengths = unpack_from(f"{order}{len(dimensions) // 4}i", dimensions)
    if min(lengths) < 0:
        raise TagError(f"matrix at byte {place} has {min(lengths)} rows or columns")
    count = 1
    for length in lengths:
        count *= length
    kind, _ = _next(elements, place)
    if kind not in (1, 2, 16):
        raise TagError(f"matrix at byte {place} has no name")
    if of == CELL:
        _inner(elements, order, place, depth, count)
    elif of in (STRUCT, OBJECT):
        _fields(elements, order, place, depth, count, of)
    elif of == SPARSE:
        for wanted in (5, 5, *((None,) * (2 if is_complex else 1))):
            kind, _ = _next(elements, place)
            if kind not in NUMBERS or (wanted is not None and kind != wanted):
                raise TagError(f"sparse matrix at byte {place} is damaged")
    else:
        for _ in range(2 if is_complex else 1):
            kind, numbers = _next(elements, place)
            if kind not in NUMBERS or (of != TEXT and len(numbers) != count * NUMBERS[kind]):
                raise TagError(f"matrix at byte {place} has not the numbers that its shape says")


def _fields(elements: _Elements, order: str, place: int, depth: int, count: int, of: int) -> None:
    if of == OBJECT:
        _next(elements, place)  # the name of its class
    kind, length = _next(elements, place)
    if kind != 5 or len(length) != 4:
        raise TagError(f"structure at byte {place} has no fields")
    width = unpack_from(order + "i", length)[0]
    kind, names = _next(elements, place)
    if kind != 1 or width <= 0 or len(names) % width:
        raise TagError(f"structure at byte {place} has damaged names of fields")
    _inner(elements, order, place, depth, count * (len(names) // width))


def _inner(elements: _Elements, order: str, place: int, depth: int, count: int) -> None:
    for _ in range(count):
        kind, body = _next(elements, place)
        if kind != MATRIX:
            raise TagError(f"element of type {kind} in a cell or structure at byte {place}")
        _matrix(body, order, place, depth + 1)


def _next(elements: _Elements, place: int) -> tuple[int, memoryview]:
    found = next(elements, None)
    if found is None:
        raise TagError(f"matrix at byte {place} ends too soon")
    return found


def _elements(body: memoryview, order: str, place: int) -> _Elements:
    """Types and contents of the elements in ``body``, one after the other."""
    at = 0
    while at + 8 <= len(body):
        (word,) = unpack_from(order + "I", body, at)
        if word >> 16:
            kind, length = word & 0xFFFF, word >> 16
            if length > 4 or kind not in NUMBERS:
                raise TagError(f"small element of type {kind} and {length} bytes at byte {place}")
            yield kind, body[at + 4 : at + 4 + length]
            at += 8
            continue
        (length,) = unpack_from(order + "I", body, at + 4)
        if word not in NUMBERS and word != MATRIX:
            raise TagError(f"element of type {word} at byte {place}")
        if length > len(body) - at - 8:
            raise TagError(f"element at byte {place} is longer than what holds it")
        yield word, body[at + 8 : at + 8 + length]
        at += 8 + length + (-length % 8)
