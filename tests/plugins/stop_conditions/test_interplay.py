"""Several stop conditions, and stop conditions beside the other limits: the one that fired is named."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import hookimpl
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop_sync
from loopengt_hookspecs.models import End, EndReason

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.stop_conditions import Progress


class Watching:
    """A stranger's kind of stop condition: notes when it is asked, and stops at a turn."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def bind(self, condition: Any, spec: Any) -> Any:
        """Make the rule."""

        def check(progress: Progress) -> End | None:
            self.asked.append(progress.turn)
            if progress.turn < condition.value:
                return None
            return End(EndReason.STOPPED, f"the stranger says {progress.turn}")

        return SimpleNamespace(check=check)


async def turns(run: Any) -> None:
    """A pattern that takes turns without end."""
    while True:
        await run.step("work")


def run(tmp_path: Path, *stops: dict[str, Any], **fields: Any) -> tuple[RunResult, ScriptedAgent, list[int]]:
    """Run a loop of agents that say where they are."""
    agent = ScriptedAgent(agents={"worker": lambda r: {"n": r.occurrence, "score": r.occurrence / 10}})
    watching = Watching()

    @hookimpl
    def loopengt_register_stop_conditions(register: Any) -> None:
        register("watching", watching, summary="Made in the test")

    @hookimpl
    def loopengt_register_patterns(register: Any) -> None:
        register("turns", turns, summary="Made in the test")

    plugin = SimpleNamespace(
        loopengt_register_stop_conditions=loopengt_register_stop_conditions,
        loopengt_register_patterns=loopengt_register_patterns,
    )
    kernel = make_kernel(tmp_path, agents=agent, plugins=[("watching", plugin)])
    steps = fields.pop("steps", ["work"])
    spec = loop_spec(*steps, stop_conditions=list(stops), **{"pattern": "repeat", **fields})
    return run_loop_sync(kernel, spec), agent, watching.asked


def stop(kind: str, value: Any) -> dict[str, Any]:
    """Declare a stop condition."""
    return {"condition_type": kind, "value": value}


@pytest.mark.parametrize(
    "pattern",
    ["sequential", "repeat", "evaluator_optimizer", "supervisor_worker", "parallel_fan_out", "handoff"],
)
def test_a_kind_of_a_plugin_is_asked_before_every_turn(tmp_path: Path, pattern: str) -> None:
    """Under every pattern; the turn that it forbids is not taken, and its words are the end."""
    agents = [{"name": name, "config": {"provider": "scripted"}} for name in ("worker", "second")]
    steps: list[Any] = ["one", "two", {"name": "three", "agent": "second"}]
    result, agent, asked = run(tmp_path, stop("watching", 1), pattern=pattern, steps=steps, agents=agents)
    assert result.end == (EndReason.STOPPED, "the stranger says 1")
    assert asked[:2] == [0, 1]
    if pattern != "parallel_fan_out":  # which begins what is independent at the same time
        assert len(agent.requests) == 1


FIRING = [
    (stop("max_turns", 2), (EndReason.EXHAUSTED, "stop condition max_turns")),
    (stop("goal_met", "run.turn == 2"), (EndReason.GOAL_MET, "goal_met: run.turn == 2")),
    (stop("quality_threshold", 0.2), (EndReason.GOAL_MET, "quality_threshold: the last score is 0.2")),
    (stop("custom", "run.turn == 2"), (EndReason.STOPPED, "stop condition custom: run.turn == 2")),
    (stop("watching", 2), (EndReason.STOPPED, "the stranger says 2")),
]


@pytest.mark.parametrize("first", range(len(FIRING)))
def test_of_several_at_once_the_first_declared_is_named(tmp_path: Path, first: int) -> None:
    """All hold before the third turn; the order of the declaration decides."""
    ordered = FIRING[first:] + FIRING[:first]
    result, agent, _ = run(tmp_path, *(declared for declared, _ in ordered), pattern="turns")
    reason, words = ordered[0][1]
    assert result.end.reason is reason
    assert result.end.detail.startswith(words)
    assert len(agent.requests) == 2


