"""Reading text, JSON and YAML that others may have written: bounded, and refused in one line.

Aliases of YAML and deep nesting, by which a few bytes can stand for gigabytes, are not read; nor is what says
a thing twice.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from terramamba.core.errors import InputError, reason_of
from terramamba.core.regular import require_regular
from terramamba.core.unwritable import is_of_disks, remedy_of

MOST_BYTES = 256 << 20
"""Longest document that is read; the longest of ours are tables of some ten megabytes."""
MOST_LINES = 5_000_000
"""Lines of a text: each takes far more memory than it has letters."""
MOST_YAML_BYTES = 1 << 20
"""Longest YAML file, which takes long to read; ours have some kilobytes."""
MOST_NODES = 100_000
"""Values that a YAML file stands for."""
MOST_NESTED = 60
"""Lists and mappings of YAML in each other; ours are at most four deep."""


def read_text(
    path: Path,
    remedy: str,
    *,
    kind: str = "text in UTF-8",
    most_bytes: int | None = None,
    errors: Literal["strict", "replace"] = "strict",
) -> str:
    """Return the text of the file ``path``; ``remedy`` ends the message where the file is at fault.

    Raises:
        InputError: the file cannot be opened, is too long, has too many lines, or is no UTF-8 (unless
            ``errors`` are to be replaced).
    """
    require_regular(path)
    try:
        most = MOST_BYTES if most_bytes is None else min(most_bytes, MOST_BYTES)
        if path.stat().st_size > most:
            what = f"has more than {most >> 20} MB, so it is no {kind}"
            raise InputError(where=str(path), what=what, remedy=remedy)
        text = path.read_text(encoding="utf-8-sig", errors=errors)
    except OSError as error:
        what = f"cannot be read ({error.strerror or error})"
        of_disk = is_of_disks(error) and not isinstance(error, FileNotFoundError)
        what_to_do = remedy_of(error) if of_disk else remedy
        raise InputError(where=str(path), what=what, remedy=what_to_do) from error
    except UnicodeDecodeError as error:
        what = f"is no {kind} (byte {error.start} is none)"
        raise InputError(where=str(path), what=what, remedy=remedy) from error
    if text.count("\n") > MOST_LINES:
        raise InputError(where=str(path), what=f"has more than {MOST_LINES:,} lines", remedy=remedy)
    return text


def read_json(path: Path, remedy: str) -> Any:
    """Return what the JSON file ``path`` holds; raises ``InputError`` as ``read_text``, or for other text."""
    text = read_text(path, remedy, kind="JSON")
    try:
        return json.loads(text, object_pairs_hook=_said_once)
    except (ValueError, RecursionError) as error:
        what = f"is not JSON ({reason_of(error)})"
        raise InputError(where=str(path), what=what, remedy=remedy) from error


def read_yaml(path: Path, remedy: str, *, aliases: bool = False) -> dict[str, Any]:
    """Return the mapping of names to values in the YAML file ``path``.

    ``aliases`` are read where people write a file by hand, as long as they stand for little.

    Raises:
        InputError: as ``read_text``; it is no YAML, has aliases or is nested deeply, or holds no mapping.
    """
    import yaml

    text = read_text(path, remedy, kind="YAML", most_bytes=MOST_YAML_BYTES)
    try:
        loader = _plain_loader()(text)
        loader.aliases = aliases
        node = loader.get_single_node()
        if aliases and _nodes(node, {}) > MOST_NODES:
            raise ValueError(f"its aliases stand for more than {MOST_NODES:,} values")
        record = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: is not YAML ({reason_of(error)}); {remedy}") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}: holds no mapping of names to values; {remedy}")
    odd = next((name for name in record if not isinstance(name, str)), None)
    if odd is not None:
        raise InputError(f"{path}: {odd!r} is no name of a setting; {remedy}")
    return record


def _nodes(node: Any, counted: dict[int, int]) -> int:
    """How many values a node of YAML stands for, aliases written out; one that holds itself has no end."""
    if id(node) not in counted:
        counted[id(node)] = MOST_NODES + 1  # seen again before it is counted, it holds itself
        inner = node.value if isinstance(getattr(node, "value", None), list) else []
        parts = [part for item in inner for part in (item if isinstance(item, tuple) else (item,))]
        counted[id(node)] = 1 + sum(_nodes(part, counted) for part in parts)
    return counted[id(node)]


def _said_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The mapping of JSON that ``pairs`` are; ``ValueError`` where one name would stand for two values."""
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:80]} stands there twice")
    return record


def _require_once(mapping: Any) -> None:
    """Raise ``ValueError`` where a mapping of YAML has a name twice, of which the last alone would count."""
    seen: set[str] = set()
    for name in (key.value for key, _ in mapping.value if isinstance(key.value, str)):
        if name in seen:
            raise ValueError(f"{name[:80]} stands there twice")
        seen.add(name)


@cache
def _plain_loader() -> Any:
    """YAML's plain values, without aliases and without more nesting than anybody writes."""
    import yaml

    class PlainLoader(yaml.SafeLoader):
        aliases = False
        depth = 0

        def compose_node(self, parent: Any, index: Any) -> Any:
            if not self.aliases and self.check_event(yaml.AliasEvent):
                mark = cast(Any, self).peek_event().start_mark
                raise yaml.composer.ComposerError(None, None, "aliases are not read", mark)
            self.depth += 1
            if self.depth > MOST_NESTED:
                raise yaml.composer.ComposerError(None, None, f"more than {MOST_NESTED} levels", None)
            node = super().compose_node(parent, index)
            self.depth -= 1
            if isinstance(node, yaml.MappingNode):
                _require_once(node)
            return node

    return PlainLoader
