"""Loops within loops from the command line: crashed, interrupted, stopped, taken over, approved and shown."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # real processes, seconds each

MARK = """
import json, os, pathlib
with (pathlib.Path(os.environ["MARKS"]) / "calls").open("a") as calls:
    calls.write(os.environ["LOOPENGT_STEP"] + "\\n")
print(json.dumps({"step": os.environ["LOOPENGT_STEP"]}))
"""
"""Notes the step it does."""


def nested(bench: Any, hang: str, *, depth: int = 1, **fields: Any) -> None:
    """Write a loop with a step that runs another, so many times; the innermost has a step that hangs.

    Args:
        bench: Where to.
        hang: The script of the agent that hangs.
        depth: How many loops stand below the first.
        fields: Further keys of the innermost.
    """
    bench.write("mark.py", MARK)
    bench.write("hang.py", hang)
    agents = [bench.agent(name, [sys.executable, f"{name}.py"]) for name in ("mark", "hang")]
    inner = [{"name": "before", "agent": "mark"}, {"name": "work", "agent": "hang"}]
    for level in range(depth, -1, -1):
        below = {"name": "part", "loop": f"l{level + 1}.yaml"}
        steps = inner if level == depth else [{"name": f"top{level}", "agent": "mark"}, below]
        spec = {"name": f"l{level}", "goal": "Nest.", "agents": agents, "steps": steps}
        spec |= fields if level == depth else {}
        bench.write("loop.yaml" if level == 0 else f"l{level}.yaml", json.dumps(spec))


def rows(bench: Any) -> list[dict[str, Any]]:
    """Return all runs, child runs included, the top first."""
    shown = bench.run("runs", "--all", "--json")
    assert shown.returncode == 0, shown.stderr
    return sorted(json.loads(shown.stdout), key=lambda row: len(row["run_id"]))


def calls(bench: Any) -> list[str]:
    """Return the steps that the marking agent has done."""
    return (bench.marks / "calls").read_text().replace("x", "").split()


@pytest.mark.parametrize("depth", [1, 3])
def test_a_killed_run_goes_on_in_its_child(bench: Any, hang: str, gone: Any, depth: int) -> None:
    """After kill -9 the agents of the child are ended by the resume, and no completed step is done again."""
    nested(bench, hang, depth=depth)
    process = bench.start("run", "loop.yaml", "--quiet")
    pids = bench.pids()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    (bench.marks / "pids").unlink()
    again = bench.start("resume", "latest", "--quiet")
    bench.pids()
    assert all(gone(pid) for pid in pids)
    bench.go()
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0, out + err
    assert calls(bench) == [*(f"top{level}" for level in range(depth)), "before"]
    found = rows(bench)
    assert [row["status"] for row in found] == ["completed"] * (depth + 1)
    assert [row["parent"] for row in found] == [None, *(row["run_id"] for row in found[:-1])]


def test_ctrl_c_ends_the_childs_agents_within_two_seconds_and_pauses_all(
    bench: Any, hang: str, gone: Any
) -> None:
    """The agent three loops down is gone, every run is paused, and resume goes on in the innermost."""
    nested(bench, hang, depth=3)
    process = bench.start("run", "loop.yaml", "--quiet")
    pids = bench.pids()
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert time.monotonic() - began < 4  # two seconds, and what the end of the program takes
    assert process.returncode == 130
    assert all(gone(pid) for pid in pids)
    assert {(row["status"], row["reason"]) for row in rows(bench)} == {("paused", "interrupted")}
    bench.go()
    done = bench.run("resume", "latest", "--quiet")
    assert done.returncode == 0, done.stderr
    assert calls(bench) == ["top0", "top1", "top2", "before"]


def test_a_timeout_of_the_step_ends_the_childs_agents(bench: Any, hang: str, gone: Any) -> None:
    """A stubborn agent in a child run is gone when the time of the parent's step is over."""
    nested(bench, hang)
    spec = json.loads((bench.project / "loop.yaml").read_text())
    spec["steps"][1]["timeout_seconds"] = 3
    spec["policy"] = {"retry": {"max_retries": 0}}
    bench.write("loop.yaml", json.dumps(spec))
    process = bench.start("run", "loop.yaml", "--quiet")
    pids = bench.pids()
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert all(gone(pid) for pid in pids)
    assert [row["status"] for row in rows(bench)] == ["failed", "cancelled"]


