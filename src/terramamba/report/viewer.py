"""The section of the map: what its script fills, with controls that work by keyboard."""

from collections.abc import Sequence
from html import escape

from terramamba.report.colours import swatch
from terramamba.report.job import ReportedJob
from terramamba.report.layers import still_picture
from terramamba.report.maps import ReportMap
from terramamba.report.sections import Section, table
from terramamba.report.words import amount

KEYS = (
    "Drag the line, or the map where it is zoomed; two fingers zoom. With the map in focus, arrow keys move"
    " the cross, + and − zoom, 0 shows all, and the wheel zooms too."
)

CHANGE_COLUMNS = {"pixels": "pixels", "hectares": "hectares", "probability": "mean probability"}


def viewer(job: ReportedJob, land: ReportMap) -> Section:
    """Write map, controls, legend, the values under the mouse, and the largest changes, as HTML."""
    spectrum = '<div id="spectrum"></div>' if "spectra" in land.layers else ""
    side = [
        *job.controls(land),
        '<div class="buttons"><button type="button" id="closer" aria-label="zoom in">+</button>'
        '<button type="button" id="wider" aria-label="zoom out">−</button>'
        '<button type="button" id="whole">show all</button>'
        '<button type="button" id="picture">save picture</button>'
        '<button type="button" id="table">save areas</button></div>',
        '<output id="under" aria-live="polite">Point at the map.</output>',
        spectrum,
        _legend(land),
    ]
    words = f"Map of {land.height} by {land.width} pixels. {KEYS}"
    notes = "".join(f'<p class="hint">{escape(note)}</p>' for note in land.notes)
    return Section(
        "maps",
        "Map",
        '<div class="viewer"><div class="stage">'
        f'<canvas id="map" tabindex="0" role="application" aria-label="{words}" aria-describedby="under">'
        "</canvas>"
        f'<p id="wait"></p>{_still(land)}'
        f'<p class="hint">{KEYS}</p>{notes}</div><div class="side">{"".join(side)}</div></div>'
        + _largest(land),
    )


def _still(land: ReportMap) -> str:
    """What is seen where scripts do not run."""
    picture = still_picture(land.layers["values"], land.colours)
    return (
        "<noscript><p>This is a still picture: scripts do not run here, so the map cannot be moved or asked. "
        "The legend has its colours and areas.</p>"
        f'<img class="still" src="{picture}" alt="The map, small"></noscript>'
    )


def _legend(land: ReportMap) -> str:
    """Names, colours and areas; where classes stand beside each other, a button shows one alone."""
    shown = [
        f"{swatch(colour)}{escape(entry.name)} <small>{amount(entry)}</small>"
        for entry, colour in zip(land.areas, land.colours, strict=True)
    ]
    if not land.layers["over"]:
        shown = [
            f'<button type="button" class="only" data-value="{index}" aria-pressed="false"'
            f' title="show it alone">{entry}</button>'
            for index, entry in enumerate(shown)
        ]
    entries = "".join(f"<li>{entry}</li>" for entry in shown)
    return f'<ul class="legend" tabindex="0" aria-label="Legend">{entries}</ul>'


def _largest(land: ReportMap) -> str:
    rows = land.layers.get("largest") or []
    if not rows:
        return ""
    caption = (
        f"{len(rows)} of {land.layers['areas']:,} changed areas of the map as it was written; touching pixels"
        " are one area"
    )
    known = [key for key in CHANGE_COLUMNS if rows[0][key] is not None]
    head = ["on the map", *(CHANGE_COLUMNS[key] for key in known)]
    lines = [_change(index, [row[key] for key in known]) for index, row in enumerate(rows)]
    return f'<h3>Largest changes</h3><div class="short">{table(caption, head, lines)}</div>'


def _change(index: int, values: Sequence[int | float]) -> str:
    cells = "".join(
        f'<td class="number">{value:,}</td>'
        if isinstance(value, int)
        else f'<td class="number">{value:,.3f}</td>'
        for value in values
    )
    button = f'<button type="button" class="go" data-place="{index}">show {index + 1}</button>'
    return f"<tr><td>{button}</td>{cells}</tr>"
