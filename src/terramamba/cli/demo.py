"""``terramamba demo``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from terramamba.cli.shared.parse import Usage, parse
from terramamba.training.settings import OnDevice

if TYPE_CHECKING:
    from terramamba.scores.score import Scores

USAGE = Usage(
    "demo",
    "Both jobs on made-up images, from files to files: make a hyperspectral scene and image pairs, train a "
    "small model for each job, score both on unseen samples, map both, and save a picture and a page of "
    "each.",
    example="--out demo",
)


@dataclass(frozen=True, kw_only=True)
class DemoOptions(OnDevice):
    """Flags of the command."""

    out: str = "demo"
    """Folder for images, runs, maps, pictures and pages; must be new or empty unless --overwrite is given."""
    seed: int = 0
    """Seed of the images and of training."""
    overwrite: bool = False
    """Replace an earlier demo in the folder."""


def run(argv: Sequence[str]) -> int:
    """Run the demo, and print scores and files."""
    options, _ = parse(USAGE, DemoOptions, argv)
    from terramamba.cli.shared.show import show_facts
    from terramamba.core.display import number
    from terramamba.demo import run_demo
    from terramamba.scores.score_table import CHANGE_SCORES, LAND_COVER_SCORES

    summary = run_demo(**asdict(options))
    land_cover, change = summary["classify"], summary["change"]
    print("Land cover from a hyperspectral scene, scored on blocks of the scene that were not trained on")
    show_facts(
        {
            **_followed(land_cover, LAND_COVER_SCORES),
            "map": land_cover["map"],
            "picture": land_cover["picture"],
            "page": land_cover["page"],
        }
    )
    print("\nBuildings that came or went between two dates, scored on pairs that were not trained on")
    show_facts(
        {
            **_followed(change, CHANGE_SCORES),
            "map": change["map"],
            "polygons": change["polygons"],
            "picture": change["picture"],
            "page": change["page"],
        }
    )
    print(f"\n{number(summary['seconds'], 3)} seconds")
    return 0


def _followed(job: Mapping[str, Any], scores: "Scores") -> dict[str, str]:
    from terramamba.scores.score import followed

    return {score.title: score.shown(score.value_in(job), sign=True) for score in followed(scores)}
