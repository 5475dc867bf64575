"""The one exception for what a user can put right."""


class InputError(Exception):
    """Something that was asked for cannot be done.

    The message is one line that names the file, the value and the remedy; the command line prints it
    and exits with status 1, without a traceback.
    """
