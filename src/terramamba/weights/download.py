"""Weights of somebody else's, fetched into a folder: whole and as their card says, or not at all."""

import shutil
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from terramamba.core.errors import InputError, reason_of
from terramamba.core.network import (
    AGAIN,
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    PATIENCE_SECONDS,
    PAUSE_SECONDS,
    TRIES,
    paced,
    within,
)
from terramamba.core.whole_folder import make_whole
from terramamba.weights.card import read_weights_card
from terramamba.weights.registry import FILES, Weights, verify_weights

LARGEST_FILE = 2**30
"""Bytes; the largest shipped weights have a two-hundredth of that."""


def fetch_weights(source: str, out: Path) -> Weights:
    """Fetch the weights in ``source`` to the new folder ``out``.

    Args:
        source: A folder, or the address of one (https://.../) that holds the files of ``registry``.
        out: Folder to write; must not exist.

    Raises:
        InputError: a file is missing, too large or not as the card says, a server does not answer, or ``out``
            is there or cannot be written. Nothing is left then.
    """

    def fill(draft: Path) -> None:
        for name in FILES:
            _bring(source, name, draft / name)
        _verify(draft, source)

    make_whole(out, fill)
    return Weights(out, read_weights_card(out))


def _verify(draft: Path, source: str) -> None:
    """Refuse what was brought where it does not belong together, by the names that it has at its source."""
    try:
        verify_weights(Weights(draft, read_weights_card(draft)))
    except InputError as error:
        name = Path(str(error.where)).name
        raise InputError(where=_at(source, name), what=error.what, remedy=error.remedy) from error


def _at(source: str, name: str) -> str:
    """Where the file ``name`` of the weights is at their source."""
    return urljoin(source.rstrip("/") + "/", name) if _is_address(source) else str(Path(source, name))


def _is_address(source: str) -> bool:
    return urlsplit(source).scheme in ("http", "https")


def _bring(source: str, name: str, target: Path) -> None:
    if _is_address(source):
        _download(_at(source, name), target)
        return
    path = Path(source, name)
    if not path.is_file():
        raise InputError(f"{path}: does not exist; give a folder of weights, or its address")
    _require_small(str(path), path.stat().st_size)
    shutil.copyfile(path, target)


def _download(address: str, target: Path) -> None:
    """Fetch a file, asking again where a server has trouble for a while."""
    again = Retry(
        total=TRIES - 1, backoff_factor=PAUSE_SECONDS, status_forcelist=AGAIN, raise_on_status=False
    )
    times = CONNECT_SECONDS, PATIENCE_SECONDS
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=again))
        try:
            with within(ANSWER_SECONDS, lambda: session.get(address, stream=True, timeout=times)) as answer:
                if answer.status_code != requests.codes.ok:
                    raise InputError(
                        f"{address}: the server says {answer.status_code} {answer.reason}; check the address"
                    )
                _keep(answer, address, target)
        except TimeoutError as error:
            raise InputError(f"{address}: {error}; try again later, or get the files by hand") from error
        except requests.TooManyRedirects as error:
            raise InputError(f"{address}: the server leads in a circle; check the address") from error
        except (requests.ConnectionError, requests.Timeout) as error:
            raise InputError(
                f"{address}: the server gave no answer, though it was asked {TRIES} times"
                f" ({type(error).__name__}); check the address and the network, or try again later"
            ) from error
        except (requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL, ValueError) as error:
            raise InputError(
                f"{address}: the server leads to what is no address ({reason_of(error)}); check the address"
            ) from error
        except requests.RequestException as error:
            raise InputError(f"{address}: {reason_of(error)}; try again, or get the files by hand") from error


def _keep(answer: requests.Response, address: str, target: Path) -> None:
    size = 0
    with target.open("wb") as file:
        for chunk in paced(answer):
            size += len(chunk)
            _require_small(address, size)
            file.write(chunk)


def _require_small(what: str, size: int) -> None:
    if size > LARGEST_FILE:
        raise InputError(f"{what}: more than {LARGEST_FILE:,} bytes, which no weights have; give another")
