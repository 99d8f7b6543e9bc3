"""Observers see every event in order, and nothing that they do disturbs the run."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import hookimpl
from loopengt.redaction import MARK, Redactor
from loopengt.testing import RecordingObserver, ScriptedAgent, loop_spec, make_kernel, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.models import AgentEvent, EndReason, Event, LoopEvent, StepEvent, ToolEvent
from loopengt_local.intake import Intake
from loopengt_local.observers import ObserverHub

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent


class Broken(RecordingObserver):
    """An observer that raises at everything."""

    async def on_event(self, event: TraceEvent) -> None:
        """Note the event and raise."""
        await super().on_event(event)
        raise RuntimeError("cannot watch")

    async def close(self) -> None:
        """Raise."""
        raise RuntimeError("cannot close")


class Unsure(RecordingObserver):
    """An observer that does not know whether to watch."""

    def enabled(self) -> bool:
        """Raise."""
        raise RuntimeError("who knows")


class Idle(RecordingObserver):
    """An observer that does not want to watch."""

    def enabled(self) -> bool:
        """Say no."""
        return False


class Stuck(RecordingObserver):
    """An observer that never comes back from its first event."""

    async def on_event(self, event: TraceEvent) -> None:
        """Hang."""
        await super().on_event(event)
        await asyncio.Event().wait()


async def test_events_come_in_the_order_of_the_journal(lab: Any) -> None:
    """The events of a retried and gated run are those of the journal, in its order, each once."""
    gate = {"name": "good", "condition": "output == 'good'"}
    step = {"name": "work", "verification_gates": ["good"]}
    spec = loop_spec(step, policy={"verification_gates": [gate], "retry": {"initial_delay_seconds": 0}})
    seen = RecordingObserver()
    agent = ScriptedAgent("bad", TimeoutError("slow"), "good")
    result = await run_loop(lab.kernel(agents=agent), spec, observers=[seen])
    assert seen.types() == await lab.types(result.run_id)
    attempt = ["step.start", "agent.invoke"]
    assert seen.types() == [
        "loop.start",
        *attempt,
        "agent.response",
        "gate.fail",
        "step.retry",
        *attempt,
        "agent.error",
        "step.retry",
        *attempt,
        "agent.response",
        "gate.pass",
        "step.complete",
        "loop.complete",
    ]
    assert seen.closed == 1


async def test_starts_are_seen_under_way_and_results_when_they_are_durable(lab: Any) -> None:
    """An observer knows that a step began while it is under way; its end is shown after it was written."""

    class Writing(RecordingObserver):
        async def on_event(self, event: TraceEvent) -> None:
            await super().on_event(event)
            if event.event_type == "tool.call":
                called.set()
            if event.event_type == "step.complete":
                assert "step.complete" in await lab.types(event.run_id)
                proven.append(event)

    async def look(request: Any) -> str:
        request.emit("tool.call", {"tool": "grep", "input": {"pattern": "x"}})
        await asyncio.wait_for(called.wait(), 10)
        during.extend(seen.types())
        return "done"

    called = asyncio.Event()
    during: list[str] = []
    proven: list[Any] = []
    seen = Writing()
    await run_loop(lab.kernel(agents=ScriptedAgent(look)), loop_spec(), observers=[seen])
    assert during == ["loop.start", "step.start", "agent.invoke", "tool.call"]
    assert len(proven) == 1


async def test_an_observer_that_raises_disturbs_nobody(lab: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told of every event all the same, the others too, the run succeeds, and the log says who raised."""
    broken, unsure, idle, seen = Broken(), Unsure(), Idle(), RecordingObserver()
    result = await run_loop(
        lab.kernel(agents=ScriptedAgent("x")), loop_spec(), observers=[broken, unsure, idle, seen]
    )
    assert result.end.reason is EndReason.GOAL_MET
    assert broken.types() == seen.types()
    assert unsure.events == idle.events == []
    assert seen.closed == 1
    assert "observer=Broken" in capsys.readouterr().err


