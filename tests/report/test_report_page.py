"""The page as a file: it stands alone, says what the runs say, and takes every text as text."""

import base64
import hashlib
import json
import re
import shutil
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from report.conftest import NAMES, Made
from terramamba.api import write_report
from terramamba.cli import main
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.report.maps import MapFiles
from terramamba.scores.thresholds import changed

WITHOUT_END = {"meta", "link", "input", "img", "br"}


class Reader(HTMLParser):
    """Tags, addresses, ids and texts; raises where tags do not nest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.addresses += [found[name] or "" for name in ("src", "href") if name in found]
        self.ids += [found["id"] or ""] if "id" in found else []
        if tag not in WITHOUT_END:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)


def read(page: Path) -> tuple[Reader, str]:
    text = page.read_text(encoding="utf-8")
    return Reader(text), text


def payload(text: str) -> dict[str, Any]:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


def unpacked(layer: dict[str, Any]) -> np.ndarray:
    packed = zlib.decompress(base64.b64decode(layer["data"]))
    return np.frombuffer(packed, np.uint8).reshape(-1, layer["height"], layer["width"])


def band(path: str) -> np.ndarray:
    return open_scene(path).read()[0][0]


@pytest.mark.parametrize("job", ["cover", "change"])
def test_the_page_stands_alone(made: Made, tmp_path: Path, job: str) -> None:
    page = write_report([getattr(made, job)], tmp_path / "r.html", map_files=getattr(made, f"{job}_files"))
    reader, text = read(page)
    assert all(address.startswith(("data:", "#")) for address in reader.addresses)
    assert "url(" not in text
    assert "@import" not in text
    assert len(set(reader.ids)) == len(reader.ids)
    assert "{{" not in text.replace("{{data}}", "")


def test_texts_are_escaped(made: Made, tmp_path: Path) -> None:
    reader, text = read(write_report([made.cover], tmp_path / "r.html", map_files=made.cover_files))
    said = "".join(reader.texts)
    known = [row["name"] for row in json.loads((made.cover / "model.json").read_text())["classes"]]
    assert set(known) <= set(NAMES)
    assert len(known) >= 4
    assert all(name in said for name in known)
    assert [entry["name"] for entry in payload(text)["classes"]] == known
    assert reader.tags.count("img") == 1  # the still picture where scripts do not run
    assert "</script><b>" not in text


def test_letters_that_turn_others_round_are_written_out(made: Made, tmp_path: Path) -> None:
    run = shutil.copytree(made.change, tmp_path / "fine\u202egnp")
    _, text = read(write_report([run], tmp_path / "r.html"))
    assert "fine\\u202egnp" in text
    assert "\u202e" not in text


@pytest.mark.parametrize("job", ["cover", "change"])
def test_the_policy_lets_run_what_is_the_pages_own_and_nothing_else(
    made: Made, tmp_path: Path, job: str
) -> None:
    _, text = read(
        write_report([getattr(made, job)], tmp_path / "r.html", map_files=getattr(made, f"{job}_files"))
    )
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    for tag in ("script", "style"):
        (own,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        hashed = base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        assert rules[f"{tag}-src"] == f"'sha256-{hashed}'"
    assert not re.search(r"<[^>]*\s(style|on\w+)=", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))


def test_the_layers_are_the_files(made: Made, tmp_path: Path) -> None:
    _, text = read(write_report([made.cover], tmp_path / "r.html", map_files=made.cover_files))
    shown, codes = payload(text), band(made.cover_files.land)
    assert (shown["over"], shown["likely"]) == (False, "probability")
    names = [entry["name"] for entry in shown["classes"]]
    classes = json.loads((made.cover / "model.json").read_text())["classes"]
    place = {row["code"]: names.index(row["name"]) for row in classes} | {0: 255}
    assert np.array_equal(unpacked(shown["layers"]["map"])[0], np.vectorize(place.get)(codes))
    likely = open_scene(str(made.cover_files.probabilities)).read()[0]
    assert np.array_equal(unpacked(shown["layers"]["probability"])[0], likely.max(axis=0))
    spectra, values = shown["spectra"]["left"], open_scene(str(made.cover_files.scene)).read()
    cube = unpacked(spectra)
    assert len(cube) == len(spectra["bands"])
    wanted = np.stack([values[0][number - 1] for number in spectra["bands"]]).astype(float)
    valid = np.stack([values[1][number - 1] for number in spectra["bands"]])
    assert np.array_equal(cube == 255, ~valid)
    found = spectra["low"] + cube * (spectra["high"] - spectra["low"]) / 254
    step = (spectra["high"] - spectra["low"]) / 254
    inside = valid & (wanted >= spectra["low"]) & (wanted <= spectra["high"])
    assert np.abs(found - wanted)[inside].max() <= 0.51 * step


def test_the_steps_of_the_threshold_add_up_to_the_file(made: Made, tmp_path: Path, seed: int) -> None:
    _, text = read(write_report([made.change], tmp_path / "r.html", map_files=made.change_files))
    shown, likely = payload(text), band(str(made.change_files.probabilities))
    assert (shown["over"], shown["likely"]) == (True, "probability of change")
    for least in np.random.default_rng(seed).integers(1, 255, 5):
        assert sum(shown["steps"]["pixels"][least:]) == np.sum((likely >= least) & (likely != 255))
    per_pixel = np.array(shown["steps"]["hectares"])[np.array(shown["steps"]["pixels"]) > 0]
    assert (per_pixel > 0).all()
    # 254 p rounded: a step lies at most half a step from the probabilities that it stands for
    changed = int((band(made.change_files.land) == 1).sum())
    at = round(254 * 0.4)
    assert sum(shown["steps"]["pixels"][at + 1 :]) <= changed <= sum(shown["steps"]["pixels"][at - 1 :])
    assert "The map was made with 0.4." in text


def test_a_threshold_of_the_page_marks_the_stored_probabilities_that_count_as_changed(
    made: Made, tmp_path: Path
) -> None:
    _, text = read(write_report([made.change], tmp_path / "r.html", map_files=made.change_files))
    least, stored = payload(text)["steps"]["least"], np.arange(255) / 254
    assert len(least) == 1001
    for thousandths in (1, 400, 499, 500, 501, 999, 1000):
        marked = np.arange(255) >= least[thousandths]
        assert np.array_equal(marked, changed(stored, thousandths / 1000)), thousandths
    assert '<input type="range" id="threshold" min="1" max="1000" value="400">' in text


def test_the_largest_changes_lie_where_the_page_says(made: Made, tmp_path: Path) -> None:
    _, text = read(write_report([made.change], tmp_path / "r.html", map_files=made.change_files))
    shown, changed = payload(text), band(made.change_files.land) == 1
    sizes = [row["pixels"] for row in shown["largest"]]
    assert sizes == sorted(sizes, reverse=True)
    for row in shown["largest"]:
        west, north, east, south = (round(v) for v in row["box"])
        box = changed[north:south, west:east]
        assert box.sum() >= row["pixels"]
        assert box[0].any()
        assert box[-1].any()
        assert box[:, 0].any()
        assert box[:, -1].any()


def test_the_summary_says_what_the_run_says(made: Made, tmp_path: Path) -> None:
    reader, _ = read(write_report([made.cover], tmp_path / "r.html", map_files=made.cover_files))
    said = "".join(reader.texts)
    metrics = json.loads((made.cover / "metrics.json").read_text())
    test = metrics["test"]
    assert f"{100 * test['oa']:.1f} % of {sum(c['pixels'] for c in test['per_class']):,} test pixels" in said
    leaks = metrics["leakage_in_words"]
    for sentence in [leaks] if isinstance(leaks, str) else leaks:
        assert sentence in said
    counts = np.bincount(band(made.cover_files.land).ravel())
    assert f"{counts[1:].sum():,} classified pixels" in said
    assert "Loss while training" in said


def test_runs_beside_each_other(made: Made, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for path in made.change.iterdir():
        if path.is_file():
            (other / path.name).write_bytes(path.read_bytes())
    metrics = json.loads((other / "metrics.json").read_text())
    metrics["test"]["f1"] = 1.0
    (other / "metrics.json").write_text(json.dumps(metrics))
    reader, text = read(write_report([made.change, other], tmp_path / "r.html"))
    said = "".join(reader.texts)
    assert "Of 2 runs, other has the highest F1: 100.00 %." in said
    places = [text.index(part) for part in ('id="comparison"', "<h2>Scores of change", "<h2>Scores of other")]
    assert places == sorted(places)
    linked = re.findall(r'<li><a href="#(\w+)">', text)
    assert {"summary", "comparison", "scores", "scores2", "provenance"} <= set(linked) <= set(reader.ids)
    assert "<b>100.00 %</b>" in text
    assert "map" not in reader.ids


@pytest.mark.parametrize(
    ("file", "changed", "said"),
    [
        ("metrics.json", {"protocol": "block-p9"}, "were tested by different protocols (block-p9 and"),
        (
            "metrics.json",
            {"split_id": "elsewhere"},
            "were not tested on the same pixels (splits elsewhere and",
        ),
        ("model.json", {}, "have different classes"),
    ],
)
def test_runs_that_cannot_be_compared_are_not(
    made: Made, tmp_path: Path, file: str, changed: dict[str, str], said: str
) -> None:
    other = tmp_path / "other"
    shutil.copytree(made.cover, other)
    record = json.loads((other / file).read_text())
    if file == "model.json":
        record["classes"][0]["name"] = "another"
    (other / file).write_text(json.dumps(record | changed))
    reader, text = read(write_report([made.cover, other], tmp_path / "r.html"))
    assert f"are not compared: other and cover {said}" in "".join(reader.texts)
    table = text[text.index("scores on test") : text.index("</table>")]
    assert "<b>" not in table


def test_a_map_without_a_place_on_the_ground(made: Made, tmp_path: Path) -> None:
    values = band(made.change_files.land)
    path = tmp_path / "bare.tif"
    write_geotiff(path, values[None], Grid(*values.shape), nodata=255)
    _, text = read(write_report([made.change], tmp_path / "r.html", map_files=MapFiles(str(path))))
    shown = payload(text)
    assert shown["crs"] is None
    assert shown["transform"] is None
    assert all(row["hectares"] is None for row in shown["largest"])
    assert " ha)" not in text
    assert "With the probabilities of the map" in text


@pytest.mark.parametrize("job", ["cover", "change"])
def test_a_page_of_a_large_map_is_small(made: Made, tmp_path: Path, job: str, seed: int) -> None:
    """Noise is the hardest to pack."""
    side, random = 2000, np.random.default_rng(seed)
    files = getattr(made, f"{job}_files")
    codes = band(files.land)
    few = [code for code in np.unique(codes) if code != (0 if job == "cover" else 255)]
    across = side // 40 if job == "change" else side
    small = random.choice(few, (across, across)).astype(np.uint8)
    land = np.kron(small, np.ones((side // across, side // across), np.uint8))
    likely = random.integers(0, 255, (open_scene(files.probabilities).bands, side, side), dtype=np.uint8)
    image = random.integers(0, 256, (12 if job == "cover" else 3, side, side), dtype=np.uint8)
    paths = {name: str(tmp_path / f"{name}.tif") for name in ("land", "probabilities", "image")}
    for path, values in zip(paths.values(), (land[None], likely, image), strict=True):
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=side,
            width=side,
            count=len(values),
            dtype="uint8",
            crs="EPSG:32633",
            transform=Affine(10, 0, 400_000, 0, -10, 5_800_000),
        ) as file:
            file.write(values)
    shown = (
        {"scene": paths["image"]} if job == "cover" else {"before": paths["image"], "after": paths["image"]}
    )
    files = MapFiles(paths["land"], probabilities=paths["probabilities"], **shown)
    page = write_report([getattr(made, job)], tmp_path / "r.html", map_files=files)
    print(f"{page.stat().st_size / 1e6:.2f} MB")
    assert page.stat().st_size < 15e6
    assert "To keep this page small" in page.read_text()


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["report", *map(str, words)]) == 1
    said = capsys.readouterr().err.strip()
    assert said.startswith("error: ")
    assert len(said.splitlines()) == 1
    return said


def test_what_cannot_be_shown_is_refused_in_one_line(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "r.html"
    to = ("--out", out)
    cover, change = made.cover_files, made.change_files
    assert "no such run folder" in refused(capsys, tmp_path / "none", *to)
    assert "no finished run" in refused(capsys, tmp_path, *to)
    assert "named twice" in refused(capsys, made.cover, made.cover, *to)
    assert "a report for each task" in refused(capsys, made.cover, made.change, *to)
    assert "needs --out" in refused(capsys, made.cover, made.change)
    assert ".html" in refused(capsys, made.cover, "--out", tmp_path / "r.pdf")
    assert "give the map with --map" in refused(capsys, made.cover, "--scene", cover.scene, *to)
    assert "is no map" in refused(capsys, made.cover, "--map", cover.scene, *to)
    assert "belong together" in refused(
        capsys, made.change, "--map", change.land, "--before", cover.scene, *to
    )
    assert "beside its map go" in refused(
        capsys, made.cover, "--map", cover.land, "--before", change.before, *to
    )
    assert "--probabilities" in refused(
        capsys, made.change, "--map", change.land, "--probabilities", change.before, *to
    )
    assert "made by another model" in refused(capsys, made.change, "--map", cover.land, *to)
    with rasterio.open(cover.land) as file:
        bare = {"driver": "GTiff", "count": 1, "dtype": file.dtypes[0]} | {
            key: file.profile[key] for key in ("height", "width", "crs", "transform")
        }
        with rasterio.open(tmp_path / "bare.tif", "w", **bare) as copy:
            copy.write(file.read())
    assert "no class of" in refused(capsys, made.change, "--map", tmp_path / "bare.tif", *to)
    assert not out.exists()
    out.write_text("mine")
    assert "--overwrite" in refused(capsys, made.cover, *to)
    assert out.read_text() == "mine"


@pytest.mark.parametrize("kind", ["cover", "change"])
def test_what_another_model_made_is_not_shown_as_the_runs(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    files, run = getattr(made, f"{kind}_files"), getattr(made, kind)
    other, out = tmp_path / "other", tmp_path / "r.html"
    shutil.copytree(run, other)
    card = json.loads((other / "model.json").read_text())

    def replaced(record: Any) -> Any:
        if isinstance(record, dict):
            return {key: "0" * 64 if key == "sha256" else replaced(value) for key, value in record.items()}
        return record

    (other / "model.json").write_text(json.dumps(replaced(card)))
    said = refused(capsys, other, "--map", files.land, "--out", out)
    assert f"{files.land}: was made by another model" in said
    assert "name the run that made it first" in said
    untold = retagged(files.land, tmp_path / "untold.tif")
    said = refused(capsys, other, "--map", untold, "--probabilities", files.probabilities, "--out", out)
    assert f"{files.probabilities}: was made by another model" in said
    assert not out.exists()
    reader, _ = read(write_report([run], out, map_files=MapFiles(str(untold))))
    assert f"It is not known whether {run.name} made the map {untold}: its file has no tag" in "".join(
        reader.texts
    )
    reader, _ = read(write_report([run], out, map_files=files, overwrite=True))
    assert "It is not known" not in "".join(reader.texts)


def retagged(path: str, target: Path, shift: float = 0.0, **tags: str) -> Path:
    """The pixels of a file with other tags, and a corner ``shift`` metres to the east."""
    with rasterio.open(path) as file:
        values, place = file.read(), file.transform
        moved = Affine(place.a, place.b, place.c + shift, place.d, place.e, place.f)
        how = {"crs": file.crs, "transform": moved, "nodata": file.nodata, "dtype": file.dtypes[0]}
        height, width = file.shape
    with rasterio.open(target, "w", "GTiff", width, height, len(values), **how) as file:
        file.write(values)
        file.update_tags(**tags)
    return target


@pytest.mark.parametrize(
    ("kind", "beside"), [("cover", "scene"), ("cover", "probabilities"), ("change", "before")]
)
def test_files_on_another_grid_are_not_laid_on_the_map(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, beside: str
) -> None:
    files, run = getattr(made, f"{kind}_files"), getattr(made, kind)
    with rasterio.open(files.land) as file:
        tags = file.tags()
    moved = retagged(getattr(files, beside), tmp_path / "moved.tif", 40.0, **tags)
    said = refused(capsys, run, "--map", files.land, f"--{beside}", moved, "--out", tmp_path / "r.html")
    assert f"{moved}: lies on another grid than the map {files.land}" in said


def test_damaged_runs_are_refused_in_one_line(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in (
        ("metrics.json", "{"),
        ("metrics.json", "{}"),
        ("model.json", "[1]"),
        ("confusion.csv", "truth,a\nb,1\n"),
        ("confusion.csv", "truth,a\na,many\n"),
        ("history.csv", "epoch,train_loss\n1,low\n"),
    ):
        run = tmp_path / "run"
        run.mkdir(exist_ok=True)
        for path in made.cover.iterdir():
            if path.is_file():
                (run / path.name).write_bytes(path.read_bytes())
        (run / name).write_text(text)
        assert re.search("train the (run|model) anew", refused(capsys, run, "--out", tmp_path / "r.html"))


def test_the_command_writes_into_the_run_folder(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(made.change)]) == 0
    page = made.change / "report.html"
    assert page.is_file()
    assert str(page) in capsys.readouterr().out
    page.write_text("stale words")
    assert main(["report", str(made.change)]) == 0
    assert "stale words" not in page.read_text()


def test_a_run_without_its_settings_or_history(made: Made, tmp_path: Path) -> None:
    for name in ("model.json", "metrics.json"):
        (tmp_path / name).write_bytes((made.cover / name).read_bytes())
    files = replace(made.cover_files, scene=None, probabilities=None)
    reader, _ = read(write_report([tmp_path], tmp_path / "r.html", map_files=files))
    assert "Confusion matrix" not in "".join(reader.texts)
    assert "swipe" not in reader.ids
