"""What the tree and the report show of requests to models and calls of tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_exporters.markdown import MarkdownExporter
from loopengt_exporters.tree import TreeExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .conftest import Entry, Recorded

    Make = Callable[[Sequence[Entry]], Recorded]
    Laps = Callable[..., list[Entry]]

BEGUN: dict[str, Any] = {"turn": 1, "occurrence": 1, "attempt": 1, "agent": "worker"}


def model(number: int) -> list[Entry]:
    """Return the events of a request to a model."""
    call = {"attempt": 1, "call": f"model {number}"}
    answer = {
        "response": {"text": "", "model": "m-1"},
        "token_usage": {"total_tokens": 1200},
        "duration": 1.5,
    }
    return [("model.request", "work", call | {"messages": 1}), ("model.response", "work", call | answer)]


def tool(number: int, given: Any, error: str = "") -> list[Entry]:
    """Return the events of a call of a tool."""
    call = {"attempt": 1, "call": f"tool {number}", "tool": "send"}
    ended: Entry = ("tool.result", "work", call | {"output": "sent", "duration": 0.25})
    if error:
        ended = ("tool.error", "work", call | {"error": error, "duration": 0.25})
    return [("tool.call", "work", call | {"input": given}), ended]


def story(laps: Laps, *calls: list[Entry]) -> list[Entry]:
    """Return a run whose only attempt has made some calls and goes on."""
    return [laps()[0], ("step.start", "work", BEGUN), *(entry for call in calls for entry in call)]


def test_calls_stand_below_their_attempt(make: Make, laps: Laps) -> None:
    """Model, tokens and duration of a request; name, input, outcome and duration of a tool's call, in order."""
    run = make(story(laps, model(1), tool(1, {"to": "bob"}), tool(2, {"to": "x" * 500}, "no\nsuch person")))
    shown = TreeExporter().export(*run).splitlines()
    assert shown[4:6] == [
        "   └─ attempt 1  worker · 1,200 tokens · cost unknown",
        "      ├─ model m-1  ok · 1.50s · 1,200 tokens · cost unknown",
    ]
    assert shown[6] == '      ├─ tool send {"to": "bob"}  ok · 0.25s'
    assert shown[7].startswith('      └─ tool send {"to": "xxxx')
    assert shown[7].endswith("…  FAIL · no such person · 0.25s")
    assert len(shown[7]) < 150
    assert "1,200 tokens" in shown[1], "what an open attempt has used is part of the run's total"


def test_an_attempt_that_ended_counts_its_requests_once(make: Make, laps: Laps) -> None:
    """The figures of an answer hold those of its requests, also when it waited for a rate limit in between."""
    answer = {"attempt": 1, "output": "ok", "duration": 3.0, "token_usage": {"total_tokens": 2400}}
    waited = {"attempt": 1, "reason": "rate_limit", "delay": 1.0}
    events = story(laps, model(1), [("step.retry", "work", waited), ("step.start", "work", BEGUN)], model(2))
    shown = TreeExporter().export(*make([*events, ("agent.response", "work", answer)]))
    assert "· 2,400 tokens ·" in shown.splitlines()[1]


def test_a_call_that_began_twice_is_one(make: Make, laps: Laps) -> None:
    """A request that a crash cut short and that was made again is shown once; one that never ended has no result."""
    first, second = model(1), tool(1, {"to": "bob"})
    shown = TreeExporter().export(*make(story(laps, [first[0]], first, [second[0]])))
    assert shown.count("model m-1") == 1
    assert 'tool send {"to": "bob"}  no result' in shown


def test_calls_that_an_agent_tells_of_are_told_apart(make: Make, laps: Laps) -> None:
    """Calls without the engine's key are matched by the agent's own ids, or by their tool, in order."""
    by_id: list[Entry] = [
        ("tool.call", "work", {"tool": "grep", "call_id": "a", "input": {"for": "x"}}),
        ("tool.call", "work", {"tool": "grep", "call_id": "b", "input": {"for": "y"}}),
        ("tool.error", "work", {"tool": "grep", "call_id": "a", "error": "none"}),
        ("tool.result", "work", {"tool": "grep", "call_id": "b", "output": "line"}),
        ("tool.call", "work", {"tool": "hammer"}),
        ("tool.call", "work", {"tool": "hammer"}),
    ]
    shown = TreeExporter().export(*make(story(laps, by_id)))
    assert 'tool grep {"for": "x"}  FAIL · none' in shown
    assert 'tool grep {"for": "y"}  ok' in shown
    assert shown.count("tool hammer  no result") == 2


def test_many_calls_are_counted(make: Make, laps: Laps) -> None:
    """More than 20 calls of one attempt become a line for each kind, in the tree and in the report."""
    calls = [tool(number, {"n": number}, "no" if number < 4 else "") for number in range(1, 21)]
    run = make(story(laps, model(1), *calls))
    shown = TreeExporter().export(*run)
    assert "├─ 1 model requests  1 ok · 1.50s · 1,200 tokens" in shown
    assert "└─ 20 tool calls  17 ok · 3 FAIL · 5.00s" in shown
    assert '{"n"' not in shown
    report = MarkdownExporter().export(*run)
    assert "| 1 | `work` | 1 | `20 tool calls` | `17 ok · 3 FAIL · 5.00s` |" in report


def test_the_report_has_a_table_of_calls(make: Make, laps: Laps) -> None:
    """Each call is a row, with whatever tools were given in a code span that a cell cannot end."""
    report = MarkdownExporter().export(*make(story(laps, model(1), tool(1, {"to": "a|b`"}))))
    assert "## Calls\n\n| Turn | Step | Attempt | Call | Outcome |" in report
    assert "| 1 | `work` | 1 | `model m-1` | `ok · 1.50s · 1,200 tokens · cost unknown` |" in report
    assert '| 1 | `work` | 1 | ``tool send {"to": "a\\|b`"}`` | `ok · 0.25s` |' in report
