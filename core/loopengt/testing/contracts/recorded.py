"""Runs as suites show them to metrics, exporters and observers: a real one, parts of it, and events that mean harm."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from loopengt.testing.contracts.data import HOSTILE
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.metrics import RecordedRun
    from loopengt_hookspecs.models import Event, LoopState, TraceEvent

__all__ = ["Recorded", "begun", "damaged", "empty", "finished", "hostile", "hostile_journal", "interrupted"]

RUN_ID = "run-under-test"


@dataclass(frozen=True)
class Recorded:
    """A run in the forms that components see."""

    state: LoopState
    events: Sequence[TraceEvent]
    journal: Sequence[Event]

    def measured(self, **changes: Any) -> RecordedRun:
        """The run as metrics see it."""
        from loopengt_hookspecs.metrics import RecordedRun

        facts: dict[str, Any] = {"state": self.state, "events": self.journal, "tokens": 46, "cost_usd": 0.5}
        return RecordedRun(**(facts | {"unknown_costs": 0, "elapsed": 2.5} | changes))


@cache
def finished() -> Recorded:
    """A real run with a gate that fails once, an agent that fails once, tools, and a run as a step; its goal is met."""
    # In a thread, since the caller may be within an event loop.
    with ThreadPoolExecutor(1) as pool, TemporaryDirectory(prefix="loopengt-") as folder:
        return pool.submit(lambda: asyncio.run(_record(Path(folder)))).result()


async def _record(folder: Path) -> Recorded:
    from loopengt.journal import Tracer, load_run
    from loopengt.testing.running import loop_spec, make_kernel, run_loop
    from loopengt.testing.scripted import ScriptedAgent

    broken = AgentError("the service is down", kind="ConnectionError", token_usage={"prompt_tokens": 2})
    agent = ScriptedAgent(steps={"write": ["too long\nby far", "fine"], "check": [broken, _with_tools]})
    steps = [
        {"name": "write", "verification_gates": ["fine"], "prompt_template": "Write {goal} {feedback}"},
        {"name": "check", "dependencies": ["write"]},
        {"name": "rest", "dependencies": ["check"]},
    ]
    gates = [{"name": "fine", "condition": "output == 'fine'"}]
    policy = {"verification_gates": gates, "retry": {"initial_delay_seconds": 0, "max_retries": 2}}
    kernel = make_kernel(folder, agents=agent)
    async with kernel.storage() as storage:
        await run_loop(kernel, loop_spec(*steps, policy=policy), run_id=RUN_ID)
        fold, journal = await load_run(storage, RUN_ID)
    return Recorded(fold.snapshot(), Tracer(RUN_ID).convert_all(journal), journal)


def _with_tools(request: AgentRequest) -> AgentReply:
    request.emit("tool.call", {"tool": "search", "tool_type": "builtin", "input": {"query": "x"}})
    request.emit("tool.result", {"tool": "search", "tool_type": "builtin", "output": ["a", "b"]})
    request.emit("custom", {"note": "by the way"})
    usage = {"prompt_tokens": 30, "completion_tokens": 14}
    return AgentReply({"checked": True}, usage, cost_usd=0.5, cost_source="reported")


def empty() -> Recorded:
    """A run of which nothing is recorded yet."""
    from loopengt_hookspecs.models import LoopState

    return Recorded(LoopState(run_id=RUN_ID, loop_name="demo"), (), ())


def begun() -> list[Recorded]:
    """The finished run as it was at several earlier places."""
    whole = finished()
    return [part(whole, 0, length) for length in range(1, len(whole.journal), 3)]


def interrupted() -> Recorded:
    """The finished run without its end."""
    whole = finished()
    return part(whole, 0, len(whole.journal) - 2)


def damaged() -> Recorded:
    """The finished run without its beginning, as a damaged journal leaves it."""
    whole = finished()
    return Recorded(empty().state, whole.events[3:], whole.journal[3:])


def part(whole: Recorded, first: int, last: int) -> Recorded:
    """Return a part of a run, its state folded anew."""
    from loopengt.journal import Fold

    fold = Fold()
    fold.apply_all(whole.journal[first:last])
    return Recorded(fold.snapshot(), whole.events[first:last], whole.journal[first:last])


def hostile() -> Recorded:
    """A run with an event of every type, its data of every odd shape."""
    from loopengt_hookspecs.models import EventType, parse_event

    events: list[TraceEvent] = []
    keys = (
        "output",
        "error",
        "feedback",
        "question",
        "prompt",
        "gate",
        "name",
        "reason",
        "detail",
        "text",
        "tool",
    )
    odds: tuple[Any, ...] = (None, "text\x1b[2J\n</script>\x00", 10**30, [None, {"a": []}], {"": "x"}, True)
    for round_, odd in enumerate(odds):
        for event_type in EventType:
            number = len(events)
            data: dict[str, Any] = dict.fromkeys(keys, odd) if round_ else {}
            fields: dict[str, Any] = {
                "event_id": f"{RUN_ID}:{number}",
                "event_type": event_type.value,
                "timestamp": f"2026-01-02T03:04:{number % 60:02d}Z",
                "run_id": RUN_ID,
                "step_name": None if number % 3 else "<b>step</b>\n\x1b[1m",
                "data": data | {"hostile": HOSTILE[number % len(HOSTILE)]},
            }
            events.append(parse_event(fields))
    return Recorded(empty().state, events, hostile_journal())


def hostile_journal() -> list[Event]:
    """The finished run's journal with events that agents added, as odd as can be."""
    from loopengt_hookspecs.models import Event

    journal = list(finished().journal)
    for odd in HOSTILE:
        data = odd if isinstance(odd, dict) else {"value": odd}
        journal.append(Event(len(journal) + 1, "custom", journal[-1].at, "check", dict(data)))
    return journal
