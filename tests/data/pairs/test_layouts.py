"""Layouts of image pairs, tables of paths, and files without their mates."""

import pickle
import shutil
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from terramamba.change.samples import PairDataset
from terramamba.core.errors import InputError
from terramamba.data import file_facts
from terramamba.data.catalog.loading import load_pairs
from terramamba.data.pairs import image_pair as pair_files
from terramamba.data.pairs.image_pair import PairFiles, same_pairs
from terramamba.data.pairs.layouts import find_pairs, notes_on_lists
from terramamba.data.pairs.mask_facts import MaskFacts, mask_facts
from terramamba.data.pairs.statistics import fit_pair_scaling
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window


def image(path: Path, size: tuple[int, int] = (6, 5), bands: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = size if bands == 1 else (*size, bands)
    Image.fromarray(np.random.default_rng(len(path.name)).integers(0, 255, shape, np.uint8)).save(path)


def layout(root: Path, folders: tuple[str, str, str | None], names: list[str]) -> None:
    for name in names:
        for folder in folders:
            if folder is not None:
                image(root / folder / name, bands=1 if folder == folders[2] else 3)


@pytest.mark.parametrize(
    "folders",
    [
        ("A", "B", "label"),
        ("a", "b", "GT"),
        ("time1", "time2", "label"),
        ("T1", "T2", "GT"),
        ("pre", "post", "mask"),
        ("pre", "post", "gt"),
        ("A", "B", "OUT"),
        ("A", "B", "cm"),
        ("A", "B", "Masks"),
        ("T1", "T2", "change"),
        ("pre", "post", "targets"),
        ("image1", "image2", "ground_truth"),
        ("A", "B", None),
    ],
)
def test_split_folders(tmp_path: Path, folders: tuple[str, str, str | None]) -> None:
    for split in ("train", "validation", "test", "full512"):
        layout(tmp_path / split, folders, ["b.png", "a.png"])
    (tmp_path / "notes").mkdir()
    (tmp_path / "index.csv").write_text("x\n")
    parts = find_pairs(tmp_path)
    assert set(parts) == {"train", "val", "test", "full512"}
    first = parts["val"][0]
    assert [pair.name for pair in parts["val"]] == ["a", "b"]
    assert first.before == str(tmp_path / "validation" / folders[0] / "a.png")
    assert first.after == str(tmp_path / "validation" / folders[1] / "a.png")
    assert first.label == (
        None if folders[2] is None else str(tmp_path / "validation" / folders[2] / "a.png")
    )
    assert (first.unchanged, first.window, first.split) == (None, None, "val")
    assert list(find_pairs(str(tmp_path), "test")) == ["test"]
    assert list(find_pairs(tmp_path, "validation")) == ["val"]
    with pytest.raises(InputError, match="no subset 'holdout'; it has full512, test, train, val"):
        find_pairs(tmp_path, "holdout")


@pytest.mark.parametrize("both", [("label", "gt"), ("cm", "OUT"), ("mask", "masks")])
def test_two_folders_that_can_hold_labels_are_refused(tmp_path: Path, both: tuple[str, str]) -> None:
    for folder in both:
        layout(tmp_path / "train", ("A", "B", folder), ["a.png"])
    with pytest.raises(InputError, match=r"train: \w+ and \w+ can both hold the labels; rename or move"):
        find_pairs(tmp_path)


def test_annotations_of_pictures_are_no_labels_and_leave_the_masks_beside_them(tmp_path: Path) -> None:
    layout(tmp_path / "train", ("A", "B", "targets"), ["a.png"])
    (tmp_path / "train" / "labels").mkdir()
    (tmp_path / "train" / "labels" / "a.json").write_text('{"features": {"lng_lat": [], "xy": []}}')
    (pair,) = find_pairs(tmp_path)["train"]
    assert pair.label == str(tmp_path / "train" / "targets" / "a.png")
    shutil.rmtree(tmp_path / "train" / "targets")
    with pytest.raises(InputError, match=r"a\.json: holds the labels of xView2, .*save them as an image of"):
        find_pairs(tmp_path)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ((8, 16, 3), r"both dates side by side, .*cut in two first"),
        ((8, 24, 3), r"both dates side by side"),
        ((8, 8, 6), r"the bands of both dates, .*-b 1 -b 2 -b 3"),
        ((8, 8, 3), r"no image pairs in it; give folders"),
    ],
)
@pytest.mark.parametrize("folder", ["train/images", "train", "."])
def test_images_that_hold_both_dates_are_named(
    tmp_path: Path, shape: tuple[int, ...], said: str, folder: str
) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    height, width, bands = shape
    kept = {"driver": "GTiff", "dtype": "uint8", "count": bands, "height": height, "width": width}
    place = Affine(1, 0, 500_000, 0, -1, 0)
    with rasterio.open(tmp_path / folder / "x.tif", "w", transform=place, **kept) as file:
        file.write(np.zeros((bands, height, width), np.uint8))
    with pytest.raises(InputError, match=said):
        find_pairs(tmp_path)
    shutil.copy(tmp_path / folder / "x.tif", tmp_path / folder / "y.tif")  # two are a date each
    with pytest.raises(InputError, match="no image pairs in it; give folders"):
        find_pairs(tmp_path)


