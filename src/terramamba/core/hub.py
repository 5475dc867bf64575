"""Runs and weights on the Hugging Face hub: ``hf:ORG/NAME`` or with ``@REVISION``, in place of a folder.

They are brought into the hub's own cache (``HF_HOME``), each commit to a folder of its own that nobody
changes any more, so that a map goes on from the same files. Only safetensors and text are taken, the files
that a run or weights consist of, and nothing of them is run. Without an answer, what was fetched before
serves.

Checksums stand in the cards: who loads a run or weights compares them.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from json import JSONDecodeError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terramamba.core.errors import InputError, reason_of
from terramamba.core.network import ANSWER_SECONDS, PATIENCE_SECONDS, SLOWEST, TRIES, pause, within
from terramamba.core.progress import say
from terramamba.core.run_files import CARD, PRETRAINED, WEIGHTS

if TYPE_CHECKING:
    from huggingface_hub import HfApi

MARK = "hf:"
FORMS = ((WEIGHTS, CARD), PRETRAINED)
"""Files of a run, and of pretrained weights."""
LARGEST = 2**30
"""Bytes of all files together."""
LOG_IN = "log in (`hf auth login`, or HF_TOKEN)"
MOST_TOLD = 1 << 26
"""Bytes of an answer about a repository; those of the largest are some MB."""
HEAD_SECONDS = 5.0
"""How long one question about one file may take; the hub's library asks six times."""


def is_on_hub(given: object) -> bool:
    """Tell whether ``given`` names something on the hub."""
    return isinstance(given, str) and given.startswith(MARK)


def at_hand(given: str) -> str:
    """Return the folder of what ``given`` names on the hub, fetched where it is not there; else ``given``.

    Raises:
        InputError: there is no such repository, it holds no run and no weights, is too large, or the hub does
            not answer and nothing of it was fetched before.
    """
    if not is_on_hub(given):
        return given
    repo, _, revision = given.removeprefix(MARK).partition("@")
    with _bounds():
        return _at_hand(given, repo, revision or None)


def _at_hand(given: str, repo: str, revision: str | None) -> str:
    errors = hub_errors()
    try:
        files = _offered(given, repo, revision)
    except errors as error:
        return _kept(given, repo, revision, error)
    form = _form_in(given, files)
    if (size := sum(files[name] for name in form)) > LARGEST:
        raise InputError(
            f"{given}: {size:,} bytes, more than {LARGEST:,}, which no weights have; give another"
        )
    try:
        with _without_bars():
            return _fetched(given, repo, revision, {name: files[name] for name in form})
    except errors as error:
        raise InputError(f"{given}: was not fetched whole ({reason_of(error)}); try again later") from error


def hub() -> "HfApi":
    """Return who talks to the hub, at the address in ``HF_ENDPOINT`` if there is one; it waits not long."""
    from huggingface_hub import HfApi, get_session

    client: Any = get_session()
    if client.timeout.read is None:
        client.timeout = PATIENCE_SECONDS
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)


@contextmanager
def _bounds() -> Iterator[None]:
    """Take no answer without end meanwhile; the client is the hub's library's, which others use for more."""
    from huggingface_hub import get_session

    client: Any = get_session()
    hooks, accepted = client.event_hooks, client.headers.get("Accept-Encoding")
    client.headers["Accept-Encoding"] = "identity"  # a packed answer of a MB can be one of many GB
    client.event_hooks = {**hooks, "response": [*hooks["response"], _bounded]}
    try:
        yield
    finally:
        client.event_hooks = hooks
        del client.headers["Accept-Encoding"]
        if accepted is not None:
            client.headers["Accept-Encoding"] = accepted


def _bounded(answer: Any) -> None:
    """End an answer of the hub where it is packed or longer than any, before it fills memory or disk."""
    address = str(answer.request.url).partition("?")[0]
    if answer.request.method == "HEAD":
        return
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise InputError(
            f"{address}: the server sends packed what was asked for as it is; check HF_ENDPOINT and proxies"
        )
    most = MOST_TOLD if address.startswith(f"{hub().endpoint}/api/") else LARGEST
    come = answer.iter_raw

    def counted(chunk_size: int | None = None) -> Iterator[bytes]:
        count = 0
        for block in come(chunk_size):
            count += len(block)
            if count > most:
                raise InputError(
                    f"{address}: the server sends more than {most:,} bytes, which no answer has; check"
                    " HF_ENDPOINT"
                )
            yield block

    answer.iter_raw = counted


