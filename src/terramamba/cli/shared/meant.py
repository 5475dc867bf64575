"""Which command was meant by words that are none; imports nothing heavy."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches

ELSEWHERE = {
    **dict.fromkeys(("apply", "classify", "detect", "infer", "inference", "predict", "segment"), "map"),
    **dict.fromkeys(("accuracy", "eval", "score", "test", "validate"), "evaluate"),
    **dict.fromkeys(("finetune", "fine-tune", "fit", "learn"), "train"),
}
"""What other programs call a step, and what it is called here."""


def meant_commands(words: Sequence[str], commands: Collection[str]) -> list[str]:
    """Return the ``commands`` that ``words`` look like: those of a group, or of any where none is named.

    >>> meant_commands(["predict"], ["check", "classify map", "change map", "change train"])
    ['classify map', 'change map']
    >>> meant_commands(["chek", "a.tif"], ["check", "change map"])
    ['check']
    """
    two = get_close_matches(" ".join(words[:2]), [name for name in commands if " " in name], n=1, cutoff=0.8)
    if two:
        return two
    groups = dict.fromkeys(name.partition(" ")[0] for name in commands if " " in name)
    ends = dict.fromkeys(name.partition(" ")[2] for name in commands if " " in name)
    alone = [name for name in commands if " " not in name]
    near = get_close_matches(words[0], [*alone, *groups, *ends], n=1)
    found = near[0] if near else ELSEWHERE.get(words[0], "")
    if found in groups:
        return _of_group(found, words[1:2], commands)
    if found in alone:
        return [found]
    return [name for name in commands if found and name.partition(" ")[2] == found]


def _of_group(group: str, asked: Sequence[str], commands: Collection[str]) -> list[str]:
    """The command of ``group`` that ``asked`` looks like; all of them where it looks like none."""
    inside = [name for name in commands if name.partition(" ")[0] == group]
    ends = {name.partition(" ")[2]: name for name in inside if " " in name}
    near = get_close_matches(asked[0], ends, n=1) if asked else []
    found = near[0] if near else ELSEWHERE.get(asked[0], "") if asked else ""
    return [ends[found]] if found in ends else inside
