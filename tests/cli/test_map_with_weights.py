"""``classify map --weights``: land cover of any scene of reflectance with wavelengths, without labels."""

import html

import numpy as np
import pytest
import rasterio
from affine import Affine

import terramamba as tm
from terramamba.cli import main
from terramamba.weights.registry import find_weights

SIDE = 12
FULL = np.arange(405.0, 2445.0, 9.0)
VNIR = np.arange(410.0, 990.0, 6.0)


def spectra(nm: np.ndarray) -> dict[str, np.ndarray]:
    """Reflectance of simple materials, as a textbook draws them."""
    leaf = 0.04 + 0.05 * np.exp(-(((nm - 550) / 30) ** 2)) + 0.42 / (1 + np.exp(-(nm - 718) / 12))
    for centre, width, depth in ((970, 40, 0.1), (1200, 60, 0.2), (1450, 120, 0.75), (1950, 170, 0.85)):
        leaf = leaf * (1 - depth * np.exp(-(((nm - centre) / width) ** 2)))
    leaf = np.where(nm > 1300, leaf * np.interp(nm, [1300, 2450], [0.9, 0.25]), leaf)
    water = 0.06 * np.exp(-(((nm - 540) / 110) ** 2)) + 0.004
    knots = (400, 450, 560, 670, 750, 860, 1000, 1250, 1600, 2100, 2200, 2300, 2450)
    soil = np.interp(nm, knots, (9, 11, 20, 30, 35, 36.5, 39, 45, 47, 46, 39, 41, 37)) / 100
    return {"green vegetation": leaf, "water": water, "bare soil": soil}


