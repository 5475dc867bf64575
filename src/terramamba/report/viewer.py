"""The section of the map: what its script fills, with controls that work by keyboard."""

from collections.abc import Sequence
from html import escape

from terramamba.report.colours import ramp_colour, swatch
from terramamba.report.controls import choice
from terramamba.report.layers import still_picture
from terramamba.report.map_layers import FEW_BANDS
from terramamba.report.maps import ReportMap
from terramamba.report.sections import Section, table
from terramamba.report.summary import amount
from terramamba.report.task import ReportTask

KEYS = (
    "Drag the line, or the map where it is zoomed; two fingers zoom. With the map in focus, arrow keys move"
    " the cross, + and − zoom, 0 shows all, and the wheel zooms too."
)

OWN = "own"
"""The choice of bands of one's own among the pictures."""

RAMP = (
    '<svg class="ramp" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
    + "".join(
        f'<rect x="{step}" width="1.2" height="8" fill="rgb({",".join(map(str, ramp_colour(step / 99)))})"/>'
        for step in range(100)
    )
    + '</svg><p class="ends"><span>0</span><span>0.5</span><span>1</span></p>'
)

CHANGE_COLUMNS = {"pixels": "pixels", "hectares": "hectares", "probability": "mean probability"}


def viewer(task: ReportTask, land: ReportMap) -> Section:
    """Write map, controls, legends, the values under the mouse, and the largest changes, as HTML."""
    spectrum = '<div id="spectrum"></div>' if land.layers["spectra"] else ""
    side = [
        _choices(land),
        *task.controls(land),
        '<div class="buttons"><button type="button" id="closer" aria-label="zoom in">+</button>'
        '<button type="button" id="wider" aria-label="zoom out">−</button>'
        '<button type="button" id="whole">show all</button></div>',
        '<output id="under" aria-live="polite">Point at the map, or touch it.</output>',
        spectrum,
        *(_legend(name, land) for name in land.overlays),
        _saving(land),
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
        f'<p class="hint by-hand">{KEYS}</p>{notes}</div><div class="side">{"".join(side)}</div></div>'
        + _largest(land),
    )


def _choices(land: ReportMap) -> str:
    """Lists of the layers and of the pictures beneath, and of the bands of one's own choice."""
    layers = {name: overlay.title for name, overlay in land.overlays.items()}
    pictures = {str(place): one["title"] for place, one in enumerate(land.layers["pictures"])}
    spectra = land.layers["spectra"]
    names = next(iter(spectra.values()))["names"] if spectra else []
    found = [choice("layer", "Layer", layers)] if len(layers) > 1 else []
    if len(names) > FEW_BANDS:
        found.append(choice("beneath", "Image beneath", pictures | {OWN: "bands of your choice"}))
        listed = {str(place): name for place, name in enumerate(names)}
        colours = "".join(choice(colour, colour, listed) for colour in ("red", "green", "blue"))
        found.append(f'<div id="own" hidden>{colours}</div>')
    elif len(pictures) > 1:
        found.append(choice("beneath", "Image beneath", pictures))
    return "".join(found)


def _saving(land: ReportMap) -> str:
    """Buttons that save what is shown; the page makes the files itself."""
    polygons = (
        '<button type="button" id="polygons">polygons (GeoJSON)</button>' if "polygons" in land.layers else ""
    )
    said = land.layers.get("polygons_said")
    return (
        '<div class="buttons" role="group" aria-label="Save"><span>Save:</span>'
        '<button type="button" id="picture">picture (PNG)</button>'
        '<button type="button" id="table">areas (CSV)</button>'
        f"{polygons}</div>" + (f'<p class="hint">{escape(said)}</p>' if said else "")
    )


def _still(land: ReportMap) -> str:
    """What is seen where scripts do not run."""
    picture = still_picture(land.layers["layers"]["map"], land.colours)
    return (
        "<noscript><p>This is a still picture: scripts do not run here, so the map cannot be moved or asked. "
        "The legend has its colours and areas.</p>"
        f'<img class="still" src="{picture}" alt="The map, small"></noscript>'
    )


def _legend(name: str, land: ReportMap) -> str:
    """Names, colours and amounts of one layer; a button shows a kind alone. Only the map's is not hidden."""
    overlay, hidden = land.overlays[name], "" if name == "map" else " hidden"
    said = f'<p class="hint">{escape(overlay.said)}</p>' if overlay.said else ""
    title = escape(f"Legend: {overlay.title}")
    begin = f'<div class="legend" data-layer="{name}" tabindex="0" role="group" aria-label="{title}"{hidden}>'
    if not overlay.kinds:
        return f"{begin}{RAMP}{said}</div>"
    own = name == "map"
    words = [amount(entry) for entry in land.areas] if own else [kind.words for kind in overlay.kinds]
    entries = "".join(
        f'<li><button type="button" class="only" data-value="{value}" aria-pressed="false"'
        f' title="show it alone">{swatch(kind.colour)}{escape(kind.name)} <small>{escape(text)}</small>'
        "</button></li>"
        for value, (kind, text) in enumerate(zip(overlay.kinds, words, strict=True))
        if own or not text.startswith("0 pixels")
    )
    return f"{begin}<ul>{entries}</ul>{said}</div>"


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
