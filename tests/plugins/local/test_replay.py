"""A resumed run sees what the first one saw, and notices a pattern that has changed."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import ReplayMismatch
from loopengt.testing import RecordingObserver, ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.patterns import Run

MISSING = MissingRequirement("the program 'frob' is not there", remedy="pip install frob")


async def in_turn(run: Run) -> None:
    """Every step, in order."""
    for step in run.spec.steps:
        await run.step(step)


def patterned(*steps: Any, **fields: Any) -> dict[str, Any]:
    """A loop of the pattern under test."""
    return loop_spec(*steps, pattern="mine", **fields)


class Notes:
    """A pattern that writes down all that it could decide from, after every step."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def __call__(self, run: Run) -> None:
        """Take the steps in order, and look at everything in between."""
        self.look(run)
        for step in run.spec.steps:
            await run.step(step)
            self.look(run)
            await run.decide("onward", {"at": run.now()})
            self.look(run)

    def look(self, run: Run) -> None:
        """Note the run as it is here."""
        state = run.state.model_dump(mode="json")
        expressions = [
            run.evaluate("[run.turn, run.elapsed, run.tokens, run.cost_usd]"),
            run.evaluate("steps.a.status"),
        ]
        self.seen.append([run.now(), run.elapsed, state, expressions])


async def test_a_replay_shows_the_pattern_the_same_run(lab: Any) -> None:
    """now(), elapsed, state and expressions are the same at each place, crash after crash."""
    place = {"a": ["1"], "b": ["2"], "c": [MISSING, "3"], "d": [MISSING, "4"]}
    agent = ScriptedAgent(steps=place)
    notes = [Notes(), Notes(), Notes()]
    lab.patterns["mine"] = notes[0]
    run_id = (await run_loop(lab.kernel(agents=agent), patterned("a", "b", "c", "d"))).run_id
    for later in notes[1:]:
        lab.patterns["mine"] = later
        await asyncio.sleep(0.02)
        result = await resume_loop(lab.kernel(agents=agent), run_id)
    assert result.end.reason is EndReason.GOAL_MET
    first, second, third = (json.loads(json.dumps(each.seen)) for each in notes)
    assert len(first) == 5
    assert second[:5] == first
    assert third[: len(second)] == second
    span = third[-1][0] - third[0][0]
    assert third[-1][1] <= span - 0.04, "the pauses are no part of the time that the run was driven"


async def test_decisions_are_recorded_and_given_back(lab: Any) -> None:
    """What was decided stays decided, whatever the pattern would decide now; occurrences are told apart."""
    values = iter(range(100))
    heard: list[Any] = []

    async def deciding(run: Run) -> None:
        heard.clear()
        for step in run.spec.steps:
            heard.append(await run.decide("number", next(values)))
            heard.append(await run.decide("nothing", None))
            await run.step(step)
        heard.append(await run.decide("data", {"a": (1, 2)}))

    lab.patterns["mine"] = deciding
    agent = ScriptedAgent(steps={"a": ["1"], "b": [MISSING, "2"]})
    failed = await run_loop(lab.kernel(agents=agent), patterned("a", "b"))
    assert heard == [0, None, 1, None]
    ended = await resume_loop(lab.kernel(agents=agent), failed.run_id)
    assert heard == [0, None, 1, None, {"a": [1, 2]}]
    assert ended.end.reason is EndReason.GOAL_MET


async def test_a_decision_must_be_data(lab: Any) -> None:
    """What cannot be recorded cannot be decided: the run fails and names the decision."""

    async def deciding(run: Run) -> None:
        await run.decide("when", {"now": object()})

    lab.patterns["mine"] = deciding
    result = await run_loop(lab.kernel(), patterned("a"))
    assert result.end.reason is EndReason.FAILED
    assert "'when'" in result.end.detail


async def another_step(run: Run) -> None:
    """Begin with another step."""
    await run.step("b")


async def again(run: Run) -> None:
    """Take the first step twice."""
    await run.step("a")
    await run.step("a")


async def a_decision(run: Run) -> None:
    """Decide where a step was."""
    await run.decide("way", "left")


async def nothing_at_all(run: Run) -> None:
    """Return at once."""


async def a_stop(run: Run) -> None:
    """Return after the first step."""
    await run.step("a")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            another_step,
            r"asks for step 'b' \(occurrence 1\), but the journal holds step 'a' \(occurrence 1\)",
        ),
        (again, r"asks for step 'a' \(occurrence 2\), but the journal holds step 'b' \(occurrence 1\)"),
        (a_decision, r"asks for decision 'way' \(occurrence 1\), but the journal holds step 'a'"),
        (nothing_at_all, r"the pattern ends, but the journal goes on with step 'a' \(occurrence 1\)"),
        (a_stop, r"the pattern ends, but the journal goes on with step 'b' \(occurrence 1\)"),
    ],
)
async def test_a_changed_pattern_is_an_error_that_names_both(
    changed: Callable[[Run], Awaitable[None]], words: str, lab: Any
) -> None:
    """Nothing is executed or written, the lease is given back, and the old pattern can still go on."""
    lab.patterns["mine"] = in_turn
    agent = ScriptedAgent(steps={"a": ["1"], "b": ["2"], "c": [MISSING, "3"]})
    failed = await run_loop(lab.kernel(agents=agent), patterned("a", "b", "c"))
    before = await lab.events(failed.run_id)
    lab.patterns["mine"] = changed
    async with asyncio.timeout(10):
        with pytest.raises(ReplayMismatch, match=words) as caught:
            await resume_loop(lab.kernel(agents=ScriptedAgent()), failed.run_id)
    assert "Start a new run" in caught.value.remedy
    assert await lab.events(failed.run_id) == before
    lab.patterns["mine"] = in_turn
    assert (await resume_loop(lab.kernel(agents=agent), failed.run_id)).end.reason is EndReason.GOAL_MET


