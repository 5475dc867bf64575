"""What the page's map offers in headless Chromium: layers, bands, files to save; and without scripts."""

import io
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from report.browser import Tab
from report.conftest import Made
from report.test_browser import DESKTOP, PHONE
from report.test_report_page import band, unpacked
from terramamba.api import write_report
from terramamba.raster.readers.open import open_scene
from terramamba.report.composites import composites

SCREENS = ((1024, 768), (1700, 1700))
LEGEND = ".legend:not([hidden])"


@pytest.fixture(scope="module")
def pages(made: Made, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("layers")
    change = replace(made.change_files, truth=str(made.truth))
    return {
        "cover": write_report([made.cover], home / "cover.html", map_files=made.cover_files),
        "change": write_report([made.change], home / "change.html", map_files=change),
    }


@pytest.fixture
def tab(browser: Any, request: pytest.FixtureRequest) -> Iterator[Tab]:
    """A tab that ends without a complaint and without a request but for the page and what it makes itself."""
    context = browser.new_context(**(DESKTOP | getattr(request, "param", {})))
    tab = Tab(context.new_page())
    yield tab
    tab.run("1")
    context.close()
    assert tab.complaints == []
    assert all(address.startswith(("file:", "data:", "blob:file:", "blob:null")) for address in tab.requests)


def colours_in(picture: np.ndarray) -> set[tuple[int, ...]]:
    packed = np.unique(picture.astype(np.int64) @ [65536, 256, 1])
    return {(value >> 16, value >> 8 & 255, value & 255) for value in packed.tolist()}


def saved(tab: Tab, button: str) -> bytes:
    with tab.page.expect_download() as download:
        tab.page.click(button)
    return Path(download.value.path()).read_bytes()


@pytest.mark.parametrize("job", ["cover", "change"])
def test_each_layer_has_its_own_colours_and_legend(tab: Tab, pages: dict[str, Path], job: str) -> None:
    tab.open(pages[job])
    tab.set_slider("opacity", 100)
    tab.set_slider("swipe", 0)
    layers = tab.run("JSON.parse(data.textContent).layers")
    pictures = {}
    for name, layer in layers.items():
        tab.page.select_option("#layer", name)
        legends = tab.run(f"[...document.querySelectorAll('{LEGEND}')].map((one) => one.dataset.layer)")
        assert legends == [name]
        pictures[name] = tab.look()
        often = np.flatnonzero(np.bincount(unpacked(layer).ravel(), minlength=256) >= 20)
        there = {
            tuple(kind["colour"])
            for at, kind in enumerate(layer["kinds"])
            if at in often and not kind["clear"]
        }
        assert there <= colours_in(pictures[name]), name
    names = list(pictures)
    assert all(
        not np.array_equal(pictures[one], pictures[other]) for one in names for other in names if one < other
    )
    tab.page.select_option("#layer", "errors")
    tab.set_slider("opacity", 0)
    picture = tab.look()[60:-60, 60:-60].astype(int)
    assert (picture.max(axis=2) - picture.min(axis=2)).mean() < 3  # the image beneath is grey


def test_the_image_beneath_is_of_the_bands_that_are_chosen(
    tab: Tab, pages: dict[str, Path], made: Made
) -> None:
    tab.open(pages["cover"])
    tab.set_slider("swipe", 200)
    titles = tab.run("[...document.getElementById('beneath').options].map((one) => one.textContent)")
    known = [one.title for one in composites(open_scene(str(made.cover_files.scene)))]
    assert titles == [*known, "bands of your choice"]
    assert not tab.page.is_visible("#own")
    tab.page.select_option("#beneath", "own")
    assert tab.page.is_visible("#own")
    for colour in ("red", "green", "blue"):
        tab.page.select_option(f"#{colour}", "3")
    picture = tab.look()[60:-60, 60:200].astype(int)
    assert (picture.max(axis=2) - picture.min(axis=2)).max() == 0  # one band in all three is grey
    assert picture.std() > 10
    assert "4 · " in tab.run("document.getElementById('red').selectedOptions[0].textContent")


def test_the_picture_that_is_saved_has_its_legend(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["cover"])
    for layer in ("map", "errors", "probability"):
        tab.page.select_option("#layer", layer)
        with Image.open(io.BytesIO(saved(tab, "#picture"))) as file:
            picture = np.asarray(file.convert("RGB"))
        wide, high = tab.run("[map.width, map.height]")
        assert picture.shape[1] == wide
        assert picture.shape[0] > high + 30
        legend = colours_in(picture[high + 20 :])
        kinds = tab.run("(name) => JSON.parse(data.textContent).layers[name].kinds", layer)
        listed = tab.run(f"[...document.querySelectorAll('{LEGEND} .only')].map((one) => one.dataset.value)")
        assert {tuple(kinds[int(place)]["colour"]) for place in listed} <= legend
        assert len(legend) > 20


def test_areas_and_scores_are_saved_as_they_were_measured(
    tab: Tab, pages: dict[str, Path], made: Made
) -> None:
    tab.open(pages["change"])
    areas = saved(tab, "#table").decode().split("\r\n")
    land = band(made.change_files.land)
    assert areas[0] == "name,pixels,hectares"
    assert areas[2].startswith(f'"changed",{int((land == 1).sum())},')
    test = json.loads((made.change / "metrics.json").read_text())["test"]
    rows = [line.split(",") for line in saved(tab, "#save-scores").decode().split("\r\n") if line]
    assert rows[0] == ["run", "class", "score", "value"]
    found = {row[2].strip('"'): float(row[3]) for row in rows[1:]}
    assert found["f1"] == test["f1"]


@pytest.mark.parametrize("job", ["cover", "change"])
def test_polygons_are_saved_in_degrees(tab: Tab, pages: dict[str, Path], made: Made, job: str) -> None:
    tab.open(pages[job])
    record = json.loads(saved(tab, "#polygons"))
    land = band(getattr(made, f"{job}_files").land)
    mapped = land > 0 if job == "cover" else land == 1
    assert sum(one["properties"]["pixels"] for one in record["features"]) == mapped.sum()
    lon, lat = record["features"][0]["geometry"]["coordinates"][0][0][0]
    assert 8.9 < lon < 9.1
    assert 52 < lat < 53


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_without_scripts_a_still_picture_and_a_sentence_stand_there(
    browser: Any, pages: dict[str, Path], size: dict[str, Any]
) -> None:
    context = browser.new_context(**size, java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["cover"].resolve().as_uri())
    assert page.locator("noscript").count() == 1
    assert page.locator("noscript p").is_visible()
    assert "scripts do not run here" in page.locator("noscript p").inner_text()
    box = page.locator("img.still").bounding_box()
    assert box["width"] > 50
    assert box["height"] > 50
    assert page.locator("[data-layer=map]").is_visible()
    for name in ("#map", "#theme", "#layer", "#swipe", "#picture", "#under", "#save-scores"):
        assert not page.locator(name).is_visible(), name
    context.close()


@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_on_a_phone_controls_have_a_thumbs_size(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["cover"])
    sizes = tab.run(
        "[...document.querySelectorAll('button, select, .side input')].filter((one) => one.offsetParent)"
        ".map((one) => [one.id || one.className, one.getBoundingClientRect().height])"
    )
    assert len(sizes) > 10
    assert [name for name, high in sizes if high < 40] == []


def test_layers_are_chosen_by_keyboard(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["cover"])
    tab.run("document.getElementById('layer').focus()")
    tab.page.keyboard.press("ArrowDown")
    assert tab.run("document.getElementById('layer').value") == "probability"
    assert tab.page.is_visible("[data-layer=probability]")
    tab.page.select_option("#layer", "truth")
    only = tab.page.locator("[data-layer=truth] .only").first
    only.focus()
    tab.page.keyboard.press("Enter")
    assert only.get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize("job", ["cover", "change"])
def test_axe_finds_no_violation(browser: Any, pages: dict[str, Path], job: str) -> None:
    """``TERRAMAMBA_AXE`` names the file axe.min.js of axe-core, which is not ours to ship."""
    program = os.environ.get("TERRAMAMBA_AXE")
    if program is None:
        pytest.skip("TERRAMAMBA_AXE does not name axe.min.js")
    for size in (PHONE, *({"viewport": {"width": wide, "height": high}} for wide, high in SCREENS)):
        for scheme in ("light", "dark"):
            context = browser.new_context(**size, bypass_csp=True)
            tab = Tab(context.new_page())
            tab.open(pages[job], scheme=scheme)
            tab.run(Path(program).read_text(encoding="utf-8"))
            for layer in ("map", "errors", "probability"):
                tab.page.select_option("#layer", layer)
                found = tab.run("axe.run(document)")["violations"]
                assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
            context.close()
