"""Drag the slider of a report's page in headless Chromium and print how many pictures a second are drawn.

    python benchmarks/swipe.py [--side 1700] [--seconds 4]

The page has a pair of ``side`` x ``side`` pixels with its change map and probabilities, made up of noise; the
window is as large. Chromium draws without a graphics card, as it does on a plain server.
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from time import monotonic

import numpy as np
from affine import Affine
from playwright.sync_api import Page, sync_playwright

from terramamba.api import write_report
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.report.maps import MapFiles

WEIGHTS = "terramamba-change"
SPOTS = 40
"""Pixels a side of what changed."""

COUNT = """() => {
  window.drawn = []; window.moved = 0;
  const slider = document.getElementById("swipe");
  slider.addEventListener("input", () => { window.moved += 1; });
  const next = (now) => { window.drawn.push(now); requestAnimationFrame(next); };
  requestAnimationFrame(next);
}"""


def made_page(home: Path, side: int) -> Path:
    """Write a page about a pair of noise."""
    chance = np.random.default_rng(0)
    few = -(-side // SPOTS)
    changed = np.kron(chance.integers(0, 2, (few, few), np.uint8), np.ones((SPOTS, SPOTS), np.uint8))
    grid = Grid(side, side, "EPSG:32633", Affine(0.5, 0, 400_000, 0, -0.5, 5_800_000))
    layers = {
        "map": changed[None, :side, :side],
        "likely": chance.integers(0, 255, (1, side, side), np.uint8),
        "before": chance.integers(0, 256, (3, side, side), np.uint8),
        "after": chance.integers(0, 256, (3, side, side), np.uint8),
    }
    paths = {name: str(home / f"{name}.tif") for name in layers}
    for name, values in layers.items():
        write_geotiff(paths[name], values, grid)
    files = MapFiles(
        paths["map"], before=paths["before"], after=paths["after"], probabilities=paths["likely"]
    )
    return write_report([WEIGHTS], home / "page.html", map_files=files)


def dragged(page: Page, seconds: float) -> tuple[float, float]:
    """Drag the slider to and fro; return pictures a second and the longest wait for one, in milliseconds."""
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 3
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.evaluate(COUNT)
    begin, step = monotonic(), 0
    while monotonic() - begin < seconds:
        step += 1
        share = 0.5 + 0.4 * np.sin(step / 15)
        page.mouse.move(box["x"] + float(share) * box["width"], middle)
    page.mouse.up()
    drawn = np.diff(page.evaluate("window.drawn"))
    return 1000 / float(drawn.mean()), float(drawn.max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--side", type=int, default=1700, help="pixels a side of the pair and of the window")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long the slider is dragged")
    arguments = parser.parse_args()
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        raise SystemExit("there is no Chromium on PATH; install one, such as Debian's package chromium")
    with tempfile.TemporaryDirectory() as home, sync_playwright() as driver:
        page_file = made_page(Path(home), arguments.side)
        print(f"page: {page_file.stat().st_size / 1e6:.1f} MB")
        browser = driver.chromium.launch(executable_path=program, args=["--disable-dev-shm-usage"])
        page = browser.new_page(viewport={"width": arguments.side, "height": arguments.side})
        page.set_default_timeout(120_000)
        page.goto(page_file.as_uri())
        page.wait_for_selector("html[data-ready=map]", state="attached")
        rate, longest = dragged(page, arguments.seconds)
        shown = page.evaluate("[map.width, map.height]")
        print(f"slider dragged over {shown[0]} x {shown[1]} pixels of a window of {arguments.side}:")
        print(f"{rate:.0f} pictures a second, the longest wait {longest:.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
