"""The parts of ``loopengt.processes``: bounded output, the inherited environment, and missing programs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loopengt.processes import Output, base_environment, find_program, missing_program

# -- output --------------------------------------------------------------------------


def test_output_beyond_the_spool_is_counted() -> None:
    """When the file is full the end is still kept, and the gap is marked."""
    output = Output(10, 20)
    for start in range(0, 100, 10):
        output.feed(b"%02d" % start * 5)
    assert (output.size, output.discarded) == (100, 80)
    assert output.read_all() == b"0" * 10 + b"10" * 5 + b"\n[... 75 bytes discarded ...]\n" + b"09090"
    assert output.data == b"00000\n[... 90 bytes left out ...]\n09090"


def test_output_within_the_cap_is_whole() -> None:
    """Exactly as many bytes as fit are not truncated; one more byte is."""
    output = Output(4, 100)
    output.feed(b"abcd")
    assert (output.data, output.truncated, output.discarded) == (b"abcd", False, 0)
    output.feed(b"e")
    assert (output.truncated, output.discarded, output.read_all()) == (True, 0, b"abcde")


@pytest.mark.parametrize("keep", range(40, 52))
def test_the_cut_does_not_break_characters(keep: int) -> None:
    """Wherever the cut falls, valid UTF-8 stays valid."""
    output = Output(keep, 1_000)
    output.feed("aé€😀".encode() * 20)
    assert output.truncated
    assert output.is_utf8
    assert "�" not in output.text


def test_invalid_utf8_is_seen() -> None:
    """Bytes that are no UTF-8 are replaced in the text, and noted."""
    output = Output(100, 100)
    output.feed(b"ok \xff\xfe")
    assert (output.text, output.is_utf8) == ("ok ��", False)


def test_a_full_disk_only_costs_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When no temporary file can be written both ends are still there, and the loss is stated."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    output = Output(10, 1_000)
    output.feed(b"a" * 50 + b"b" * 50)
    assert output.data == b"aaaaa\n[... 90 bytes left out ...]\nbbbbb"
    assert output.discarded == 100


# -- environment ---------------------------------------------------------------------


def test_secrets_are_not_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only harmless variables pass, and others when they are named; a proxy with a password does not."""
    for name, value in {
        "OPENAI_API_KEY": "sk-1",
        "SSH_AUTH_SOCK": "/x",
        "LOOPENGT_RUN_ID": "outer",
        "LC_TIME": "C",
        "https_proxy": "http://me:pw@proxy",
        "HTTP_PROXY": "http://proxy",
        "WANTED": "yes",
    }.items():
        monkeypatch.setenv(name, value)
    env = base_environment(["WANTED", "NOT_SET"])
    assert env["WANTED"] == "yes"
    assert env["LC_TIME"] == "C"
    assert env["HTTP_PROXY"] == "http://proxy"
    assert not {"OPENAI_API_KEY", "SSH_AUTH_SOCK", "LOOPENGT_RUN_ID", "https_proxy", "NOT_SET"} & set(env)


def test_the_interpreters_folder_ends_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the running Python is the last of PATH when it was not in it, and is not added twice."""
    beside = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert base_environment()["PATH"] == f"/usr/bin:/bin:{beside}"
    monkeypatch.setenv("PATH", f"{beside}:/bin")
    assert base_environment()["PATH"] == f"{beside}:/bin"
    monkeypatch.delenv("PATH")
    assert base_environment()["PATH"].endswith(f":{beside}")


def test_find_program_looks_where_the_child_will(tmp_path: Path) -> None:
    """A bare word is looked up in the child's PATH, a path relative to the child's folder."""
    tool = tmp_path / "bin" / "tool"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    (tmp_path / "bin" / "notes").write_text("")
    assert find_program("tool", tmp_path, {"PATH": f"/nowhere:{tool.parent}"}) == tool
    assert find_program("tool", tmp_path, {"PATH": "bin"}) == tool
    assert find_program("bin/tool", tmp_path, {"PATH": ""}) == tmp_path / "bin/tool"
    assert find_program("notes", tmp_path, {"PATH": str(tool.parent)}) is None
    assert find_program("bin", tmp_path, {"PATH": str(tmp_path)}) is None
    assert find_program("", tmp_path, {"PATH": str(tool.parent)}) is None


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        (["ruff", "check"], "pip install ruff"),
        ("ruff check .", "pip install ruff"),
        (["claude", "-p"], "npm install -g @anthropic-ai/claude-code"),
        (["git", "status"], "https://git-scm.com"),
        (["./build.sh"], "Create ./build.sh"),
        (["frobnicate"], "Install frobnicate and put its folder on PATH"),
    ],
)
def test_a_missing_program_comes_with_its_remedy(
    tmp_path: Path, command: list[str] | str, remedy: str
) -> None:
    """The error names who needs the program and the command that mends it."""
    missing = missing_program(command, cwd=tmp_path, env={"PATH": "/nowhere"}, needed_by="agent 'a'")
    assert missing is not None
    assert "agent 'a' runs " in missing.message
    assert remedy in missing.remedy


@pytest.mark.parametrize("command", ["cd src && make", "FOO=1 thing", '"$TOOL" x', "(echo)", "[ -f x ]", " "])
def test_shell_text_that_names_no_program_is_let_through(tmp_path: Path, command: str) -> None:
    """What only the shell can understand is left to the shell."""
    assert missing_program(command, cwd=tmp_path, env={"PATH": "/nowhere"}, needed_by="x") is None


def test_a_file_that_may_not_be_executed_is_named(tmp_path: Path) -> None:
    """A script without the executable bit is told apart from one that is not there."""
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    missing = missing_program(["./run.sh"], cwd=tmp_path, env={"PATH": ""}, needed_by="gate 'g'")
    assert missing is not None
    assert missing.remedy == "chmod +x ./run.sh"
