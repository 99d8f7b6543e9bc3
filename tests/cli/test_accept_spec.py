"""``resume`` when the loop's file has changed, is gone, or is no longer valid."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Bench

SCRIPT = """
import json, os, pathlib, sys
marks = pathlib.Path(os.environ["MARKS"])
if os.environ["LOOPENGT_STEP"] == "b" and not (marks / "go").exists():
    os.kill(os.getppid(), 9)
print(json.dumps({"heard": sys.stdin.read()}))
"""
"""Ends the process that drives the run at the second step, until there is a file ``go``."""


def write(bench: Bench, **fields: Any) -> dict[str, Any]:
    """Write a loop of three steps."""
    steps = [
        {"name": name, "agent": "counter", "prompt_template": f"{name} {{mood}} {{extra}}"} for name in "abc"
    ]
    spec = bench.loop(SCRIPT, pattern="sequential", steps=steps, policy={}, context={"mood": "calm"})
    return save(bench, spec | fields)


def save(bench: Bench, spec: dict[str, Any]) -> dict[str, Any]:
    """Write a loop."""
    (bench.project / "loop.yaml").write_text(json.dumps(spec))
    return spec


def output(bench: Bench) -> Any:
    """What the last step of the latest run has heard."""
    events = [json.loads(line) for line in bench.run("trace", "latest", "-f", "jsonl").stdout.splitlines()]
    return [event["data"]["output"]["heard"] for event in events if event["event_type"] == "agent.response"][
        -1
    ]


@pytest.fixture
def spec(bench: Bench) -> dict[str, Any]:
    """The loop of a run that has crashed, and was started with a name that is not in its context."""
    written = write(bench)
    crashed = bench.run("run", ".", "-q", "--set", "extra=given")
    assert crashed.returncode == -9
    bench.go()
    return written


@pytest.mark.slow
def test_a_loop_that_has_not_changed_goes_on(bench: Bench, spec: dict[str, Any]) -> None:
    """Names that the run was started with beside its context are known; other words make no difference."""
    save(bench, spec | {"description": "Other words.", "metadata": {"by": "somebody"}})
    done = bench.run("resume", "latest")
    assert done.returncode == 0, done.stderr
    assert output(bench) == "c calm given"


@pytest.mark.slow
def test_a_changed_loop_is_shown_and_refused(bench: Bench, spec: dict[str, Any]) -> None:
    """Exit code 2, a diff, and the lines to type, each of which does as it says."""
    spec["steps"][2]["prompt_template"] = "changed {mood}"
    save(bench, spec)
    refused = bench.run("resume", "latest")
    assert refused.returncode == 2
    assert "the loop has changed since run" in refused.stderr
    assert "-  prompt_template: c {mood} {extra}" in refused.stderr
    assert "+  prompt_template: changed {mood}" in refused.stderr
    again = bench.run("resume", "latest")
    assert (again.returncode, again.stderr) == (2, refused.stderr), "nothing was written"
    accept, keep, fork = (
        next(line for line in refused.stderr.splitlines() if word in line).partition(": ")[2]
        for word in ("--accept-spec", "--keep-spec", "--at STEP")
    )
    forked = bench.type(fork.replace("STEP", "a").replace("FILE", "loop.yaml"), bench.project)
    assert forked.returncode == 0, forked.stderr
    assert output(bench) == "changed calm"
    crashed = bench.runs()[1]["run_id"]
    assert keep.endswith(f"resume {crashed} --keep-spec")
    assert bench.type(accept, bench.project).returncode == 0
    shown = bench.run("trace", crashed, "-f", "jsonl").stdout
    assert "changed calm" in shown


@pytest.mark.slow
def test_the_recorded_loop_can_be_kept(bench: Bench, spec: dict[str, Any]) -> None:
    """--keep-spec goes on by it, whatever the file says."""
    spec["steps"][2]["prompt_template"] = "changed {mood}"
    save(bench, spec)
    done = bench.run("resume", "latest", "--keep-spec", "-q")
    assert done.returncode == 0, done.stderr
    assert output(bench) == "c calm given"


@pytest.mark.slow
def test_an_accepted_loop_must_fit(bench: Bench, spec: dict[str, Any]) -> None:
    """A step that the run has done and the loop no longer has is named; the run can still go on by the old one."""
    save(bench, spec | {"steps": spec["steps"][1:]})
    refused = bench.run("resume", "latest", "--accept-spec")
    assert refused.returncode == 1
    assert "step 'a'" in refused.stderr
    assert bench.run("resume", "latest", "--keep-spec", "-q").returncode == 0


@pytest.mark.slow
def test_an_accepted_loop_is_what_later_ones_are_compared_with(bench: Bench, spec: dict[str, Any]) -> None:
    """After --accept-spec the file as it is now is no change any more; the one before is."""
    (bench.marks / "go").unlink()
    changed = spec | {"context": {"mood": "new"}}
    save(bench, changed)
    assert bench.run("resume", "latest", "--accept-spec").returncode == -9
    bench.go()
    save(bench, spec)
    refused = bench.run("resume", "latest")
    assert refused.returncode == 2
    assert "-  mood: new" in refused.stderr
    save(bench, changed)
    assert bench.run("resume", "latest", "-q").returncode == 0
    assert output(bench) == "c new given"


@pytest.mark.slow
def test_a_file_that_is_gone_is_said(bench: Bench, spec: dict[str, Any]) -> None:
    """The run goes on by the loop as it was recorded; there is nothing to accept then."""
    (bench.project / "loop.yaml").unlink()
    refused = bench.run("resume", "latest", "--accept-spec")
    assert refused.returncode == 2
    assert "there is no changed loop to accept" in refused.stderr
    done = bench.run("resume", "latest")
    assert done.returncode == 0, done.stderr
    assert "loop.yaml is gone; the run goes on by the loop as it was recorded." in done.stderr


@pytest.mark.slow
def test_a_file_that_is_not_valid_is_named(bench: Bench, spec: dict[str, Any]) -> None:
    """With its problems and places, exit code 2; --keep-spec does without it."""
    (bench.project / "loop.yaml").write_text("name: demo\ngoal: [")
    refused = bench.run("resume", "latest")
    assert refused.returncode == 2
    assert "is no longer valid" in refused.stderr
    assert "loop.yaml:2:" in refused.stderr
    assert "--keep-spec" in refused.stderr
    assert bench.run("resume", "latest", "-q", "--keep-spec").returncode == 0


@pytest.mark.slow
def test_a_run_that_has_ended_needs_no_file(bench: Bench, spec: dict[str, Any]) -> None:
    """It is shown as it ended, also when the file is no longer valid."""
    assert bench.run("resume", "latest", "-q").returncode == 0
    (bench.project / "loop.yaml").write_text("name: demo\ngoal: [")
    assert bench.run("resume", "latest").returncode == 0
