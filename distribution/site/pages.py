"""Makes the pages of the site that are made of something else: a hook of MkDocs.

Commands from their own help, the Python reference from the public names, models and cards as the commands
show them, tutorials from the notebooks that ``make docs`` has run, and the files of the project's root.
"""

import base64
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout, suppress
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import terramamba
from terramamba.cli import COMMANDS
from terramamba.core.display import as_text
from terramamba.weights.registry import find_weights, shipped_weights

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RUN_NOTEBOOKS = ROOT / "build" / "tutorials"
OF_THE_ROOT = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
}
ALL_FIELDS = ("ClassifySettings", "ChangeSettings")
"""Whose fields are mostly those of records that both jobs share."""
PICTURE = "image/png"
CARD_COLUMNS = 130
"""What a page without contents beside it shows of a line."""
WIDE = "---\nhide: [navigation, toc]\n---\n\n"
"""Before a page whose tables are wider than a column of text."""


def on_files(files: Any, config: Any) -> Any:
    """Add the pages to those of ``docs/``."""
    from mkdocs.structure.files import File

    for name, content in pages():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links out of ``docs/`` to the pages made here, and fold away drawings that need a script."""
    depth = page.file.src_uri.count("/")
    for name, target in OF_THE_ROOT.items():
        markdown = markdown.replace(f"]({'../' * (depth + 1)}{name})", f"]({'../' * depth}{target})")
    return re.sub(r"```mermaid\n(.*?)```", _folded, markdown, flags=re.DOTALL)


def pages() -> Iterator[tuple[str, str | bytes]]:
    """Make each page, and the pictures of tutorials: paths in the site and what they hold."""
    os.environ["COLUMNS"] = "80"  # how wide help is set
    yield "reference/commands.md", commands_page()
    yield "reference/api.md", python_page()
    yield "reference/models.md", models_page()
    yield "reference/cards.md", cards_page()
    for name, target in OF_THE_ROOT.items():
        text = (ROOT / name).read_text("utf-8")
        yield target, re.sub(r"\]\(docs/([^)]+)\)", r"](../\1)", text)
    for path in sorted((ROOT / "examples" / "data").glob("*.tif")):
        yield f"examples/{path.name}", path.read_bytes()
    for path in sorted((DOCS / "tutorials").glob("*.ipynb")):
        run = RUN_NOTEBOOKS / path.name
        if not run.is_file():
            raise FileNotFoundError(f"{run}: run the notebooks first (make docs does)")
        yield from tutorial(f"tutorials/{path.stem}", json.loads(run.read_text("utf-8")))


def commands_page() -> str:
    """Write what each command says of itself and its flags."""
    text = (
        "# Commands\n\nWhat `terramamba COMMAND --help` says. Any flag can stand in `--config FILE.yaml`.\n"
    )
    for name, about in COMMANDS.items():
        run = import_module(f"terramamba.cli.{name.replace(' ', '_')}").run
        text += f"\n## {name}\n\n{about[0].upper()}{about[1:]}.\n\n```text\n{said(run, ['--help'])}\n```\n"
    return text


def python_page() -> str:
    """Write the reference of the names that docs/python.md lists, under its headings."""
    _, _, stable = (DOCS / "python.md").read_text("utf-8").partition("## What is stable")
    text = "# Python reference\n\nThe public names. How they are used: [In Python](../python.md).\n"
    homes, written = terramamba._HOMES, set()
    for title, names in re.findall(r"^- ([^:`]+): (.*?)(?=^- |\Z)", stable, flags=re.DOTALL | re.MULTILINE):
        text += f"\n## {title}\n"
        for name in re.findall(r"`(\w+)`", names):
            if name in written or (name not in homes and name not in ("selective_scan", "lti_scan")):
                continue
            written.add(name)
            if name == "ops":
                continue
            home = f"terramamba.{homes[name]}" if name in homes else "terramamba.ops"
            text += f"\n::: {home}.{name}\n"
            if name in ALL_FIELDS:
                text += "    options:\n      inherited_members: true\n"
    missing = set(homes) - written
    if missing:
        raise LookupError(f"docs/python.md does not list {sorted(missing)}")
    return text


def models_page() -> str:
    """Write what the command says of every model."""
    from terramamba.cli.models import run

    return f"{WIDE}# Models\n\nWhat `terramamba models` prints.\n\n```text\n{said(run, [])}\n```\n"


def cards_page() -> str:
    """Write the cards of the shipped weights."""
    from terramamba.weights.terminal import card_shown

    about = "Of the shipped weights, as `terramamba weights show NAME` prints them."
    text = f"{WIDE}# Model cards\n\n{about}\n"
    for name in (weights.card.name for weights in shipped_weights()):
        card = as_text(card_shown(find_weights(name)), CARD_COLUMNS)
        text += f"\n## {name}\n\n```text\n{_elsewhere(card)}\n```\n"
    return text


def said(run: Callable[[Sequence[str]], int], words: Sequence[str]) -> str:
    """Run a command here and take what it prints."""
    printed = StringIO()
    with redirect_stdout(printed), suppress(SystemExit):
        run(words)
    return printed.getvalue().strip()


def tutorial(name: str, notebook: dict[str, Any]) -> Iterator[tuple[str, str | bytes]]:
    """Make the page of a notebook that was run, and its pictures beside it."""
    text = ""
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"]).strip()
        if cell["cell_type"] == "markdown":
            text += f"{source}\n\n"
            continue
        text += f"```python\n{source}\n```\n\n"
        for place, output in enumerate(cell["outputs"]):
            data = output.get("data", {})
            if PICTURE in data:
                picture = f"{name}-{number}-{place}.png"
                yield picture, base64.b64decode("".join(data[PICTURE]))
                text += f"![]({Path(picture).name})\n\n"
            elif "text/markdown" in data:  # its headings below those of the page
                text += re.sub("^#", "###", "".join(data["text/markdown"]), flags=re.MULTILINE) + "\n\n"
            elif "text/html" in data:
                text += f'<div markdown="0" class="wide">\n{"".join(data["text/html"])}\n</div>\n\n'
            else:
                plain = "".join(output.get("text", data.get("text/plain", "")))
                text += f"```text\n{plain.strip()}\n```\n\n" if plain.strip() else ""
    yield f"{name}.md", _elsewhere(text) + f"[This page as a notebook]({Path(name).name}.ipynb)\n"


def _elsewhere(text: str) -> str:
    """Write paths inside the package as on no machine in particular."""
    return text.replace(str(Path(terramamba.__file__).parent), "terramamba")


def _folded(fence: re.Match[str]) -> str:
    return '??? note "The graph, in Mermaid\'s language"\n\n' + "".join(
        f"    {line}\n" for line in ["```text", *fence[1].splitlines(), "```"]
    )
