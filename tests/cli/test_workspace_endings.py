"""``--merge``, ``--keep`` and ``--discard`` of ``run`` and ``resume``, and what the plan says of the workspace."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench

    Labelled = Callable[[str, str], str]

WRITE = "open('made.txt', 'w').write('made\\n'); open('old.txt', 'a').write('more\\n'); print('done')"


def git(bench: Bench, *words: str) -> str:
    """Run git in the project and return what it prints."""
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *words]
    return subprocess.run(command, cwd=bench.project, check=True, capture_output=True, text=True).stdout


def project(bench: Bench, *, versioned: bool = True, goal: str = "output == 'done'", **changes: Any) -> None:
    """Make a project, in a folder with a space, whose loop writes two files."""
    bench.project = bench.project.rename(bench.project.with_name("my project"))
    bench.loop(WRITE, goal=goal, **{"pattern": "sequential", **changes})
    bench.write("old.txt", "old\n")
    bench.write(".gitignore", "*.log\n.loopengt/\n")
    if versioned:
        for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
            git(bench, *words)


def workspaces(bench: Bench) -> list[str]:
    """Return the names of the workspaces that there are."""
    folder = bench.project / ".loopengt" / "workspaces"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.slow
@pytest.mark.parametrize("versioned", [True, False])
def test_merge_brings_the_work_in_at_the_end(bench: Bench, versioned: bool) -> None:
    """The files are there, the workspace is gone, and the run is still to be seen."""
    project(bench, versioned=versioned)
    done = bench.run("run", ".", "--merge")
    assert done.returncode == 0, done.stderr
    assert "workspace: Merged 2 files of run" in done.stderr
    assert (bench.project / "made.txt").read_text() == "made\n"
    assert (bench.project / "old.txt").read_text() == "old\nmore\n"
    assert workspaces(bench) == []
    assert bench.run("trace", "latest").returncode == 0
    again = bench.run("resume", "latest", "--merge")
    assert (again.returncode, "is gone" in again.stderr) == (2, True)
    if versioned:
        assert git(bench, "status", "--porcelain", "--", ".", ":!.loopengt") == ""
        assert "loopengt" not in git(bench, "branch", "--all")
        assert "demo, run" in git(bench, "log", "-1", "--format=%s")


@pytest.mark.slow
def test_keep_is_the_default(bench: Bench, labelled: Labelled) -> None:
    """Without an option, and with --keep, the workspace stays, and the printed line merges it."""
    project(bench)
    for options in ([], ["--keep"]):
        done = bench.run("run", ".", *options)
        assert done.returncode == 0, done.stderr
        assert Path(labelled(done.stderr, "workspace:")).is_dir()
    assert labelled(done.stderr, "apply:").endswith("--merge")
    assert bench.type(labelled(done.stderr, "apply:"), bench.project).returncode == 0
    assert (bench.project / "made.txt").exists()
    assert len(workspaces(bench)) == 1


@pytest.mark.slow
def test_discard_throws_the_work_away(bench: Bench) -> None:
    """Whatever the end, nothing is left but the run itself; also afterwards."""
    project(bench, goal="output == 'other'", policy={"max_turns": 1, "verification_gates": [
        {"name": "enough", "condition": "output == 'other'", "on_failure": "abort"}]})  # fmt: skip
    done = bench.run("run", ".", "--discard")
    assert done.returncode == 3, done.stderr
    assert "was discarded" in done.stderr
    assert "apply:" not in done.stderr
    kept = bench.run("run", ".", "--merge")
    assert kept.returncode == 3, kept.stderr
    assert "It is kept: only a run that has met its goal is merged." in kept.stderr
    assert len(workspaces(bench)) == 1
    assert not (bench.project / "made.txt").exists()
    assert bench.run("resume", "latest", "--discard").returncode == 3
    assert workspaces(bench) == []
    assert "loopengt" not in git(bench, "branch", "--all")
    assert len(bench.runs()) == 2


@pytest.mark.slow
def test_a_conflict_keeps_all_and_can_be_mended(bench: Bench) -> None:
    """The run's end is told, then what stands against the merge; when that is put away, resume --merge does it."""
    project(bench)
    bench.write(".git/hooks/post-checkout", "")
    done = bench.run("run", ".", "--quiet")
    assert done.returncode == 0, done.stderr
    bench.write("old.txt", "the user's\n")
    refused = bench.run("resume", "latest", "--merge")
    assert refused.returncode == 2
    assert (
        refused.stderr.index("goal_met")
        < refused.stderr.index("nothing was merged")
        < refused.stderr.index("old.txt")
    )
    assert (bench.project / "old.txt").read_text() == "the user's\n"
    assert not (bench.project / "made.txt").exists()
    assert len(workspaces(bench)) == 1
    git(bench, "checkout", "old.txt")
    assert bench.run("resume", "latest", "--merge").returncode == 0
    assert (bench.project / "old.txt").read_text() == "old\nmore\n"


