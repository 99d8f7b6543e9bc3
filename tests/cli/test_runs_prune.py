"""The command ``runs prune``."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import Kernel
from loopengt.ownership import current_owner
from loopengt_cli_runs.pruning import Pruning

from .runs_kit import finished, git, workspaces

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Bench

    Gone = Callable[[int], bool]

pytestmark = pytest.mark.slow  # real processes, seconds each


class TestPrune:
    """``runs prune``."""

    def age(self, bench: Bench) -> None:
        """Make all blobs old."""
        base = sqlite3.connect(bench.project / ".loopengt" / "loopengt.db")
        base.execute("UPDATE blob_times SET stored_at = 1")
        base.commit()
        base.close()

    def test_old_runs_go(self, bench: Bench) -> None:
        """Ended runs go by age, status and number; a dry run changes nothing and says the same."""
        ids = finished(bench, 3)
        bench.loop(goal="output.count > 9")
        assert bench.run("run", ".", "-q").returncode == 3
        assert "Nothing to prune" in bench.run("runs", "prune").stdout
        options = ("--older-than", "0s", "--status", "completed", "--keep", "1")
        before = bench.runs()
        shown = bench.run("runs", "prune", *options, "--dry-run")
        assert shown.returncode == 0
        assert [line.split()[1] for line in shown.stdout.splitlines() if line.startswith("run ")] == ids[1:]
        assert bench.runs() == before
        done = bench.run("runs", "prune", *options, "--yes")
        assert done.returncode == 0, done.stderr
        assert "Removed 2 runs" in done.stdout
        left = [run["run_id"] for run in bench.runs()]
        assert len(left) == 2
        assert ids[0] in left
        assert workspaces(bench) == sorted(left)
        assert "Removed 2 runs" in bench.run("runs", "prune", "--older-than", "0s", "-y").stdout

    def test_nothing_goes_unasked(self, bench: Bench) -> None:
        """Without a terminal and --yes nothing is removed; times are checked."""
        (run_id,) = finished(bench)
        assert bench.run("runs", "prune", "--older-than", "0s").returncode == 2
        assert bench.run("runs", "prune", "--older-than", "soon").returncode == 2
        assert bench.run("runs", "prune", "--status", "paused").returncode == 2
        assert bench.only_run()["run_id"] == run_id

    def test_where_there_are_no_runs_nothing_is_created(self, bench: Bench) -> None:
        """A folder that is no project stays empty."""
        done = bench.run("runs", "prune", "--yes")
        assert (done.returncode, done.stdout) == (0, "Nothing to prune.\n")
        assert not any(bench.project.iterdir())

    def test_outputs_that_nobody_needs_go(self, bench: Bench) -> None:
        """Large outputs of deleted runs go when they are old, those of runs that are there stay, the file shrinks."""
        big = 'import json; print(json.dumps({"count": 2, "text": "%s" * 600_000}))'
        bench.loop(big % "a")
        assert bench.run("run", ".", "-q").returncode == 0
        bench.loop(big % "b")
        assert bench.run("run", ".", "-q").returncode == 0
        newest, oldest = (run["run_id"] for run in bench.runs())
        assert bench.run("runs", "delete", oldest, "--yes").returncode == 0
        assert "Nothing to prune" in bench.run("runs", "prune", "--yes").stdout
        self.age(bench)
        database = bench.project / ".loopengt" / "loopengt.db"
        size = database.stat().st_size
        assert "600 kB" in bench.run("runs", "prune", "--dry-run").stdout
        done = bench.run("runs", "prune")
        assert done.returncode == 0, done.stderr
        assert database.stat().st_size <= size - 500_000
        trace = bench.run("trace", newest, "--format", "json")
        assert "b" * 1000 in trace.stdout
        assert bench.run("resume", newest).returncode == 0

    def test_what_a_crash_leaves_goes(
        self, bench: Bench, hang: str, gone: Gone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Temporary folders of a killed process go, not while it lives; its run stays, since it can be resumed."""
        folder = tmp_path / "tmp"
        folder.mkdir()
        monkeypatch.setenv("TMPDIR", str(folder))
        stranger = folder / "loopengt-stranger"
        stranger.mkdir()
        bench.loop(hang)
        process = bench.start("run", ".")
        pids = bench.pids()

        def folders() -> list[Path]:
            return [path for path in folder.glob("loopengt-*") if path != stranger]

        assert len(folders()) == 1
        assert bench.run("runs", "prune", "--older-than", "0s", "--yes").returncode == 0
        assert len(folders()) == 1
        process.kill()
        process.communicate(timeout=60)
        bench.go()
        assert all(map(gone, pids))
        dry = bench.run("runs", "prune", "--older-than", "0s", "--dry-run")
        assert str(folders()[0]) in dry.stdout
        done = bench.run("runs", "prune", "--older-than", "0s")
        assert done.returncode == 0, done.stderr
        assert folders() == []
        assert stranger.exists()
        assert bench.run("resume", "latest", "-q").returncode == 0

    def test_another_projects_folders_stay(
        self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Folders of other projects, of living processes, links, and what only looks like one of ours stay."""
        finished(bench)
        folder = tmp_path / "tmp"
        folder.mkdir()
        monkeypatch.setenv("TMPDIR", str(folder))
        dead = json.dumps({"host": os.uname().nodename, "pid": 999_999_999})
        marks = {
            "ours": {"project": str(bench.project), "owner": dead},
            "other": {"project": str(tmp_path), "owner": dead},
            "alive": {"project": str(bench.project), "owner": current_owner()},
            "elsewhere": {"project": str(bench.project), "owner": json.dumps({"host": "other", "pid": 1})},
            "odd": ["project"],
        }
        for name, told in marks.items():
            (folder / f"loopengt-{name}").mkdir()
            (folder / f"loopengt-{name}" / ".loopengt-owner.json").write_text(json.dumps(told))
        (folder / "loopengt-link").symlink_to(folder / "loopengt-ours")
        (folder / "loopengt-file").touch()
        assert bench.run("runs", "prune").returncode == 0
        left = {path.name.removeprefix("loopengt-") for path in folder.iterdir()}
        assert left == {"other", "alive", "elsewhere", "odd", "link", "file"}

    def test_branches_and_folders_without_a_run_go(self, bench: Bench) -> None:
        """What was left of a workspace in git and on disk when its removal was cut short goes; user branches stay."""
        bench.loop()
        git(bench, "init", "-q", "-b", "main")
        git(bench, "add", "-A")
        git(bench, "commit", "-q", "-m", "first")
        (run_id,) = finished(bench)
        assert bench.run("runs", "delete", run_id, "--yes", "--keep-workspace").returncode == 0
        git(bench, "branch", "loopengt/mine")
        going = bench.project / ".loopengt" / "workspaces" / f".going-{run_id}"
        going.with_name(run_id).rename(going)
        dry = bench.run("runs", "prune", "--dry-run")
        assert str(going) in dry.stdout
        assert going.exists()
        assert bench.run("runs", "prune").returncode == 2, "it asks"
        done = bench.run("runs", "prune", "--yes")
        assert done.returncode == 0, done.stderr
        assert workspaces(bench) == []
        refs = git(bench, "for-each-ref", "--format=%(refname)").split()
        assert refs == ["refs/heads/loopengt/mine", "refs/heads/main"]
        assert "Nothing to prune" in bench.run("runs", "prune").stdout

    def test_workspaces_without_a_run_go(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        """A workspace whose run is unknown goes when it is not being made just now; those of runs stay."""
        (run_id,) = finished(bench)
        stray = bench.project / ".loopengt" / "workspaces" / "stray"
        stray.mkdir()
        (stray / "file").write_text("x" * 5_000)
        assert "Nothing to prune" in bench.run("runs", "prune", "--yes").stdout
        kernel = Kernel(bench.project)
        engine: Any = kernel.engine()
        monkeypatch.setattr(engine, "leftovers", partial(engine.leftovers, min_age_seconds=0))
        pruning = Pruning(kernel)
        asyncio.run(pruning.look(1e9, (), 0))
        assert [line for line in pruning.lines() if "stray" in line and "5.0 kB" in line]
        asyncio.run(pruning.remove())
        assert (workspaces(bench), pruning.problems) == ([run_id], [])

    def test_an_unreadable_journal_keeps_all_outputs(self, bench: Bench) -> None:
        """Where it is not known what a run refers to, no output is removed; the command says why, and fails."""
        chosen = ("-o", "storage.name=jsonl")
        bench.loop()
        assert bench.run(*chosen, "run", ".", "-q").returncode == 0
        folder = bench.project / ".loopengt" / "runs-jsonl"
        (file,) = folder.glob("*.jsonl")
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(lines[0] + b"#" + lines[1][1:] + b"".join(lines[2:]))
        blobs = [path for path in (folder / "blobs").glob("??/*") if path.is_file()]
        for blob in blobs:
            os.utime(blob, (1, 1))
        done = bench.run(*chosen, "runs", "prune", "--yes")
        assert done.returncode == 1
        assert "is damaged in line 2" in done.stderr
        assert blobs
        assert all(blob.exists() for blob in blobs)
