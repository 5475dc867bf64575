"""What servers of STAC items answer, bounded in bytes and in time: an item is some kilobytes of text."""

from typing import Any

from terramamba.core.errors import InputError
from terramamba.core.network import AGAIN, CONNECT_SECONDS, PATIENCE_SECONDS, PAUSE_SECONDS, TRIES, within

WHOLE_SECONDS = 60.0
"""For a whole answer: each of its bytes may come just before a server's patience ends."""
BLOCK_BYTES = 1 << 14


def bounded_answers(most_bytes: int) -> Any:
    """Return what fetches texts for pystac: asked again where a server has trouble, and none that is longer.

    Raises:
        ImportError: pystac-client is not installed.
    """
    from pystac_client.stac_api_io import StacApiIO
    from urllib3 import Retry

    class BoundedAnswers(StacApiIO):
        def request(self, href: str, *asked: Any, **how: Any) -> str:
            """Fetch the text at an address."""
            try:
                return within(WHOLE_SECONDS, lambda: self._whole(href)).decode()
            except TimeoutError as error:
                raise InputError(f"it was not whole after {WHOLE_SECONDS:g} seconds") from error

        def _whole(self, href: str) -> bytes:
            content = bytearray()
            with self.session.get(href, stream=True, timeout=self.timeout) as answer:
                answer.raise_for_status()
                for block in answer.iter_content(BLOCK_BYTES):
                    content += block
                    if len(content) > most_bytes:
                        raise InputError(f"it has more than {most_bytes / 1e6:g} MB")
            return bytes(content)

    again = Retry(total=TRIES - 1, backoff_factor=PAUSE_SECONDS, status_forcelist=AGAIN)
    return BoundedAnswers(max_retries=again, timeout=(CONNECT_SECONDS, PATIENCE_SECONDS))
