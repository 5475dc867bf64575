"""Which bands a classifier learns from, what the run keeps of them, and scenes that have them elsewhere."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from programs import terramamba
from terramamba.api import evaluate_classifier, map_classes, train_classifier
from terramamba.core.errors import InputError
from terramamba.data.synthetic.files import make_scene
from terramamba.landcover.settings import ClassifySettings
from terramamba.mapping.fit_to_run import open_for
from terramamba.pipeline import plan_data
from terramamba.runs.folder import load_run
from terramamba.tasks import LAND_COVER

Trained = tuple[ClassifySettings, dict[str, Any]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A support vector machine on 16 bands from 400 to 2450 nm, of which the sixth has no data."""
    folder = tmp_path_factory.mktemp("bands")
    made = make_scene(folder, 1, height=60, width=60, bands=16)
    settings = ClassifySettings(
        scene=str(made.scene),
        labels=str(made.labels),
        out=str(folder / "run"),
        model="svm",
        split="random",
        patch_size=1,
    )
    train_classifier(settings)
    map_classes(settings.out, settings.scene or "", folder / "map.tif")
    return settings, train_classifier(replace(settings, overwrite=True))


def pixels(path: str | Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()


def rearranged(settings: ClassifySettings, path: Path, bands: Sequence[int], unit: str = "nm") -> Path:
    """The scene with these of its bands (from 0) in this order; -1 is a band of zeros at 300 nm."""
    with rasterio.open(str(settings.scene)) as file:
        values, profile = file.read(), dict(file.profile)
        centres = [float(name.split()[0]) for name in file.descriptions]
    chosen = np.stack([values[band] if band >= 0 else np.zeros_like(values[0]) for band in bands])
    profile = {key: profile[key] for key in ("crs", "transform", "dtype", "height", "width", "nodata")}
    with rasterio.open(path, "w", driver="GTiff", count=len(bands), **profile) as file:
        file.write(chosen)
        for index, band in enumerate(bands, start=1):
            centre = centres[band] if band >= 0 else 300.0
            written = centre if unit == "nm" else centre / 1000
            file.update_tags(index, wavelength=f"{written:.6f}", wavelength_units=unit)
    return path


def test_the_card_keeps_what_is_known_of_bands(trained: Trained) -> None:
    data = load_run(trained[0].out).card.data
    assert data.wavelengths is not None
    assert data.band_names is not None
    assert len(data.wavelengths) == len(data.band_names) == data.source_bands == 16
    record = json.loads((Path(trained[0].out) / "model.json").read_text())
    assert (record["format"], len(record["band_names"]), "fwhm" in record) == (1, 16, False)


@pytest.mark.parametrize("unit", ["nm", "micrometers"])
def test_a_scene_with_its_bands_elsewhere_has_the_same_map(
    trained: Trained, tmp_path: Path, unit: str
) -> None:
    """Reversed, beside others, without the one that the model does not use, in another unit."""
    settings, _ = trained
    order = [-1, *[band for band in range(15, -1, -1) if band != 5], -1]
    scene = rearranged(settings, tmp_path / "turned.tif", order, unit)
    map_classes(settings.out, scene, tmp_path / "map.tif")
    own = Path(settings.out).parent / "map.tif"
    assert np.array_equal(pixels(tmp_path / "map.tif"), pixels(own))


def test_the_command_says_how_bands_were_matched(trained: Trained, tmp_path: Path) -> None:
    settings, _ = trained
    scene = rearranged(settings, tmp_path / "turned.tif", range(15, -1, -1))
    done = terramamba("classify", "map", settings.out, scene, "--out", tmp_path / "map.tif")
    assert done.returncode == 0, done.stderr
    assert "turned.tif: bands matched by wavelength, at most" in done.stderr
    assert ": 16, 15, 14, 13, 12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1 of 16 are used, in this order" in done.stderr
    found = evaluate_classifier(settings.out, scene=str(scene), labels=str(settings.labels))
    assert any(note.startswith("bands matched by wavelength") for note in found["notes"])
    straight = evaluate_classifier(settings.out, scene=str(settings.scene), labels=str(settings.labels))
    assert not any(note.startswith("bands matched") for note in straight["notes"])
    bad = tmp_path / "bad.tif"
    rearranged(settings, bad, range(16))
    with rasterio.open(bad, "r+") as file:
        for index in range(1, 17):
            file.update_tags(index, bbl="0" if index in (6, 8) else "1")
    marked = open_for(load_run(settings.out), bad)
    (centre,) = [f"{matched:g}" for matched in (marked.wavelengths or ())[7:8]]
    assert marked.notes[-1] == f"bands that {bad} calls bad are used by the model: 8 ({centre} nm)"
    out = tmp_path / "why"
    words = ("explain", settings.out, scene, "--labels", settings.labels, "--samples", 50, "--out", out)
    explained = terramamba(*words)
    assert explained.returncode == 0, explained.stderr
    assert "bands matched by wavelength" in explained.stdout


def test_a_missing_band_is_refused_with_its_wavelength(trained: Trained, tmp_path: Path) -> None:
    settings, _ = trained
    centre = load_run(settings.out).card.data.wavelengths
    assert centre is not None
    scene = rearranged(settings, tmp_path / "few.tif", [band for band in range(16) if band != 9])
    with pytest.raises(InputError, match=rf"no band within 20 nm of {centre[9]:g} nm.*\(band 10\)"):
        map_classes(settings.out, scene, tmp_path / "map.tif")
    assert not (tmp_path / "map.tif").exists()


def test_bands_that_are_named_stand_for_the_model_s(trained: Trained, tmp_path: Path) -> None:
    """A scene without wavelengths, in another order: only somebody can say which is which."""
    settings, _ = trained
    values = pixels(str(settings.scene))
    with rasterio.open(str(settings.scene)) as file:
        profile = {
            key: file.profile[key] for key in ("crs", "transform", "dtype", "height", "width", "nodata")
        }
    scene = tmp_path / "bare.tif"
    with rasterio.open(scene, "w", driver="GTiff", count=17, **profile) as file:
        file.write(np.concatenate([values[::-1], values[:1]]))
    words = ("classify", "map", settings.out, scene, "--out", tmp_path / "map.tif")
    refused = terramamba(*words)
    assert refused.returncode == 1
    assert "has 17 bands, but the model" in refused.stderr
    assert "--bands" in refused.stderr
    turned = ",".join(str(number) for number in range(16, 0, -1))
    done = terramamba(*words, "--bands", turned)
    assert done.returncode == 0, done.stderr
    assert np.array_equal(pixels(tmp_path / "map.tif"), pixels(Path(settings.out).parent / "map.tif"))
    found = evaluate_classifier(settings.out, scene=str(scene), labels=str(settings.labels), bands=turned)
    assert found["test"]["oa"] > 0.8
    with pytest.raises(InputError, match="--bands goes with --scene and --labels"):
        evaluate_classifier(settings.out, bands="1-16")


def test_chosen_bands_alone_are_learnt_from_in_their_order(trained: Trained, tmp_path: Path) -> None:
    settings, _ = trained
    chosen = replace(settings, bands="8,2-4", out=str(tmp_path / "run"))
    result = train_classifier(chosen)
    data = load_run(chosen.out).card.data
    assert (data.source_bands, data.scaling.bands) == (16, (7, 1, 2, 3))
    assert result["notes"][0] == "bands used, as --bands 8,2-4 says: 8, 2-4 of 16"
    alone = replace(
        settings,
        scene=str(rearranged(settings, tmp_path / "alone.tif", (7, 1, 2, 3))),
        out=str(tmp_path / "alone"),
    )
    assert train_classifier(alone)["test"] == result["test"]
    assert evaluate_classifier(chosen.out)["test"] == result["test"]
    map_classes(chosen.out, str(settings.scene), tmp_path / "a.tif")
    map_classes(chosen.out, str(alone.scene), tmp_path / "b.tif")
    assert np.array_equal(pixels(tmp_path / "a.tif"), pixels(tmp_path / "b.tif"))


def test_excluded_wavelengths_are_left_out_and_said(trained: Trained, tmp_path: Path) -> None:
    settings, _ = trained
    centres = load_run(settings.out).card.data.wavelengths
    assert centres is not None
    text = f"{centres[2] - 1:.2f}-{centres[3] + 1:.2f},{centres[8]:.2f}-{centres[8] + 5:.2f}"
    result = train_classifier(
        replace(settings, exclude_wavelengths=text, scaling="standard", out=str(tmp_path / "run"))
    )
    used = load_run(tmp_path / "run").scaling.bands
    inside = {band for band, nm in enumerate(centres) if centres[2] - 1 <= nm <= centres[3] + 1}
    assert inside == {2, 3}
    assert not {2, 3} & set(used)
    assert {1, 4, 7, 9} <= set(used)
    (note,) = (note for note in result["notes"] if "excluded wavelengths" in note)
    assert note.startswith(f"{16 - 1 - len(used)} of 16 bands left out (excluded wavelengths): 3-4")
    again = evaluate_classifier(tmp_path / "run")
    assert again["test"] == result["test"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"exclude_wavelengths": "100-9000"}, "leaves no band"),
        ({"bands": "99"}, "--bands 99: .* has no such band"),
        ({"bands": "6"}, "no band has usable data"),
    ],
)
def test_what_leaves_nothing_is_refused_before_anything_is_written(
    trained: Trained, tmp_path: Path, asked: dict[str, str], words: str
) -> None:
    out = tmp_path / "run"
    with pytest.raises(InputError, match=words):
        train_classifier(replace(trained[0], out=str(out), **asked))
    assert not out.exists()


