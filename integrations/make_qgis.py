"""Make what the plugin has of the package: its help texts, its icon, and the file for the plugin repository.

python integrations/make_qgis.py help     terramamba/help.json, from the texts of the command line
python integrations/make_qgis.py zip      plugin.zip, with licence and version
"""

import json
import sys
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from terramamba.cli.shared.help import field_docs, on_the_line
from terramamba.cli.shared.parse import described
from terramamba.core.options import flag_of, options_of, without_none
from terramamba.models.registry import list_models

HERE = Path(__file__).parent / "qgis"
PLUGIN = HERE / "terramamba"
ZIP = HERE / "plugin.zip"
COMMANDS = (
    "check",
    "classify train",
    "classify map",
    "classify assess",
    "change train",
    "change map",
    "change assess",
    "sample",
    "report",
)
MODELS = {"classify train": "classify", "change train": "change"}
"""Commands whose models are those for a job."""
SKIPPED = {"__pycache__"}


def help_texts() -> dict[str, Any]:
    """Collect what the commands say of themselves and of their flags."""
    return {name: _of_command(name) for name in COMMANDS}


def _of_command(name: str) -> dict[str, Any]:
    known = described(import_module(f"terramamba.cli.{name.replace(' ', '_')}").run)
    docs = field_docs(known.options)
    flags: dict[str, Any] = {}
    for option in options_of(known.options):
        kind = without_none(option.hint)
        flags[flag_of(option.name)] = {"about": on_the_line(docs.get(option.name, ""))}
        if get_origin(kind) is Literal:
            flags[flag_of(option.name)]["choices"] = [str(choice) for choice in get_args(kind)]
        elif name in MODELS and option.name == "model":
            flags[flag_of(option.name)]["choices"] = list(list_models(MODELS[name]))
    return {"about": known.usage.about, "flags": flags}


def help_file() -> str:
    """Return the content of ``help.json``."""
    return json.dumps(help_texts(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write_zip(path: Path = ZIP) -> list[str]:
    """Write the plugin as the plugin repository takes it: one folder, with licence; returns its names."""
    licence = HERE.parents[1] / "LICENSE"
    files = {
        f"terramamba/{file.relative_to(PLUGIN).as_posix()}": file
        for file in sorted(PLUGIN.rglob("*"))
        if file.is_file() and not SKIPPED & set(file.parts)
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, file in {**files, "terramamba/LICENSE": licence}.items():
            # The same bytes whenever it is made.
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            made.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
        return made.namelist()


if __name__ == "__main__":
    if sys.argv[1:] == ["help"]:
        (PLUGIN / "help.json").write_text(help_file(), encoding="utf-8")
    elif sys.argv[1:] == ["zip"]:
        print(f"{ZIP}: {len(write_zip())} files")
    else:
        sys.exit(__doc__)
