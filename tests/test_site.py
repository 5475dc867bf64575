"""The documentation site leads to every page once, and its notebooks are kept without outputs."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import yaml

import terramamba

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NOTEBOOKS = sorted((DOCS / "tutorials").glob("*.ipynb"))
MADE = re.findall(
    r'"((?:reference|project)/\w+\.md)"', (ROOT / "distribution/site/pages.py").read_text("utf-8")
)


def led_to(part: Any) -> Iterator[str]:
    """Pages of a part of the navigation, in order."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for inner in part.values():
            yield from led_to(inner)
    else:
        for inner in part:
            yield from led_to(inner)


def test_the_navigation_leads_to_every_page_once() -> None:
    pages = list(led_to(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]))
    written = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    tutorials = [f"tutorials/{path.stem}.md" for path in NOTEBOOKS]
    assert sorted(pages) == sorted([*written, *tutorials, *MADE])


def is_there(name: str) -> bool:
    """Tell whether ``terramamba.a.b`` is a module, or something in one."""
    found: Any = terramamba
    for place, part in enumerate(name.split(".")[1:], 2):
        with suppress(ModuleNotFoundError):
            import_module(".".join(name.split(".")[:place]))
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


@pytest.mark.parametrize("path", [ROOT / "README.md", *DOCS.rglob("*.md")], ids=lambda path: path.stem)
def test_names_of_python_that_a_page_gives_are_there(path: Path) -> None:
    text = re.sub(r"\btm\.(?=\w)", "terramamba.", path.read_text("utf-8"))
    files = (".git", ".zip", ".tif", ".gpkg", ".yaml", ".yml", ".html")
    named = {name for name in re.findall(r"\bterramamba(?:\.\w+)+", text) if not name.endswith(files)}
    assert [name for name in sorted(named) if not is_there(name)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_and_its_code_is_python(path: Path) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    assert notebook["nbformat"] == 4
    assert notebook["cells"][0]["source"][0].startswith("# ")
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    for cell in code:
        assert (cell["outputs"], cell["execution_count"]) == ([], None)
        compile("".join(cell["source"]), str(path), "exec")


def test_a_wide_table_of_a_notebook_is_moved_inside_its_column() -> None:
    spec = spec_from_file_location("site_pages", ROOT / "distribution/site/pages.py")
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(pages := module_from_spec(spec))
    shown = {"data": {"text/html": ["<table></table>"]}}
    cell = {"cell_type": "code", "source": ["frame"], "outputs": [shown]}
    ((_, text),) = pages.tutorial("tutorials/made", {"cells": [cell]})
    assert '<div markdown="0" class="wide">\n<table>' in text
    (style,) = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["extra_css"]
    assert ".wide { overflow-x: auto; }" in (ROOT / "distribution/site/theme" / style).read_text("utf-8")
