"""Where a run's changes are, and how the printed lines show them and bring them in."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench

    Labelled = Callable[[str, str], str]

WRITE = "open('made.txt', 'w').write('made\\n'); open('old.txt', 'a').write('more\\n'); print('done')"


def git(bench: Bench, *words: str) -> str:
    """Run git in the project and return what it prints."""
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *words]
    done = subprocess.run(command, cwd=bench.project, check=True, capture_output=True, text=True)
    return done.stdout


def commit(bench: Bench) -> None:
    """Make the project a repository with all its files that are not ignored."""
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        git(bench, *words)


@pytest.mark.slow
@pytest.mark.parametrize("repository", [False, True])
def test_the_changes_of_a_run_can_be_applied(bench: Bench, labelled: Labelled, repository: bool) -> None:
    """The project is left alone until the printed line is typed, which brings new and changed files in."""
    bench.loop(WRITE, pattern="sequential", goal="output == 'done'")
    bench.write("old.txt", "old\n")
    if repository:
        commit(bench)
    done = bench.run("run", ".")
    assert done.returncode == 0, done.stderr
    assert not (bench.project / "made.txt").exists()
    seen = bench.type(labelled(done.stderr, "see:"), bench.project)
    assert (seen.returncode, "made.txt" in seen.stdout) == (0, True), seen.stderr
    applied = bench.type(labelled(done.stderr, "apply:"), bench.project)
    assert applied.returncode == 0, applied.stderr
    assert (bench.project / "made.txt").read_text() == "made\n"
    assert (bench.project / "old.txt").read_text() == "old\nmore\n"


@pytest.mark.slow
@pytest.mark.parametrize("ignored", [".venv/\nnode_modules/\n", "nothing\n"])
def test_installed_dependencies_are_there_and_are_no_change(
    bench: Bench, labelled: Labelled, ignored: str
) -> None:
    """An agent in a worktree runs from the project's .venv, which neither line nor commit picks up."""
    agent = bench.agent("counter", [".venv/bin/python", "agent.py"])
    script = "import sys; assert sys.prefix.endswith('.venv'); import installed; print(installed.WORD)"
    bench.loop(f"{WRITE}; {script}", pattern="sequential", goal="output == 'done\\nthere'", agents=[agent])
    bench.write(".gitignore", ignored)
    commit(bench)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bench.project / ".venv"], check=True)
    (packages,) = (bench.project / ".venv").glob("lib/*/site-packages")
    (packages / "installed.py").write_text("WORD = 'there'\n")
    (bench.project / "node_modules" / "tool").mkdir(parents=True)
    (bench.project / "node_modules" / "tool" / "index.js").touch()
    exclude = bench.project / ".git" / "info" / "exclude"
    before = exclude.read_text()

    done = bench.run("run", ".")
    assert done.returncode == 0, done.stderr
    workspace = labelled(done.stderr, "workspace:")
    linked = subprocess.run(["cat", "node_modules/tool/index.js"], cwd=workspace, capture_output=True)
    assert linked.returncode == 0, linked.stderr
    seen = bench.type(labelled(done.stderr, "see:"), bench.project)
    assert sorted(line.split()[0] for line in seen.stdout.splitlines()[:-1]) == ["made.txt", "old.txt"]
    applied = bench.type(labelled(done.stderr, "apply:"), bench.project)
    assert applied.returncode == 0, applied.stderr
    tracked = [".gitignore", "agent.py", "loop.yaml", "made.txt", "old.txt"]
    assert git(bench, "ls-files").splitlines() == tracked
    assert (packages / "installed.py").is_file()
    assert exclude.read_text() == before


def test_dependencies_that_are_tracked_are_checked_out(bench: Bench, labelled: Labelled) -> None:
    """What the repository holds of them is the worktree's own, and a change to it is a change of the run."""
    bench.loop("open('node_modules/tool.js', 'w').write('new'); print('done')", goal="output == 'done'")
    (bench.project / "node_modules").mkdir()
    bench.write("node_modules/tool.js", "old")
    commit(bench)
    done = bench.run("run", ".")
    assert done.returncode == 0, done.stderr
    seen = bench.type(labelled(done.stderr, "see:"), bench.project)
    assert "node_modules/tool.js" in seen.stdout
    assert (bench.project / "node_modules" / "tool.js").read_text() == "old"


@pytest.mark.slow
def test_in_place_works_on_the_files_themselves(bench: Bench) -> None:
    """With --in-place the project is changed, and there is no workspace to speak of."""
    bench.loop(WRITE, pattern="sequential", goal="output == 'done'")
    done = bench.run("run", ".", "--in-place")
    assert done.returncode == 0, done.stderr
    assert (bench.project / "made.txt").exists()
    assert "workspace:" not in done.stderr
    assert not (bench.project / ".loopengt" / "workspaces").exists()
