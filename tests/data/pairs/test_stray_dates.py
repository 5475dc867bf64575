"""An image of one pair that is listed, or copied, as that of another is told by its edges; series are not."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from terramamba.core.errors import InputError
from terramamba.data.pairs.layouts import find_pairs
from terramamba.data.pairs.quality_report import survey
from terramamba.data.pairs.stray_dates import stray_dates
from terramamba.raster.checks.pair import pair_report

HEAD = "1 pair with an image of another pair"


def saved(path: Path, seed: int, later: int = 0) -> str:
    """Fields of one place, by ``seed``, with the noise of a date."""
    rng = np.random.default_rng(seed)
    fields = np.argmax([gaussian_filter(rng.normal(size=(256, 256)), 9) for _ in range(4)], axis=0)
    values = 50 + 40 * fields + np.random.default_rng(later).normal(0, 4, fields.shape) - 5 * later
    Image.fromarray(values.clip(0, 255).astype(np.uint8)).convert("RGB").save(path)
    return path.name


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize(("of", "said"), [(1, True), (0, False)])
def test_a_date_of_another_place_is_said(tmp_path: Path, copied: bool, of: int, said: bool) -> None:
    """Three pairs, one of which has the later date of the first: of its place, or of another."""
    # of pairs put together wrongly one in six is not told, so that places are not drawn anew
    places = [3, 3 + of, 5]
    befores = [saved(tmp_path / f"a{i}.png", place, i) for i, place in enumerate(places)]
    afters = [saved(tmp_path / f"b{i}.png", place, i + 4) for i, place in enumerate(places)]
    if copied:
        (tmp_path / afters[1]).write_bytes((tmp_path / afters[0]).read_bytes())
    else:
        afters[1] = afters[0]
    rows = [f"{before},{after},train" for before, after in zip(befores, afters, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["before,after,split", *rows]))
    notes = [note for note in survey(find_pairs(tmp_path / "t.csv")) if note.startswith(HEAD)]
    assert len(notes) == said
    assert all("a1.png and " in note and "a0.png and " in note for note in notes)


def test_every_pair_with_an_image_of_another_is_counted(tmp_path: Path) -> None:
    names = [(f"a{place}.png", f"b{place}.png") for place in range(30)]
    for place, (before, after) in enumerate(names):
        saved(tmp_path / before, place)
        saved(tmp_path / after, place, 1)
    names[4], names[6] = ("a4.png", "b3.png"), ("a6.png", "b3.png")
    rows = "\n".join(f"{before},{after},train" for before, after in names)
    (tmp_path / "t.csv").write_text(f"before,after,split\n{rows}\n")
    (said,) = stray_dates(find_pairs(tmp_path / "t.csv")["train"], lambda pair: pair_report(*pair.open()))
    assert said.startswith("2 pairs with an image of another pair")


def test_a_pair_of_which_the_later_image_alone_is_a_copy_is_there_twice(tmp_path: Path) -> None:
    before, after = (saved(tmp_path / f"{name}.png", 3, later) for later, name in enumerate("ab"))
    (tmp_path / "c.png").write_bytes((tmp_path / after).read_bytes())
    (tmp_path / "t.csv").write_text(f"before,after,split\n{before},{after},train\n{before},c.png,train\n")
    assert [note for note in survey(find_pairs(tmp_path / "t.csv")) if "twice in one subset" in note]


@pytest.mark.parametrize(("blank", "said"), [(False, 1), (True, 0)])
def test_a_pair_that_is_there_twice_under_two_names_is_said(tmp_path: Path, blank: bool, said: int) -> None:
    for at, folder in enumerate(("A", "B")):
        (tmp_path / folder).mkdir()
        saved(tmp_path / folder / "x.png", 3, at)
        if blank:
            Image.new("RGB", (256, 256)).save(tmp_path / folder / "x.png")
        (tmp_path / folder / "y.png").write_bytes((tmp_path / folder / "x.png").read_bytes())
    notes = [note for note in survey(find_pairs(tmp_path)) if "twice in one subset" in note]
    assert len(notes) == said
    assert all("y.png of all holds what " in note for note in notes)


@pytest.mark.parametrize(("changed", "refused"), [(255, True), (0, False)])
def test_a_label_that_is_there_as_a_mask_of_clouds_is_refused(
    tmp_path: Path, changed: int, refused: bool
) -> None:
    for at, folder in enumerate(("A", "B", "label", "mask")):
        (tmp_path / folder).mkdir()
        saved(tmp_path / folder / "x.png", 3, at)
    marked = np.zeros((256, 256), np.uint8)
    marked[:9] = changed
    for folder in ("label", "mask"):
        Image.fromarray(marked).save(tmp_path / folder / "x.png")
    if refused:
        with pytest.raises(InputError, match=r"mask/x\.png: is the label .*keep one of them"):
            find_pairs(tmp_path)
    else:
        assert find_pairs(tmp_path)


def test_one_pair_by_two_spellings_of_its_path_counts_twice(tmp_path: Path) -> None:
    for at, name in enumerate("ab"):
        saved(tmp_path / f"{name}.png", 3, at)
    (tmp_path / "t.csv").write_text("before,after\na.png,b.png\n./a.png,../" + tmp_path.name + "/b.png\n")
    with pytest.raises(InputError, match="line 3 says the same as line 2"):
        find_pairs(tmp_path / "t.csv")
