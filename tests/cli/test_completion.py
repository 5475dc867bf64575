"""Shells complete commands, flags and choices; words that were nearly right are asked back."""

import json
import os
import shutil
import subprocess

import pytest

from terramamba.core.progress import progress, say, shown_as


@pytest.fixture(scope="module")
def script() -> str:
    from terramamba.cli.completion import WRITERS, command_flags

    return WRITERS["bash"](command_flags())


def completed(script: str, *words: str) -> list[str]:
    """What bash offers for the last of ``words``."""
    line = " ".join(f"'{word}'" for word in words)
    ask = f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _terramamba\n"
    done = subprocess.run(
        ["bash", "-c", ask + 'printf "%s\\n" "${COMPREPLY[@]}"'], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("terramamba", "cl"), ["classify"]),
        (("terramamba", "change", "ma"), ["map"]),
        (("terramamba", "classify", "map", "--mode", ""), ["exact", "fast", "auto"]),
        (("terramamba", "classify", "train", "--model", "ssa"), ["ssa_mamba"]),
        (("terramamba", "sample", "--per"), ["--per-class"]),
        (("terramamba", "export", "run", "--deep"), ["--deepness"]),
        (("terramamba", "report", "ru"), []),
    ],
)
def test_bash_completes(script, words, offered):
    assert completed(script, *words) == offered


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
def test_fish_completes(tmp_path):
    from terramamba.cli.completion import WRITERS, command_flags

    (tmp_path / "terramamba.fish").write_text(WRITERS["fish"](command_flags()), encoding="utf-8")
    (tmp_path / "scene.tif").touch()
    offered = {
        "cl": ["classify"],
        "change ma": ["map"],
        "new ": ["change", "classify"],
        "new classify sc": ["scene.tif"],
        "change map --weig": ["--weights"],
        "change map a b --out sc": ["scene.tif"],
        "classify map --mode ": ["auto", "exact", "fast"],
    }
    asked = "".join(f"echo '= {line}'\ncomplete -C 'terramamba {line}'\n" for line in offered)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source terramamba.fish\n{asked}"],
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    answers = [part.splitlines() for part in done.stdout.split("= ")[1:]]
    found = {line: sorted(word.split("\t")[0] for word in words) for line, *words in answers}
    assert found == offered


def test_every_shell_has_a_script_and_others_are_refused(terramamba):
    for shell in ("zsh", "fish"):
        done = terramamba("completion", shell)
        assert done.status == 0
        assert "per-class" in done.out
    done = terramamba("completion", "fsh")
    assert (done.status, done.out) == (1, "")
    assert "is none of bash, zsh, fish; did you mean fish?" in done.err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("train",), "did you mean `terramamba classify train` or `terramamba change train`?"),
        (("classfy", "map"), "did you mean `terramamba classify map`?"),
        (("clasify",), "`terramamba classify train` or `terramamba classify map`"),
        (("change", "evalute"), "did you mean `terramamba change evaluate`?"),
        (("reprot",), "did you mean `terramamba report`?"),
        (("chek", "a.tif"), "did you mean `terramamba check`?"),
        (("predict",), "did you mean `terramamba classify map` or `terramamba change map`?"),
        (("eval",), "did you mean `terramamba classify evaluate` or `terramamba change evaluate`?"),
        (("change", "detect"), "did you mean `terramamba change map`?"),
        (("weights", "list"), "did you mean `terramamba weights` or `terramamba weights fetch`"),
        (("--out", "a", "classify", "map", "b"), "first: `terramamba classify map --out a b`"),
        (("--config", "a.yaml"), "first: `terramamba COMMAND ...`; `terramamba --help` lists the commands"),
        (("classify", "map", "a", "--out", "b", "--mode", "fats"), "did you mean fast?"),
        (("change", "train", "--data", "d", "--out", "o", "--model", "glmanba"), "did you mean glmamba?"),
    ],
)
def test_a_word_that_is_nearly_right_is_asked_back(terramamba, words, hint):
    done = terramamba(*words)
    assert done.status in (1, 2)
    assert hint in done.err


def test_progress_is_json_for_a_program_and_nothing_for_who_wants_quiet(capsys):
    with shown_as(json_lines=True), progress("mapping", 4, "px") as advance:
        advance(4, "done")
    with shown_as(quiet=True), progress("mapping", 4, "px") as advance:
        say("begins")
        advance(4)
    (line,) = capsys.readouterr().err.splitlines()
    said = {"what": "mapping", "done": 4, "total": 4, "unit": "px", "remark": "done"}
    assert json.loads(line) == {"progress": said}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--progress", "jsn"), "choose one of text, json"),
        (("--quiet", "--verbose"), "contradicts --verbose"),
        (("--quiet", "--progress=json"), "contradicts --progress json"),
    ],
)
def test_flags_about_saying_that_cannot_be_obeyed_are_refused(terramamba, flags, message):
    done = terramamba("models", *flags)
    assert (done.status, done.out) == (1, "")
    assert message in done.err
