"""Make the two pictures of the documentation's first page: ``make pictures``.

Each shows a real image of ``examples/data`` beside the map that the command below it on that page makes.
"""

import tempfile
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt

import terramamba as tm

matplotlib.use("Agg")
ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
DATA = ROOT / "examples" / "data"


def picture_cover() -> None:
    """Draw the lake of Jasper Ridge and its land cover, by shipped weights."""
    scene = tm.open_scene(DATA / "jasper_ridge.tif")
    with tempfile.TemporaryDirectory() as folder:
        made = tm.map_classes(
            tm.pretrained_classifier(scene), scene, Path(folder) / "cover.tif", progress=False
        )
        _, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.4), width_ratios=(1, 1.32))
        scene.plot(ax=left)
        made.plot(ax=right)
    left.set_title("AVIRIS scene, 198 bands")
    right.set_title("land cover, without training")
    save("cover_at_once.png")


def picture_change() -> None:
    """Draw the Ucayali in 1985 and 2020, and what changed, by a detector that needs no training."""
    before, after = (tm.open_scene(DATA / f"ucayali_{year}.tif") for year in (1985, 2020))
    detector = tm.untrained_detector(before, after, model="ir_mad")
    changed = tm.map_change(detector, before, after, progress=False)
    _, axes = plt.subplots(1, 3, figsize=(8.6, 3.1))
    shown = {"1985": before, "2020": after, "changed, without training": changed}
    for ax, (title, what) in zip(axes, shown.items(), strict=True):
        what.plot(ax=ax)
        ax.set_title(title)
        ax.set_axis_off()
    save("change_at_once.png")


def save(name: str) -> None:
    """Write the picture to the images of the documentation."""
    plt.tight_layout()
    plt.savefig(IMAGES / name, dpi=100, bbox_inches="tight", metadata={"Software": None})
    plt.close()
    print(IMAGES / name)


if __name__ == "__main__":
    picture_cover()
    picture_change()
