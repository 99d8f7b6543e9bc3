"""Events as an agent may write them: wrong types, huge values, and what no encoding takes."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from loopengt.testing import loop_spec
from loopengt_hookspecs.models import LoopState, TraceEvent, parse_event

from loopengt_otel.telling.family import Family
from loopengt_otel.telling.texts import Texts

from .receivers import attributes, events

if TYPE_CHECKING:
    from .lab import Lab
    from .receivers import HttpReceiver


def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


NASTY: list[Any] = [
    None,
    True,
    -1,
    2**70,
    1e308,
    float("nan"),
    float("inf"),
    "\ud800 lone",
    "nul \x00 esc \x1b[31m rtl \u202e",
    "x" * 300_000,
    [],
    {},
    [[["deep"]]],
    {"a": {"\udfff": [1, None]}},
]
KEYS = words(
    """
    attempt call call_id tool tool_type input output error kinds duration token_usage cost_usd
    cost_source response provider model prompt gate kind proof feedback judge score passed
    threshold criteria reasoning evaluation reason detail turn occurrence agent of items delay
    loop pattern goal run skipped entries scope name value number
    """
)
KINDS = words(
    """
    loop.start loop.resume loop.pause step.start agent.invoke model.request model.response
    model.error tool.call tool.result tool.error agent.response agent.error gate.pass
    gate.fail judge.score handoff decision progress custom memory.read memory.write
    approval.request approval.decision budget.exceeded checkpoint.save step.retry
    step.complete step.error loop.error loop.complete
    """
)


def told(kinds: list[tuple[str, dict[str, Any]]], run_id: str = "r1") -> list[TraceEvent]:
    """Events of a run, a millisecond apart."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        parse_event(
            {
                "event_id": f"{run_id}:{seq}",
                "event_type": kind,
                "timestamp": began + timedelta(milliseconds=seq),
                "run_id": run_id,
                "step_name": None if kind.startswith("loop.") else "work",
                "data": data,
            }
        )
        for seq, (kind, data) in enumerate(kinds, 1)
    ]


@pytest.mark.parametrize("content", [False, True])
async def test_whatever_an_event_holds_can_be_sent(lab: Lab, http: HttpReceiver, content: bool) -> None:
    """Every value under every key of every type of event makes a batch that a receiver reads."""
    kinds = [(kind, dict.fromkeys(KEYS, value)) for value in NASTY for kind in KINDS]
    sender = lab.to(http, content=content, content_limit=2_000).another().get("exporters", "otel")
    sentence = await sender.send(LoopState(run_id="r1", loop_name="x"), told(kinds))

    assert sentence.startswith("Sent ")
    assert len(http.spans) > len(NASTY)
    longest = max(
        len(value) for span in http.received for value in attributes(span).values() if isinstance(value, str)
    )
    assert longest < 10_000


async def test_events_without_a_beginning_are_no_error(lab: Lab, http: HttpReceiver) -> None:
    """A journal of which the beginning is lost still gives what can be known."""
    sender = lab.to(http).another().get("exporters", "otel")
    recorded = told(
        [("agent.response", {}), ("step.complete", {}), ("loop.complete", {"reason": "goal_met"})]
    )
    await sender.send(LoopState(run_id="r1", loop_name="x"), recorded)

    assert [span.name for span in http.received] == ["step work", "invoke_workflow"]


async def test_a_flood_of_events_is_counted(lab: Lab, http: HttpReceiver) -> None:
    """Of more events than a span may have only the number is told."""
    sender = lab.to(http).another().get("exporters", "otel")
    recorded = told([("loop.start", {"loop": "x"}), *[("custom", {})] * 500, ("loop.complete", {})])
    await sender.send(LoopState(run_id="r1", loop_name="x"), recorded)

    [run] = http.received
    assert (len(run.events), run.dropped_events_count) == (128, 372)


def test_calls_without_end_do_not_fill_the_memory() -> None:
    """An agent that tells of calls and never of results has no more than some of them open."""
    family = Family("r1", Texts())
    items = [
        item
        for event in told([("step.start", {"agent": "a"}), *[("tool.call", {"tool": "t"})] * 5_000])
        for item in family.take(event)
    ]
    assert 4_000 <= len(items) < 5_000


def test_a_value_of_ten_megabytes_is_quickly_cut() -> None:
    """A large output costs no more than what is told of it."""
    texts = Texts(content=True)
    large = {"rows": [{"n": n, "text": "x" * 100} for n in range(60_000)]}
    began = time.perf_counter()
    assert len(texts.whole(large)) == 16_384
    assert len(texts.whole("x" * 10_000_000)) == 16_384
    assert time.perf_counter() - began < 0.2


async def test_what_agents_emit_is_told_by_its_place(lab: Lab, http: HttpReceiver) -> None:
    """A custom event is told on the attempt, and its text only with content."""

    def work(request: Any) -> str:
        request.emit("custom", {"summarized": "PRIVATE", "tokens_before": 9})
        return "done"

    lab.agent.script("work", work)
    result = await lab.to(http).run(loop_spec())
    await lab.export(result.run_id)

    [event] = events(http.named("invoke_agent worker")[0], "loopengt.custom")
    assert event == {"loopengt.custom.tokens_before": 9}
