"""The command ``doctor``: a sound project, a folder that is none, and what it says of specs, git and disk."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ...conftest import Site
    from .conftest import Reporter


@pytest.mark.slow
def test_a_sound_project_has_nothing_but_ok(site: Site, loop: Path) -> None:
    """Every check says ok in a line of its own, and the exit code is 0."""
    done = site.run("doctor", cwd=loop)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert all(line.startswith("ok    ") for line in lines)
    assert len({line[6:].split(":")[0] for line in lines}) == 13
    assert f"ok    python: {sys.version.split()[0]} at {sys.executable}" in lines
    assert "ok    specs: loop.yaml: demo, and all that it needs is there" in lines


@pytest.mark.slow
def test_json_says_the_same(report: Reporter, loop: Path) -> None:
    """--json prints an array of findings with check, status, message and remedy."""
    found = report(loop)
    assert found.exit_code == 0
    assert found.is_complete
    assert all(set(each) == {"check", "status", "message", "remedy"} for each in found.findings)
    assert all("\n" not in text for each in found.findings for text in each.values())


@pytest.mark.slow
def test_a_folder_that_is_no_project_stays_as_it_is(report: Reporter, tmp_path: Path) -> None:
    """Outside a project the remedy is init, nothing fails, and nothing is made."""
    folder = tmp_path / "plain"
    folder.mkdir()
    found = report(folder)
    assert found.exit_code == 0
    assert found.only("project", "warn")["remedy"] == f"loopengt init {folder}"
    assert found.only("specs", "warn")["remedy"] == f"loopengt init {folder}"
    assert list(folder.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_found(report: Reporter, tmp_path: Path) -> None:
    """A file that is called .loopengt fails the project's check."""
    (tmp_path / ".loopengt").write_text("")
    found = report(tmp_path)
    assert found.exit_code == 1
    assert found.only("project", "fail")["message"] == f"{tmp_path}/.loopengt is not a folder"


@pytest.mark.slow
def test_a_program_that_is_not_there_is_found(report: Reporter, loop: Path) -> None:
    """Programs of agents and gates that are not on PATH fail, each with the command that installs it."""
    text = (loop / "loop.yaml").read_text().replace("[cat]", "[claude, -p]")
    text += "policy:\n  verification_gates:\n    - {name: g, kind: command, command: [no-such-check, -q]}\n"
    (loop / "loop.yaml").write_text(text)
    found = report(loop, PATH="/usr/bin:/bin")
    assert found.exit_code == 1
    agent, gate = found.of("specs", "fail")
    assert agent["message"].startswith("loop.yaml: agent 'worker' runs claude, which is not installed")
    assert agent["remedy"] == "npm install -g @anthropic-ai/claude-code"
    assert gate["message"].startswith("loop.yaml: gate 'g' runs no-such-check")


@pytest.mark.slow
def test_every_spec_of_the_project_is_looked_at(report: Reporter, loop: Path) -> None:
    """Specs by other names and templates are checked too; other YAML files and the copies of runs are not."""
    text = (loop / "loop.yaml").read_text()
    broken = text.replace("agent: worker", "agent: wroker")
    files = {
        "second.yml": broken,
        "not-a-loop.yaml": "agents: [x]\n",
        ".loopengt/templates/mine/loop.yaml": text.replace("[cat]", "[no-such-agent]"),
        ".loopengt/workspaces/run-1/loop.yaml": broken,
    }
    for name, content in files.items():
        (loop / name).parent.mkdir(parents=True, exist_ok=True)
        (loop / name).write_text(content)
    found = report(loop)
    assert found.exit_code == 1
    invalid = found.only("specs", "fail")
    assert invalid["message"] == "second.yml:7:25: unknown agent 'wroker'"
    assert invalid["remedy"] == f"loopengt validate {loop}/second.yml"
    assert found.only("specs", "warn")["message"].startswith(
        ".loopengt/templates/mine/loop.yaml: agent 'worker'"
    )
    assert found.only("specs", "ok")["message"].startswith("loop.yaml: ")


@pytest.mark.slow
def test_a_loop_that_cannot_be_read_is_found(report: Reporter, loop: Path) -> None:
    """A loop.yaml with a syntax error fails, with its place and how many problems more there are."""
    text = (loop / "loop.yaml").read_text()
    (loop / "loop.yaml").write_text(text.replace("goal: Do it.", "gaol: [Do it."))
    assert "loop.yaml:3:7: not valid YAML" in report(loop).only("specs", "fail")["message"]
    (loop / "loop.yaml").write_text(text.replace("goal:", "gaol:"))
    assert report(loop).only("specs", "fail")["message"].endswith("(and 1 more)")


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    identity = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.slow
def test_git_decides_what_a_run_works_on(report: Reporter, loop: Path) -> None:
    """A copy without a repository, a copy with a warning before the first commit, then a branch."""
    assert "runs work on a copy" in report(loop).only("git", "ok")["message"]
    git(loop, "init", "-q")
    warning = report(loop).only("git", "warn")
    assert "does not have any commits yet" in warning["message"]
    git(loop, "add", "loop.yaml")
    git(loop, "commit", "-q", "-m", "start")
    assert "a branch of their own" in report(loop).only("git", "ok")["message"]


@pytest.mark.slow
def test_a_repository_without_git_is_a_warning(report: Reporter, loop: Path, tmp_path: Path) -> None:
    """Where git is not installed, a repository gets copies only, which a person should know."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert report(loop, PATH=str(empty)).of("git", "ok")
    git(loop, "init", "-q")
    assert report(loop, PATH=str(empty)).only("git", "warn")["remedy"].startswith("install git")


@pytest.mark.slow
def test_a_narrow_disk_is_found(report: Reporter, loop: Path) -> None:
    """What is free is told in megabytes, as the system counts them."""
    message = report(loop).only("disk", "ok" if _free(loop) > 1.1e9 else "warn")["message"]
    told = int(re.sub(r"\D", "", message.split(" MB")[0])) * 1_000_000
    assert abs(told - _free(loop)) < 1_000_000_000


def _free(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize
