"""Draws which rooms of the package import which, as Mermaid: ``python docs/import_graph.py [FILE]``.

With a file, the drawing in it (what its ``mermaid`` fence holds) is made anew; else it is printed.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from test_imports import FLOORS, SOURCES, files_imported, module_of, room_named  # noqa: E402

FENCE = re.compile(r"(```mermaid\n).*?(```)", re.DOTALL)


def edges() -> set[tuple[str, str]]:
    """Pairs of rooms of which the first imports the second."""
    known = {module_of(path) for path in SOURCES}
    found = {
        (room_named(module_of(path)), room_named(other))
        for path in SOURCES
        for other in files_imported(known, path)
    }
    return {(one, other) for one, other in found if one != other}


def drawn() -> str:
    """The rooms floor by floor, and an arrow for each import that no longer way through others implies."""
    arrows = edges()
    rooms = {room for arrow in arrows for room in arrow} - {"__init__", "__main__", "_version"}
    arrows = {(one, other) for one, other in arrows if {one, other} <= rooms}
    reach = {room: below(room, arrows) for room in rooms}
    short = {
        (one, other)
        for one, other in arrows
        if not any(other in reach[between] for start, between in arrows if start == one)
    }
    lines = ["flowchart TD"]
    for number, floor in reversed(list(enumerate(FLOORS))):
        here = sorted(floor & rooms)
        if here:
            lines += [f"  subgraph floor{number} [ ]", *(f"    {room}" for room in here), "  end"]
    lines += [f"  {one} --> {other}" for one, other in sorted(short)]
    return "\n".join(lines) + "\n"


def below(room: str, arrows: set[tuple[str, str]]) -> set[str]:
    """All rooms that ``room`` imports, directly or through others."""
    found: set[str] = set()
    left = [room]
    while left:
        new = {other for one, other in arrows if one == left[-1]} - found
        left.pop()
        found |= new
        left += sorted(new)
    return found


if __name__ == "__main__":
    if len(sys.argv) > 1:
        page = Path(sys.argv[1])
        page.write_text(
            FENCE.sub(lambda place: place[1] + drawn() + place[2], page.read_text("utf-8")), "utf-8"
        )
    else:
        print(drawn(), end="")