async def test_an_observer_that_hangs_is_left_behind(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run does not wait for it, and its end waits no longer than a few seconds."""
    monkeypatch.setattr("loopengt_local.observers._CLOSE_SECONDS", 0.2)
    stuck, seen = Stuck(), RecordingObserver()
    result = await run_loop(
        lab.kernel(agents=ScriptedAgent("1", "2")), loop_spec("a", "b"), observers=[stuck, seen]
    )
    assert result.end.reason is EndReason.GOAL_MET
    assert stuck.types() == ["loop.start"]
    assert seen.types()[-1] == "loop.complete"


async def test_events_carry_what_their_family_promises(lab: Any) -> None:
    """Parents, turns, agents, tokens, outputs and durations are in the public shape."""

    async def work(request: Any) -> AgentReply:
        request.emit("tool.call", {"tool": "grep", "tool_type": "builtin", "input": {"pattern": "x"}})
        request.emit("tool.result", {"tool": "grep", "output": [1, 2], "duration": 0.5})
        return AgentReply({"n": 1}, {"prompt_tokens": 7, "completion_tokens": 3}, cost_usd=0.5)

    role = {"name": "worker", "config": {"provider": "scripted", "model": "m-1"}}
    seen = RecordingObserver()
    await run_loop(lab.kernel(agents=ScriptedAgent(work)), loop_spec(agents=[role]), observers=[seen])
    start, begun, invoked, call, result, response, complete, end = seen.events
    assert isinstance(start, LoopEvent)
    assert (start.loop_name, start.pattern, start.parent_event_id) == ("demo", "sequential", None)
    assert isinstance(begun, StepEvent)
    assert (begun.step_name, begun.agent_name, begun.turn, begun.attempt) == ("work", "worker", 1, 1)
    assert begun.parent_event_id == start.event_id
    assert {event.parent_event_id for event in (invoked, call, result, response, complete)} == {
        begun.event_id
    }
    assert isinstance(call, ToolEvent)
    assert (call.tool_name, call.tool_type, call.input_data) == ("grep", "builtin", {"pattern": "x"})
    assert isinstance(result, ToolEvent)
    assert (result.output_data, result.duration_seconds) == ([1, 2], 0.5)
    assert isinstance(response, AgentEvent)
    assert (response.model, response.prompt_tokens, response.completion_tokens) == ("m-1", 7, 3)
    assert isinstance(complete, StepEvent)
    assert (complete.output, complete.error) == ({"n": 1}, None)
    assert end.parent_event_id == start.event_id
    assert [event.timestamp for event in seen.events] == sorted(event.timestamp for event in seen.events)


async def test_configured_observers_watch_every_run(lab: Any) -> None:
    """[observers] names those that watch besides the ones a caller gives."""
    configured, given = RecordingObserver(), RecordingObserver()

    @hookimpl
    def loopengt_register_observers(register: Any) -> None:
        register("watcher", configured, summary="Watches")

    kernel = make_kernel(
        lab.project,
        agents=ScriptedAgent("x"),
        plugins=[("watching", SimpleNamespace(loopengt_register_observers=loopengt_register_observers))],
        config={"observers": {"names": ["watcher"]}},
    )
    await run_loop(kernel, loop_spec(), observers=[given])
    assert configured.types() == given.types() != []


async def test_an_event_that_makes_no_sense_costs_only_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """What has no public shape is left out, with a line in the log, and what follows is shown."""
    seen = RecordingObserver()
    hub = ObserverHub("r", [seen])
    hub.start()
    hub.publish(_event(1, "loop.start", {"loop": "demo"}))
    hub.publish(_event(2, "no.such.type", {}))
    hub.publish(_event(3, "decision", {"name": "x", "value": 1}))
    await hub.close()
    assert seen.types() == ["loop.start", "decision"]
    assert "events cannot be shown" in capsys.readouterr().err


async def test_secrets_are_taken_out_of_those_events_alone_that_have_some() -> None:
    """Of hundreds of events that are searched together, each keeps its place, and the one with a token loses that."""
    token = "ghp_" + "a1B2" * 9
    intake = Intake(Redactor([]), Redactor([], tokens=True))
    seen = RecordingObserver()
    hub = ObserverHub("r", [seen], leaving=intake.leaving)
    hub.start()
    for seq in range(1, 601):
        hub.publish(_event(seq, "decision", {"name": f"n{seq}", "value": token if seq == 300 else seq}))
    await hub.close()
    assert [event.data["name"] for event in seen.events] == [f"n{seq}" for seq in range(1, 601)]
    assert {seq: event.data["value"] for seq, event in enumerate(seen.events, 1)} == {
        seq: MARK if seq == 300 else seq for seq in range(1, 601)
    }


async def test_what_cannot_be_searched_for_secrets_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """When the search fails, the events are lost to observers, the log says so, and the next ones are shown."""

    async def leaving(events: list[Event]) -> list[Event]:
        if events[0].data["name"] == "first":
            failed.set()
            raise OSError("no process")
        return events

    failed = asyncio.Event()
    seen = RecordingObserver()
    hub = ObserverHub("r", [seen], leaving=leaving)
    hub.start()
    hub.publish(_event(1, "decision", {"name": "first", "value": 1}))
    await asyncio.wait_for(failed.wait(), 10)
    hub.publish(_event(2, "decision", {"name": "second", "value": 2}))
    await hub.close()
    assert [event.data["name"] for event in seen.events] == ["second"]
    assert "events cannot be shown" in capsys.readouterr().err


async def test_a_slow_pattern_does_not_hold_the_run_up() -> None:
    """While another process searches an event for a pattern that takes too long, the loop has its turns."""
    intake = Intake(Redactor([]), Redactor([], patterns=["(a+)+$"]))
    search = asyncio.create_task(intake.leaving([_event(1, "decision", {"value": "a" * 60 + "!"})]))
    turns = 0
    while not search.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert search.result()[0].data["value"].startswith("[withheld")
    assert turns > 10


def _event(seq: int, kind: str, data: dict[str, Any]) -> Event:
    return Event(seq=seq, type=kind, at=1_700_000_000.0 + seq, step=None, data=data)
