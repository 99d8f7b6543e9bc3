"""The options ``--record`` and ``--replay`` of ``run`` and ``resume``, as a person types them."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from ...conftest import Site

    Loopengt = Callable[..., subprocess.CompletedProcess[str]]

AGENT = """
import os, pathlib
marks = pathlib.Path(os.environ["MARKS"])
with (marks / "calls").open("a") as calls:
    calls.write("x")
file = pathlib.Path(os.environ["LOOPENGT_STEP"] + ".txt")
file.write_text((file.read_text() if file.exists() else "") + "I")
print("the key is", os.environ.get("MY_API_KEY"), "in", os.getcwd())
"""
"""Adds a stroke to a file and tells a secret."""

GATE = "import pathlib, sys; sys.exit(pathlib.Path('work.txt').read_text() != 'III')"


@pytest.fixture
def loop(project: Path, tmp_path: Path) -> Path:
    """A project whose loop needs three laps, and then a step that lacks something."""
    (tmp_path / "marks").mkdir()
    (project / "agent.py").write_text(AGENT)
    options = {"command": [sys.executable, "agent.py"], "pass_env": ["MARKS", "MY_API_KEY"]}
    spec = {
        "name": "demo",
        "goal": "Three strokes.",
        "pattern": "repeat",
        "agents": [{"name": "worker", "config": {"provider": "command", "extra": options}}],
        "steps": [{"name": "work", "agent": "worker", "verification_gates": ["three"]}],
        "policy": {
            "retry": {"max_retries": 0},
            "verification_gates": [
                {"name": "three", "kind": "command", "command": [sys.executable, "-c", GATE]}
            ],
        },
    }
    (project / "loop.yaml").write_text(json.dumps(spec))
    return project


@pytest.fixture
def loopengt(site: Site, loop: Path, tmp_path: Path) -> Loopengt:
    """Run ``loopengt`` in the project."""

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        own = {"MARKS": str(tmp_path / "marks"), "MY_API_KEY": "sesame-0123456789"}
        return site.run(*words, cwd=loop, **own, **environ)

    return run


def calls(tmp_path: Path) -> int:
    """Return how often the agent was called."""
    return len((tmp_path / "marks" / "calls").read_text())


def change(loop: Path, **fields: Any) -> None:
    """Change the loop's file."""
    spec = json.loads((loop / "loop.yaml").read_text())
    (loop / "loop.yaml").write_text(json.dumps(spec | fields))


@pytest.mark.slow
def test_a_recorded_run_is_replayed(loopengt: Loopengt, loop: Path, tmp_path: Path) -> None:
    """The replay ends as the run did, in a workspace of its own, without one call of the agent and without its key."""
    recorded = loopengt("run", ".", "--record", "tapes/first", "-q")
    assert recorded.returncode == 0, recorded.stderr
    assert calls(tmp_path) == 3
    kept = [path.read_text() for path in (loop / "tapes").rglob("*.json")]
    assert kept
    assert not any("sesame" in text or str(loop) in text for text in kept)
    (loop / "agent.py").unlink()
    replayed = loopengt("run", ".", "--replay", "tapes/first")
    assert replayed.returncode == 0, replayed.stderr
    assert "goal_met: every gate of lap 3 passed" in replayed.stderr
    assert "0 tokens, $0" in replayed.stderr
    assert ", replayed\n" in replayed.stderr
    trace = loopengt("trace", "latest")
    assert "attempt 1  worker · " in trace.stdout
    assert trace.stdout.count(" · replayed") == 3
    assert "note:" not in replayed.stderr
    assert calls(tmp_path) == 3


@pytest.mark.slow
def test_a_difference_is_printed_with_how_to_go_on(loopengt: Loopengt, loop: Path, tmp_path: Path) -> None:
    """Exit code 1, the diff, and a line for resume that does not forget the recording."""
    assert loopengt("run", ".", "--record", "tape", "-q").returncode == 0
    change(loop, goal="Four strokes.")
    done = loopengt("run", ".", "--replay", "tape")
    assert done.returncode == 1
    assert "-prompt: Three strokes." in done.stderr
    assert "+prompt: Four strokes." in done.stderr
    (resume,) = [line for line in done.stderr.splitlines() if line.startswith("once that is mended: ")]
    assert resume.endswith(f" --replay {loop}/tape")
    assert calls(tmp_path) == 3


