"""One HTML page about runs and a map that needs nothing but itself."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from terramamba._version import __version__
from terramamba.core.errors import InputError
from terramamba.core.files import plain
from terramamba.core.run_files import REPORT
from terramamba.core.visible import visible
from terramamba.raster.output.staging import check_outputs, write_output
from terramamba.report.colours import SHARES
from terramamba.report.maps import MapFiles, read_map
from terramamba.report.score_rows import score_rows
from terramamba.report.sections import Section, comparison, provenance, scores, summary, understood
from terramamba.report.summary import model_name
from terramamba.report.viewer import viewer
from terramamba.runs.record import RunRecord, read_runs
from terramamba.training.task import Task

MAP_SCRIPTS = (
    "data",
    "paint",
    "beneath",
    "view",
    "marks",
    "told",
    "pointer",
    "controls",
    "save",
    "start",
)
"""What the map is made of, in the order in which it is read."""


def write_report(
    task: Task,
    records: Sequence[RunRecord],
    out: str | Path,
    *,
    map_files: MapFiles | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the page about runs for ``task``, and about the map in ``map_files`` that the first of them made.

    Raises:
        InputError: a file cannot be read, does not belong to the run, or ``out`` exists.
    """
    target = Path(out)
    if target.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"{target}: a report is a page; give --out a name that ends in .html")
    check_outputs([target], overwrite=overwrite)
    shown = task.report
    land = None if map_files is None else read_map(shown, records[0], map_files)
    written = datetime.now(UTC).isoformat(timespec="seconds")
    many = len(records) > 1
    parts = [
        summary(shown, records, land, task.scores[0]),
        comparison(records, task.scores),
        None if land is None else viewer(shown, land),
        *(scores(shown, run, many, task.scores) for run in records),
        *(understood(run, many) for run in records),
        provenance(records, land, written, __version__),
    ]
    sections = _by_name([part for part in parts if part is not None])
    title = " and ".join(run.name for run in records[:3]) + (" and others" if len(records) > 3 else "")
    style = _resource("style.css") + SHARES
    script = _script(with_map=land is not None)
    page = _filled(
        {
            "policy": _policy(style, script),
            "title": escape(f"{title} · terramamba"),
            "heading": escape(title),
            "about": escape(_about(task, records)),
            "style": style,
            "script": script,
            "data": _json("score-rows", score_rows(records, task.scores))
            + ("" if land is None else _json("data", land.payload)),
            "contents": _contents(sections),
            "body": "\n".join(
                f'<section id="{name}"><h2>{escape(part.title)}</h2>{part.body}</section>'
                for name, part in sections.items()
            ),
        }
    )
    write_output(target, visible(page).encode(), overwrite=overwrite)
    return target


def write_run_pages(task: Task, folder: str | Path) -> None:
    """Write the page of a run into its ``folder``; of several seeds each one's, and one of all.

    Raises:
        InputError: as ``write_report``; a page that is there already is written anew.
    """
    for run in dict.fromkeys([*(record.folder for record in read_runs([folder])), Path(folder)]):
        write_report(task, read_runs([run]), run / REPORT, overwrite=True)


def _about(task: Task, runs: Sequence[RunRecord]) -> str:
    return f"{task.title} · {', '.join(dict.fromkeys(model_name(run) for run in runs))}"


def _by_name(parts: Sequence[Section]) -> dict[str, Section]:
    """The sections by their names, with a number where several runs have one."""
    named: dict[str, Section] = {}
    for part in parts:
        same = sum(other.name == part.name for other in named.values())
        named[f"{part.name}{same + 1}" if same else part.name] = part
    return named


def _contents(sections: Mapping[str, Section]) -> str:
    """Write links to the sections, where there are several."""
    links = "".join(f'<li><a href="#{name}">{escape(part.title)}</a></li>' for name, part in sections.items())
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>' if len(sections) > 2 else ""


def _policy(style: str, script: str) -> str:
    """What a browser may run and load: this style sheet and this script, known by their hashes."""
    sheet, program = (b64encode(sha256(text.encode()).digest()).decode("ascii") for text in (style, script))
    return (
        f"default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:;"
        f" style-src 'sha256-{sheet}'; script-src 'sha256-{program}'"
    )


def _script(*, with_map: bool) -> str:
    """The page's programs; those of the map share what they name."""
    of_map = "\n".join(_resource(f"script/{name}.js") for name in MAP_SCRIPTS) if with_map else ""
    return "".join(_resource(f"script/{name}.js") for name in ("theme", "scores")) + f"{{\n{of_map}}}\n"


def _json(name: str, record: Any) -> str:
    """JSON that no text in it can end early."""
    text = json.dumps(plain(record), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return f'<script type="application/json" id="{name}">' + text.replace("<", "\\u003c") + "</script>"


def _filled(texts: dict[str, str]) -> str:
    # All at once: what is put in may look like a name to fill.
    return re.sub(r"\{\{(\w+)\}\}", lambda name: texts[name[1]], _resource("template.html"))


def _resource(name: str) -> str:
    return files("terramamba.report").joinpath(name).read_text(encoding="utf-8")