@pytest.mark.parametrize(
    ("at", "said"),
    [("SET/train", r"SET: give that folder instead"), ("train/SET", r"train: move those folders one up")],
)
def test_pairs_that_lie_deeper_are_found_and_said(tmp_path: Path, at: str, said: str) -> None:
    layout(tmp_path / at, ("A", "B", "label"), ["a.png"])
    with pytest.raises(InputError, match=rf"its image pairs lie deeper, in .*{said}"):
        find_pairs(tmp_path)


def test_lists_of_names_beside_the_images(tmp_path: Path) -> None:
    layout(tmp_path, ("A", "B", "label"), ["a.png", "b.png", "c.png", "unused.png"])
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "train.txt").write_text("b.png\na.png\n")
    (tmp_path / "list" / "val.txt").write_text("c\n\n")
    parts = find_pairs(tmp_path)
    assert {split: [pair.name for pair in pairs] for split, pairs in parts.items()} == {
        "train": ["b", "a"],
        "val": ["c"],
    }
    assert notes_on_lists(tmp_path) == ["1 pair in none of train.txt and val.txt, and not used: unused, ..."]
    (tmp_path / "list" / "test.txt").write_text("d.png\n")
    with pytest.raises(InputError, match=r"test\.txt: lists d\.png, which is not in .*A"):
        find_pairs(tmp_path)


def test_lists_beside_the_folders_of_images(tmp_path: Path) -> None:
    layout(tmp_path, ("A", "B", "label"), ["a.png", "b.png", "c.png"])
    (tmp_path / "train_list.txt").write_text("b.png\na.png\n")
    (tmp_path / "val.txt").write_text("A/c.png B/c.png label/c.png\n")
    (tmp_path / "readme.txt").write_text("What lies here.\n")
    found = {subset: [pair.name for pair in pairs] for subset, pairs in find_pairs(tmp_path).items()}
    assert found == {"train": ["b", "a"], "val": ["c"]}
    assert notes_on_lists(tmp_path) == []
    (tmp_path / "val.txt").write_text("A/a.png B/c.png label/c.png\n")
    with pytest.raises(InputError, match=r"val\.txt: lists images of unlike names as one pair \(A/a\.png B"):
        find_pairs(tmp_path)
    (tmp_path / "val.txt").write_text("c.png\nc\n")
    with pytest.raises(InputError, match=r"val\.txt: lists c twice, so that the pair would count twice"):
        find_pairs(tmp_path)


