"""``python -m terramamba`` is the command line."""

import sys

from terramamba.cli import main

if __name__ == "__main__":
    sys.exit(main())
