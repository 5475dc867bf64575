"""Damage: bytes flipped, cut, moved, doubled and enlarged, and values of JSON, YAML and tables made wrong."""

import json
import struct
from collections.abc import Callable
from random import Random
from typing import Any

STRANGE = (
    b"\x00",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x00\x00\x00\x00",
    b"\xff" * 8,
    struct.pack("<d", float("nan")),
    struct.pack("<d", 1e308),
)
WORDS = (
    b"-1",
    b"0",
    b"99999999999999999999",
    b"nan",
    b"1e400",
    b"",
    b" ",
    b"true",
    b"null",
    b"{}",
    b"[]",
    b"../../../etc/passwd",
    b"\xc3\x28",
    b"\xe2\x80\xae",
    b"<script>",
    b"\n",
    b"%s%n",
    b"'",
    b'"',
    b"=1+1",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63,
    2**200,
    -0.5,
    1e308,
    "",
    "x",
    "1",
    "\x00",
    "a" * 5000,
    "../..",
    [],
    {},
    [[]],
    [None],
    {"": None},
    [1] * 3000,
    float("nan"),
    float("inf"),
)


def mutate(data: bytes, name: str, random: Random) -> bytes:
    """Return ``data``, the content of a file called ``name``, damaged in some way."""
    ways: list[Callable[[bytes, Random], bytes]] = [
        _flip,
        _flip,
        _strange,
        _cut,
        _move,
        _double,
        _fill,
        _drop,
    ]
    if name.endswith((".json", ".geojson")):
        ways += [_json] * 16
    if name.endswith((".yaml", ".csv", ".txt", ".hdr", ".vrt", ".json", ".geojson")):
        ways += [_word] * 8
    if name.endswith((".yaml",)):
        ways += [_yaml] * 4
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = random.choice(ways)(data, random)
    return data


def _place(data: bytes, random: Random) -> int:
    """Headers are hit more often than pixels."""
    most = random.choice((64, 600, len(data), len(data)))
    return random.randrange(max(1, min(len(data), most)))


def _flip(data: bytes, random: Random) -> bytes:
    found = bytearray(data or b"\x00")
    for _ in range(random.choice((1, 1, 2, 8, 50))):
        found[_place(found, random)] ^= 1 << random.randrange(8)
    return bytes(found)


def _strange(data: bytes, random: Random) -> bytes:
    place, value = _place(data, random), random.choice(STRANGE)
    return data[:place] + value + data[place + len(value) :]


def _cut(data: bytes, random: Random) -> bytes:
    return data[: random.choice((0, 1, 4, _place(data, random), _place(data, random), max(0, len(data) - 1)))]


def _move(data: bytes, random: Random) -> bytes:
    begin, end = sorted((_place(data, random), _place(data, random)))
    place = _place(data, random)
    return data[:place] + data[begin:end] + data[place + end - begin :]


def _double(data: bytes, random: Random) -> bytes:
    begin = _place(data, random)
    end = min(len(data), begin + random.choice((1, 16, 300)))
    return data[:end] + data[begin:end] * random.choice((1, 2, 100)) + data[end:]


def _fill(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    length = random.choice((4, 16, 200))
    return (
        data[:place]
        + bytes([random.choice((0, 255, random.randrange(256)))]) * length
        + data[place + length :]
    )


def _drop(data: bytes, random: Random) -> bytes:
    place = _place(data, random)
    return data[:place] + data[place + random.choice((1, 2, 8, 100)) :]


def _word(data: bytes, random: Random) -> bytes:
    """One word of a text becomes another."""
    begin = _place(data, random)
    end = begin
    while end < len(data) and data[end : end + 1] not in b" ,;:\n\"'{}[]=<>":
        end += 1
    return data[:begin] + random.choice(WORDS) + data[end:]


def _yaml(data: bytes, random: Random) -> bytes:
    return data + random.choice(
        (
            b"\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
            b"\n" + b"[" * 3000 + b"]" * 3000,
            b"\nseed: !!python/object/apply:os.system ['true']\n",
            b"\n? [a]\n: b\n",
            b"\nlr: .inf\n",
            b"\nepochs: 2021-01-01\n",
            b"\n<<: {epochs: 3}\n",
        )
    )


def _json(data: bytes, random: Random) -> bytes:
    """A value of a JSON document becomes another, goes, or is nested deeply."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return _flip(data, random)
    holders = _holders(document)
    if not holders:
        return json.dumps(random.choice(VALUES)).encode()
    holder = random.choice(holders)
    key = random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    way = random.randrange(6)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, list):
        holder += [holder[key]] * random.choice((1, 50))
    elif way == 2 and isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
        holder[key] *= random.choice((-1, 0.5, 10, 10**6, 10**12))
    elif way == 3:
        text = json.dumps(document)
        return text.replace(json.dumps(holder[key]), "[" * 5000 + "]" * 5000, 1).encode()
    else:
        holder[key] = random.choice(VALUES)
    return json.dumps(document).encode()


def _holders(document: Any) -> list[Any]:
    if not isinstance(document, dict | list) or not document:
        return []
    inner = document.values() if isinstance(document, dict) else document
    return [document, *(found for value in inner for found in _holders(value))]
