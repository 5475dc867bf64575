"""Run a notebook in an empty folder of its own and keep it with what its cells showed.

python distribution/site/run_notebook.py docs/tutorials/NAME.ipynb build/tutorials/NAME.ipynb
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
LONGEST = 3600
"""Seconds that one cell may take, on a machine that does much else."""


def main(source: str, target: str) -> None:
    """Run ``source`` and write ``target``; an error in a cell ends it, with the cell's own message."""
    notebook = nbformat.read(source, as_version=4)
    os.environ["TERRAMAMBA_EXAMPLES"] = str(ROOT / "examples")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        NotebookClient(notebook, timeout=LONGEST, resources={"metadata": {"path": folder}}).execute()
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    print(f"{source}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
