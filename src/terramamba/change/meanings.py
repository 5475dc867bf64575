"""What may count as changed: a detector can learn several meanings of it, and is asked for one of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.mapping.fit_to_run import called
from terramamba.models.spec import ModelSpec
from terramamba.runs.folder import Run


def meanings_in(pairs: Mapping[str, Sequence[PairFiles]]) -> tuple[str, ...]:
    """List what counts as changed in ``pairs``, by name; empty where they do not say.

    Raises:
        InputError: some pairs say it and others do not, or training pairs never show what others ask for.
    """
    if all(pair.what is None for files in pairs.values() for pair in files):
        return ()
    for files in pairs.values():
        for pair in files:
            if pair.what is None:
                raise InputError(
                    f"{pair.before}: nothing in column what, which other pairs have; say what counts as"
                    " changed in every row, or in none"
                )
    learnt = {pair.what for pair in pairs["train"] if pair.what is not None}
    for subset, files in pairs.items():
        for pair in files:
            if pair.what not in learnt:
                raise InputError(
                    f"{pair.before}: what is {pair.what!r}, which no training pair shows (they have"
                    f" {_listed(sorted(learnt))}); correct the {subset} pairs, or add training pairs"
                )
    return tuple(sorted(learnt))


def require_able(spec: ModelSpec, meanings: Sequence[str]) -> None:
    """Raise ``InputError`` where pairs show several meanings and the model can learn one alone."""
    if meanings and "meanings" not in spec.parameters():
        raise InputError(
            f"--model {spec.name}: learns one meaning of changed, and the pairs have {_listed(meanings)} in"
            " column what; use difference_mamba, or train on the pairs of one of them"
        )


def asked_of(run: Run, what: str | None) -> str | None:
    """Return which of the meanings of ``run`` is asked for; None where it has learnt one alone.

    Raises:
        InputError: it has several and none is named, or not the one that is.
    """
    meanings = run.card.data.meanings or ()
    if not meanings:
        if what is not None:
            raise InputError(
                f"--what {what}: {called(run)} has learnt one meaning of changed, that of its masks;"
                " leave it out"
            )
        return None
    if what is None:
        raise InputError(
            f"{called(run)}: has learnt several meanings of changed; choose with --what {_listed(meanings)}"
        )
    if what not in meanings:
        near = get_close_matches(what, meanings, n=1)
        hint = f"did you mean {near[0]}?" if near else "choose one of them"
        raise InputError(f"--what {what}: {called(run)} knows {_listed(meanings)}; {hint}")
    return what


def threshold_for(run: Run, what: str | None) -> float:
    """Return the least probability that counts as changed, for one of the run's meanings of that."""
    own = run.card.judged.thresholds
    return run.threshold if what is None or own is None else own[what]


def asked_pairs(run: Run, pairs: Iterable[PairFiles], what: str | None) -> list[PairFiles]:
    """Return ``pairs``, each with what counts as changed in it: what their table says, else ``what``.

    Raises:
        InputError: neither says it, or the run does not know it.
    """
    return [replace(pair, what=asked_of(run, what if pair.what is None else pair.what)) for pair in pairs]


def _listed(names: Sequence[str]) -> str:
    return " | ".join(names)
