"""A map that is planned and not begun: what is to be written and how each part is mapped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from terramamba.core.file_states import FileStates
from terramamba.core.files import StrPath
from terramamba.core.run_files import CARD, CONFIG, WEIGHTS, WRITTEN
from terramamba.mapping.executors import Work
from terramamba.mapping.fingerprint import Facts, model_fact, option_facts, scene_fact, version_fact
from terramamba.mapping.input_guard import WatchedWork
from terramamba.mapping.map_output import MapOutput
from terramamba.mapping.settings import MapSettings
from terramamba.mapping.value_range import training_differences
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.scene_files import states_of
from terramamba.raster.views.nodata import without_values
from terramamba.runs.folder import Run


@dataclass(frozen=True, eq=False)
class MapPlan:
    """All that mapping needs, with nothing written yet."""

    output: MapOutput
    work: Work
    facts: Facts
    """All that determines the result."""
    inputs: tuple[str, ...]
    """Files that must not be replaced."""
    states: FileStates
    """What all files that are read were like when the work was planned."""
    notes: Callable[[], Sequence[str]]
    """Look at some pixels, and say what makes the map worth less than its scores."""


@dataclass(frozen=True, eq=False)
class MapInputs:
    """A run and the scenes that it is to map, opened and found to fit each other."""

    run: Run
    sent: str | Run
    """What is sent to workers: the run's folder, so that it is little, or the run itself."""
    scenes: Mapping[str, Scene]
    """By what the job calls them; without data where masks leave pixels out."""
    temperature: float
    """By which logits are divided."""

    def plan(
        self,
        output: MapOutput,
        work: Work,
        settings: MapSettings,
        notes: Callable[[], Sequence[str]] | None = None,
        **facts: tuple[str, str],
    ) -> MapPlan:
        """Make a plan of these inputs.

        Args:
            output: What is to be written, and how.
            work: How each part is mapped.
            settings: All options as they come true.
            notes: What is said of the pixels; None: how each scene differs from what the run was trained on.
            facts: What else determines the map, or an option in better words.
        """
        states = {name: states_of([scene]) for name, scene in self.scenes.items()}
        # Workers open the run anew.
        run = [Path(self.sent, name) for name in (CARD, WEIGHTS)] if isinstance(self.sent, str) else []
        watched = sum(states.values(), states_of([], [*run, *(settings.mask or ())]))
        return MapPlan(
            output,
            WatchedWork(work, watched),
            {
                "model": model_fact(self.run),
                **option_facts(settings),
                **{name: scene_fact(scene, states[name]) for name, scene in self.scenes.items()},
                **facts,
                "versions": version_fact(),
            },
            (
                *(scene.path for scene in self.scenes.values()),
                *(name for name, _ in watched.states),
                *(str(self.run.folder / name) for name in (CONFIG, *WRITTEN)),
            ),
            watched,
            self._training_differences if notes is None else notes,
        )

    def _training_differences(self) -> list[str]:
        return [note for scene in self.scenes.values() for note in training_differences(self.run, scene)]


def open_one_scene(inputs: Sequence[StrPath | Scene], settings: MapSettings) -> dict[str, Scene]:
    """Open the one ``scene`` of a map; raises ``InputError`` where it cannot be read."""
    (scene,) = inputs
    opened = scene if isinstance(scene, Scene) else open_scene(scene)
    return {"scene": without_values(opened, settings.nodata or ())}
