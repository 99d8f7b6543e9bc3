"""The command ``runs``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench

    Labelled = Callable[[str, str], str]

FIELDS = [
    "run_id",
    "parent",
    "loop_name",
    "status",
    "reason",
    "turn",
    "started_at",
    "completed_at",
    "tokens",
    "cost_usd",
    "alive",
]

PRICED = """
import json
usage = {"prompt_tokens": 1200, "completion_tokens": 34}
print(json.dumps({"count": 2, "token_usage": usage, "cost_usd": 0.25}))
"""


def shown(bench: Bench, *options: str) -> list[dict[str, Any]]:
    """Return what ``runs --json`` prints with options."""
    done = bench.run("runs", "--json", *options)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_where_there_are_no_runs_nothing_is_created(bench: Bench) -> None:
    """A folder that is no project has no runs, as a table and as JSON, and stays empty."""
    done = bench.run("runs")
    assert (done.returncode, done.stdout) == (0, "")
    assert "No runs yet" in done.stderr
    assert bench.runs() == []
    assert not any(bench.project.iterdir())


@pytest.mark.slow
def test_runs_are_listed_newest_first_with_their_figures(bench: Bench) -> None:
    """Each run has its line and record with name, end, turns, times and cost; filters choose among them."""
    began = datetime.now(UTC)
    bench.loop(PRICED)
    assert bench.run("run", ".", "-q").returncode == 0
    bench.loop(goal="output.count > 9", name="other")
    assert bench.run("run", ".", "-q").returncode == 3

    newest, oldest = bench.runs()
    assert list(newest) == FIELDS
    assert (newest["loop_name"], newest["status"], newest["reason"]) == ("other", "failed", "exhausted")
    assert oldest | {"run_id": "", "started_at": "", "completed_at": ""} == {
        "run_id": "",
        "parent": None,
        "loop_name": "demo",
        "status": "completed",
        "reason": "goal_met",
        "turn": 1,
        "started_at": "",
        "completed_at": "",
        "tokens": 1234,
        "cost_usd": 0.25,
        "alive": False,
    }
    started, ended = (datetime.fromisoformat(oldest[key]) for key in ("started_at", "completed_at"))
    assert began < started < ended < datetime.now(UTC)
    assert started.utcoffset() is not None

    assert shown(bench, "--status", "failed") == [newest]
    assert shown(bench, "--loop", "demo") == [oldest]
    assert shown(bench, "--limit", "1") == [newest]
    assert shown(bench, "--loop", "demo", "--status", "failed") == []

    done = bench.run("runs")
    assert (done.returncode, done.stderr) == (0, "")
    head, first, second = (line.split() for line in done.stdout.splitlines())
    assert head == ["RUN", "LOOP", "STATUS", "REASON", "TURNS", "STARTED", "DURATION", "TOKENS", "COST"]
    assert first[:5] == [newest["run_id"], "other", "failed", "exhausted", "4"]
    assert second[:5] == [oldest["run_id"], "demo", "completed", "goal_met", "1"]
    assert second[5:7] == f"{started.astimezone():%Y-%m-%d %H:%M:%S}".split()
    assert second[-2:] == ["1,234", "$0.2500"]


@pytest.mark.slow
def test_a_run_whose_owner_is_gone_is_shown_as_crashed(bench: Bench, hang: str) -> None:
    """While it is driven a run is alive; after kill -9 the table says crashed, and how to resume it."""
    bench.loop(hang)
    process = bench.start("run", ".", "--quiet")
    bench.pids()
    assert (bench.only_run()["status"], bench.only_run()["alive"]) == ("running", True)
    assert shown(bench, "--status", "crashed") == []
    process.kill()
    process.communicate(timeout=60)
    run = bench.only_run()
    assert (run["status"], run["reason"], run["alive"]) == ("running", None, False)
    assert shown(bench, "--status", "crashed") == [run]
    done = bench.run("runs")
    assert done.stdout.splitlines()[1].split()[1:3] == ["demo", "crashed"]
    assert done.stderr == f"\nNobody drives what has crashed: loopengt resume {run['run_id']}\n"


@pytest.mark.slow
def test_the_way_on_from_a_crash_works_from_anywhere(bench: Bench, hang: str, labelled: Labelled) -> None:
    """What runs and trace print about it in another folder, with other options, works there as typed."""
    bench.loop(hang, goal="output.count >= 1")
    elsewhere = bench.marks / "else where"
    elsewhere.mkdir()
    options = ("-C", str(bench.project), "-o", "storage.name=jsonl")
    process = bench.start(*options, "run", "loop.yaml", "--quiet")
    bench.pids()
    process.kill()
    process.communicate(timeout=60)
    shown = bench.run(*options, "runs", cwd=elsewhere)
    traced = bench.run(*options, "trace", "latest", cwd=elsewhere)
    line = labelled(shown.stderr, "Nobody drives what has crashed:")
    assert labelled(traced.stderr, "Nobody drives this run:") == line
    bench.go()
    resumed = bench.type(line, elsewhere)
    assert resumed.returncode == 0, resumed.stderr
    assert "goal_met" in resumed.stderr
