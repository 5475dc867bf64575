"""A server of files as those of cloud-optimised images are: it gives parts of them and names versions."""

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, TCPServer, ThreadingTCPServer


class Ranges(SimpleHTTPRequestHandler):
    """Serves parts of files."""

    def do_GET(self) -> None:
        content = Path(self.translate_path(self.path))
        wanted = self.headers.get("Range", "")
        if not content.is_file() or not wanted.startswith("bytes="):
            super().do_GET()
            return
        data = content.read_bytes()
        first, last = wanted.removeprefix("bytes=").split("-")
        part = data[int(first) : int(last) + 1 if last else None]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)

    def end_headers(self) -> None:
        content = Path(self.translate_path(self.path))
        if content.is_file():
            self.send_header("ETag", f'"{content.stat().st_mtime_ns}"')
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running(
    handler: Callable[..., BaseRequestHandler], server: type[TCPServer] = ThreadingHTTPServer
) -> Iterator[str]:
    """Have ``handler`` answer, in a thread; yield the address."""
    with server(("127.0.0.1", 0), handler) as served:
        # how long the end of a server may take
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{served.server_address[1]}"
        finally:
            served.shutdown()
            thread.join()


@contextmanager
def serving(folder: Path, handler: type[Ranges] = Ranges) -> Iterator[str]:
    """Serve the files of ``folder``; yield their address."""
    with running(functools.partial(handler, directory=str(folder))) as address:
        yield address


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """Answer everything with these bytes, whatever they are; yield the address."""

    class Same(BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(answer)

    with running(Same, ThreadingTCPServer) as address:
        yield address


NO_ADDRESSES = ("http://[", "http://\xa1.com/", f"http://{'a' * 70}.com/")
"""Where a redirect may lead that is no address."""


def redirect(to: str) -> bytes:
    """The answer of a server that leads elsewhere."""
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")