def test_folders_of_subsets_below_those_of_the_dates(tmp_path: Path) -> None:
    for subset, names in (("train", ["a.png", "b.png"]), ("Val", ["c.png"])):
        layout(tmp_path, tuple(f"{folder}/{subset}" for folder in ("A", "B", "label")), names)
    found = find_pairs(tmp_path)
    assert {subset: [pair.name for pair in pairs] for subset, pairs in found.items()} == {
        "train": ["a", "b"],
        "val": ["c"],
    }
    assert found["val"][0].label == str(tmp_path / "label" / "Val" / "c.png")
    (tmp_path / "B" / "Val" / "c.png").unlink()
    (tmp_path / "B" / "Val").rmdir()
    with pytest.raises(InputError, match=r"B: no folder 'Val', which .*A has; add it"):
        find_pairs(tmp_path)


def test_images_that_are_called_otherwise_are_said_to_be(tmp_path: Path) -> None:
    for folder, name in (("A", "1_A.png"), ("B", "1_B.png")):
        image(tmp_path / folder / name)
    with pytest.raises(InputError, match=r"1_B\.png: no image .* are called as 1_A\.png; call all .* a CSV"):
        find_pairs(tmp_path)
    (tmp_path / "A" / "1_A.png").rename(tmp_path / "A" / "1_B.png")
    (tmp_path / "label").mkdir()
    (tmp_path / "label" / "1_B.webp").write_bytes(b"")
    with pytest.raises(InputError, match=r"1_B\.webp: is in a format that is not read; save it as PNG"):
        find_pairs(tmp_path)


def test_umlauts_of_a_mac_are_those_of_others(tmp_path: Path) -> None:
    for folder, form in (("A", "NFC"), ("B", "NFD"), ("label", "NFC")):
        image(tmp_path / folder / unicodedata.normalize(form, "Stück.png"), bands=1 + 2 * (folder != "label"))
    (tmp_path / "all.txt").write_text(unicodedata.normalize("NFD", "Stück.png"), encoding="utf-8")
    (pair,) = find_pairs(tmp_path)["all"]
    assert pair.name == unicodedata.normalize("NFC", "Stück")


def test_folders_of_pictures_in_place_of_pictures_are_no_tiles(tmp_path: Path) -> None:
    layout(tmp_path, ("A/town", "B/town", "label/town"), ["a.png", "b.png"])
    with pytest.raises(InputError, match=r"A: holds folders of pictures, such as town, in place of"):
        find_pairs(tmp_path)


def test_one_folder_without_parts(tmp_path: Path) -> None:
    layout(tmp_path, ("A", "B", "label"), ["a.png"])
    assert [pair.name for pair in find_pairs(tmp_path)["all"]] == ["a"]


def test_extensions_may_differ_and_other_files_are_passed_over(tmp_path: Path) -> None:
    image(tmp_path / "test" / "A" / "tile_1.5.jpg")
    image(tmp_path / "test" / "B" / "tile_1.5.tif")
    image(tmp_path / "test" / "label" / "tile_1.5.png", bands=1)
    for extra in ("A/tile_1.5.jpg.aux.xml", "A/.DS_Store", "B/Thumbs.db", "B/tile_1.5.tfw"):
        (tmp_path / "test" / extra).write_text("x")
    (pair,) = find_pairs(tmp_path)["test"]
    assert pair.name == "tile_1.5"
    image(tmp_path / "test" / "A" / "tile_1.5.png")
    with pytest.raises(InputError, match="has the same name"):
        find_pairs(tmp_path)


@pytest.mark.parametrize("gone", ["A", "B", "label"])
def test_a_missing_mate_is_named_with_its_folder(tmp_path: Path, gone: str) -> None:
    layout(tmp_path / "train", ("A", "B", "label"), ["a.png", "b.png"])
    (tmp_path / "train" / gone / "b.png").unlink()
    with pytest.raises(InputError, match=rf"b\.png: no image of this name in .*train.{gone};") as refused:
        find_pairs(tmp_path)
    assert "\n" not in str(refused.value)


