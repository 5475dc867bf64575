"""The one exception for what a user can put right."""


class InputError(Exception):
    """Something that was asked for cannot be done.

    The message is one line that names the file, the value and the remedy; the command line prints it
    and exits with status 1, without a traceback.
    """


REASON_LENGTH = 300
"""Letters of a library's reason that are shown; some quote whole files or queries."""


def reason_of(error: BaseException) -> str:
    """Return what a library says went wrong, on one line and not too long; else the type of the error."""
    words = " ".join(str(error.__cause__ or error).split()).rstrip(".") or type(error).__name__
    return words if len(words) <= REASON_LENGTH else f"{words[:REASON_LENGTH]} ..."
