"""Runs that are broken off: by a time limit, a signal, a person, or whoever awaits them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import RecordingObserver, ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.models import EndReason, RunStatus

from .hanging import Hanging

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent


def brief() -> dict[str, Any]:
    """A loop of one step with a short time limit."""
    return loop_spec({"name": "work", "timeout_seconds": 0.05})


async def test_an_agent_that_turns_its_cancellation_into_an_error_has_timed_out(lab: Any) -> None:
    """The attempt counts as a timeout, and the time limit of the run still works afterwards."""
    agent = ScriptedAgent(steps={"work": [Hanging(AgentError("I was killed")), "done"], "more": [Hanging()]})
    spec = brief()
    spec["policy"]["max_total_time_seconds"] = 0.8
    spec["steps"].append({"name": "more", "agent": "worker"})
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert agent.asked("work")[1].feedback == "step 'work' took longer than its 0.05 seconds"
    assert result.end == (EndReason.EXHAUSTED, "time limit: 0.8 seconds are over")


async def test_an_agent_that_answers_although_it_was_cancelled_is_heard(lab: Any) -> None:
    """An answer that comes after the time limit has struck is an answer, and nothing else is cancelled by it."""
    agent = ScriptedAgent(steps={"work": [Hanging("late, but here")], "next": ["fine"]})
    spec = brief()
    spec["steps"].append({"name": "next", "agent": "worker"})
    result = await run_loop(lab.kernel(agents=agent), spec)
    assert result.end.reason is EndReason.GOAL_MET
    assert result.snapshot().step_states["work"].result.output == "late, but here"


async def test_an_agent_that_cancels_itself_only_fails_its_step(lab: Any) -> None:
    """A CancelledError out of an agent that nobody cancelled is an error of that agent."""
    agent = ScriptedAgent(asyncio.CancelledError("inside"), "never asked")
    result = await run_loop(lab.kernel(agents=agent), loop_spec("a", "b"))
    assert result.end.reason is EndReason.FAILED
    assert "CancelledError" in result.end.detail
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


class Watching(RecordingObserver):
    """An observer that tells when something happens for the first time."""

    def __init__(self, event_type: str) -> None:
        super().__init__()
        self.happened = asyncio.Event()
        self._type = event_type

    async def on_event(self, event: TraceEvent) -> None:
        """Keep the event, and tell when it is the one."""
        await super().on_event(event)
        if event.event_type == self._type:
            self.happened.set()


@pytest.mark.parametrize("waiting_for", ["agent", "gate", "delay"])
async def test_an_interrupt_pauses_and_resume_comes_to_the_same_end(waiting_for: str, lab: Any) -> None:
    """Whatever the run waits for: it rests at once, keeps what was done, and goes on to the undisturbed end."""
    hanging = Hanging()
    watching = Watching("step.retry")
    gate = {"name": "one", "kind": "told_slowly"}
    steps = ["a", {"name": "b", "verification_gates": ["one"]}, "c"]
    spec = loop_spec(*steps, policy={"verification_gates": [gate], "retry": {"initial_delay_seconds": 0.5}})
    first = {"agent": [hanging], "gate": ["2"], "delay": [TimeoutError("slow")]}[waiting_for]
    agent = ScriptedAgent(steps={"a": ["1"], "b": [*first, "2"], "c": ["3"]})
    if waiting_for == "gate":
        lab.slow_gates.verdicts = {"one": [hanging]}
    kernel = lab.kernel(agents=agent)
    running = asyncio.create_task(run_loop(kernel, spec, run_id="r", observers=[watching]))
    await (watching.happened if waiting_for == "delay" else hanging.asked).wait()
    kernel.engine().interrupt("another run")
    kernel.engine().interrupt("r")
    kernel.engine().interrupt()
    paused = await running
    assert paused.end.reason is EndReason.INTERRUPTED
    assert paused.end.reason.exit_code == 130
    assert (await lab.memory.rows())[0].status == "paused"
    assert paused.snapshot().status is RunStatus.PAUSED
    ended = await resume_loop(lab.kernel(agents=agent), "r")
    assert ended.end.reason is EndReason.GOAL_MET
    history = (await lab.load("r"))[0].snapshot().history
    assert [entry["result"].output for entry in history] == ["1", "2", "3"]
    assert len(agent.asked("a")) == 1


async def test_an_interrupt_by_an_agent_itself_takes_effect(lab: Any) -> None:
    """interrupt() called from inside a step, which never waits, pauses the run before the next one."""

    def pull(_: object) -> str:
        kernel.engine().interrupt()
        return "1"

    agent = ScriptedAgent(steps={"a": [pull], "b": ["2"]})
    kernel = lab.kernel(agents=agent)
    paused = await run_loop(kernel, loop_spec("a", "b"), run_id="r")
    assert paused.end.reason is EndReason.INTERRUPTED
    assert [request.step for request in agent.requests] == ["a"]
    await asyncio.sleep(0)  # no cancellation is left over for whoever started the run
    ended = await resume_loop(kernel, "r")
    assert ended.end.reason is EndReason.GOAL_MET
    assert [request.step for request in agent.requests] == ["a", "b"]


async def test_whoever_cancels_the_task_cancels_the_run(lab: Any) -> None:
    """Cancellation from outside ends the run as cancelled, in the journal too, and goes on outwards."""
    hanging = Hanging()
    running = asyncio.create_task(
        run_loop(lab.kernel(agents=ScriptedAgent(hanging)), loop_spec(), run_id="r")
    )
    await hanging.asked.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert hanging.cancelled
    row = (await lab.memory.rows())[0]
    assert (row.status, row.reason, row.owner) == ("cancelled", "cancelled", None)


async def test_a_timeout_around_the_call_is_the_callers_own(lab: Any) -> None:
    """asyncio.timeout around a run ends it as cancelled and is raised as TimeoutError."""

    async def too_long(_: object) -> None:
        limit.reschedule(asyncio.get_running_loop().time())
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(None) as limit:
            await run_loop(lab.kernel(agents=ScriptedAgent(too_long)), loop_spec())
    assert (await lab.memory.rows())[0].status == "cancelled"


class Telling:
    """A storage that tells when a renewal has brought signals."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.told = asyncio.Event()

    async def renew(self, *args: Any) -> Any:
        """Renew, and tell."""
        renewal = await self.inner.renew(*args)
        if renewal.signals:
            self.told.set()
        return renewal

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.mark.parametrize("comment", ["", "enough for today"])
async def test_a_stop_signal_ends_the_run_before_its_next_turn(comment: str, lab: Any) -> None:
    """The step under way is finished; then the run is stopped, with the comment of whoever stopped it."""

    async def stopped(request: Any) -> str:
        if request.occurrence == 1:
            await lab.memory.signal(request.run_id, {"type": "unknown"})
            await lab.memory.signal(request.run_id, {"type": "stop", "comment": comment})
            await storage.told.wait()
        return "x"

    storage = Telling(lab.memory)
    agent = ScriptedAgent(steps={"work": stopped})
    kernel = lab.kernel(storage=storage, agents=agent, poll_seconds=0.02)
    result = await run_loop(kernel, loop_spec(pattern="repeat"))
    assert result.end == (EndReason.STOPPED, comment or "stopped by `loopengt stop`")
    assert len(agent.requests) == 1
    assert result.snapshot().status is RunStatus.CANCELLED


@pytest.mark.slow
async def test_the_time_limit_counts_driven_time_only(lab: Any) -> None:
    """After a pause the rest of the time is left, and what was used before counts."""
    hanging = Hanging()
    kernel = lab.kernel(agents=ScriptedAgent(hanging, Hanging()))
    spec = loop_spec(stop_conditions=[{"condition_type": "timeout", "value": 1.0}])
    running = asyncio.create_task(run_loop(kernel, spec, run_id="r"))
    await hanging.asked.wait()
    await asyncio.sleep(0.6)
    kernel.engine().interrupt()
    paused = await running
    assert 0.5 < paused.elapsed < 1.0
    await asyncio.sleep(0.3)
    seen = RecordingObserver()
    ended = await resume_loop(kernel, "r", observers=[seen])
    assert ended.end.reason is EndReason.EXHAUSTED
    span = (seen.events[-1].timestamp - seen.events[0].timestamp).total_seconds()
    assert 0.99 - paused.elapsed < span < 0.9
    assert ended.elapsed == pytest.approx(paused.elapsed + span, abs=0.01)