def test_nothing_found_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_pairs(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no image pairs in it"):
        find_pairs(tmp_path)
    for folder in ("A", "B", "label"):
        (tmp_path / "train" / folder).mkdir(parents=True)
    with pytest.raises(InputError, match="no image pairs in it"):
        find_pairs(tmp_path)
    (tmp_path / "empty.csv").write_text("before,after\n")
    with pytest.raises(InputError, match="no image pairs in it"):
        find_pairs(tmp_path / "empty.csv")


def test_sizes_must_agree(tmp_path: Path) -> None:
    layout(tmp_path / "val", ("A", "B", "label"), ["a.png"])
    image(tmp_path / "val" / "label" / "a.png", (6, 6), bands=1)
    with pytest.raises(InputError, match=r"label.a\.png: a mask of 6 x 6 pixels, but .* 6 x 5"):
        find_pairs(tmp_path)
    image(tmp_path / "val" / "B" / "a.png", (5, 5))
    with pytest.raises(InputError, match=r"differ in size: 6 x 5 and 5 x 5"):
        find_pairs(tmp_path)


TABLE = """\
split,before,after,label,unchanged,row,col,height,width
train,x/1.bmp,x/2.bmp,x/c.bmp,x/u.bmp,0,0,6,2
validation,x/1.bmp,x/2.bmp,x/c.bmp,x/u.bmp,0,2,6,1
test,x/1.bmp,x/2.bmp,x/c.bmp,,,,,
"""


def scene(root: Path) -> None:
    for name in ("1.bmp", "2.bmp"):
        image(root / "x" / name)
    for name in ("c.bmp", "u.bmp"):
        image(root / "x" / name, bands=1)


def test_a_table_with_windows(tmp_path: Path) -> None:
    scene(tmp_path)
    table = tmp_path / "pairs.csv"
    table.write_text(TABLE)
    parts = find_pairs(table)
    assert list(parts) == ["train", "val", "test"]
    assert parts["train"][0].window == Window(0, 0, 6, 2)
    assert parts["train"][0].unchanged == str(tmp_path / "x" / "u.bmp")
    assert parts["test"][0].window is None
    assert parts["test"][0].unchanged is None
    assert parts["train"][0].name != parts["val"][0].name
    elsewhere = tmp_path / "tables"
    elsewhere.mkdir()
    (elsewhere / "pairs.csv").write_text("before,after\nx/1.bmp,x/2.bmp\n", encoding="utf-8-sig")
    (pair,) = find_pairs(elsewhere / "pairs.csv", root=tmp_path)["all"]
    assert (pair.label, pair.before) == (None, str(tmp_path / "x" / "1.bmp"))


@pytest.mark.parametrize("name", ["pairs.csv", "pairs.tsv"])
@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_table_as_other_programs_write_it(tmp_path: Path, name: str, between: str) -> None:
    scene(tmp_path)
    lines = [
        ("Before", " AFTER", "Label ", "Split", "Changed Values"),
        (r"x\1.bmp", r".\x\2.bmp", r"x\c.bmp", "Train", '"0,1"' if between == "," else "0,1"),
    ]
    text = "\r\n".join(between.join(line) + between for line in lines)
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    (pair,) = find_pairs(tmp_path / name)["train"]
    assert Path(pair.before).samefile(tmp_path / "x" / "1.bmp")
    assert Path(pair.after).samefile(tmp_path / "x" / "2.bmp")
    assert Path(str(pair.label)).samefile(tmp_path / "x" / "c.bmp")
    assert pair.stated is not None
    assert pair.stated.changed == (0, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("before,after\nx/1.bmp\n", "line 2 has 1 cell, but the first line names 2 columns"),
        ("before,after\nx/1.bmp,x/2.bmp,x/c.bmp\n", "line 2 has 3 cells, but the first line names 2"),
        ("before,after\nx/1.bmp,x/1.bmp\n", r"line 2: .*1\.bmp is both dates; name the image of the later"),
        (
            "before,after\nx/1.bmp,x/2.bmp\n\nx/1.bmp,x/2.bmp\n",
            "line 4 says the same as line 2, so that the pair would count twice; take one of them out",
        ),
        ("split,before,after,times\ntest,x/1.bmp,x/2.bmp,2\n", "line 2: times 2 for a pair of 'test'; only"),
        ("before,after,times\nx/1.bmp,x/2.bmp,2\n", "line 2: times 2 for a pair of .*; only pairs whose"),
        (
            "split,before,after,times\ntrain,x/1.bmp,x/2.bmp,0\n",
            "times '0' is no whole number from 1 to 1000",
        ),
        (
            "split,before,after\nval,x/1.bmp,x/2.bmp\nval,x/2.bmp,x/1.bmp\n",
            "line 3 is the pair of line 2 with its dates exchanged, so that it would count twice",
        ),
        ("before,after,GT\nx/1.bmp,x/2.bmp,x/c.bmp\n", "no column 'label', but 'GT': call it label where"),
        ("before,after,changed\nx/1.bmp,x/2.bmp,x/c.bmp\n", "no column 'label', but 'changed': call it"),
        ("before,after,labels\nx/1.bmp,x/2.bmp,x/c.bmp\n", "no column 'label', but 'labels': call it"),
        ("before,label\nx/1.bmp,x/c.bmp\n", "no column 'after'; it has before, label"),
        ("befor,after\nx/1.bmp,x/2.bmp\n", "no column 'before', but 'befor'"),
        ("before,after,Lable\nx/1.bmp,x/2.bmp,x/c.bmp\n", "no column 'label', but 'Lable', which is not"),
        ("before,after,label,masks_after\nx/1.bmp,x/2.bmp,x/c.bmp,\n", "'mask_after', but 'masks_after'"),
        ("before,after,label,chnged_values\nx/1.bmp,x/2.bmp,x/c.bmp,1\n", "write changed_values, or call"),
        ("before,after,rows,col,height,width\nx/1.bmp,x/2.bmp,0,0,2,2\n", "no column 'row', but 'rows'"),
        ("before,after\nx/1.bmp,x/3.bmp\n", r"line 2: no such after file .*3\.bmp"),
        ("before,after\nx/1.bmp,\n", "line 2: no after image"),
        ("before,after,unchanged\nx/1.bmp,x/2.bmp,x/u.bmp\n", "unchanged mask without a label"),
        ("before,after,row,col,height,width\nx/1.bmp,x/2.bmp,0,0,6,\n", "a window needs whole numbers"),
        ("before,after,row,col,height,width\nx/1.bmp,x/2.bmp,0,0,0,2\n", "a window needs whole numbers"),
        ("before,after,row,col,height,width\nx/1.bmp,x/2.bmp,3,0,6,2\n", r"rows 3 to 8, columns 0 to 1"),
    ],
)
def test_wrong_tables_are_refused(tmp_path: Path, text: str, says: str) -> None:
    scene(tmp_path)
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(InputError, match=says) as refused:
        find_pairs(tmp_path / "pairs.csv")
    assert "\n" not in str(refused.value)