def test_stop_reaches_the_child(bench: Any, hang: str, wait_until: Any) -> None:
    """A stopped run's child finishes its turn and takes no other."""
    nested(bench, hang)
    spec = json.loads((bench.project / "l1.yaml").read_text())
    spec["steps"].append({"name": "never", "agent": "mark"})
    bench.write("l1.yaml", json.dumps(spec))
    process = bench.start("run", "loop.yaml", "--quiet")
    bench.pids()
    assert bench.run("stop", "latest", "--comment", "enough").returncode == 0

    def told() -> bool:
        return "loop.stop" in bench.run("trace", rows(bench)[1]["run_id"], "--format", "jsonl").stdout

    wait_until(told)
    bench.go()
    process.communicate(timeout=30)
    assert process.returncode == 3
    assert [(row["reason"]) for row in rows(bench)] == ["stopped", "stopped"]
    assert "never" not in calls(bench)


def test_a_halted_process_loses_parent_and_child_to_another(bench: Any, hang: str, gone: Any) -> None:
    """When a halted owner's leases have run out, another process takes both runs over; the first one adds nothing."""
    nested(bench, hang)
    folder = bench.project / ".loopengt"
    folder.mkdir()
    (folder / "config.toml").write_text("[plugins.local]\nlease_seconds = 1.0\npoll_seconds = 0.1\n")
    first = bench.start("run", "loop.yaml", "--quiet")
    pids = bench.pids()
    os.kill(first.pid, signal.SIGSTOP)
    (bench.marks / "pids").unlink()
    second = bench.start("resume", "latest", "--wait", "--quiet")
    assert not set(bench.pids()) & set(pids)
    bench.go()
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0, out + err
    os.kill(first.pid, signal.SIGCONT)
    first.communicate(timeout=30)
    assert first.returncode == 1
    assert all(gone(pid) for pid in pids)
    assert [row["status"] for row in rows(bench)] == ["completed", "completed"]
    for row in rows(bench):
        types = [
            json.loads(line)["event_type"]
            for line in bench.run("trace", row["run_id"], "--format", "jsonl").stdout.splitlines()
            if json.loads(line)["run_id"] == row["run_id"]
        ]
        assert types.count("loop.complete") == 1
        assert types[-1] == "loop.complete"


def test_approving_the_parent_answers_the_child(bench: Any) -> None:
    """The run pauses, exit code 4; approve and resume of the parent let the child go on."""
    policy = {"verification_gates": [{"name": "ok", "kind": "approval", "description": "Good so far?"}]}
    nested(bench, MARK, policy=policy)
    spec = json.loads((bench.project / "l1.yaml").read_text())
    spec["steps"][0]["verification_gates"] = ["ok"]
    bench.write("l1.yaml", json.dumps(spec))
    first = bench.run("run", "loop.yaml")
    assert first.returncode == 4, first.stderr
    assert "Good so far?" in first.stderr + first.stdout
    approved = bench.run("approve", "latest", "--comment", "fine")
    assert approved.returncode == 0, approved.stderr
    done = bench.run("resume", "latest", "--quiet")
    assert done.returncode == 0, done.stderr
    assert calls(bench) == ["top0", "before", "work"]


def test_trace_nests_children_and_a_child_stands_alone(bench: Any) -> None:
    """tree and markdown show the child below its step, JSON names the step's event as its parent."""
    nested(bench, MARK, depth=2)
    assert bench.run("run", "loop.yaml", "--quiet").returncode == 0
    top, middle, inner = (row["run_id"] for row in rows(bench))
    tree = bench.run("trace", "latest").stdout
    assert tree.index("part") < tree.index("loop l1") < tree.index("loop l2") < tree.index("work")
    depth = {line.split("loop ")[1][:2]: len(line) - len(line.lstrip("│ ├└─")) for line in tree.splitlines()
             if "─ loop " in line}  # fmt: skip
    assert depth["l1"] < depth["l2"]
    events = json.loads(bench.run("trace", top, "--format", "json").stdout)
    assert {event["run_id"] for event in events} == {top, middle, inner}
    by_id = {event["event_id"]: event for event in events}
    assert len(by_id) == len(events)
    for child, parent in ((middle, top), (inner, middle)):
        start = next(event for event in events if event["run_id"] == child)
        step = by_id[start["parent_event_id"]]
        assert (step["event_type"], step["step_name"], step["run_id"]) == ("step.start", "part", parent)
        assert events.index(step) < events.index(start)
    report = bench.run("trace", top, "--format", "markdown").stdout
    assert report.count("## Child run") == 2
    alone = json.loads(bench.run("trace", inner, "--format", "json").stdout)
    assert {event["run_id"] for event in alone} == {inner}


