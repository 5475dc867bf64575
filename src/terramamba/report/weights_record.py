"""Pretrained weights, and runs on a hub, shown as a run is: the card stands for a test."""

from pathlib import Path

from terramamba.core.display import Shown
from terramamba.core.hub import at_hand, is_on_hub
from terramamba.core.run_files import CARD, CONFIG, METRICS, PRETRAINED_CARD
from terramamba.data.scaling import Scaling
from terramamba.raster.readers.open import open_scene
from terramamba.report.maps import MapFiles
from terramamba.runs.model_card import DataCard, JudgedCard, MadeBy, ModelCard, read_card
from terramamba.runs.record import Metrics, RunRecord
from terramamba.weights.registry import Weights, find_weights, is_shipped
from terramamba.weights.terminal import card_shown


def record_of_weights(given: str, files: MapFiles | None) -> RunRecord | None:
    """Read what ``given`` names as the page shows it; None: it is the folder of a run that was trained here.

    Args:
        given: Name or folder of pretrained weights, or such or a run on the hub.
        files: The map that they made, and what lies beside it.

    Raises:
        InputError: a card is damaged, the hub does not answer, or a file beside the map cannot be read.
    """
    folder = Path(at_hand(given))
    if (folder / CARD).is_file():
        trained_here = (folder / METRICS).is_file() or (folder / CONFIG).is_file()
        return None if trained_here else _of_run(given, folder)
    if is_weights(given) or (folder / PRETRAINED_CARD).is_file():
        return _of_weights(find_weights(given), files)
    return None


def is_weights(given: str) -> bool:
    """Tell whether ``given`` names what comes with the package, or is on the hub."""
    return is_on_hub(given) or is_shipped(given)


def _of_run(given: str, folder: Path) -> RunRecord:
    card = read_card(folder)
    facts = {
        "name": given,
        "what": f"a run of {card.model.name} ({card.model.preset}), of which no more than the model is here",
        "terms": "not said" if card.origin is None else f"training began with {card.origin.words}",
        "protocol": card.data.protocol,
    }
    return _record(folder, given, card, Shown((), facts))


def _of_weights(weights: Weights, files: MapFiles | None) -> RunRecord:
    card, bands = weights.card, _bands_beside(files)
    data = DataCard(
        source_bands=bands,
        scaling=Scaling("standard", tuple(range(bands)), (0.0,) * bands, (1.0,) * bands, (0.0,) * bands),
        classes=card.classes,
        protocol=card.protocol,
        split_id="none",
    )
    made_by = MadeBy(card.made_by.version)
    model = ModelCard(card.task, card.model, data, JudgedCard(), made_by)
    return _record(weights.folder, card.name, model, card_shown(weights))


def _bands_beside(files: MapFiles | None) -> int:
    """Bands of the images that lie beside the map; 1 where there are none."""
    paths = () if files is None else (files.scene, files.before, files.after)
    return next((open_scene(path).bands for path in paths if path is not None), 1)


def _record(folder: Path, name: str, card: ModelCard, pretrained: Shown) -> RunRecord:
    metrics = Metrics(test={}, model=name, protocol=card.data.protocol)
    return RunRecord(
        folder, name, card, metrics, {}, {}, (), card.data.classes.names, (), (), pretrained=pretrained
    )
