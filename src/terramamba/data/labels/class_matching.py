"""The classes of a label file, found among those of a run: by name where both have names, else by code."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int64

from terramamba.core.errors import InputError
from terramamba.data.labels.class_names import name_key
from terramamba.data.labels.class_table import UNLABELLED, ClassTable
from terramamba.data.labels.labels import Labels
from terramamba.data.labels.unlabelled import FLAG


def known_targets(path: str, given: Labels, classes: ClassTable) -> tuple[Int64[np.ndarray, " m"], list[str]]:
    """Return labels as targets of a run's ``classes``, ``UNLABELLED`` where it has none, with notes.

    A class with a name is the one that the run calls so, whatever its code (capitals and spaces make no
    difference). A class without a name, or one of a run that has no names, is the one of the same code.

    Raises:
        InputError: a class of ``path`` has the code of one that the run calls differently, and a name that
            the run does not know; or codes without names that are those of the run but counted from another
            number, 0 or 1.
    """
    names_there, names_here = (_names(table, every=given.by_name) for table in (classes, given.classes))
    target_of_name = {name_key(name): classes.target_of_code[code] for code, name in names_there.items()}
    target_of: dict[int, int] = {}
    moved: list[str] = []
    for code in given.classes.codes:
        name, there = names_here.get(code), names_there.get(code)
        if name is not None and name_key(name) in target_of_name:
            target_of[code] = target_of_name[name_key(name)]
            if not given.by_name and classes.codes[target_of[code]] != code:
                moved.append(f"{name} ({code} here, {classes.codes[target_of[code]]} in the run)")
        elif given.by_name or code not in classes.codes:
            continue
        elif name is not None and there is not None:
            raise InputError(
                f"{path}: code {code} is {name!r} here, but {there!r} in the run, which knows no {name!r}; "
                f"call the classes alike (--class-names), or leave this one out with {FLAG} {code}"
            )
        else:
            target_of[code] = classes.target_of_code[code]
    _refuse_shared(path, target_of, given, classes)
    if not given.by_name:
        _refuse_shifted(path, given, classes, names_here)
    table = np.array([target_of.get(code, UNLABELLED) for code in given.classes.codes], np.int64)
    unknown = [
        names_here[code] if given.by_name else _called(code, names_here)
        for code in given.classes.codes
        if code not in target_of
    ]
    key = "names" if given.by_name else "codes"
    notes = list(given.notes)
    if not names_here and names_there and any(there in target_of for there in names_there):
        taken = [f"{code} is {names_there[code]}" for code in given.classes.codes if code in names_there]
        notes.append(
            f"{path}: names no classes; its codes are taken for those of the run: {', '.join(taken)}"
        )
    if moved:
        notes.append(f"{path}: classes are matched by name, not by code: {', '.join(moved)}")
    if unknown:
        notes.append(f"not scored, the model does not know these {key}: {', '.join(unknown)}")
    return table[given.targets], notes


def _names(classes: ClassTable, every: bool) -> dict[int, str]:
    """The names by code, but (unless ``every``) for those that only repeat it."""
    return {code: name for code, name in classes.name_of_code.items() if every or name != f"class {code}"}


def _called(code: int, names: Mapping[int, str]) -> str:
    return f"{code} ({names[code]})" if code in names else str(code)


def _refuse_shared(path: str, target_of: Mapping[int, int], given: Labels, classes: ClassTable) -> None:
    """Refuse a code without a name whose class another one has by name."""
    if given.by_name:
        return
    own = given.classes.name_of_code
    for code, target in target_of.items():
        other = next((c for c, t in target_of.items() if t == target and c != code), None)
        if other is not None and name_key(own[code]) != name_key(own[other]):
            raise InputError(
                f"{path}: codes {code} ({own[code]}) and {other} ({own[other]}) are both "
                f"{classes.names[target]!r} of the run, one by name, one by code; name all classes, or "
                f"leave one out with {FLAG}"
            )


def _refuse_shifted(path: str, given: Labels, classes: ClassTable, names: Mapping[int, str]) -> None:
    """Refuse codes without names that count from 0 where the run counts from 1, or the other way."""
    here, there = set(given.classes.codes), set(classes.codes)
    if names or here <= there or (0 in here) == (0 in there):
        return
    step = 1 if 0 in here else -1
    if {code + step for code in here} <= there:
        odd = sorted(here - there)
        raise InputError(
            f"{path}: its classes are numbered from {min(here)}, those of the run from {min(there)}, so that "
            f"the same code may be another class; number them alike, or say {FLAG} {odd[0]} where the codes "
            f"are the same and {odd[0]} is no class of the run"
        )
