"""What is imported is declared, with a lower bound and its reason; the version that was tested is pinned."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
OWN = {"terramamba"}
STANDARD = OWN | set(sys.stdlib_module_names)
DOCUMENTED = {"torch.utils._python_dispatch.TorchDispatchMode", "torch._higher_order_ops.scan"}
"""Names with an underscore that their package describes for its users all the same."""


@cache
def imported() -> tuple[tuple[str, str], ...]:
    """Each file of the package, and dotted names of other packages that it imports anywhere."""
    found = []
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            file = str(path.relative_to(ROOT))
            found += [(file, name) for name in names if name.split(".")[0] not in STANDARD]
    return tuple(found)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def declared() -> dict[str, str]:
    """Requirements by the name of their distribution, those of extras too."""
    project = tomllib.loads(PYPROJECT)["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    lines = {normal(re.match(r"[\w.-]+", line)[0]): line for group in groups for line in group}
    return {name: line for name, line in lines.items() if name not in OWN}


def owners() -> dict[str, str]:
    """The distribution that each installed module comes with."""
    tops = {name.split(".")[0] for _, name in imported()}
    found = {}
    for distribution in distributions():
        name = normal(distribution.name)
        for line in (distribution.read_text("RECORD") or "").splitlines():
            *folders, file = line.partition(",")[0].split("/")
            stem, _, suffix = file.partition(".")
            if (folders or [stem])[0] in tops and suffix.endswith(("py", "so")):
                found[".".join([*folders, stem]).removesuffix(".__init__")] = name
    return found


def test_what_is_imported_is_declared() -> None:
    known, own = declared(), owners()
    for path, name in imported():
        parts = name.split(".")
        modules = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        owner = next((own[module] for module in modules if module in own), None)
        # A distribution of the package's own name may have put its modules into another one.
        assert known.keys() & {owner, normal(parts[0])}, f"{path}: {name} comes with {owner}: not declared"


@pytest.mark.parametrize("name", sorted(declared()))
def test_a_requirement_says_from_which_version_on_and_why(name: str) -> None:
    line = declared()[name]
    (text,) = {text for text in PYPROJECT.splitlines() if f'"{line}"' in text}
    assert ">=" in line
    reason_before = PYPROJECT[: PYPROJECT.index(text)].rstrip().splitlines()[-1].strip().startswith("#")
    assert "# " in text.partition(f'"{line}"')[2] or reason_before
    pins = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert name in {normal(pin) for pin in pins}


def test_no_private_name_of_another_package_is_imported() -> None:
    wrong = [
        (path, name)
        for path, name in imported()
        if any(part.startswith("_") and not part.startswith("__") for part in name.split("."))
    ]
    assert [name for _, name in wrong if name not in DOCUMENTED] == []
