"""Models that a file of tiles cannot hold are refused in one line, by the command."""

from pathlib import Path

import pytest

from terramamba.api import train_change_detector, train_classifier
from terramamba.change.settings import ChangeSettings
from terramamba.cli import main
from terramamba.data.synthetic.files import make_pairs, make_scene
from terramamba.landcover.settings import ClassifySettings

PAIR = ("--before", "a.tif", "--after", "b.tif")
KEPT = Path(__file__).parents[1] / "runs" / "first_format"

pytest.importorskip("onnx", reason="onnx is not installed")


def refusal(run: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["export", str(run), "--out", str(run.parent / "model.onnx")]) == 1
    assert not (run.parent / "model.onnx").exists()
    return capsys.readouterr().err


def test_a_classifier_of_single_pixels_is_refused(tmp_path, capsys):
    made = make_scene(tmp_path / "scene", 0, height=40, width=40, bands=6)
    train_classifier(
        ClassifySettings(
            scene=str(made.scene),
            labels=str(made.labels),
            model="svm",
            split="random",
            out=str(tmp_path / "r"),
        ),
        progress=False,
    )
    assert "svm does not classify the single pixels of a patch" in refusal(tmp_path / "r", capsys)


def test_a_detector_that_must_see_all_of_an_image_is_refused(tmp_path, capsys):
    pairs = make_pairs(tmp_path / "pairs", 0, train=1, val=1, test=1, size=32, scene=(32, 64))
    train_change_detector(
        ChangeSettings(data=str(pairs.root), model="cva", out=str(tmp_path / "r")), progress=False
    )
    assert "cva must see an image at once" in refusal(tmp_path / "r", capsys)


def test_weights_that_resample_each_scene_are_refused(capsys):
    refused = refusal(Path("spectral-library"), capsys)
    assert "spectral-library: are weights that resample the bands of each scene" in refused


@pytest.mark.parametrize(
    ("run", "flags", "message"),
    [
        (KEPT / "cover/run", ("--what", "water"), "--what water: is for runs of change"),
        (KEPT / "cover/run", PAIR, "--before a.tif: is for runs of change"),
        (
            KEPT / "change/run",
            PAIR,
            "scales all pairs by what training pairs hold; leave the pair out",
        ),
        ("terramamba-change", (), "name the pair that the file is for with --before and --after"),
    ],
)
def test_a_pair_is_named_where_the_file_depends_on_one(run, flags, message, tmp_path, capsys):
    assert main(["export", str(run), "--out", str(tmp_path / "model.onnx"), *flags]) == 1
    assert message in capsys.readouterr().err