def test_a_training_pair_counts_as_often_as_its_row_says(tmp_path: Path) -> None:
    scene(tmp_path)
    text = "split,before,after,times\ntrain,x/1.bmp,x/2.bmp,3\nval,x/2.bmp,x/1.bmp,\n"
    (tmp_path / "pairs.csv").write_text(text)
    parts = find_pairs(tmp_path / "pairs.csv")
    assert [len(parts[part]) for part in ("train", "val")] == [3, 1]
    assert len(set(parts["train"])) == 1


def test_columns_that_are_not_known_are_named(tmp_path: Path) -> None:
    scene(tmp_path)
    table = tmp_path / "pairs.csv"
    # none of these is like one of ours that is not there: a weight is no height where there are no windows
    # a share of what changed is no misspelt "unchanged"
    own = "id,City,date,time,weight,labels,area_m2,changed"
    table.write_text(f"before,after,label,{own}\nx/1.bmp,x/2.bmp,x/c.bmp,1,Ulm,2020,2020,1,2,9,0.1\n")
    found, _, notes = load_pairs(str(table), None)
    assert len(found["all"]) == 1
    assert notes == [f"{table}: columns that are not known are not used: {own.replace(',', ', ')}"]
    table.write_text("before,after\nx/1.bmp,x/2.bmp\n")
    assert load_pairs(str(table), None)[2] == []


