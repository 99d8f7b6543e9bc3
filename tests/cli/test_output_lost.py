"""What commands do when what they print reaches nobody: the reader has gone, the disk is full, the stream is closed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from .design_kit import ALONE

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Python project with a test."""
    path = tmp_path / "fresh"
    path.mkdir()
    (path / "test_a.py").write_text("def test_a():\n    assert 1 == 2\n")
    return path


def without_reader(site: Site, cwd: Path, *words: str, both: bool = False, **environ: str) -> tuple[int, str]:
    """Type a command whose output has no reader any more; return its exit code and what it says on stderr."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "loopengt", *words],
        cwd=cwd,
        env=site.program_environ() | ALONE | environ,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing if both else subprocess.PIPE,
        text=True,
        timeout=60,
    )
    os.close(writing)
    return done.returncode, done.stderr or ""


@pytest.mark.slow
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_design_writes_all_and_ends_quietly(site: Site, folder: Path, unbuffered: str) -> None:
    """``design … | head`` writes loop and page as it would with a reader, says nothing, and exits as a pipe does."""
    for words in (["init"], ["design", "fix the failing tests"]):
        assert without_reader(site, folder, *words, PYTHONUNBUFFERED=unbuffered) == (141, "")
    assert "name: fix-the-failing-tests" in (folder / "loop.yaml").read_text()
    assert "## How to run it" in (folder / "LOOP_DESIGN.md").read_text()
    assert (folder / ".loopengt/loop.schema.json").is_file()
    assert not list(folder.rglob("crash-*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["doctor"],
        ["graph", "loop.yaml"],
        ["plugins", "list"],
        ["run", "loop.yaml", "--dry-run"],
        ["schema"],
        ["template", "list"],
        ["template", "show", "ralph"],
        ["template", "use", "handoff_loop", "--set", "goal=x", "-o", "there"],
        ["validate", "loop.yaml"],
    ],
    ids=" ".join,
)
def test_every_command_ends_quietly(site: Site, folder: Path, words: list[str]) -> None:
    """Whatever a command prints, a reader that has gone is no error and no reason for a word."""
    assert site.run("init", cwd=folder, **ALONE).returncode == 0
    assert without_reader(site, folder, *words) == (141, "")
    assert (folder / "there/loop.yaml").exists() is ("there" in words)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_errors_that_nobody_reads_keep_their_exit_code(site: Site, folder: Path, unbuffered: str) -> None:
    """With ``2>&1 | head`` a usage error is still one."""
    done = without_reader(site, folder, "no-such-command", both=True, PYTHONUNBUFFERED=unbuffered)
    assert done == (2, "")


@pytest.mark.slow
def test_a_run_that_nobody_watches_keeps_its_exit_code(site: Site, folder: Path) -> None:
    """With ``2>&1 | head`` a run goes on to its end, and its exit code says which."""
    assert site.run("init", cwd=folder, **ALONE).returncode == 0
    spec = yaml.safe_load((folder / "loop.yaml").read_text())
    spec["agents"][0]["config"] = {
        "provider": "command",
        "extra": {"command": ["echo", "done"], "cost": "free"},
    }
    spec["policy"] = {
        "max_turns": 2,
        "verification_gates": [{"name": "tests", "condition": "output == 'no'"}],
    }
    (folder / "loop.yaml").write_text(yaml.safe_dump(spec))
    done = without_reader(site, folder, "run", "loop.yaml", both=True, PYTHONUNBUFFERED="")
    assert done == (3, "")


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full on this system")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_told(site: Site, folder: Path, unbuffered: str) -> None:
    """Output that does not fit is an error in one line, and the files of a design are there all the same."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "loopengt", "design", "fix it"],
            cwd=folder,
            env=site.program_environ() | ALONE | {"PYTHONUNBUFFERED": unbuffered},
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "Error: what was printed is lost: No space left on device\n",
    )
    assert (folder / "LOOP_DESIGN.md").is_file()


@pytest.mark.slow
def test_closed_streams_are_none(site: Site, folder: Path) -> None:
    """Without stdin and stdout, as under some supervisors, a command does its work and gives its exit code."""
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m loopengt design 'fix it' <&- >&-"],
        cwd=folder,
        env=site.program_environ() | ALONE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "loop.yaml").is_file()
