"""The page in headless Chromium: it does what it says by mouse and keyboard, and asks nobody anything."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from report.browser import Tab
from report.conftest import Made
from terramamba.api import write_report
from terramamba.raster.readers.open import open_scene
from terramamba.scores.thresholds import changed

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def pages(made: Made, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    home = tmp_path_factory.mktemp("pages")
    return {
        job: write_report([getattr(made, job)], home / f"{job}.html", map_files=getattr(made, f"{job}_files"))
        for job in ("cover", "change")
    }


@pytest.fixture
def tab(browser: Any, request: pytest.FixtureRequest) -> Iterator[Tab]:
    """A tab that ends without a complaint in its console and without a request but for the page itself."""
    context = browser.new_context(**(DESKTOP | getattr(request, "param", {})))
    tab = Tab(context.new_page())
    yield tab
    tab.run("1")  # what came until now has been heard after this
    context.close()
    assert tab.complaints == []
    asked = [address for address in tab.requests if not address.startswith("data:")]
    assert asked
    assert all(address.startswith("file:") and address.endswith(".html") for address in asked)


def test_hover_shows_class_probability_and_spectrum(
    tab: Tab, pages: dict[str, Path], made: Made, seed: int
) -> None:
    tab.open(pages["cover"])
    codes = open_scene(made.cover_files.land).read()[0][0]
    likely = open_scene(str(made.cover_files.probabilities)).read()[0].max(axis=0)
    words = "[...document.querySelectorAll('[data-layer=map] li')].map((entry) => entry.textContent)"
    names = dict(enumerate(tab.run(words), 1))
    random = np.random.default_rng(seed)
    for row, col in random.integers(0, codes.shape, (6, 2)):
        tab.point_at(row, col, codes.shape)
        words = tab.said("under").split("\n")
        assert words[0].startswith(f"row {row}, column {col} · ")
        if codes[row, col] == 0:
            assert words[1] == "no data"
        else:
            assert names[int(codes[row, col])].startswith(words[1] + " ")
            assert words[2] == f"probability {likely[row, col] / 254:.2f}"
            assert tab.run("document.querySelectorAll('#spectrum path').length") == 1


def test_a_class_of_the_legend_is_shown_alone_and_degrees_stand_last(
    tab: Tab, pages: dict[str, Path]
) -> None:
    tab.open(pages["cover"])
    tab.set_slider("swipe", 0)
    tab.set_slider("opacity", 100)
    shown = tab.run("JSON.parse(document.getElementById('data').textContent)")
    colours = [tuple(one["colour"]) for one in shown["classes"]]

    def seen() -> set[tuple[int, ...]]:
        return {tuple(pixel) for pixel in tab.look().reshape(-1, 3).tolist()} & set(colours)

    there = seen()
    own = colours.index(sorted(there)[0])
    other = next(index for index, colour in enumerate(colours) if index != own)
    buttons = tab.page.locator("[data-layer=map] .only")
    buttons.nth(other).click()
    assert not seen() - {colours[other]}
    buttons.nth(own).click()
    assert seen() == {colours[own]}
    assert buttons.nth(own).get_attribute("aria-pressed") == "true"
    buttons.nth(own).click()
    assert seen() == there
    tab.point_at(5, 5, (60, 60))
    assert tab.said("under").split("\n")[-1].endswith("° E")


def test_two_fingers_zoom(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["cover"])
    tab.page.locator("#map").scroll_into_view_if_needed()
    box, touch = tab.page.locator("#map").bounding_box(), tab.page.context.new_cdp_session(tab.page)
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = tab.look()
    for kind, apart in (("touchStart", 30), ("touchMove", 60), ("touchMove", 120)):
        points = [{"x": middle[0] + side * apart, "y": middle[1], "id": side + 1} for side in (-1, 1)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    zoomed = tab.look()
    assert not np.array_equal(before, zoomed)
    tab.page.click("#whole")
    assert np.array_equal(tab.look(), before)


def test_the_swipe_moves(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["change"])
    tab.set_slider("opacity", 0)
    seen = {}
    for place in (0, 100, 200):
        tab.set_slider("swipe", place)
        seen[place] = tab.look()
    # Frame, line and its handle lie at the edges and in the middle.
    middle = seen[0].shape[1] // 2
    left, right = np.s_[9:-9, 20 : middle - 20], np.s_[9:-9, middle + 20 : -20]
    assert not np.array_equal(seen[0][left], seen[200][left])
    assert np.array_equal(seen[100][left], seen[200][left])
    assert np.array_equal(seen[100][right], seen[0][right])
    tab.set_slider("swipe", 100)
    tab.page.keyboard.press("ArrowRight")
    assert tab.run("document.getElementById('swipe').value") == "101"


def test_the_line_is_dragged_on_the_map(tab: Tab, pages: dict[str, Path], seed: int) -> None:
    tab.open(pages["change"])
    tab.page.locator("#map").scroll_into_view_if_needed()
    box, mouse = tab.page.locator("#map").bounding_box(), tab.page.mouse
    share, height = np.random.default_rng(seed).uniform(0.1, 0.9, 2)
    mouse.move(box["x"] + box["width"] / 2, box["y"] + height * box["height"])
    mouse.down()
    mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    mouse.up()
    assert abs(float(tab.run("document.getElementById('swipe').value")) - 200 * share) <= 2
    mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 3)
    assert abs(float(tab.run("document.getElementById('swipe').value")) - 200 * share) <= 2


def test_the_slider_of_the_threshold_counts_and_recolours(
    tab: Tab, pages: dict[str, Path], made: Made, seed: int
) -> None:
    tab.open(pages["change"])
    likely = open_scene(str(made.change_files.probabilities)).read()[0][0]
    valid = likely != 255
    for thousandths in [1, 1000, *np.random.default_rng(seed).integers(2, 1000, 4)]:
        tab.set_slider("threshold", int(thousandths))
        count = int((changed(likely / 254, thousandths / 1000) & valid).sum())
        assert f": {count:,} pixels changed" in tab.said("counted")
        assert " ha" in tab.said("counted")
    before = tab.said("counted")
    tab.run("document.getElementById('threshold').focus()")
    tab.set_slider("threshold", 100)
    tab.page.keyboard.press("ArrowRight")
    assert tab.said("counted").startswith("0.101: ")
    assert tab.said("counted") != before

    tab.set_slider("opacity", 100)
    row, col = np.argwhere(valid & (likely > 0) & (likely < 254))[0]
    tab.point_at(row, col, likely.shape)
    at = int(likely[row, col]) * 1000 // 254
    for thousandths, words in ((max(at, 1), "changed"), (at + 1, "unchanged")):
        tab.set_slider("threshold", thousandths)
        assert tab.said("under").split("\n")[1] == words
    # The colour of change covers all where everything counts, and hardly anything where nothing does.
    covered = {}
    for thousandths in (1, 1000):
        tab.set_slider("threshold", thousandths)
        covered[thousandths] = (
            (tab.look() == tab.run("JSON.parse(data.textContent).classes[1].colour")).all(axis=2).mean()
        )
    assert covered[1] > 0.5 > covered[1000]


def test_a_row_of_the_table_moves_the_map_there(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["change"])
    boxes = tab.run("JSON.parse(document.getElementById('data').textContent).largest.map((row) => row.box)")
    for place, (west, north, east, south) in enumerate(boxes[:3]):
        tab.run(f"document.querySelectorAll('.go')[{place}].click()")
        first = tab.said("under").split(" · ")[0]
        assert first == f"row {int((north + south) / 2)}, column {int((west + east) / 2)}"


def test_the_map_works_by_keyboard(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["cover"])
    reached = []
    for _ in range(40):
        tab.page.keyboard.press("Tab")
        reached.append(tab.run("document.activeElement.id"))
    assert {"theme", "map", "swipe", "closer", "wider", "whole"} <= set(reached)
    tab.run("document.getElementById('map').focus()")
    tab.page.keyboard.press("ArrowRight")
    row, col = (
        int(word) for word in tab.run("document.getElementById('under').textContent.match(/\\d+/g)")[:2]
    )
    tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("ArrowRight")
    assert tab.said("under").startswith(f"row {row + 1}, column {col + 1} ")


def test_dark_light_and_the_switch(tab: Tab, pages: dict[str, Path]) -> None:
    colours = {}
    background = "getComputedStyle(document.body).backgroundColor"
    for scheme in ("light", "dark"):
        tab.open(pages["change"], scheme=scheme)
        colours[scheme] = tab.run(background)
    assert colours["light"] != colours["dark"]
    tab.run("document.getElementById('theme').click()")
    assert tab.run(background) == colours["light"]
    assert tab.said("theme") == "dark"


def test_scripts_and_styles_that_got_into_the_page_are_not_run(
    tab: Tab, pages: dict[str, Path], tmp_path: Path
) -> None:
    tab.open(pages["cover"])
    title, colour = tab.page.title(), tab.run("getComputedStyle(document.querySelector('h1')).color")
    foreign = (
        "<script>document.title = 'script'</script><img src=x onerror=\"document.title = 'handler'\">"
        "<svg onload=\"document.title = 'svg'\"></svg><style>h1 { color: rgb(1, 2, 3) !important }</style>"
    )
    page = tmp_path / "foreign.html"
    page.write_text(pages["cover"].read_text(encoding="utf-8").replace("<main>", f"<main>{foreign}"), "utf-8")
    tab.open(page)
    assert tab.page.title() == title
    assert tab.run("getComputedStyle(document.querySelector('h1')).color") == colour
    assert any("Content Security Policy" in words for words in tab.complaints)
    tab.complaints.clear()
    tab.requests[:] = [address for address in tab.requests if address.endswith(".html")]


@pytest.mark.parametrize("job", ["cover", "change"])
@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_one_column_on_a_phone(tab: Tab, pages: dict[str, Path], job: str) -> None:
    tab.open(pages[job])
    assert tab.run("document.documentElement.scrollWidth") <= 390
    tops = tab.run(
        "['.stage', '.side'].map((name) => {"
        " const box = document.querySelector(name).getBoundingClientRect();"
        " return [box.left, box.top, box.bottom]; })"
    )
    assert tops[0][0] == tops[1][0]
    assert tops[0][2] <= tops[1][1]


@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_a_long_title_leaves_the_button_beside_it_its_word(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["change"])
    tab.run("document.querySelector('header p, header small').textContent = 'Change of dates, '.repeat(5)")
    assert tab.run("document.querySelector('#theme').offsetHeight") == 44


@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_names_of_classes_cover_the_numbers_beneath_them(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["cover"])
    seen = tab.run(
        "() => { const table = document.querySelector('.confusion'), frame = table.parentElement;"
        " frame.style.width = '170px'; table.scrollIntoView({behavior: 'instant'}); frame.scrollLeft = 70;"
        " const edge = frame.getBoundingClientRect().left;"
        " const rows = [...table.querySelectorAll('tbody th')].map((name) => {"
        "  const box = name.getBoundingClientRect();"
        "  const top = document.elementFromPoint(box.right - 4, (box.top + box.bottom) / 2);"
        "  return [box.left - edge, top === name]; });"
        " return [frame.scrollLeft, rows,"
        "  table.querySelector('caption span').getBoundingClientRect().left - edge]; }"
    )
    assert seen[0] > 0
    assert len(seen[1]) > 1
    assert all(abs(left) < 2 and on_top for left, on_top in seen[1])
    assert abs(seen[2]) < 2


@pytest.mark.parametrize("tab", [{"viewport": {"width": 718, "height": 1000}}], indirect=True)
def test_it_prints_light_with_what_can_be_read_on_paper(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["change"])
    tab.page.locator("#theme").click()
    tab.page.emulate_media(media="print")
    seen = "[...document.querySelectorAll('{}')].filter((one) => one.offsetParent).length"
    assert [tab.run(seen.format(name)) for name in ("#spectrum", ".by-hand", ".go", "input")] == [0, 0, 0, 0]
    assert tab.run(seen.format(".short .number")) > 0
    assert tab.run("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert (
        tab.run("Math.max(...[...document.querySelectorAll('.chart')].map((one) => one.clientWidth))") < 420
    )


def test_what_takes_several_lines_is_not_run_together(tab: Tab, pages: dict[str, Path]) -> None:
    tab.open(pages["cover"])
    several = tab.run(
        "[...document.querySelectorAll('dd')].filter((one) => one.textContent.includes('\\n'))"
        ".map((one) => one.innerText.includes('\\n'))"
    )
    assert several
    assert all(several)