def test_wavelengths_are_excluded_only_where_they_are_known(trained: Trained, tmp_path: Path) -> None:
    settings, _ = trained
    scene = tmp_path / "bare.npy"
    np.save(scene, np.moveaxis(pixels(str(settings.scene)), 0, -1))
    with pytest.raises(InputError, match=r"--exclude-wavelengths: .* does not say the wavelengths"):
        train_classifier(
            replace(settings, scene=str(scene), exclude_wavelengths="1340-1450", out=str(tmp_path / "run"))
        )
    with pytest.raises(InputError, match="'1340' is no interval"):
        replace(settings, exclude_wavelengths="1340")


def test_check_shows_the_chosen_bands(trained: Trained) -> None:
    done = terramamba("check", trained[0].scene, "--bands", "16,1")
    assert done.returncode == 0, done.stderr
    assert "2 bands" in done.stdout
    assert terramamba("check", trained[0].scene, "--bands", "17").returncode == 1


def test_codes_of_quality_are_not_learnt_from_without_a_word(tmp_path: Path) -> None:
    made = make_scene(tmp_path, 1, height=60, width=60, bands=16)
    with rasterio.open(made.scene) as file:
        values, profile = (
            file.read()[[0, 3, 8]],
            {"count": 3, "width": 60, "height": 60, "dtype": file.dtypes[0]},
        )
        profile |= {"crs": file.crs, "transform": file.transform}
    with rasterio.open(tmp_path / "a.tif", "w", **profile) as file:
        file.write(values)
        file.descriptions = ("red", "SCL", "nir")
    scene, labels = str(tmp_path / "a.tif"), str(made.labels)
    plan = plan_data(LAND_COVER, ClassifySettings(scene=scene, labels=labels, out="run", model="svm"))
    assert "uses SCL, by name codes of quality, and no measurement; --bands 1,3 leaves it out" in str(plan)