def test_a_pair_with_two_labels_is_remarked_on(tmp_path: Path) -> None:
    scene(tmp_path)
    table, rows = tmp_path / "pairs.csv", "x/1.bmp,x/2.bmp,x/c.bmp,{}\nx/2.bmp,x/1.bmp,x/u.bmp,{}\n"
    table.write_text("before,after,label,what\n" + rows.format("", ""))
    (note,) = load_pairs(str(table), None)[2]
    assert "its pair is listed with 2 labels" in note
    assert "x/c.bmp" in note.replace("\\", "/")
    table.write_text("before,after,label,what\n" + rows.format("road", "roof"))
    assert load_pairs(str(table), None)[2] == []


def same_files(first: Sequence[PairFiles], second: Sequence[PairFiles]) -> list[str]:
    return [pair.before for pair, _ in same_pairs(first, second)]


def test_same_files_sees_through_links_and_looks_at_windows(tmp_path: Path) -> None:
    layout(tmp_path / "val", ("A", "B", "label"), ["a.png", "b.png"])
    layout(tmp_path / "test", ("A", "B", "label"), ["other.png"])
    parts = find_pairs(tmp_path)
    assert same_files(parts["val"], parts["test"]) == []
    assert len(same_files(parts["val"], parts["val"])) == 2
    for folder in ("A", "B", "label"):
        (tmp_path / "test" / folder / "z.png").symlink_to(tmp_path / "val" / folder / "b.png")
    parts = find_pairs(tmp_path)
    assert same_files(parts["val"], parts["test"]) == [str(tmp_path / "test" / "A" / "z.png")]
    scene(tmp_path)
    (tmp_path / "pairs.csv").write_text(TABLE)
    windows = find_pairs(tmp_path / "pairs.csv")
    assert same_files(windows["train"], windows["val"]) == []
    assert same_files(windows["train"], windows["test"]) == [windows["test"][0].before]


@pytest.mark.parametrize("exchanged", [False, True])
def test_same_files_sees_through_copies(tmp_path: Path, exchanged: bool) -> None:
    layout(tmp_path / "val", ("A", "B", "label"), ["b.png", "longer.png"])
    layout(tmp_path / "test", ("A", "B", "label"), ["other.png"])
    for source, target in zip("AB", "BA" if exchanged else "AB", strict=True):
        copyfile(tmp_path / "val" / source / "b.png", tmp_path / "test" / target / "copy.png")
    image(tmp_path / "test" / "label" / "copy.png", bands=1)
    parts = find_pairs(tmp_path)
    assert same_files(parts["val"], parts["test"]) == [str(tmp_path / "test" / "A" / "copy.png")]
    first = tmp_path / "test" / "A" / "copy.png"
    spoilt = np.asarray(Image.open(first)).copy()
    spoilt[0, 0] ^= 1
    Image.fromarray(spoilt).save(first)
    parts = find_pairs(tmp_path)
    assert same_files(parts["val"], parts["test"]) == []


