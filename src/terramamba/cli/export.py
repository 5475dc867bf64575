"""``terramamba export``."""

from collections.abc import Sequence
from dataclasses import dataclass

from terramamba.cli.shared.parse import Usage, parse
from terramamba.export.settings import ExportSettings

USAGE = Usage(
    "export",
    "Write a trained run, or the shipped weights for change (RUN: terramamba-change), as an ONNX file, "
    "which runs without PyTorch: tiles of raw values in, probabilities out; scaling is inside. Needs "
    "`pip install 'terramamba[onnx]'`.",
    ("RUN",),
    example="runs/change --out change.onnx",
)


@dataclass(frozen=True, kw_only=True)
class ExportOptions(ExportSettings):
    """Flags of the command."""

    out: str
    """File to write, .onnx."""


def run(argv: Sequence[str]) -> int:
    """Write the file, and print what goes in and comes out."""
    options, (folder,) = parse(USAGE, ExportOptions, argv)
    from terramamba.api import export_onnx
    from terramamba.cli.shared.show import show_facts

    written = export_onnx(folder, **vars(options))
    channels, rows, columns = written.input
    facts = {
        "written": written.path,
        "size": f"{written.size / 1e6:.2f} MB",
        "input": f"any number of tiles x {channels} bands x {rows} x {columns} pixels",
        "output": ", ".join(written.classes),
    }
    if written.difference is not None:
        facts["differs from PyTorch by"] = f"{written.difference:.1e} at most"
    show_facts(facts)
    return 0
