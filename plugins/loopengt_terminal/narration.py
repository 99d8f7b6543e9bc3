"""Puts events into words: one line for each thing that a person wants to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from loopengt.display import decision, dollars, duration, first_line, one_line, origin, proof, spent, visible
from loopengt_terminal.progress import call_key, tokens_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from loopengt_hookspecs.models import TraceEvent
    from loopengt_terminal.progress import Progress, StepProgress

__all__ = ["Line", "narrate", "standing"]

_SHOWN = 1_000


class Line(NamedTuple):
    """A line of the narration, without control characters."""

    text: str
    style: str = ""
    """good, bad, dim or empty."""
    passing: bool = False
    """Whether it says only what is under way; a live view shows that elsewhere."""


def narrate(
    event: TraceEvent, step: StepProgress | None, progress: Progress, *, verbose: bool = False
) -> list[Line]:
    """Return the lines for an event.

    Args:
        event: What happened.
        step: The step it belongs to, as ``Progress.apply`` returns it.
        progress: The run, with the event applied.
        verbose: Tell prompts, outputs, feedback and calls of tools too.
    """
    kind, data = event.event_type.value, event.data
    if step is None:
        return _of_the_run(kind, data, progress, event)
    teller = _TELLERS.get(kind)
    lines = [] if teller is None else [teller(data, step, progress, event)]
    return lines + _details(kind, data, step, progress) if verbose else lines


def standing(progress: Progress, now: datetime) -> list[str]:
    """Write the turn, time, tokens and cost of a run, each with what is left of its limit."""
    limits, elapsed = progress.limits, progress.elapsed(now)
    tokens, cost = progress.tokens, progress.cost_usd
    return [
        f"turn {progress.turn}" + (f" of {limits['max_turns']}" if "max_turns" in limits else ""),
        duration(elapsed) + _left(limits.get("max_total_time_seconds"), elapsed, duration),
        f"{tokens:,} tokens" + _left(limits.get("max_tokens"), tokens, "{:,.0f}".format),
        dollars(cost, progress.unknown_costs) + _left(limits.get("max_cost_usd"), cost, "${:.4f}".format),
    ]


def _left(limit: float | None, used: float, write: Callable[[float], str]) -> str:
    return "" if limit is None else f" ({write(max(0.0, limit - used))} left)"


def _of_the_run(kind: str, data: dict[str, Any], progress: Progress, event: TraceEvent) -> list[Line]:
    if kind == "loop.start":
        return [Line(f"run {visible(progress.run_id)}: loop {visible(progress.loop)}, {_bounds(progress)}")]
    if kind == "loop.resume":
        done = f"at {', '.join(standing(progress, event.timestamp))}" if progress.before else "from its start"
        return [Line(f"run {visible(progress.run_id)}: loop {visible(progress.loop)} resumed {done}")]
    if kind in ("loop.pause", "loop.complete", "loop.error"):
        style = "good" if kind == "loop.complete" else "bad"
        elapsed = duration(progress.elapsed(event.timestamp))
        return [Line(f"run {one_line(data.get('reason', 'ended'))} after {elapsed}", style)]
    if kind == "decision":
        return [Line(f"decided {one_line(data.get('name'))}: {one_line(data.get('value'))}", "dim")]
    return []


def _bounds(progress: Progress) -> str:
    limits = progress.limits
    found = [f"pattern {visible(progress.pattern)}"]
    if "max_turns" in limits:
        found.append(f"at most {limits['max_turns']} turns")
    if "max_total_time_seconds" in limits:
        found.append(duration(limits["max_total_time_seconds"]))
    if "max_tokens" in limits:
        found.append(f"{limits['max_tokens']:,} tokens")
    if "max_cost_usd" in limits:
        found.append(f"${limits['max_cost_usd']:g}")
    return ", ".join(found)


def _start(data: dict[str, Any], step: StepProgress, progress: Progress, event: TraceEvent) -> Line:
    return Line(f"{_name(step, progress)} attempt {step.attempt}: {_who(step)}", passing=True)


def _response(data: dict[str, Any], step: StepProgress, progress: Progress, event: TraceEvent) -> Line:
    figures = [
        duration(data.get("duration") or 0.0),
        *spent(tokens_of(data), data.get("cost_usd")),
        *origin(data),
    ]
    return Line(f"{_of(step, progress)}{_who(step)} answered in {', '.join(figures)}", "dim")


def _agent_error(data: dict[str, Any], step: StepProgress, progress: Progress, event: TraceEvent) -> Line:
    took = duration(data.get("duration") or 0.0)
    why = first_line(str(data.get("error") or ""))
    return Line(f"{_of(step, progress)}{_who(step)} FAILED after {took}: {why}", "bad")


def _gate_pass(data: dict[str, Any], step: StepProgress, progress: Progress, event: TraceEvent) -> Line:
    return Line(_gate(data, step, progress, passed=True), "good")


def _gate_fail(data: dict[str, Any], step: StepProgress, progress: Progress, event: TraceEvent) -> Line:
    return Line(_gate(data, step, progress, passed=False), "bad")


def _retry(data: dict[str, Any], step: StepProgress, progress: Progress, event: TraceEvent) -> Line:
    delay = data.get("delay")
    when = f" in {duration(delay)}" if delay else ""
    if data.get("reason") == "rate_limit":
        return Line(f"{_name(step, progress)} waits for a rate limit, and goes on{when}", "dim")
    return Line(f"{_name(step, progress)} is tried again{when}", "dim", passing=True)


def _complete(data: dict[str, Any], step: StepProgress, progress: Progress, event: TraceEvent) -> Line:
    if data.get("skipped"):
        return Line(f"{_name(step, progress)} skipped: {one_line(data['skipped'])}", "dim")
    items = len(data.get("items") or ())
    took = f"done in {duration((event.timestamp - step.since).total_seconds())}"
    if items:  # it gathers them in no time
        took = f"done, {items} item{'' if items == 1 else 's'}"
    if step.failed_gates:
        return Line(
            f"{_name(step, progress)} {took}, but not through {one_line(', '.join(step.failed_gates))}", "bad"
        )
    return Line(f"{_name(step, progress)} {took}", "good")


def _error(data: dict[str, Any], step: StepProgress, progress: Progress, event: TraceEvent) -> Line:
    why = first_line(str(data.get("error") or ""))
    return Line(f"{_name(step, progress)} FAILED: {why}", "bad")


def _request(data: dict[str, Any], step: StepProgress, progress: Progress, event: TraceEvent) -> Line:
    given = f" {one_line(data['input'])}" if data.get("input") else ""
    return Line(f"{_name(step, progress)} asks: {one_line(data.get('question') or '', 300)}{given}", "bad")


def _decision(data: dict[str, Any], step: StepProgress, progress: Progress, event: TraceEvent) -> Line:
    return Line(f"{_name(step, progress)} was decided: {decision(data)}", "dim")


def _tool(kind: str, data: dict[str, Any], step: StepProgress, progress: Progress) -> Line:
    """Say what a call of a tool was given, what came of it, and how long it took."""
    given = step.given.pop(call_key(data), data.get("input"))
    shown = one_line(data.get("tool") or data.get("name") or "?")
    if given not in (None, "", {}):
        shown += f" {one_line(given)}"
    failed = kind == "tool.error"
    came = one_line(data.get("error" if failed else "output") or "")
    text = f"{_of(step, progress)}tool {shown}{' FAILED' if failed else ''}{f': {came}' if came else ''}"
    if "duration" in data:
        text += f" ({duration(data['duration'] or 0.0)})"
    return Line(text, "bad" if failed else "dim")


def _gate(data: dict[str, Any], step: StepProgress, progress: Progress, *, passed: bool) -> str:
    verdict = f"gate {one_line(data.get('gate'))} {'pass' if passed else 'FAIL'} {proof(data, passed=passed)}"
    return f"{_of(step, progress)}{verdict.rstrip()}"


def _of(step: StepProgress, progress: Progress) -> str:
    """Name the step, where another one is under way beside it."""
    return f"{_name(step, progress)}: " if len(progress.steps) > 1 else ""


def _who(step: StepProgress) -> str:
    return f"agent {visible(step.agent)}" if step.agent else "child run"


def _name(step: StepProgress, progress: Progress) -> str:
    return f"step {visible(step.name)}{progress.lap(step)}"


_TELLERS: dict[str, Callable[[dict[str, Any], StepProgress, Progress, TraceEvent], Line]] = {
    "step.start": _start,
    "step.retry": _retry,
    "step.complete": _complete,
    "step.error": _error,
    "agent.response": _response,
    "agent.error": _agent_error,
    "gate.pass": _gate_pass,
    "gate.fail": _gate_fail,
    "approval.request": _request,
    "approval.decision": _decision,
}

_DETAILS = {
    "agent.invoke": "prompt",
    "agent.response": "output",
    "gate.fail": "feedback",
    "agent.error": "error",
}


def _details(kind: str, data: dict[str, Any], step: StepProgress, progress: Progress) -> list[Line]:
    """Return what only the verbose view tells of an event."""
    if kind in ("tool.result", "tool.error"):
        return [_tool(kind, data, step, progress)]
    key = _DETAILS.get(kind)
    if key is None or data.get(key) in (None, ""):
        return []
    return [Line(f"  {key}: {one_line(data[key], _SHOWN)}", "dim")]