def test_windows_are_the_same_where_they_overlap(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for name in ("before", "after", "label"):
        image(tmp_path / f"{name}.png", (60, 50), bands=1 if name == "label" else 3)
    sides = rng.integers(1, 9, (120, 2))
    places = rng.integers(0, (52, 42), (120, 2))
    boxes = np.concatenate([places, sides], axis=1)
    rows = [
        f"{'val' if number % 2 else 'test'},before.png,after.png,label.png,{','.join(map(str, box))}"
        for number, box in enumerate(boxes.tolist())
    ]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["split,before,after,label,row,col,height,width", *rows]))
    parts = find_pairs(table)
    covered = np.zeros((60, 50), bool)
    for pair in parts["val"]:
        covered[pair.window.slices] = True
    overlapping = [pair.before for pair in parts["test"] if covered[pair.window.slices].any()]
    assert same_files(parts["val"], parts["test"]) == overlapping


def test_files_are_looked_at_once_however_many_windows_they_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene(tmp_path)
    Image.fromarray(np.eye(6, 5, dtype=np.uint8)).save(tmp_path / "x" / "c.bmp")
    windows = [f"{part},x/1.bmp,x/2.bmp,x/c.bmp,{row},0,1,5" for row in range(6) for part in ("train", "val")]
    table = tmp_path / "pairs.csv"
    table.write_text("\n".join(["split,before,after,label,row,col,height,width", *windows]))
    opened: list[str] = []
    read: list[str] = []

    def opening(path: str, **options: object) -> Scene:
        opened.append(Path(path).name)
        return open_scene(path, **options)

    def reading(mask: Scene) -> MaskFacts:
        read.append(Path(mask.path).name)
        return mask_facts(mask)

    for module in (file_facts, pair_files):
        monkeypatch.setattr(module, "open_scene", opening)
    monkeypatch.setattr(pair_files, "mask_facts", reading)
    parts = find_pairs(table)
    scaling = fit_pair_scaling(parts["train"], 3)
    for part, pairs in parts.items():
        for some in (pairs, [pair.swapped() for pair in pairs]):
            data = PairDataset(some, scaling, crop_size=None, augment=False, seed=0)
            assert len([data[index] for index in range(len(data))]) == 6, part
    assert sorted(opened) == ["1.bmp", "2.bmp", "c.bmp"]
    assert read == ["c.bmp"]
    # whoever gets the pairs in another process looks for themselves
    again = pickle.loads(pickle.dumps(parts))
    assert again == parts
    assert again["val"][0].open()[0].grid == parts["val"][0].open()[0].grid
    assert opened.count("1.bmp") == 2


def test_empty_tiles_are_all_alike_and_no_copies(tmp_path: Path) -> None:
    for split in ("val", "test"):
        layout(tmp_path / split, ("A", "B", "label"), ["a.png"])
        for folder in "AB":
            Image.fromarray(np.zeros((6, 5, 3), np.uint8)).save(tmp_path / split / folder / "a.png")
    parts = find_pairs(tmp_path)
    assert same_files(parts["val"], parts["test"]) == []
    assert len(same_files(parts["val"], parts["val"])) == 1


def test_dates_can_be_swapped(tmp_path: Path) -> None:
    layout(tmp_path, ("A", "B", "label"), ["a.png"])
    (pair,) = find_pairs(tmp_path)["all"]
    assert [scene.path for scene in pair.open()] == [pair.before, pair.after]
    assert [scene.path for scene in pair.swapped().open()] == [pair.after, pair.before]
    assert pair.swapped().label == pair.label
    assert pair.swapped().swapped() == pair


def test_masks_lie_beside_labels(tmp_path: Path) -> None:
    layout(tmp_path / "train", ("A", "B", "label"), ["a.png", "b.png"])
    for folder, rows in (("mask", slice(0, 2)), ("Mask_After", slice(4, 5))):
        for name in ("a.png", "b.png"):
            values = np.zeros((6, 5), np.uint8)
            values[rows] = 255
            (tmp_path / "train" / folder).mkdir(exist_ok=True)
            Image.fromarray(values).save(tmp_path / "train" / folder / name)
    pair, _ = find_pairs(tmp_path)["train"]
    assert pair.label == str(tmp_path / "train" / "label" / "a.png")
    assert pair.masks == tuple(
        str(tmp_path / "train" / folder / "a.png") for folder in ("mask", "Mask_After")
    )
    for scene_ in (*pair.open(), *pair.swapped().open()):
        assert scene_.read()[1].all(axis=(0, 2)).tolist() == [False, False, True, True, False, True]
    (tmp_path / "train" / "mask" / "b.png").unlink()
    with pytest.raises(InputError, match=r"b\.png: no image of this name in .*mask; add it there"):
        find_pairs(tmp_path)
    image(tmp_path / "train" / "mask" / "b.png", (6, 6), bands=1)
    with pytest.raises(InputError, match=r"b\.png: a mask of 6 x 6 pixels, but .* has 6 x 5"):
        find_pairs(tmp_path)


