"""``terramamba report``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from terramamba.cli.shared.parse import Usage, parse
from terramamba.core.errors import InputError

USAGE = Usage(
    "report",
    "Write one HTML page about a run, or about several beside each other: summary, scores, training, and the "
    "map where one is given. The page needs no network. Of a map made with --weights, name these in place of "
    "RUN.",
    ("RUN", "[RUN ...]"),
    example="runs/cover --map cover.tif --scene scene.tif",
)


BESIDE = ("scene", "before", "after", "probabilities", "certainty", "truth")
"""Flags of files that are shown with a map."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Flags of the command."""

    out: str | None = None
    """Page to write; None: report.html in the run's folder, anew (of several runs, or weights, name it)."""
    map: str | None = None
    """Map that the first run made, as `classify map` or `change map` wrote it."""
    probabilities: str | None = None
    """Probabilities written with the map; for change they bring the slider of the threshold."""
    certainty: str | None = None
    """Certainty written with the map."""
    truth: str | None = None
    """What is true: labels of a land-cover map; of change a mask, or what `change evaluate --out` wrote of
    the pair. None: what the run's own data say of this place, where they can still be read."""
    scene: str | None = None
    """Scene that the land-cover map was made of: picture, and spectra under the mouse."""
    before: str | None = None
    """Earlier image of a change map."""
    after: str | None = None
    """Later image of a change map, on the same grid."""
    overwrite: bool = False
    """Replace an existing page that --out names."""


def run(argv: Sequence[str]) -> int:
    """Write the page, and print its name and size."""
    options, folders = parse(USAGE, ReportOptions, argv)
    if options.out is None and len(folders) > 1:
        raise InputError("a report about several runs needs --out, such as --out report.html")
    from terramamba.api import write_report
    from terramamba.cli.shared.show import show_facts
    from terramamba.core.run_files import REPORT
    from terramamba.report.maps import MapFiles
    from terramamba.report.weights_record import is_weights

    beside = {name: getattr(options, name) for name in BESIDE}
    for name, path in beside.items():
        if path is not None and options.map is None:
            raise InputError(f"--{name} {path}: is shown with a map; give the map with --map")
    if options.out is None and not Path(folders[0]).is_dir() and is_weights(folders[0]):
        raise InputError(f"a report about {folders[0]} needs --out, such as --out report.html")
    files = None if options.map is None else MapFiles(options.map, **beside)
    own = Path(folders[0]) / REPORT
    page = write_report(
        folders, options.out or own, map_files=files, overwrite=options.overwrite or options.out is None
    )
    show_facts({"written": page, "size": f"{page.stat().st_size / 1e6:.2f} MB"})
    return 0
