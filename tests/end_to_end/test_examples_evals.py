"""Runs the example suite as its README says, on a copy of its folder."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "evals"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example."""
    folder = tmp_path / "evals"
    shutil.copytree(
        EXAMPLE, folder, ignore=shutil.ignore_patterns("*.db*", "__pycache__", "workspaces", "evals")
    )
    (folder / ".loopengt").mkdir(exist_ok=True)
    return folder


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ``loopengt eval`` in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "loopengt", "eval", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_the_suite_finds_what_the_careless_agent_overlooks(project: Path) -> None:
    """Cases without capitals always succeed, the one that is full of them fails now and then; the threshold is kept."""
    done = command(project, "suite", ".", "-q")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^lower +20/20 +passed", done.stdout, re.M)
    assert re.search(r"^title +1\d/20 +flaky", done.stdout, re.M)


@pytest.mark.slow
def test_the_careful_loop_is_told_from_the_careless_one(project: Path) -> None:
    """The comparison, and the baseline, say what the README says, with the exit codes that it names."""
    better = command(project, "compare", "loop.yaml", "careful.yaml", "--suite", ".", "-q")
    assert better.returncode == 0, better.stderr
    assert "careful.yaml is better than loop.yaml" in better.stdout
    few = command(project, "compare", "loop.yaml", "careful.yaml", "--suite", ".", "-q", "--repeat", "1")
    assert "No difference between loop.yaml and careful.yaml is shown" in few.stdout
    assert (
        command(
            project, "suite", ".", "-q", "--loop", "careful.yaml", "--baseline", "save", "good"
        ).returncode
        == 0
    )
    files = ("--markdown", "report.md", "--html", "report.html")
    worse = command(project, "suite", ".", "-q", "--baseline", "compare", "good", *files)
    assert worse.returncode == 1, worse.stdout
    assert all((project / name).is_file() for name in files[1::2])
