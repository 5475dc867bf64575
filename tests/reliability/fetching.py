"""``datasets --download`` of a small archive, from a server in the same process: FOLDER to serve, --root."""

import hashlib
import shutil
import sys
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import mkdtemp

import terramamba.data.catalog.download as fetching
from terramamba.core.errors import InputError
from terramamba.data.catalog import find_set
from terramamba.data.catalog.record import Remote


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    source, root = Path(sys.argv[1]), Path(sys.argv[2])
    served = source.with_name("served")
    if not served.is_dir():
        work = Path(mkdtemp(dir=source.parent))
        shutil.make_archive(str(work / "set"), "zip", source)
        work.rename(served)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/set.zip"
    checksum = "sha256:" + hashlib.sha256((served / "set.zip").read_bytes()).hexdigest()
    record = replace(find_set("levir-256"), remotes=(Remote(url, "set.zip", checksum, "unpacked"),))
    try:
        print(fetching.download(record, root))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
