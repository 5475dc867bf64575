"""``terramamba datasets``."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terramamba.cli.shared.parse import AsJson, Usage, parse
from terramamba.core.errors import InputError

if TYPE_CHECKING:
    from terramamba.data.catalog import DataSet
    from terramamba.data.catalog.verify import Finding

USAGE = Usage(
    "datasets",
    "List the data sets that are known by name, or show one: size, classes, terms, files, where to get it. "
    "With --root, compare a folder with what was published.",
    ("[NAME]",),
    example="levir-cd --root LEVIR-CD",
)


@dataclass(frozen=True, kw_only=True)
class DatasetsOptions(AsJson):
    """Flags of the command."""

    root: str | None = None
    """Folder that holds the set, or is to hold it."""
    download: bool = False
    """Fetch the set into --root where that needs no asking; a broken transfer goes on where it stopped."""


def run(argv: Sequence[str]) -> int:
    """Print the list or the set; a folder that does not hold the whole set gives status 1."""
    options, names = parse(USAGE, DatasetsOptions, argv)
    from terramamba.cli.shared.show import show_json
    from terramamba.data.catalog import find_set

    if not names:
        if options.root is not None or options.download:
            raise InputError("--root and --download: name the data set; `terramamba datasets` lists them")
        if options.json:
            from terramamba.data.catalog import CATALOG

            show_json([_record(record) for record in CATALOG.values()])
        else:
            _show_all()
        return 0
    record = find_set(names[0])
    if options.root is None:
        if options.download:
            raise InputError(f"--download: say where {record.title} is to lie with --root")
        if options.json:
            show_json(_record(record))
        else:
            _show(record)
        return 0
    root = Path(options.root)
    if options.download:
        from terramamba.data.catalog.download import download

        for line in download(record, root):
            print(line, file=sys.stderr if options.json else sys.stdout)
    _compare(record, root, as_json=options.json)
    return 0


def _record(record: "DataSet") -> dict[str, Any]:
    from terramamba.data.catalog import SceneSet

    return {"kind": "scene" if isinstance(record, SceneSet) else "pairs", **asdict(record)}


def _show_all() -> None:
    from terramamba.cli.shared.show import show_table, show_text
    from terramamba.data.catalog import CATALOG, PairSet, SceneSet
    from terramamba.data.catalog.record import classes_of, files_of, size_of

    for kind, title in ((SceneSet, "hyperspectral scenes"), (PairSet, "image pairs")):
        rows = [
            [record.name, size_of(record), classes_of(record), "yes" if record.remotes else "by hand"]
            for record in CATALOG.values()
            if isinstance(record, kind)
        ]
        show_table(title, ["name", "size", "classes", "download"], rows)
        print()
    for record in CATALOG.values():
        files = "\n  ".join(files_of(record))
        show_text(
            f"{record.name}: {record.title}\n  {files}\n  terms: {record.terms}\n  to get it: {record.where}"
        )


def _show(record: "DataSet") -> None:
    from terramamba.cli.shared.show import show_facts
    from terramamba.data.catalog import PairSet, SceneSet
    from terramamba.data.catalog.record import classes_of, files_of, size_of

    facts = {"name": record.name, "set": record.title, "about": record.about, "size": size_of(record)}
    if isinstance(record, PairSet):
        facts["subsets"] = (
            ", ".join(f"{n:,} {subset}" for subset, n in record.subsets.items()) or "none published"
        )
        facts |= {"bands": str(record.bands), "pixels": record.metres, "change": record.change}
    if isinstance(record, SceneSet):
        facts["classes"] = "\n".join([classes_of(record), *_classes(record.classes, record.pixels)])
    facts["files"] = "\n".join(files_of(record))
    facts["to get it"] = record.where
    facts["direct links"] = (
        "\n".join(f"{one.url} ({one.checksum or 'no checksum known'})" for one in record.remotes) or "none"
    )
    if record.checksums_from:
        facts["checksums"] = f"as published by {record.checksums_from}"
    show_facts(facts | {"terms": record.terms, "cite": record.cite})


def _classes(names: Sequence[str], pixels: Mapping[str, tuple[int, ...]]) -> list[str]:
    """One line a class: code, name, and labelled pixels of each subset."""
    return [
        f"{code:>2} {name}  " + " / ".join(str(counts[code - 1]) for counts in pixels.values())
        for code, name in enumerate(names, start=1)
    ]


def _compare(record: "DataSet", root: Path, *, as_json: bool) -> None:
    from terramamba.cli.shared.show import show_json, show_table
    from terramamba.data.catalog import PairSet, SceneSet
    from terramamba.data.catalog.verify import verify_pairs, verify_scene

    if isinstance(record, SceneSet):
        _, findings = verify_scene(record, root)
    else:
        assert isinstance(record, PairSet)
        _, findings = verify_pairs(record, root)
    unlike = [finding for finding in findings if not finding.ok]
    if as_json:
        show_json({"name": record.name, "root": root, "findings": findings, "as_published": not unlike})
        if unlike:
            raise _not_published(record, root, unlike)
        return
    rows = [["ok" if one.ok else "differs", one.what, one.found, one.expected] for one in findings]
    show_table(f"{record.title} in {root}", ["", "what", "there", "published"], rows)
    if unlike:
        raise _not_published(record, root, unlike)
    if isinstance(record, PairSet) and not record.subsets:
        print(f"usable; no subsets of {record.title} are published to compare it with")
    else:
        print(f"this is {record.title} as published")


def _not_published(record: "DataSet", root: Path, unlike: "list[Finding]") -> InputError:
    from terramamba.data.catalog.loading import in_words

    return InputError(f"{root}: not {record.title} as published: {in_words(unlike)}")
