"""A program that others than our tests start, such as QGIS: a child of ``programs.SERVER`` runs it."""

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from program_server import HANDLES, MESSAGE_BYTES
from programs import SERVER

CLIENT = """#!{python} -IS
import json, os, socket, struct, sys
answers, theirs = os.pipe()
request = {{"argv": ["-m", "terramamba", *sys.argv[1:]], "cwd": os.getcwd(), "env": dict(os.environ)}}
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
    door.connect({address!r})
    socket.send_fds(door, [json.dumps(request | {{"new_session": False}}).encode()], [0, 1, 2, theirs])
os.close(theirs)
_, status = (struct.unpack("i", os.read(answers, 4))[0] for _ in range(2))
sys.exit(status if status >= 0 else 128 - status)
"""


@contextmanager
def terramamba_at(path: Path) -> Iterator[Path]:
    """An executable ``path`` that is the command ``terramamba``, until the block ends."""
    address = f"\0terramamba tests {os.getpid()} {path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.bind(address)
        door.listen()
        passing = threading.Thread(target=_pass_on, args=(door,), daemon=True)
        passing.start()
        path.write_text(CLIENT.format(python=sys.executable, address=address))
        path.chmod(0o700)
        yield path
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as last:
            last.connect(address)
            last.send(b"end")
        passing.join()


def _pass_on(door: socket.socket) -> None:
    """Give every request to the server, with the streams and the pipe for answers that came with it."""
    while True:
        client, _ = door.accept()
        with client:
            message, handles, _, _ = socket.recv_fds(client, MESSAGE_BYTES, HANDLES)
        if not handles:
            return
        SERVER.ask(json.loads(message), handles)
        for handle in handles:
            os.close(handle)
