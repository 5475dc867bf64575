"""What a public function does is said in the imperative, by its first word."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "terramamba"

VERBS = """
Accept Add Aggregate Apply Assess Attend Average Bound Bring Build Calibrate Call Change Check Choose
Classify Close Collect Compare Compute Connect Convolve Copy Correct Correlate Count Cover Cut Deal Decide
Decode Derive Describe Detect Differentiate Do Draw Encode End Enhance Enlarge Estimate Exchange Expand
Explain Extract Fetch Fill Find Finish Fit Fuse Gather Give Group Have Hold Identify Keep Launch Lay Let
List Load Make Map Mark Measure Merge Mirror Mix Move Name Note Number Open Order Pack Pad Part Place
Print Propose Put Raise Read Record Refuse Register Remove Replace Report Resample Return Run Save Say
Scale Scan Score Seed Settle Shuffle Simplify Smooth Split Stack Start State Subtract Sum Take Tell Time
Trace Train Trust Turn Unpack View Wait Warp Weigh Work Write Yield
"""
"""First words; a new one is added when it is a verb in the imperative."""

FILES = sorted(PACKAGE.rglob("*.py"))


def functions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef]:
    """Public functions, and methods of public classes but properties, which are nouns."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from functions(node.body)
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            marks = " ".join(map(ast.unparse, node.decorator_list))
            if "property" not in marks and "overload" not in marks:
                yield node


def first_words(source: str) -> list[tuple[str, str]]:
    """Names of functions with the first word of their docstring, "" without one."""
    found = functions(ast.parse(source).body)
    return [(node.name, (ast.get_docstring(node) or " ").split(" ")[0].strip(",;:.\n")) for node in found]


def test_the_rule_sees_what_is_no_verb() -> None:
    source = 'def a():\n    """The mean."""\n\n\nclass B:\n    def c(self):\n        """Read, and count."""\n'
    words = [("a", "The"), ("c", "Read"), ("d", "")]
    assert first_words(source + "def d():\n    return 1\n") == words
    assert not {"The", "Returns", ""} & set(VERBS.split())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_docstring_starts_with_what_the_function_does(path: Path) -> None:
    verbs = set(VERBS.split())
    assert [found for found in first_words(path.read_text("utf-8")) if found[1] not in verbs] == []
