"""Whether files may name other files anywhere: what ``--trust`` says, to this process and those it starts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

VARIABLE = "TERRAMAMBA_TRUST"


def is_trusted() -> bool:
    """Tell whether whoever runs this trusts the files that are given."""
    return os.environ.get(VARIABLE) == "1"


@contextmanager
def trusting() -> Iterator[None]:
    """Trust the files that are opened inside, in processes that are started inside too."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before