@pytest.mark.slow
def test_a_pause_keeps_the_workspace_until_the_end(bench: Bench) -> None:
    """A run that waits for approval is not merged, and is when it ends under resume --merge."""
    gates = [{"name": "enough", "kind": "approval"}]
    project(bench, policy={"max_turns": 4, "verification_gates": gates})
    paused = bench.run("run", ".", "--merge")
    assert paused.returncode == 4, paused.stderr
    assert "It is kept, since the run is paused; at its end: loopengt" in paused.stderr
    assert bench.run("approve", "latest").returncode == 0
    ended = bench.run("resume", "latest", "--merge")
    assert ended.returncode == 0, ended.stderr
    assert (bench.project / "made.txt").exists()
    assert workspaces(bench) == []


@pytest.mark.slow
def test_a_run_that_is_driven_is_left_alone(bench: Bench, hang: str) -> None:
    """Neither merge nor discard touches the workspace of a run that works in it."""
    project(bench)
    bench.loop(hang, pattern="sequential", goal="output.count >= 1")
    git(bench, "commit", "-qam", "hang")
    running = bench.start("run", ".")
    bench.pids()
    for option in ("--merge", "--discard"):
        refused = bench.run("resume", "latest", option)
        assert (refused.returncode, "is driven by" in refused.stderr) == (2, True), refused.stderr
    assert len(workspaces(bench)) == 1
    bench.go()
    assert running.wait(30) == 0
    running.communicate()
    assert bench.run("resume", "latest", "--discard").returncode == 0
    assert workspaces(bench) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", ".", "--merge", "--discard"], "exclude each other"),
        (["run", ".", "--merge", "--keep"], "exclude each other"),
        (["run", ".", "--in-place", "--merge"], "workspace of its own"),
        (["run", ".", "--in-place", "--discard"], "workspace of its own"),
    ],
)
def test_options_that_do_not_go_together(bench: Bench, words: list[str], said: str) -> None:
    """They are refused before anything is executed."""
    project(bench)
    done = bench.run(*words)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
    assert bench.runs() == []


def test_a_loop_that_works_in_place_cannot_be_merged(bench: Bench) -> None:
    """The spec's workspace counts as the option does, for run and for resume."""
    project(bench, workspace="in_place")
    refused = bench.run("run", ".", "--discard")
    assert (refused.returncode, "workspace of its own" in refused.stderr) == (2, True), refused.stderr
    assert bench.run("run", ".").returncode == 0
    assert (bench.project / "made.txt").exists()
    refused = bench.run("resume", "latest", "--merge")
    assert (refused.returncode, "workspace of its own" in refused.stderr) == (2, True), refused.stderr


def test_the_merge_is_the_users_or_ours(bench: Bench, tmp_path: Path) -> None:
    """Commits bear the configured name, and where there is none a name of loopengt's instead of an error."""
    project(bench)
    home = tmp_path / "home"
    home.mkdir()
    plain = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "EMAIL": "", "GIT_CONFIG_NOSYSTEM": "1"}
    assert bench.run("run", ".", "--merge", **plain).returncode == 0
    assert git(bench, "log", "-1", "--format=%an <%ae>").strip() == "loopengt <loopengt@localhost>"
    (home / ".gitconfig").write_text("[user]\nname = Some One\nemail = one@example.org\n")
    bench.write("old.txt", "x\n")
    git(bench, "commit", "-qam", "again")
    done = bench.run("run", ".", "--merge", **plain)
    assert done.returncode == 0, done.stderr
    assert git(bench, "log", "-1", "--format=%an <%ae>").strip() == "Some One <one@example.org>"


@pytest.mark.parametrize(
    ("kind", "versioned", "said"),
    [
        ("auto", True, "a git worktree in"),
        ("auto", False, "a copy in"),
        ("copy", True, "a copy in"),
        ("worktree", True, "a git worktree in"),
        ("worktree", False, "is not the top of a repository"),
        ("in_place", True, "the project's own files"),
    ],
)
def test_the_plan_tells_the_workspace(
    bench: Bench, labelled: Labelled, kind: str, versioned: bool, said: str
) -> None:
    """A dry run says where the run would work."""
    project(bench, versioned=versioned, workspace=kind)
    assert said in labelled(bench.run("run", ".", "--dry-run").stdout, "workspace:")


def test_a_worktree_without_a_repository_is_refused(bench: Bench) -> None:
    """The command says what to do, and begins no run."""
    project(bench, versioned=False, workspace="worktree")
    done = bench.run("run", ".")
    assert done.returncode == 2
    assert "workspace: copy" in done.stderr
    assert bench.runs() == []
