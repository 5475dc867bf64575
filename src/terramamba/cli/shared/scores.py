"""What a run and a map came to, printed; what is the job's own of it the job says."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terramamba.cli.shared.show import show, show_facts
from terramamba.core.display import in_percent, number
from terramamba.core.provenance import in_words
from terramamba.core.run_files import REPORT
from terramamba.core.words import about
from terramamba.scores.score import tested

if TYPE_CHECKING:
    from terramamba.mapping.summary import MapSummary
    from terramamba.training.task import Task


def show_scores(task: "Task", result: Mapping[str, Any]) -> None:
    """Print what ``pipeline.train`` or ``pipeline.evaluate`` found."""
    show(task.shown_scores(result, task.scores), _calibration(result) | _about(result))


def show_map(summary: "MapSummary") -> None:
    """Print how much of a map is what, and the files that were written; after one shard, what is missing."""
    if summary.missing_parts is None:
        show(summary.shown())
        return
    after = f"{number(summary.missing_parts)}; when other shards have done them: {summary.join}"
    show_facts({"parts missing": after if summary.missing_parts else f"none; now: {summary.join}"})


def _calibration(result: Mapping[str, Any]) -> dict[str, Any]:
    """How far probabilities are from how often they come true; nothing where no temperature was fitted."""
    fitted = result.get("calibration")
    found = (tested(result) or result.get("validation") or {}).get("calibration")
    if not fitted or not found:
        return {}
    after = f"{in_percent(found['ece_scaled'])} % at temperature {number(fitted['temperature'])}"
    lines = [
        f"off by {in_percent(found['ece'])} % as is, {after} (fitted on validation; map --calibrated uses it)"
    ]
    if fitted["at_limit"]:
        lines.append("the temperature is at an end of its range: validation says little about it")
    return {"calibration": "\n".join(lines)}


def _about(result: Mapping[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {"protocol": result["protocol"]}
    if "leakage_in_words" in result:
        facts["leakage"] = "\n".join(_sentences(result["leakage_in_words"]))
    if result.get("notes"):
        facts["notes"] = "\n".join(_sentences(result["notes"]))
    if "parameters" in result:
        facts["model"] = f"{result['model']} ({result['preset']}), {number(result['parameters'])} parameters"
    if "seeds" in result:
        facts["seeds"] = ", ".join(map(str, result["seeds"]))
    if "best_epoch" in result:
        facts["epochs"] = f"best {number(result['best_epoch'])} of {number(result['epochs_run'])}"
    if "minutes" in result:
        minutes = result["minutes"]
        of_seeds = isinstance(minutes, Mapping)
        long = about(60 * (minutes["mean"] if of_seeds else minutes))
        facts["training"] = f"{long} on {result['device']}{', for each seed' if of_seeds else ''}"
    if "code" in result:
        facts["code"] = in_words(result["code"])
    facts["run"] = result["folder"]
    page = Path(result["folder"]) / REPORT
    return facts | ({"page": str(page)} if page.is_file() else {})


def _sentences(said: Any) -> list[str]:
    """Each sentence once; runs with several seeds have lists of them where they differ."""
    if isinstance(said, str):
        return [said]
    return list(dict.fromkeys(sentence for entry in said for sentence in _sentences(entry)))
