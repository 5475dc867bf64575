"""Files of every format, opened as scenes; one record a format in formats.py."""
