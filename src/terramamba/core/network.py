"""How long is waited for servers, how often they are asked again, and what to do when they refuse.

A server that says nothing costs ``TRIES`` times ``PATIENCE_SECONDS`` and the pauses between: under a minute.
One that sends byte after byte outwits that, which begins anew with each; ``within`` and ``paced`` end it.
"""

import os
import queue
import time
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any, TypeVar

TRIES = 3
"""Requests for the same thing, the first among them; later ones wait longer and longer."""
CONNECT_SECONDS = 10
PATIENCE_SECONDS = 12
"""Without a byte for so long, a transfer counts as broken."""
SLOWEST = 1000
"""Bytes a second: so does an image of which less comes for so long, since one that trickles has no end."""
ANSWER_SECONDS = 60.0
"""In which an answer has begun, requests again and redirects included."""
BLOCK = 1 << 16
"""Bytes of a transfer that are waited for together."""
PAUSE_SECONDS = 1.0
"""Before the second request; twice as long before each that follows."""
AGAIN = (429, 500, 502, 503, 504)
"""Statuses of servers that may have an answer soon."""

GDAL = {
    "GDAL_HTTP_CONNECTTIMEOUT": str(CONNECT_SECONDS),
    "GDAL_HTTP_LOW_SPEED_TIME": str(PATIENCE_SECONDS),
    "GDAL_HTTP_LOW_SPEED_LIMIT": str(SLOWEST),
    "GDAL_HTTP_MAX_RETRY": str(TRIES - 1),
    "GDAL_HTTP_RETRY_DELAY": str(PAUSE_SECONDS),
    "GDAL_HTTP_RETRY_CODES": ",".join(map(str, AGAIN)),
    "MRF_BYPASSCACHING": "YES",
    "CPL_VSIL_GZIP_WRITE_PROPERTIES": "NO",
    "OGR_VFK_DB_NAME": ":memory:",
}
"""The same for what GDAL reads from the web; without it, GDAL waits for ever and asks once.

And it keeps no copy of what it reads, nor what it found out, in files beside its own or where an image says.
"""

T = TypeVar("T")

NO_ANSWER = "does not exist in the file system"
"""What GDAL says of an address where no server answered, or one broke off."""


def set_for_gdal() -> None:
    """Give GDAL in this process, and in those that it starts, what the environment does not say already."""
    for name, value in GDAL.items():
        os.environ.setdefault(name, value)


def pause(tries: int) -> None:
    """Wait before the next request, after so many ``tries``."""
    time.sleep(PAUSE_SECONDS * 2 ** (tries - 1))


def within(seconds: float, ask: Callable[[], T]) -> T:
    """Return what ``ask`` returns, or raise what it raises, where it does so in time.

    It is asked in a thread that ends with the process, where a server never lets it come back.

    Raises:
        TimeoutError: it did not end in time.
    """
    ended: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def asking() -> None:
        try:
            ended.put((True, ask()))
        except BaseException as error:
            ended.put((False, error))

    Thread(target=asking, daemon=True).start()
    try:
        came, found = ended.get(timeout=max(0.0, seconds))
    except queue.Empty:
        raise TimeoutError(f"no whole answer came in {seconds:g} seconds") from None
    try:
        if not came:
            raise found
        return found
    finally:
        del found  # whose traceback holds this frame: together they would hold connections open


def paced(answer: Any) -> Iterator[bytes]:
    """Yield the blocks of an answer of requests, whose transfer ends where it is slower than ``SLOWEST``.

    Raises:
        TimeoutError: it was.
    """
    blocks = answer.iter_content(BLOCK)
    came, waited = BLOCK, 0.0
    while True:
        if came >= BLOCK:  # of chunks, which servers choose, each may be a single byte
            came, waited = 0, 0.0
        begin = time.monotonic()
        try:
            block = within(BLOCK / SLOWEST - waited, lambda: next(blocks, None))
        except TimeoutError as error:
            answer.raw.shutdown()  # whoever waits for a block holds what closing the answer needs
            raise TimeoutError(f"it comes with less than {SLOWEST:,} bytes a second") from error
        if block is None:
            return
        came, waited = came + len(block), waited + time.monotonic() - begin
        yield block


def what_of_address(reason: str) -> str:
    """Say what GDAL's ``reason`` means for a web address, and what to do."""
    if NO_ANSWER in reason:
        return (
            f"the server gave no answer, though it was asked {TRIES} times; check the address and the"
            " network, or try again later"
        )
    said = f"cannot be opened ({reason})"
    if any(f"code: {status}" in reason for status in AGAIN):
        return f"{said}, though it was asked {TRIES} times; the server has trouble, try again later"
    if "code: 401" in reason or "code: 403" in reason:
        return f"{said}; the server wants a name and password, or a signed address"
    return f"{said}; check the address"