def hub_errors() -> tuple[type[Exception], ...]:
    """Return what is raised where the hub does not answer or refuses: its errors and those of its client.

    A network that wants its own page seen first answers with that.
    """
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

    of_client = HfHubHTTPError.__bases__[0]  # which client the hub's library has differs by its version
    return (
        of_client,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        OSError,
        JSONDecodeError,
        RecursionError,
    )


def _offered(given: str, repo: str, revision: str | None) -> dict[str, int]:
    """Size of each file of a repository; the hub is asked again where it has trouble for a while."""
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    for tries in range(1, TRIES + 1):
        try:
            info = within(
                ANSWER_SECONDS,
                lambda: hub().model_info(
                    repo, revision=revision, files_metadata=True, timeout=PATIENCE_SECONDS
                ),
            )
            sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
            if not all(isinstance(size, int) and size >= 0 for size in sizes.values()):
                raise TypeError("a size is no number of bytes")
            return sizes
        except (TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InputError(
                f"{given}: what answers for the hub is none; check HF_ENDPOINT and the network"
            ) from error
        except HFValidationError as error:
            raise InputError(f"{given}: is no name on a hub; give hf:ORG/NAME") from error
        except RevisionNotFoundError as error:
            raise InputError(
                f"{given}: the hub has no such revision; leave it out, or give another"
            ) from error
        except RepositoryNotFoundError as error:
            raise InputError(
                f"{given}: the hub has no such repository, or not for you; check the name, or {LOG_IN}"
            ) from error
        except hub_errors() as error:
            if getattr(getattr(error, "response", None), "status_code", None) in (401, 403):
                raise InputError(f"{given}: the hub does not let you; {LOG_IN}") from error
            if tries == TRIES or isinstance(error, TimeoutError) or os.environ.get("HF_HUB_OFFLINE"):
                raise
            pause(tries)
    raise AssertionError("unreachable")


def _form_in(given: str, files: Collection[str]) -> tuple[str, ...]:
    for form in FORMS:
        if all(name in files for name in form):
            return form
    raise InputError(
        f"{given}: holds no run of terramamba and no weights ({' and '.join(FORMS[0])}); give another"
    )


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep the library's own progress bars off the terminal, where they are not off already."""
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _fetched(given: str, repo: str, revision: str | None, sizes: Mapping[str, int]) -> str:
    from huggingface_hub import hf_hub_download

    endpoint = os.environ.get("HF_ENDPOINT") or None
    cache = os.environ.get("HF_HUB_CACHE") or None
    for _ in range(TRIES):
        folders = set()
        for name, size in sizes.items():
            bring = partial(hf_hub_download, repo, name, revision=revision, endpoint=endpoint)
            come = partial(bring, cache_dir=cache, etag_timeout=HEAD_SECONDS)
            folders.add(Path(within(ANSWER_SECONDS + size / SLOWEST, come)).parent)
        if len(folders) == 1:
            return str(folders.pop())
    raise InputError(f"{given}: changed while it was fetched; give the command again")


def _kept(given: str, repo: str, revision: str | None, error: Exception) -> str:
    """The folder of what was fetched before the hub gave no answer."""
    from huggingface_hub import try_to_load_from_cache

    cache = os.environ.get("HF_HUB_CACHE") or None
    for form in FORMS:
        found = [
            try_to_load_from_cache(repo, name, cache_dir=cache, revision=revision or "main") for name in form
        ]
        if all(isinstance(path, str) for path in found):
            folder = Path(str(found[0])).parent
            say(
                f"note: {given}: the hub gave no answer; what was fetched before is used ({folder.name[:12]})"
            )
            return str(folder)
    raise InputError(
        f"{given}: the hub gave no answer ({type(error).__name__}), and nothing of it was fetched before;"
        " check the network, or try again later"
    ) from error