async def test_a_step_that_was_under_way_must_be_asked_for_again(lab: Any) -> None:
    """A pattern that passes over a step which had begun is a changed one, too."""
    lab.patterns["mine"] = in_turn
    agent = ScriptedAgent(steps={"a": [MISSING]})
    failed = await run_loop(lab.kernel(agents=agent), patterned("a", "b"))
    lab.patterns["mine"] = another_step
    with pytest.raises(ReplayMismatch, match=r"asks for step 'b' .* holds step 'a'"):
        await resume_loop(lab.kernel(agents=ScriptedAgent()), failed.run_id)


async def test_a_pattern_that_breaks_fails_the_run(lab: Any) -> None:
    """An exception of the pattern itself ends the run as failed and names the pattern."""

    async def broken(run: Run) -> None:
        await run.step("a")
        raise LookupError("lost my way")

    lab.patterns["mine"] = broken
    result = await run_loop(lab.kernel(agents=ScriptedAgent("1")), patterned("a"))
    assert result.end == (EndReason.FAILED, "pattern 'mine' raised LookupError: lost my way")


async def test_a_pattern_that_leaves_steps_undone_has_not_succeeded(lab: Any) -> None:
    """Returning early is no success."""
    lab.patterns["mine"] = a_stop
    result = await run_loop(lab.kernel(agents=ScriptedAgent("1")), patterned("a", "b"))
    assert result.end.reason is EndReason.FAILED
    assert "left steps undone" in result.end.detail


async def test_a_step_that_the_loop_does_not_have_fails_the_run(lab: Any) -> None:
    """A pattern that asks for an unknown step fails the run, which names it."""

    async def lost(run: Run) -> None:
        await run.step("z")

    lab.patterns["mine"] = lost
    result = await run_loop(lab.kernel(), patterned("a"))
    assert result.end.reason is EndReason.FAILED
    assert "'z'" in result.end.detail


async def test_the_snapshot_is_the_fold_of_the_journal(lab: Any) -> None:
    """The state that the engine holds at the end is what a reader of the journal comes to."""
    gates = [{"name": "second", "condition": "result.output == '2'"}]
    step = {"name": "work", "verification_gates": ["second"]}
    agent = ScriptedAgent(steps={"work": ["1", "2"], "other": [ConnectionError("down"), "done"]})
    spec = loop_spec(step, "other", policy={"verification_gates": gates})
    result = await run_loop(lab.kernel(agents=agent), spec, context={"colour": "blue"})
    fold, events = await lab.load(result.run_id)
    state = fold.snapshot()
    assert len(state.history) == 2
    assert result.snapshot() == state.model_copy(update={"history": []})
    assert state.started_at.timestamp() == pytest.approx(events[0].at)
    assert state.completed_at is not None
    assert state.completed_at.timestamp() == pytest.approx(events[-1].at)
    assert state.context == {"colour": "blue"}
    row = (await lab.memory.rows(prefix=result.run_id))[0]
    assert (row.status, row.reason, row.turn, row.owner) == ("completed", "goal_met", 2, None)


async def test_events_after_a_resume_go_on_where_the_first_ones_ended(lab: Any) -> None:
    """An observer of the second half sees new events only, with parents and turns of the first half."""
    agent = ScriptedAgent(steps={"a": ["1"], "b": [MISSING, "2"]})
    first, second = RecordingObserver(), RecordingObserver()
    failed = await run_loop(lab.kernel(agents=agent), loop_spec("a", "b"), observers=[first])
    await resume_loop(lab.kernel(agents=agent), failed.run_id, observers=[second])
    ids = [event.event_id for event in (*first.events, *second.events)]
    assert ids == [f"{failed.run_id}:{event.seq}" for event in await lab.events(failed.run_id)]
    assert second.types()[0] == "loop.resume"
    begun = second.of("step.start")[0]
    assert (begun.turn, begun.parent_event_id) == (2, first.events[0].event_id)


def attempts_of(requests: list[AgentRequest]) -> list[tuple[str, int, int]]:
    """Step, occurrence and attempt of each request."""
    return [(request.step, request.occurrence, request.attempt) for request in requests]


async def test_attempts_go_on_where_they_were(lab: Any) -> None:
    """A run that is lost between two attempts goes on with the second, with its feedback and the same key."""
    gate = {"name": "good", "condition": "output == 'good'"}
    step = {"name": "work", "verification_gates": ["good"], "prompt_template": "<{feedback}>"}
    spec = loop_spec(step, policy={"verification_gates": [gate], "retry": {"initial_delay_seconds": 0}})
    first = ScriptedAgent("bad", MISSING)
    failed = await run_loop(lab.kernel(agents=first), spec)
    second = ScriptedAgent("good")
    ended = await resume_loop(lab.kernel(agents=second), failed.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    assert attempts_of(first.requests) == [("work", 1, 1), ("work", 1, 2)]
    assert attempts_of(second.requests) == [("work", 1, 2)]
    assert second.requests[0].prompt == first.requests[1].prompt
    assert second.requests[0].prompt.startswith("<[good] ")
    assert second.requests[0].idempotency_key == first.requests[1].idempotency_key