def write(path, nm, *, stored=10_000.0, dtype="int16", named=True, change=None):
    """Three stripes of leaves, water and soil, with a column without data."""
    random = np.random.default_rng(5)
    cube = np.stack([np.repeat(one[:, None], SIDE * SIDE // 3, 1) for one in spectra(nm).values()], 1)
    cube = cube.reshape(len(nm), SIDE, SIDE) * random.uniform(0.85, 1.1, (SIDE, SIDE))
    cube = cube + random.normal(0, 0.001, cube.shape)
    if change is not None:
        cube = change(cube)
    values = (cube * stored).astype(dtype)
    values[:, :, 0] = -9999
    profile = {"driver": "GTiff", "count": len(nm), "height": SIDE, "width": SIDE, "dtype": dtype}
    place = {"crs": "EPSG:32633", "transform": Affine(30, 0, 4e5, 0, -30, 5e6), "nodata": -9999}
    with rasterio.open(path, "w", **profile, **place) as file:
        file.write(values)
        for band, centre in enumerate(nm, 1):
            file.set_band_description(band, f"band {band} ({centre:.1f} nm)" if named else f"band {band}")
    return path


def mapped(path):
    with rasterio.open(path) as file:
        return file.read(1), file.tags(), file.colormap(1)


@pytest.mark.parametrize(
    ("nm", "stored", "dtype"), [(FULL, 10_000.0, "int16"), (FULL, 1.0, "float32"), (VNIR, 100.0, "float32")]
)
def test_a_scene_of_any_sensor_is_mapped_without_labels(tmp_path, capsys, nm, stored, dtype):
    scene = write(tmp_path / "s.tif", nm, stored=stored, dtype=dtype)
    out, likely, parts = (tmp_path / f"{name}.tif" for name in ("map", "p", "f"))
    words = ["classify", "map", str(scene), "--weights", "spectral-library", "--out", str(out)]
    assert main([*words, "--probabilities", str(likely), "--fractions", str(parts)]) == 0
    said = capsys.readouterr()
    assert f"{stored:g} is taken for a reflectance of 1, as its values suggest" in said.err
    assert ("no bands beyond" in said.err) == (nm is VNIR)
    codes, tags, colours = mapped(out)
    classes = find_weights("spectral-library").card.classes
    assert (codes[:, 0] == 0).all()
    rows = np.split(codes[:, 1:], 3)
    wanted = [classes.codes[classes.target_of_name[name]] for name in spectra(nm)]
    assert [np.bincount(part.ravel()).argmax() for part in rows] == wanted
    assert tags["MODEL_SHA256"] == find_weights("spectral-library").card.model.sha256
    assert colours[wanted[1]][:3] == classes.colours[classes.target_of_name["water"]]
    with rasterio.open(likely) as file:
        probability = file.read().astype(int)
        assert file.descriptions == classes.names
    with rasterio.open(parts) as file:
        fractions = file.read().astype(int)
        assert file.descriptions == ("vegetation", "soil", "built")
    assert (fractions[:, :, 0] == 255).all()
    np.testing.assert_array_equal(fractions[0, :, 1:], (probability[0] + probability[1])[:, 1:].clip(max=254))
    assert fractions[0, : SIDE // 3, 1:].mean() > 127


def test_the_page_of_its_map_names_the_weights_their_terms_and_scores(tmp_path, capsys):
    scene, out = write(tmp_path / "s.tif", VNIR), tmp_path / "map.tif"
    tm.map_classes(tm.pretrained_classifier(scene), scene, out, progress=False)
    words = ["report", "spectral-library", "--map", str(out), "--scene", str(scene)]
    assert main([*words, "--out", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    card = find_weights("spectral-library").card
    for said in (f"Made with spectral-library: {card.title}", card.terms, card.model.sha256, card.protocol):
        assert html.escape(said) in page
    assert "<dt>made by</dt><dd>spectral-library</dd>" in page
    assert f"<td>{card.scores[0].data}</td>" in page
    capsys.readouterr()
    assert main(words) == 1
    assert "a report about spectral-library needs --out" in capsys.readouterr().err


def test_a_killed_map_goes_on_and_python_and_workers_give_the_same(tmp_path):
    scene = write(tmp_path / "s.tif", FULL)
    classifier = tm.pretrained_classifier(scene)
    array = tm.map_classes(classifier, scene, progress=False)
    for shard in ("1/2", "2/2"):
        tm.map_classes(
            classifier,
            scene,
            tmp_path / "m.tif",
            strip_rows=4,
            shard=shard,
            fractions=tmp_path / "f.tif",
            progress=False,
        )
    tm.join_map(tmp_path / "m.tif", progress=False)
    np.testing.assert_array_equal(array.values, mapped(tmp_path / "m.tif")[0])
    assert (tmp_path / "f.tif").exists()
    assert classifier.card.data.protocol == "weights-without-training"


def test_the_scale_that_is_given_is_obeyed(tmp_path, capsys):
    scene = write(tmp_path / "s.tif", FULL, stored=2000.0, dtype="float32")
    words = ["classify", "map", str(scene), "--weights", "spectral-library", "--out", str(tmp_path / "m.tif")]
    assert main([*words, "--reflectance-scale", "2000"]) == 0
    assert "2000 is taken for a reflectance of 1, as given" in capsys.readouterr().err


def absorbed(cube):
    taken = 1 - 0.6 * np.exp(-(((FULL - 940) / 40) ** 2)) - 0.6 * np.exp(-(((FULL - 1135) / 40) ** 2))
    return cube * taken[:, None, None]


@pytest.mark.parametrize(
    ("made", "words", "said"),
    [
        ({"named": False}, [], "its bands have no wavelengths"),
        ({"change": absorbed}, [], "where water vapour absorbs it, so it is radiance"),
        ({"change": lambda cube: cube - cube.mean()}, [], "% of the values are negative"),
        ({"stored": 65_000.0, "dtype": "float32"}, [], "give --reflectance-scale"),
        ({"nm": np.arange(1000.0, 2400.0, 10)}, [], "needs blue or green bands (430 to 600 nm)"),
        ({"nm": np.arange(450.0, 720.0, 10)}, [], "needs near-infrared bands (750 to 900 nm)"),
        ({}, ["--weights", "spectral_library"], "did you mean spectral-library?"),
        ({}, ["--calibrated"], "--calibrated needs a temperature"),
        ({}, ["--mode", "fast"], "--mode fast: this model does not classify the single pixels"),
    ],
)
def test_what_cannot_be_mapped_is_refused_in_one_line(tmp_path, capsys, made, words, said):
    scene = write(tmp_path / "s.tif", **{"nm": FULL, **made})
    out = tmp_path / "m.tif"
    assert (
        main(["classify", "map", str(scene), "--weights", "spectral-library", "--out", str(out), *words]) == 1
    )
    error = capsys.readouterr().err.splitlines()
    assert [line for line in error if line.startswith("error: ") and said in line]
    assert len([line for line in error if not line.startswith("note: ")]) == 1
    assert not out.exists()


def test_a_run_of_the_other_job_is_named_before_its_bands_are(tmp_path, workshop, terramamba):
    scene = workshop.scene.scene
    done = terramamba("change", "map", workshop.cover_run, scene, scene, "--out", tmp_path / "m.tif")
    assert done.err.splitlines() == [
        f"error: {workshop.cover_run}: this run is for classify; use `terramamba classify map`"
    ]


def test_weights_are_called_by_their_name_where_bands_do_not_fit(tmp_path, terramamba):
    path = tmp_path / "one.tif"
    with rasterio.open(path, "w", "GTiff", 16, 16, 4, dtype="uint8", transform=Affine.scale(9, -9)) as file:
        file.write(np.arange(16 * 16 * 4, dtype="uint8").reshape(4, 16, 16))
        file.descriptions = ("NIR", "red", "green", "SWIR 1")
    asked = ("--weights", "terramamba-change", "--what", "buildings", "--out", tmp_path / "m.tif")
    done = terramamba("change", "map", path, path, *asked)
    assert "has no band named blue, but the model in terramamba-change was trained on one" in done.err


def test_flags_of_weights_are_refused_for_runs(tmp_path, workshop, terramamba):
    words = ["classify", "map", workshop.cover_run, workshop.scene.scene, "--out", tmp_path / "m.tif"]
    done = terramamba(*words, "--reflectance-scale", "100")
    assert (done.status, "--reflectance-scale 100: is for --weights" in done.err) == (1, True)
    done = terramamba(*words, "--fractions", tmp_path / "f.tif")
    assert (done.status, "--fractions: the probabilities of" in done.err) == (1, True)
    assert not list(tmp_path.iterdir())


def stripes(scene, **given):
    """The class that most pixels of each third of a map have."""
    codes = tm.map_classes(tm.pretrained_classifier(scene, **given), scene, progress=False, **given).values
    classes = find_weights("spectral-library").card.classes
    targets = [int(np.bincount(part[part > 0].ravel()).argmax()) for part in np.split(codes, 3)]
    return [classes.names[classes.codes.index(code)] for code in targets]


def test_the_scale_and_offset_that_a_file_declares_are_applied(tmp_path, capsys):
    scene = write(tmp_path / "s.tif", FULL, stored=10_000.0, change=lambda cube: cube + 0.2)
    assert stripes(scene) != list(spectra(FULL))
    with rasterio.open(scene, "r+") as file:
        file.scales, file.offsets = [1e-4] * len(FULL), [-0.2] * len(FULL)
    capsys.readouterr()
    assert stripes(scene) == list(spectra(FULL))
    assert "the scale that it declares is applied (x 0.0001 + -0.2)" in capsys.readouterr().err


def test_bands_of_one_value_were_not_recorded_and_are_left_out(tmp_path, capsys):
    def without_some(cube):
        cube[(FULL > 1480) & (FULL < 1560)] = 0
        return cube

    assert stripes(write(tmp_path / "s.tif", FULL, change=without_some)) == list(spectra(FULL))
    said = capsys.readouterr().err
    lost = np.flatnonzero((FULL > 1480) & (FULL < 1560)) + 1
    assert f"bands without data, or of one value, are left out: {lost[0]}-{lost[-1]}" in said


def test_fill_that_is_not_declared_is_named_in_place_of_negative_values(tmp_path):
    scene = write(tmp_path / "s.tif", FULL)
    with rasterio.open(scene, "r+") as file:
        file.nodata = None
    with pytest.raises(tm.InputError, match=r"s\.tif: .* pixels hold -9999 in all bands.* --nodata -9999 l"):
        tm.pretrained_classifier(scene)
    assert stripes(scene, nodata=[-9999.0]) == list(spectra(FULL))


def test_the_offset_of_sentinel_2_is_asked_about_where_no_band_is_below_it(tmp_path, capsys):
    nm = np.array([492.4, 559.8, 664.6, 832.8, 864.7, 1613.7, 2202.4])
    for offset in (0, 0.1):
        write(tmp_path / "s.tif", nm, change=lambda cube, offset=offset: cube + offset)
        with rasterio.open(tmp_path / "s.tif", "r+") as file:
            file.descriptions = ("B2", "B3", "B4", "B8", "B8A", "B11", "B12")
        tm.pretrained_classifier(tmp_path / "s.tif")
        said = "no band has values below 1,000, which Sentinel-2's since" in capsys.readouterr().err
        assert said == bool(offset)


def test_a_scale_that_is_declared_of_fractions_is_named(tmp_path):
    scene = write(tmp_path / "s.tif", FULL, stored=1.0, dtype="float32")
    with rasterio.open(scene, "r+") as file:
        file.scales = [1e-4] * len(FULL)
    with pytest.raises(tm.InputError, match=r"s\.tif: its values.* are probably physical ones already"):
        tm.pretrained_classifier(scene)
