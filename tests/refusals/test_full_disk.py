"""A disk that fills up while a model is trained: what is said and left, and that the run goes on."""

from pathlib import Path
from subprocess import CompletedProcess

from programs import terramamba
from small_disk import small_disk
from terramamba.data.synthetic.files import make_scene


def train(folder: Path, *words: object) -> CompletedProcess[str]:
    return terramamba("classify", "train", *words, cwd=folder)


def test_training_says_so_and_goes_on(tmp_path: Path) -> None:
    made = make_scene(tmp_path / "scene", 0, height=40, width=40, bands=8)
    words = (
        *("--scene", made.scene, "--labels", made.labels, "--preset", "tiny", "--epochs", "1"),
        *("--split", "random", "--patch-size", "3", "--out", "run"),
    )
    folder = tmp_path / "disk"
    with small_disk(folder, 1 << 20):
        ballast = folder / "ballast"
        # Room for the settings alone, and for less than a checkpoint.
        for kilobytes, resume in ((8, ()), (400, ("--resume",))):
            ballast.write_bytes(bytes((1 << 20) - (kilobytes << 10)))
            ended = train(folder, *words, *resume)
            assert ended.returncode == 1
            (line,) = (line for line in ended.stderr.splitlines() if line.startswith("error: "))
            assert line.startswith("error: run/")
            assert "cannot be written" in line
            assert line.endswith(("; make room there, or name another place", "; check the space there"))
            assert "Traceback" not in ended.stderr
            assert "Logging error" not in ended.stderr
            left = {path.name for path in (folder / "run").rglob("*") if path.is_file()}
            assert left <= {
                "config.yaml",
                "plan.json",
                "log.txt",
                "split.json",
                "split.tif",
                "split.tif.aux.xml",
            }
        ballast.unlink()
        ended = train(folder, *words, "--resume")
        assert ended.returncode == 0, ended.stderr
        left = {path.name for path in (folder / "run").iterdir()}
        assert {"model.safetensors", "model.json", "metrics.json"} <= left