@pytest.mark.slow
def test_unused_calls_are_noted_at_the_end(loopengt: Loopengt, loop: Path) -> None:
    """A loop that needs fewer calls than were recorded ends with a note that names the others."""
    assert loopengt("run", ".", "--record", "tape", "-q").returncode == 0
    (loop / "work.txt").write_text("II")
    for path in (loop / "tape" / "calls").glob("*.json"):
        path.write_text(re.sub(r'("text": ?)"I"', r'\1"III"', path.read_text()))
    done = loopengt("run", ".", "--replay", "tape", "-q")
    assert done.returncode == 0, done.stderr
    assert "note: 2 recorded calls were not asked for: work.2.1, work.3.1" in done.stderr


@pytest.mark.slow
def test_a_recording_is_completed_by_resume(loopengt: Loopengt, loop: Path, tmp_path: Path) -> None:
    """A run that lacked something goes on with --record once it is there, and then all of it can be replayed."""
    worker = json.loads((loop / "loop.yaml").read_text())["agents"][0]
    extra = worker["config"]["extra"]
    later = {"provider": "command", "extra": extra | {"pass_env": [*extra["pass_env"], "TOOL"]}}
    steps = [{"name": "work", "agent": "worker"}, {"name": "last", "agent": "later"}]
    change(loop, pattern="sequential", agents=[worker, {"name": "later", "config": later}], steps=steps)
    failed = loopengt("run", ".", "--record", "tape", "-q")
    assert failed.returncode == 1
    (resume,) = [line for line in failed.stderr.splitlines() if line.startswith("once that is mended: ")]
    assert resume.endswith(f" --record {loop}/tape")
    wrong = loopengt("resume", "latest", "--record", "elsewhere", TOOL="saw")
    assert wrong.returncode == 2
    assert "a recording has to begin with its run" in wrong.stderr
    assert loopengt("resume", "latest", "--record", "tape", "-q", TOOL="saw").returncode == 0
    assert calls(tmp_path) == 2
    assert loopengt("run", ".", "--replay", "tape", "-q").returncode == 0
    assert calls(tmp_path) == 2


@pytest.mark.slow
def test_a_replay_that_pauses_is_resumed_as_one(loopengt: Loopengt, loop: Path, tmp_path: Path) -> None:
    """Behind an approval, resume with --replay calls no agent either."""
    gate = {"name": "sign-off", "kind": "approval", "description": "Fine?"}
    steps = [
        {"name": "work", "agent": "worker", "verification_gates": ["sign-off"]},
        {"name": "last", "agent": "worker"},
    ]
    change(loop, pattern="sequential", steps=steps, policy={"verification_gates": [gate]})
    assert loopengt("run", ".", "--record", "tape", "-q").returncode == 4
    assert loopengt("approve", "latest").returncode == 0
    assert loopengt("resume", "latest", "--record", "tape", "-q").returncode == 0
    assert calls(tmp_path) == 2
    paused = loopengt("run", ".", "--replay", "tape")
    assert paused.returncode == 4
    assert "note:" not in paused.stderr
    assert loopengt("approve", "latest").returncode == 0
    done = loopengt("resume", "latest", "--replay", "tape")
    assert done.returncode == 0, done.stderr
    assert "note:" not in done.stderr
    assert calls(tmp_path) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--record", "a", "--replay", "b"), "--record and --replay exclude each other"),
        (("--replay", "nowhere"), "there is no recording in"),
        (("--record", "."), "is no empty folder"),
    ],
)
def test_wrong_options_execute_nothing(
    loopengt: Loopengt, loop: Path, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    """Exit code 2 with what is wrong, before anything is called."""
    done = loopengt("run", ".", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "marks" / "calls").exists()


def test_the_options_need_their_plugin(loopengt: Loopengt) -> None:
    """With the plugin switched off the error says so."""
    done = loopengt("-p", "no:cassettes", "run", ".", "--record", "tape")
    assert done.returncode != 0
    assert "cassettes (disabled)" in done.stderr
