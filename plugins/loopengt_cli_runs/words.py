"""Puts each event into a line: its short data, in words where there are good ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.display import decision, duration, first_line, one_line, origin, proof, spent, visible
from loopengt.journal import total_tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loopengt_cli_runs.places import Place
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["event_line", "event_words", "sequence", "short_run"]

_LONGEST = 120


def event_words(event: TraceEvent) -> str:
    """Return what happened, without what kind of event it is, on one line without control characters."""
    told = _WORDS.get(event.event_type.value, _any)
    try:
        return "  ".join(part for part in told(event.data) if part)
    except (TypeError, ValueError, AttributeError, KeyError):  # agents and plugins add events, too
        return one_line(event.data, _LONGEST)


def event_line(event: TraceEvent, place: Place, root: str) -> str:
    """Return the line of an event: position, time in UTC, type, execution, and short data."""
    at = f"{event.timestamp:%H:%M:%S}.{event.timestamp.microsecond // 1000:03}"
    where = visible(place.label) or "-"
    return f"{sequence(event, root):>5}  {at}  {event.event_type.value:<15}  {where:<14}  {event_words(event)}".rstrip()


def sequence(event: TraceEvent, root: str) -> str:
    """Return the position of an event in its journal, behind the name of the child run when it is of one."""
    number = event.event_id.rpartition(":")[2]
    run = short_run(event.run_id, root)
    return visible(f"{run}:{number}" if run else number)


def short_run(run_id: str, root: str) -> str:
    """Return what is left of a child run's id behind that of the run at the top; empty for that one itself."""
    return "" if run_id == root else run_id.removeprefix(root).lstrip("-.:/") or run_id


def _any(data: dict[str, Any]) -> Iterator[str]:
    yield one_line(data, _LONGEST) if data else ""


def _start(data: dict[str, Any]) -> Iterator[str]:
    yield f"loop {one_line(data.get('loop', '?'))}"
    yield f"pattern {one_line(data.get('pattern', '?'))}"
    yield first_line(str(data.get("goal") or ""), 80)


def _rest(data: dict[str, Any]) -> Iterator[str]:
    yield one_line(data.get("reason", ""))
    yield first_line(str(data.get("detail") or ""), _LONGEST)


def _step(data: dict[str, Any]) -> Iterator[str]:
    if data.get("turn"):
        yield f"turn {data['turn']}"
    if data.get("attempt"):
        yield f"attempt {data['attempt']}"
    for key in ("agent", "run", "skipped", "reason", "gate"):
        if data.get(key):
            yield f"{key} {one_line(data[key], 60)}"
    if data.get("delay"):
        yield f"in {duration(data['delay'], fine=True)}"
    if data.get("error"):
        yield first_line(str(data["error"]), _LONGEST)


def _invoke(data: dict[str, Any]) -> Iterator[str]:
    yield one_line(data.get("provider", "?"))
    if data.get("model"):
        yield one_line(data["model"])
    yield one_line(data.get("prompt") or "", 80)


def _figures(data: dict[str, Any]) -> str:
    facts = [duration(data["duration"], fine=True)] if data.get("duration") is not None else []
    return " · ".join([*facts, *spent(total_tokens(data.get("token_usage") or {}), data.get("cost_usd"))])


def _response(data: dict[str, Any]) -> Iterator[str]:
    yield " · ".join(part for part in (_figures(data), *origin(data)) if part)
    yield one_line(data.get("output"), 80) if data.get("output") is not None else ""


def _error(data: dict[str, Any]) -> Iterator[str]:
    yield one_line(data.get("tool") or "")
    yield _figures(data)
    yield first_line(str(data.get("error") or ""), _LONGEST)


def _model(data: dict[str, Any]) -> Iterator[str]:
    yield one_line(data.get("call") or "")
    response = data.get("response")
    if isinstance(response, dict):
        yield one_line(response.get("model") or "")
        yield _figures(data)
        yield one_line(response.get("text") or "", 60)


def _call(data: dict[str, Any]) -> Iterator[str]:
    yield one_line(data.get("tool") or "?")
    yield one_line(data["input"], 80) if data.get("input") is not None else ""


def _result(data: dict[str, Any]) -> Iterator[str]:
    yield one_line(data.get("tool") or "?")
    yield _figures(data)
    yield one_line(data.get("output"), 80)


def _gate(passed: bool) -> Callable[[dict[str, Any]], Iterator[str]]:
    def words(data: dict[str, Any]) -> Iterator[str]:
        yield f"{one_line(data.get('gate', '?'))} {'pass' if passed else 'FAIL'}"
        yield proof(data, passed=passed, limit=80)
        yield _figures(data)

    return words


def _judge(data: dict[str, Any]) -> Iterator[str]:
    yield f"{one_line(data.get('judge', '?'))} {'pass' if data.get('passed') is True else 'FAIL'}"
    yield f"score {data.get('score'):.2f}"
    yield f"gate {one_line(data['gate'])}" if data.get("gate") else ""
    yield f"evaluation {one_line(data['evaluation'])}" if data.get("evaluation") else ""
    yield _figures(data)
    yield first_line(str(data.get("reasoning") or ""), 80)


def _question(data: dict[str, Any]) -> Iterator[str]:
    yield one_line(data.get("question") or "", _LONGEST)


def _answer(data: dict[str, Any]) -> Iterator[str]:
    yield decision(data)


_WORDS: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
    "loop.start": _start,
    "loop.pause": _rest,
    "loop.complete": _rest,
    "loop.error": _rest,
    "step.start": _step,
    "step.retry": _step,
    "step.complete": _step,
    "step.error": _step,
    "agent.invoke": _invoke,
    "agent.response": _response,
    "agent.error": _error,
    "model.request": _model,
    "model.response": _model,
    "model.error": _error,
    "tool.call": _call,
    "tool.result": _result,
    "tool.error": _error,
    "gate.pass": _gate(True),
    "gate.fail": _gate(False),
    "judge.score": _judge,
    "approval.request": _question,
    "approval.decision": _answer,
}