def test_masks_in_a_table(tmp_path: Path) -> None:
    scene(tmp_path)
    (tmp_path / "pairs.csv").write_text(
        "before,after,mask_before,mask_after\nx/1.bmp,x/2.bmp,x/u.bmp,x/c.bmp\nx/1.bmp,x/2.bmp,,x/u.bmp\n"
    )
    both, one = find_pairs(tmp_path / "pairs.csv")["all"]
    assert both.masks == (str(tmp_path / "x" / "u.bmp"), str(tmp_path / "x" / "c.bmp"))
    assert one.masks == (str(tmp_path / "x" / "u.bmp"),)
    (tmp_path / "pairs.csv").write_text("before,after,mask\nx/1.bmp,x/2.bmp,x/none.bmp\n")
    with pytest.raises(InputError, match="line 2: no such mask file"):
        find_pairs(tmp_path / "pairs.csv")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x/1.BMP", r"no such before file .*/x/1\.BMP; 1\.bmp is there; correct the table"),
        (
            "C:\\x\\1.bmp",
            r"no such before file C:\\x\\1\.bmp, which is a path of Windows; give paths relative",
        ),
        ("y/1.bmp", r"no such before file .*/y/1\.bmp; correct the table"),
    ],
)
def test_a_file_that_a_table_names_otherwise_is_named(tmp_path: Path, name: str, said: str) -> None:
    scene(tmp_path)
    (tmp_path / "pairs.csv").write_text(f"before,after\n{name},x/2.bmp\n")
    with pytest.raises(InputError, match=said):
        find_pairs(tmp_path / "pairs.csv")


def test_labels_and_dates_without_their_mates_are_refused(tmp_path: Path) -> None:
    layout(tmp_path / "train", ("A", "B", "label"), ["a.png", "b.png"])
    image(tmp_path / "train" / "label" / "c.png", bands=1)
    with pytest.raises(InputError, match=r"label/c\.png: no image of this name in .*train/A; add it there"):
        find_pairs(tmp_path)
    (tmp_path / "train" / "label" / "c.png").unlink()
    image(tmp_path / "test" / "A" / "a.png")
    image(tmp_path / "test" / "label" / "a.png", bands=1)
    with pytest.raises(
        InputError, match=r"test/A: no folder 'b' of the other date beside it; add it, or take"
    ):
        find_pairs(tmp_path)
    image(tmp_path / "test" / "B" / "a.png")
    assert {subset: len(pairs) for subset, pairs in find_pairs(tmp_path).items()} == {"train": 2, "test": 1}


def test_one_label_of_two_places_is_remarked_on(tmp_path: Path) -> None:
    for name in ("1", "2", "3", "4"):
        image(tmp_path / f"{name}.png")
    image(tmp_path / "label.png", bands=1)
    table = tmp_path / "pairs.csv"
    table.write_text("before,after,label\n1.png,2.png,label.png\n1.png,3.png,label.png\n")
    assert load_pairs(str(table), None)[2] == []  # a second later date of the place
    table.write_text("before,after,label\n1.png,2.png,label.png\n3.png,4.png,label.png\n")
    (note,) = load_pairs(str(table), None)[2]
    assert "label.png: is the label of 2 pairs with other images at both dates, right only" in note