def test_live_json_and_plain_lines_tell_the_runs_apart(bench: Any) -> None:
    """Each line of run --json has its run's id; the plain view puts the parent's step before the child's lines."""
    nested(bench, MARK)
    done = bench.run("run", "loop.yaml", "--json")
    ids = [json.loads(line)["run_id"] for line in done.stdout.splitlines()]
    assert len(set(ids)) == 2
    assert ids[0] == ids[-1] == min(ids, key=len)
    shown = bench.run("run", "loop.yaml").stderr
    assert "part > step work done" in shown
    assert "part > run" in shown


def test_validate_and_dry_run_show_the_children(bench: Any) -> None:
    """validate names the files below, and tells their problems; --dry-run shows their steps and what they lack."""
    nested(bench, MARK)
    assert "with l1.yaml" in bench.run("validate", "loop.yaml").stdout
    plan = bench.run("run", "loop.yaml", "--dry-run")
    assert plan.returncode == 0
    assert "2.1. before" in plan.stdout and "loop l1.yaml: l1, pattern sequential" in plan.stdout
    spec = json.loads((bench.project / "l1.yaml").read_text())
    spec["agents"][0]["config"]["extra"]["command"] = ["no-such-program-anywhere"]
    bench.write("l1.yaml", json.dumps(spec))
    lacking = bench.run("run", "loop.yaml", "--dry-run")
    assert lacking.returncode == 1
    assert "1 missing" in lacking.stdout
    spec["steps"][0]["agent"] = "nobody"
    bench.write("l1.yaml", json.dumps(spec))
    told = bench.run("validate", "loop.yaml")
    assert told.returncode == 2
    assert "l1.yaml:1:" in told.stdout and "loop of step 'part': unknown agent 'nobody'" in told.stdout


def test_a_changed_or_missing_child_does_not_change_a_run(bench: Any, hang: str) -> None:
    """A run that has not yet begun its child goes on with the loop as it was when the run began."""
    nested(bench, hang)
    spec = json.loads((bench.project / "loop.yaml").read_text())
    spec["steps"][0]["agent"] = "hang"
    bench.write("loop.yaml", json.dumps(spec))
    process = bench.start("run", "loop.yaml", "--quiet")
    bench.pids()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    (bench.project / "l1.yaml").unlink()
    bench.go()
    done = bench.run("resume", "latest", "--keep-spec", "--quiet")
    assert done.returncode == 0, done.stderr
    assert calls(bench) == ["before"]


def test_the_runs_of_sub_loops_are_hidden_and_latest_is_their_parent(bench: Any) -> None:
    """runs lists the parent alone, and a prefix of its id is not ambiguous."""
    nested(bench, MARK)
    assert bench.run("run", "loop.yaml", "--quiet").returncode == 0
    (row,) = bench.runs()
    assert bench.run("trace", row["run_id"][:-2]).returncode == 0
    child = rows(bench)[1]["run_id"]
    refused = bench.run("fork", child, "--at", "work")
    assert refused.returncode == 2
    assert row["run_id"] in refused.stderr


def test_the_example_mends_every_list(bench: Any) -> None:
    """examples/sub-loop ends goal_met in eight child turns, and its lists are sorted, without a word twice."""
    example = Path(__file__).parents[2] / "examples" / "sub-loop"
    left_out = shutil.ignore_patterns(".loopengt", "__pycache__")
    shutil.copytree(example, bench.project, ignore=left_out, dirs_exist_ok=True)
    done = bench.run("run", "loop.yaml", "--in-place", "--quiet")
    assert done.returncode == 0, done.stderr
    assert sorted(row["turn"] for row in rows(bench)[1:]) == [2, 2, 4]
    for path in (bench.project / "lists").iterdir():
        words = path.read_text().split()
        assert words == sorted(set(words))
    assert (
        bench.run("run", "mend-one.yaml", "--set", "list=trees.txt", "--in-place", "--quiet").returncode == 0
    )