def test_a_goal_that_is_met_with_the_last_turn_is_met(tmp_path: Path) -> None:
    """What the loop says of itself goes before the policy's own limit, which is reached at the same time."""
    policy = {"max_turns": 3}
    result, _, _ = run(tmp_path, stop("quality_threshold", 0.3), pattern="turns", policy=policy)
    assert result.end.reason is EndReason.GOAL_MET
    result, _, _ = run(tmp_path, stop("quality_threshold", 0.4), pattern="turns", policy=policy)
    assert result.end == (EndReason.EXHAUSTED, "max_turns: 3 turns were taken")


def test_a_condition_goes_before_the_want_of_progress(tmp_path: Path) -> None:
    """A run that goes in circles and meets its goal has met it."""
    policy = {"no_progress": {"max_repeats": 1, "metric": {"expression": "1"}}}
    result, agent, _ = run(tmp_path, stop("goal_met", "run.turn == 3"), pattern="turns", policy=policy)
    assert (result.end.reason, len(agent.requests)) == (EndReason.GOAL_MET, 3)
    result, agent, _ = run(tmp_path, stop("goal_met", "run.turn == 4"), pattern="turns", policy=policy)
    assert (result.end.reason, len(agent.requests)) == (EndReason.NO_PROGRESS, 3)


@pytest.mark.parametrize(("seconds", "name"), [(0.2, "stop condition timeout"), (60, "time limit")])
def test_the_time_limit_that_struck_is_named(tmp_path: Path, seconds: float, name: str) -> None:
    """Of the policy's time limit and that of a condition the shorter one ends the run, and is named."""

    async def forever(run: Any) -> None:
        await run.step("work")
        await asyncio.Event().wait()

    @hookimpl
    def loopengt_register_patterns(register: Any) -> None:
        register("forever", forever, summary="Made in the test")

    plugin = SimpleNamespace(loopengt_register_patterns=loopengt_register_patterns)
    kernel = make_kernel(tmp_path, agents=ScriptedAgent("done"), plugins=[("forever", plugin)])
    policy = {"max_total_time_seconds": 0.5}
    spec = loop_spec(pattern="forever", policy=policy, stop_conditions=[stop("timeout", seconds)])
    result = run_loop_sync(kernel, spec)
    assert result.end == (EndReason.EXHAUSTED, f"{name}: {min(seconds, 0.5):g} seconds are over")


def test_a_polled_condition_that_breaks_is_told_of_before_the_next_turn(tmp_path: Path) -> None:
    """A stranger's condition that raises while a turn is under way does not harm it; the next check fails the run."""

    async def work(request: Any) -> str:
        await often.wait()
        return "finished"

    calls: list[int] = []
    often = asyncio.Event()

    def check(progress: Progress) -> End | None:
        calls.append(progress.turn)
        if len(calls) > 3:
            often.set()
        if len(calls) > 1:
            raise ZeroDivisionError("broken")
        return None

    rule = SimpleNamespace(check=check, polled=True)

    @hookimpl
    def loopengt_register_stop_conditions(register: Any) -> None:
        register("broken", SimpleNamespace(bind=lambda condition, spec: rule), summary="Made in the test")

    plugin = SimpleNamespace(loopengt_register_stop_conditions=loopengt_register_stop_conditions)
    agent = ScriptedAgent(agents={"worker": work})
    config = {"plugins": {"local": {"poll_seconds": 0.01}}}
    kernel = make_kernel(tmp_path, agents=agent, plugins=[("broken", plugin)], config=config)
    result = run_loop_sync(kernel, loop_spec("one", "two", stop_conditions=[stop("broken", 1)]))
    assert (result.end.reason, result.output, len(agent.requests)) == (EndReason.FAILED, "finished", 1)
