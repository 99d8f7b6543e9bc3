"""The command ``runs delete``, and runs of sub-loops in listings."""

from __future__ import annotations

import json
import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from .runs_kit import add_child, finished, git, on_terminal, workspaces

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench

    Gone = Callable[[int], bool]


class TestDelete:
    """``runs delete``."""

    @pytest.mark.slow
    def test_a_run_goes_with_its_workspace(self, bench: Bench) -> None:
        """The named runs are gone with their folders; the others are as they were."""
        ids = finished(bench, 3)
        done = bench.run("runs", "delete", ids[0], ids[2], "--yes")
        assert done.returncode == 0, done.stderr
        assert [run["run_id"] for run in bench.runs()] == [ids[1]]
        assert workspaces(bench) == [ids[1]]
        assert bench.run("trace", ids[1]).returncode == 0
        assert bench.run("trace", ids[0]).returncode == 2

    @pytest.mark.slow
    def test_a_worktree_goes_with_its_branch(self, bench: Bench) -> None:
        """In a git repository the worktree, its entry, its branch and its refs go, and nothing else."""
        bench.loop()
        git(bench, "init", "-q", "-b", "main")
        git(bench, "add", "-A")
        git(bench, "commit", "-q", "-m", "first")
        (run_id,) = finished(bench)
        assert f"loopengt/{run_id}" in git(bench, "branch", "--list")
        done = bench.run("runs", "delete", "latest", "--yes")
        assert done.returncode == 0, done.stderr
        assert git(bench, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main"]
        assert len(git(bench, "worktree", "list").splitlines()) == 1
        assert workspaces(bench) == []

    @pytest.mark.slow
    def test_what_a_run_kept_for_itself_goes_with_it(self, bench: Bench) -> None:
        """Its own memory is forgotten, that of another run and of the project is not."""
        gone, kept = finished(bench, 2)
        for scope in (("run", "--name", gone), ("run", "--name", kept), ("project",)):
            added = bench.run("memory", "add", "remember this", "--scope", *scope)
            assert added.returncode == 0, added.stderr
        assert bench.run("runs", "delete", gone, "--yes").returncode == 0
        found = {
            scope: bench.run("memory", "search", "remember", "--scope", *scope).stdout
            for scope in (("run", "--name", gone), ("run", "--name", kept), ("project",))
        }
        assert ["remember this" in text for text in found.values()] == [False, True, True]

    @pytest.mark.slow
    def test_a_workspace_of_any_depth_goes(self, bench: Bench) -> None:
        """Folders nested deeper than Python's stack are removed like others."""
        (run_id,) = finished(bench)
        (workspace,) = (bench.project / ".loopengt" / "workspaces").iterdir()
        here = os.open(workspace, os.O_RDONLY)
        for _ in range(1_500):
            os.mkdir("d", dir_fd=here)
            deeper = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
        os.close(here)
        done = bench.run("runs", "delete", run_id, "--yes")
        assert done.returncode == 0, done.stderr
        assert workspaces(bench) == []

    @pytest.mark.slow
    def test_the_workspace_can_be_kept(self, bench: Bench) -> None:
        """With --keep-workspace only the record goes."""
        (run_id,) = finished(bench)
        assert bench.run("runs", "delete", run_id, "--yes", "--keep-workspace").returncode == 0
        assert (bench.runs(), workspaces(bench)) == ([], [run_id])

    @pytest.mark.slow
    def test_a_run_in_place_leaves_the_project_alone(self, bench: Bench) -> None:
        """The files of a run that worked on the project itself are the project's."""
        bench.loop()
        assert bench.run("run", ".", "-q", "--in-place").returncode == 0
        assert bench.run("runs", "delete", "latest", "--yes").returncode == 0
        assert (bench.project / "agent.py").exists()
        assert bench.runs() == []

    @pytest.mark.slow
    def test_a_driven_run_is_refused(self, bench: Bench, hang: str) -> None:
        """A run that a living process drives is not deleted, alone or among others, and goes on undisturbed."""
        (ended,) = finished(bench)
        bench.loop(hang)
        process = bench.start("run", ".")
        bench.pids()
        done = bench.run("runs", "delete", ended, "latest", "--yes")
        assert done.returncode == 2
        assert f"process {process.pid} " in done.stderr
        assert len(bench.runs()) == 2
        bench.go()
        assert process.wait(timeout=60) == 0
        process.communicate()

    @pytest.mark.slow
    def test_crashed_and_paused_runs_can_be_deleted(self, bench: Bench, hang: str, gone: Gone) -> None:
        """A run whose process was killed can be deleted, though it could be resumed."""
        bench.loop(hang)
        process = bench.start("run", ".")
        pids = bench.pids()
        process.kill()
        process.communicate(timeout=60)
        bench.go()
        assert all(map(gone, pids))
        assert bench.run("runs", "delete", "latest", "--yes").returncode == 0
        assert (bench.runs(), workspaces(bench)) == ([], [])

    @pytest.mark.slow
    def test_children_go_with_their_parent(self, bench: Bench) -> None:
        """The runs of sub-loops, however deep, go with their parent, and not without it."""
        (run_id,) = finished(bench)
        child = f"{run_id}.aaaaaaaa"
        add_child(bench, child, run_id)
        add_child(bench, f"{child}.bbbbbbbb", child)
        refused = bench.run("runs", "delete", child, "--yes")
        assert refused.returncode == 2
        assert f"loopengt runs delete {run_id}" in refused.stderr
        done = bench.run("runs", "delete", run_id[:-2], "--yes")
        assert done.returncode == 0, done.stderr
        assert "2 runs of sub-loops" in done.stdout
        assert json.loads(bench.run("runs", "--all", "--json").stdout) == []

    @pytest.mark.slow
    def test_nothing_goes_unasked(self, bench: Bench) -> None:
        """Without a terminal and --yes nothing is deleted; on a terminal the answer counts."""
        (run_id,) = finished(bench)
        done = bench.run("runs", "delete", run_id)
        assert done.returncode == 2
        assert "--yes" in done.stderr
        code, asked = on_terminal(bench, "n", "runs", "delete", run_id)
        assert code == 1
        assert run_id in asked
        assert "Delete this run" in asked
        assert bench.only_run()["run_id"] == run_id
        assert on_terminal(bench, "y", "runs", "delete", run_id)[0] == 0
        assert bench.runs() == []

    @pytest.mark.slow
    def test_an_unknown_run_deletes_nothing(self, bench: Bench) -> None:
        """When one of the names fits no run, none is deleted."""
        (run_id,) = finished(bench)
        assert bench.run("runs", "delete", run_id, "nonsense", "--yes").returncode == 2
        assert bench.only_run()["run_id"] == run_id

    @pytest.mark.slow
    def test_a_run_that_makes_no_sense_can_be_deleted(self, bench: Bench) -> None:
        """A run whose events cannot be read any more can still be deleted; its workspace is left to prune."""
        finished(bench)
        base = sqlite3.connect(bench.project / ".loopengt" / "loopengt.db")
        base.execute("UPDATE events SET payload = 'nonsense'")
        base.commit()
        base.close()
        done = bench.run("runs", "delete", "latest", "--yes")
        assert done.returncode == 0, done.stderr
        assert bench.runs() == []


class TestListing:
    """Runs of sub-loops in the listing of runs."""

    @pytest.mark.slow
    def test_children_are_hidden(self, bench: Bench) -> None:
        """Children are listed with --all alone, name their parent, and do not count for --limit, ids or latest."""
        newer, older = finished(bench, 2)
        add_child(bench, f"{older}.aaaaaaaa", older)
        assert [run["run_id"] for run in bench.runs()] == [newer, older]
        every = json.loads(bench.run("runs", "--all", "--json").stdout)
        assert [(run["run_id"], run["parent"]) for run in every] == [
            (f"{older}.aaaaaaaa", older),
            (newer, None),
            (older, None),
        ]
        limited = json.loads(bench.run("runs", "--json", "--limit", "1").stdout)
        assert [run["run_id"] for run in limited] == [newer]
        assert f"run {newer}" in bench.run("resume", "latest").stdout + bench.run("resume", "latest").stderr
        assert bench.run("trace", older[:-1]).returncode == 0

    def test_help_names_the_subcommands(self, bench: Bench) -> None:
        """``runs --help`` lists options and subcommands, and an unknown subcommand is refused."""
        shown = bench.run("runs", "--help").stdout
        assert all(word in shown for word in ("delete", "export", "import", "prune", "--all"))
        assert bench.run("runs", "delte").returncode == 2
