"""The records of data sets, the page that they make, and folders beside them."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import catalog_fakes as fakes
from drawn import class_map, subset_map
from terramamba.core.errors import InputError
from terramamba.data.catalog import CATALOG, PairSet, SceneSet, find_set
from terramamba.data.catalog.loading import load_pairs
from terramamba.data.catalog.page import page
from terramamba.data.catalog.record import Expected
from terramamba.data.catalog.verify import Finding, locate, verify_pairs, verify_scene
from terramamba.data.splits.leakage import TEST, TRAIN, VALIDATION
from terramamba.landcover.catalog_scene import load_scene
from terramamba.landcover.samples import prepare_samples
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.readers.open import open_scene

PAGE = Path(__file__).parents[3] / "docs" / "datasets.md"
PARTS = {"train": 3, "val": 2, "test": 2}
LAYOUTS = {
    "levir-1024": ("A", "B", "label"),
    "sysu-cd": ("time1", "time2", "label"),
    "clcd": ("time1", "time2", "label"),
    "dsifn-cd": ("t1", "t2", "mask"),
    "s2looking": ("Image1", "Image2", "label"),
}


def unlike(findings: list[Finding]) -> list[str]:
    return [finding.what for finding in findings if not finding.ok]


def settings(folder: Path, **changes: object) -> ClassifySettings:
    return ClassifySettings(out=str(folder / "run"), root=str(folder), **changes)  # type: ignore[arg-type]


@pytest.fixture
def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> SceneSet:
    """A scene as Indian Pines is, but small."""
    record = fakes.scene_record(
        "indian-pines",
        name="tiny",
        height=24,
        width=17,
        bands=(9,),
        number=3,
        classes=("alfalfa", "corn", "oats"),
        pixels={"all": (120, 90, 100)},
    )
    monkeypatch.setitem(CATALOG, "tiny", record)
    return record


def test_the_page_is_that_of_the_records() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "python -m terramamba.data.catalog.page > docs/datasets.md"
    )


@pytest.mark.parametrize("name", CATALOG)
def test_a_record_is_whole(name: str) -> None:
    record = CATALOG[name]
    assert record.name == name == name.lower()
    for words in (record.title, record.about, record.terms, record.where, record.cite):
        assert words
        assert "\n" not in words
        assert "|" not in words
    assert record.remotes or "http" in record.where
    sums = [remote.checksum for remote in record.remotes]
    if isinstance(record, SceneSet):
        sums += [one.checksum for one in (record.scene, *record.labels.values())]
        assert set(record.labels) in ({"all"}, {"train", "test"})
        assert len(record.classes) in (0, record.number)
        assert all(len(counts) == record.number for counts in record.pixels.values())
    known = [checksum for checksum in sums if checksum is not None]
    assert bool(known) == (record.checksums_from is not None)
    for checksum in known:
        assert re.fullmatch("sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", checksum)


def test_what_is_known_of_the_sets_adds_up() -> None:
    houston, indian = CATALOG["houston2013"], CATALOG["indian-pines"]
    assert isinstance(houston, SceneSet)
    assert isinstance(indian, SceneSet)
    assert {part: sum(counts) for part, counts in houston.pixels.items()} == {"train": 2832, "test": 12197}
    assert sum(indian.pixels["all"]) == 10249
    whole, crops = CATALOG["levir-1024"], CATALOG["levir-256"]
    assert isinstance(whole, PairSet)
    assert isinstance(crops, PairSet)
    assert sum(whole.subsets.values()) == 637
    assert {part: 16 * number for part, number in whole.subsets.items()} == crops.subsets


def test_a_name_that_is_none_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean levir-"):
        find_set("levir")
    with pytest.raises(InputError, match="lists them"):
        find_set("zzz")
    assert find_set("Houston2013").name == "houston2013"


def test_a_scene_as_published_is_found_and_used(
    tiny: SceneSet, chance: np.random.Generator, tmp_path: Path
) -> None:
    labels = fakes.indian_pines(tmp_path / "inner", tiny, chance)
    files, findings = verify_scene(tiny, tmp_path)
    assert not unlike(findings)
    assert Path(files.scene).name == "Indian_pines_corrected.mat"
    loaded = load_scene(settings(tmp_path, data="tiny", split="random", min_per_class=5))
    assert loaded.class_names == ["alfalfa", "corn", "oats"]
    samples = prepare_samples(loaded, 3)
    np.testing.assert_array_equal(class_map(samples.labels), labels)
    assert load_scene(loaded) == loaded, "a run's own settings can be used again"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ({"bands": (8,)}, "bands: 9 instead of 8"),
        ({"height": 25}, "24 x 17 instead of 25 x 17"),
        ({"pixels": {"all": (90, 120, 100)}}, "pixels of each class, labels: 120, 90, 100 instead of"),
        ({"number": 4, "pixels": {}}, "classes of the labels: 3 instead of 4"),
        ({"scene": Expected(("Indian_pines_corrected.mat",), "md5:" + 32 * "0")}, "checksum of Indian_pines"),
    ],
)
def test_a_scene_that_is_not_the_published_one_is_refused(
    spoil: dict[str, object],
    words: str,
    tiny: SceneSet,
    chance: np.random.Generator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fakes.indian_pines(tmp_path, tiny, chance)
    monkeypatch.setitem(CATALOG, "tiny", replace(tiny, **spoil))  # type: ignore[arg-type]
    with pytest.raises(InputError) as refused:
        load_scene(settings(tmp_path, data="tiny"))
    assert words in str(refused.value)
    assert "--scene and --labels" in str(refused.value)


def test_scenes_that_are_not_there_or_unclear_are_refused(
    tiny: SceneSet, chance: np.random.Generator, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"no Indian_pines_gt\.mat in it; to get Indian Pines, `--download`"):
        locate(tiny, tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        locate(tiny, tmp_path / "nowhere")
    for folder in ("one", "two"):
        fakes.indian_pines(tmp_path / folder, tiny, chance)
    with pytest.raises(InputError, match="has the same name; keep one"):
        locate(tiny, tmp_path)
    one = tmp_path / "one"
    with pytest.raises(InputError, match="say where Indian Pines lies with --root"):
        load_scene(replace(settings(one, data="tiny"), root=None))
    with pytest.raises(InputError, match="--scene: --data tiny has its own"):
        load_scene(settings(one, data="tiny", scene="other.tif"))
    with pytest.raises(InputError, match="goes with --data"):
        load_scene(settings(one, scene="other.tif"))
    with pytest.raises(InputError, match="`terramamba change train`"):
        load_scene(settings(one, data="clcd"))
    with pytest.raises(InputError, match="`terramamba classify train`"):
        load_pairs("tiny", str(one))


@pytest.mark.parametrize("transposed", [False, True])
def test_copies_of_xiongan_may_be_transposed(
    transposed: bool, chance: np.random.Generator, tmp_path: Path
) -> None:
    record = fakes.scene_record("xiongan", height=20, width=14, bands=(7, 8), number=4)
    fakes.xiongan(tmp_path, record, chance, transposed=transposed)
    files, findings = verify_scene(record, tmp_path)
    assert not unlike(findings)
    scene = open_scene(files.scene, shape=(14, 20) if transposed else (20, 14))
    assert (scene.height, scene.width, scene.bands) == ((14, 20, 7) if transposed else (20, 14, 7))


def test_official_parts_are_used_as_they_are(
    chance: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = fakes.scene_record(
        "houston2013",
        height=40,
        width=30,
        bands=(6,),
        number=3,
        classes=("water", "soil", "grass"),
        pixels={"train": (30, 20, 40), "test": (50, 90, 70)},
        scene=Expected(("2013_IEEE_GRSS_DF_Contest_CASI.tif",)),
        labels={
            part: Expected((f"2013_IEEE_GRSS_DF_Contest_Samples_{stem}.txt",))
            for part, stem in (("train", "TR"), ("test", "VA"))
        },
    )
    monkeypatch.setitem(CATALOG, "houston2013", record)
    parts = fakes.houston(tmp_path / "2013_DFTC", record, chance)
    loaded = load_scene(settings(tmp_path, data="houston2013", split="given", val_fraction=0.25))
    samples = prepare_samples(loaded, 3)
    roles = subset_map(samples.split)
    np.testing.assert_array_equal(roles == TEST, parts["test"] > 0)
    np.testing.assert_array_equal((roles == TRAIN) | (roles == VALIDATION), parts["train"] > 0)
    assert sorted(samples.labels.classes.names) == ["grass", "soil", "water"]
    by_class = [np.count_nonzero((roles == VALIDATION) & (parts["train"] == code)) for code in (1, 2, 3)]
    assert by_class == [8, 5, 10]
    assert any("23 of the given training pixels" in note for note in samples.split.notes)
    anew = prepare_samples(
        load_scene(settings(tmp_path, data="houston2013", split="random", min_per_class=5)), 3
    )
    np.testing.assert_array_equal(subset_map(anew.split) > 0, parts["train"] + parts["test"] > 0)
    assert any("split anew (--split random)" in note for note in anew.split.notes)
    assert sorted(np.bincount(anew.labels.targets)) == [80, 110, 110]


@pytest.mark.parametrize("name", LAYOUTS)
def test_pairs_are_read_in_the_published_layout(
    name: str, chance: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = fakes.pair_record(name, side=12, subsets=PARTS)
    suffixes = (".jpg", ".tif") if name == "dsifn-cd" else (".png", ".png")
    fakes.pairs(tmp_path / "inner", LAYOUTS[name], PARTS, 12, chance, suffixes)
    found, findings = verify_pairs(record, tmp_path)
    assert not unlike(findings)
    assert {part: len(files) for part, files in found.items()} == PARTS
    monkeypatch.setitem(CATALOG, name, record)
    assert load_pairs(name, str(tmp_path))[1:] == (name, [])
    monkeypatch.setitem(CATALOG, name, replace(record, subsets={**PARTS, "test": 5}))
    _, whole, notes = load_pairs(name, str(tmp_path))
    assert whole is None
    assert "test pairs: 2 instead of 5; scores are not those of" in notes[0]


def test_large_images_become_the_crops_of_the_protocol(chance: np.random.Generator, tmp_path: Path) -> None:
    record = fakes.pair_record("levir-256", tile=8, subsets={part: 6 * n for part, n in PARTS.items()})
    fakes.pairs(tmp_path, ("A", "B", "label"), PARTS, 16, chance)
    with pytest.raises(InputError, match="cannot be cut into crops of 7 x 7"):
        verify_pairs(replace(record, tile=7), tmp_path)
    found, findings = verify_pairs(record, tmp_path)
    assert unlike(findings) == ["train pairs", "val pairs", "test pairs"]
    assert {part: len(files) for part, files in found.items()} == {p: 4 * n for p, n in PARTS.items()}
    seen: dict[str, np.ndarray] = {}
    for pair in found["train"]:
        assert pair.window is not None
        seen.setdefault(pair.before, np.zeros((16, 16), int))[pair.window.slices] += 1
    assert len({pair.name for pair in found["train"]}) == 12
    assert all((count == 1).all() for count in seen.values())


def test_crops_of_the_protocol_stay_as_they_are(chance: np.random.Generator, tmp_path: Path) -> None:
    record = fakes.pair_record("levir-256", tile=8, subsets=PARTS)
    fakes.pairs(tmp_path, ("A", "B", "label"), PARTS, 8, chance)
    found, findings = verify_pairs(record, tmp_path)
    assert not unlike(findings)
    assert all(pair.window is None for pair in found["test"])


def test_bands_of_oscd_come_by_wavelength(chance: np.random.Generator, tmp_path: Path) -> None:
    regions = {"Train": ["e", "d", "c", "b", "a"], "Test": ["f"]}
    fakes.oscd(tmp_path, regions, 10, chance)
    record = fakes.pair_record("oscd", subsets={"train": 4, "val": 1, "test": 1})
    found, findings = verify_pairs(record, tmp_path)
    assert not unlike(findings)
    assert [pair.name for pair in found["train"]] == ["a", "b", "c", "d"]
    assert [pair.name for pair in found["val"]] == ["e"]
    before, after = found["test"][0].open()
    assert before.band_names[8] == "B8A"
    (first, _), (second, valid) = before.read(), after.read()
    assert (first // 100 == np.arange(1, 14)[:, None, None]).all()
    assert (second // 100 == np.arange(1, 14)[:, None, None]).all()
    assert second[:, 0, 0].mean() > first[:, 9, 9].mean()
    assert valid.all()
    swapped = found["test"][0].swapped().open()[0]
    np.testing.assert_array_equal(swapped.read()[0], second)


def test_oscd_is_read_for_training_as_for_a_map(chance: np.random.Generator, tmp_path: Path) -> None:
    fakes.oscd(tmp_path, {"Train": ["a", "b", "c", "d", "e"], "Test": ["f"]}, 10, chance)
    found, _, _ = load_pairs("oscd", str(tmp_path))
    pair = found["train"][0]
    for date, folder in zip(pair.open(), (pair.before, pair.after), strict=True):
        mapped = open_scene(folder)
        assert mapped.band_names == date.band_names
        np.testing.assert_array_equal(mapped.read()[0], date.read()[0])
        np.testing.assert_array_equal(mapped.read()[1], date.read()[1])


@pytest.mark.parametrize("broken", ["band", "size", "labels"])
def test_a_damaged_oscd_is_refused(broken: str, chance: np.random.Generator, tmp_path: Path) -> None:
    fakes.oscd(tmp_path, {"Train": ["a"], "Test": ["b"]}, 10, chance)
    band = tmp_path / f"{fakes.ONERA}Images" / "a" / "imgs_2_rect" / "B8A.tif"
    if broken == "band":
        band.unlink()
    elif broken == "size":
        Image.fromarray(np.zeros((4, 4), np.uint16)).save(band)
    else:
        (tmp_path / f"{fakes.ONERA}Test Labels").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"B8A\.tif|Test Labels: no such folder"):
        verify_pairs(fakes.pair_record("oscd"), tmp_path)


@pytest.mark.parametrize("name", ["gz-cd", "whu-cd"])
def test_sets_without_published_parts_have_no_protocol(
    name: str, chance: np.random.Generator, tmp_path: Path
) -> None:
    fakes.pairs(tmp_path, ("A", "B", "label"), {"train": 1, "val": 1, "test": 1}, 8, chance)
    found, whole, notes = load_pairs(name, str(tmp_path))
    assert set(found) == {"train", "val", "test"}
    assert (whole, notes) == (None, [])


@pytest.mark.parametrize("name", ["clcd", "levir-256:levir_cd", "dsifn-cd:dsifn_cd"])
def test_real_samples_load_and_are_called_samples(name: str, real_data: Callable[[str], Path]) -> None:
    name, _, folder = name.partition(":")
    found, whole, notes = load_pairs(name, str(real_data(f"change/{folder or name}")))
    assert all(found[part] for part in ("train", "val", "test"))
    assert whole is None
    assert "instead of" in notes[0]
