"""Documents that others wrote: read where they are plain, refused in one line where they are not."""

import time
from pathlib import Path
from typing import Literal

import pytest

from terramamba.core import documents
from terramamba.core.documents import read_json, read_text, read_yaml
from terramamba.core.errors import InputError

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(f'*{before}' for _ in range(9))}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "aliases are not read"),
        ("a: &a 1\nb: *a\n", "aliases are not read"),
        pytest.param(f"a: {'b' * (1 << 20)}\n", "has more than 1 MB, so it is no YAML", id="long"),
        ("a: 1\nb: {c: 2, d: 3, c: 4}\n", "c stands there twice"),
        ("[" * 3000 + "]" * 3000, "more than 60 levels"),
        ("a: " + "{b: " * 200 + "1" + "}" * 200, "more than 60 levels"),
        ("a: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
        ("a: [1", "is not YAML"),
        ("- 1", "holds no mapping"),
        ("", "holds no mapping"),
        ("1: 2", "1 is no name of a setting"),
        ("? [a]\n: b", "is not YAML"),
        ("a: 2021-99-99", "is not YAML"),
    ],
)
def test_yaml_that_is_not_plain(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.yaml").write_text(text)
    start = time.monotonic()
    with pytest.raises(InputError, match=rf"a\.yaml: .*{said}.*; write it anew"):
        read_yaml(tmp_path / "a.yaml", "write it anew")
    assert time.monotonic() - start < 5


def test_aliases_where_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("base: &base {lr: 1, of: [a, b]}\nmore: {<<: *base, lr: 2}\nsame: *base\n")
    assert read_yaml(path, "", aliases=True) == {
        "base": {"lr": 1, "of": ["a", "b"]},
        "more": {"lr": 2, "of": ["a", "b"]},
        "same": {"lr": 1, "of": ["a", "b"]},
    }
    for text in (BOMB, "a: &a [*a]\n", "a: &a {b: *a}\n"):
        path.write_text(text)
        with pytest.raises(InputError, match=r"its aliases stand for more than 100,000 values.*; less"):
            read_yaml(path, "less", aliases=True)


def test_plain_yaml(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("\ufeffa: [1, {b: 2}]\nc: ä\nd: null\n", encoding="utf-8")
    assert read_yaml(tmp_path / "a.yaml", "") == {"a": [1, {"b": 2}], "c": "ä", "d": None}


@pytest.mark.parametrize(
    "text", ["{", "[" * 100_000 + "]" * 100_000, "nul", '{"a": 1}}', '[{"b": {"a": 1, "a": 1}}]']
)
def test_json_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match=r"a\.json: is not JSON \(.*\); train anew"):
        read_json(tmp_path / "a.json", "train anew")


def test_text_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_bytes(b"abc\xff")
    with pytest.raises(InputError, match=r"a\.txt: is no text in UTF-8 \(byte 3 is none\); save it anew"):
        read_text(tmp_path / "a.txt", "save it anew")
    with pytest.raises(InputError, match=r"none\.txt: cannot be read \(No such file.*\); save it anew"):
        read_text(tmp_path / "none.txt", "save it anew")
    monkeypatch.setattr(documents, "MOST_BYTES", 3)
    with pytest.raises(InputError, match=r"a\.txt: has more than 0 MB"):
        read_text(tmp_path / "a.txt", "save it anew")


def test_a_text_of_empty_lines_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MOST_LINES", 10)
    (tmp_path / "a").write_text("x,y" + "\n" * 10)
    assert read_text(tmp_path / "a", "shorten it") == "x,y" + "\n" * 10
    for ends in (b"\n", b"\r\n", b"\r"):
        (tmp_path / "a").write_bytes(b"x,y" + ends * 11)
        with pytest.raises(InputError, match=r"a: has more than 10 lines; shorten it"):
            read_text(tmp_path / "a", "shorten it")


@pytest.mark.parametrize("errors", ["strict", "replace"])
def test_letters_that_are_none_may_be_replaced(tmp_path: Path, errors: Literal["strict", "replace"]) -> None:
    (tmp_path / "a").write_bytes(b"caf\xe9")
    if errors == "replace":
        assert read_text(tmp_path / "a", "save it", errors=errors) == "caf\ufffd"
    else:
        with pytest.raises(InputError, match=r"byte 3 is none"):
            read_text(tmp_path / "a", "save it", errors=errors)
