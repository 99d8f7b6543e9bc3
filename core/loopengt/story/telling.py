"""Tells a run from its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.display import decision, one_line, origin, proof
from loopengt.journal import total_tokens
from loopengt.story.calls import CALLS, add_call
from loopengt.story.model import Attempt, Check, Execution, Note, Score, Story

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from loopengt_hookspecs.models import TraceEvent

__all__ = ["score_of", "tell"]

_LONGEST_PROOF = 100


def tell(events: Iterable[TraceEvent]) -> Story:
    """Make the story of a run's events; what is missing at the end of a damaged journal is left open.

    Args:
        events: The events of the run, and of its child runs wherever among them; the first is the run's.
    """
    tellers: dict[str, _Teller] = {}
    for event in events:
        teller = tellers.get(event.run_id)
        if teller is None:
            teller = tellers[event.run_id] = _Teller()
        teller.take(event)
    stories = {run_id: teller.story() for run_id, teller in tellers.items()}
    places = {run_id: place for place, run_id in enumerate(stories)}
    for run_id, story in stories.items():
        for execution in story.executions:
            for attempt in execution.attempts:
                # A child run begins after its parent: a journal that says otherwise would go round in a circle.
                if places.get(attempt.run, -1) > places[run_id]:
                    attempt.child = stories[attempt.run]
    return next(iter(stories.values()), Story())


class _Teller:
    def __init__(self) -> None:
        self._story = Story()
        self._open: dict[str, Execution] = {}
        self._latest: dict[str, Execution] = {}
        self._before = 0.0
        self._since: datetime | None = None
        self._last: datetime | None = None

    def take(self, event: TraceEvent) -> None:
        """Take the next event."""
        if self._story.end is None:  # what a person answers while the run rests is no driven time
            at = event.timestamp
            self._last = at if self._last is None or at > self._last else self._last
        if event.event_type.value == "judge.score":
            self._judge(event)
        elif event.step_name is None:
            self._of_the_run(event)
        else:
            self._of_a_step(event, event.step_name)

    def story(self) -> Story:
        """Return what was taken so far."""
        if self._last is not None and self._since is not None:
            self._story.seconds = self._before + max(0.0, (self._last - self._since).total_seconds())
        return self._story

    def _of_the_run(self, event: TraceEvent) -> None:
        kind, data = event.event_type.value, event.data
        if kind == "loop.start":
            self._story.header = data
            self._since = event.timestamp
        elif kind == "loop.resume":
            self._before, self._since = float(data.get("elapsed", 0.0)), event.timestamp
            after = self._story.end
            self._story.end = None
            for execution in self._open.values():
                execution.status, execution.why = "running", ""
            resumed = f"resumed after {after[0]}: {after[1]}" if after else "resumed after a crash"
            fork = (
                f"forked from run {data['forked_from']} at {data.get('at')}" if "forked_from" in data else ""
            )
            self._note(event, fork or resumed)
        elif kind in ("loop.pause", "loop.complete", "loop.error"):
            self._story.end = (str(data.get("reason", "")), str(data.get("detail", "")))
            if kind == "loop.error":  # what is open stays so: a resumed run goes on with it
                for execution in self._open.values():
                    execution.status, execution.why = "failed", f"the run ended: {self._story.end[0]}"
        elif kind == "decision":
            self._note(event, f"decided {data.get('name')}: {data.get('value')}")
        else:
            self._note(event, _words(kind, data))

    def _note(self, event: TraceEvent, text: str) -> None:
        self._story.parts.append(Note(event.timestamp, text))

    def _of_a_step(self, event: TraceEvent, step: str) -> None:
        kind, data = event.event_type.value, event.data
        if kind == "step.start":
            self._start(event, step)
            return
        if kind == "approval.request":
            given = f" {one_line(data['input'])}" if data.get("input") else ""
            self._note(event, f"{step}: asked: {data.get('question')}{given}")
            return
        if kind == "approval.decision":
            self._note(event, f"{step}: decided: {decision(data)}")
            return
        execution = self._open.get(step)
        if execution is None:
            execution = self._begin(event, step)
        if kind in ("step.complete", "step.error"):
            self._end(event, self._open.pop(step))
        elif kind == "step.retry":
            number = data.get("attempt") or len(execution.attempts) + 1
            execution.attempts.append(Attempt(number, waited=data.get("delay") or 0.0))
        else:
            self._of_an_attempt(kind, data, _last_attempt(execution))

    def _judge(self, event: TraceEvent) -> None:
        score = score_of(event)
        evaluation = event.data.get("evaluation")
        execution = self._open.get(score.step) or self._latest.get(score.step)
        if evaluation is None and execution is not None:
            attempt = _last_attempt(execution)
            # Its gate's verdict comes behind it, and takes it over.
            attempt.scores.append(score)
        else:
            self._story.evaluations.setdefault(str(evaluation or ""), []).append(score)

    def _start(self, event: TraceEvent, step: str) -> None:
        execution = self._open.get(step) or self._begin(event, step)
        number = event.data.get("attempt") or 1
        # After a crash an attempt begins again, and a retry was announced before: both are the same attempt.
        if not execution.attempts or execution.attempts[-1].number != number:
            execution.attempts.append(Attempt(number))
        execution.attempts[-1].run = str(event.data.get("run") or "")

    def _begin(self, event: TraceEvent, step: str) -> Execution:
        data = event.data
        turn = data.get("turn") or event.turn or 0
        execution = Execution(
            step, turn, data.get("occurrence") or 1, str(data.get("agent") or ""), event.timestamp
        )
        self._open[step] = self._latest[step] = execution
        self._story.parts.append(execution)
        return execution

    def _end(self, event: TraceEvent, execution: Execution) -> None:
        data = event.data
        items = [self._latest[name] for name in data.get("items") or () if name in self._latest]
        execution.items = len(items)
        began = min([execution.began, *(item.began for item in items)])
        execution.seconds = max(0.0, (event.timestamp - began).total_seconds())
        if data.get("skipped"):
            execution.status, execution.why = "skipped", str(data["skipped"])
        elif event.event_type.value == "step.error":
            execution.status, execution.why = "failed", str(data.get("error") or "")
        else:
            execution.status = "completed"

    def _of_an_attempt(self, kind: str, data: dict[str, Any], attempt: Attempt) -> None:
        if kind == "agent.invoke":
            attempt.asked = hash(data.get("prompt") if isinstance(data.get("prompt"), str) else None)
        elif kind == "agent.response":
            attempt.answered = True
            attempt.output = data.get("output")
            attempt.origin = origin(data)
            attempt.seconds += data.get("duration") or 0.0
            attempt.tokens += total_tokens(data.get("token_usage") or {})
            attempt.cost_usd = data.get("cost_usd")
            attempt.unknown_costs = data.get("unknown_costs", 0)
        elif kind == "agent.error":
            attempt.error = str(data.get("error") or "")
            attempt.seconds += data.get("duration") or 0.0
            attempt.tokens += total_tokens(data.get("token_usage") or {})
            attempt.cost_usd = data.get("cost_usd", attempt.cost_usd)
            attempt.unknown_costs = data.get("unknown_costs", 0) + (data.get("cost_source") == "unknown")
        elif kind in ("gate.pass", "gate.fail"):
            attempt.checks.append(_check(data, attempt, passed=kind == "gate.pass"))
        elif kind in CALLS:
            add_call(attempt.calls, kind, data)


def score_of(event: TraceEvent) -> Score:
    """Return what a ``judge.score`` event says; what is missing in it, or has no sense, is left out."""
    data = event.data
    scores, criteria = data.get("scores"), data.get("criteria")
    cost = data.get("cost_usd")
    return Score(
        str(data.get("judge") or "?"),
        _number(data.get("score")) or 0.0,
        data.get("passed") is True,
        _number(data.get("threshold")),
        str(data.get("reasoning") or ""),
        [number for number in map(_number, scores) if number is not None] if isinstance(scores, list) else [],
        _number(data.get("spread")),
        {str(name): _number(value) or 0.0 for name, value in criteria.items()}
        if isinstance(criteria, dict)
        else {},
        _number(data.get("duration")) or 0.0,
        total_tokens(data.get("token_usage") or {}),
        _number(cost),
        event.step_name or "",
    )


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _check(data: dict[str, Any], attempt: Attempt, *, passed: bool) -> Check:
    check = Check(
        str(data.get("gate")),
        passed,
        proof(data, passed=passed, limit=_LONGEST_PROOF),
        str(data.get("feedback") or ""),
        data.get("duration") or 0.0,
        total_tokens(data.get("token_usage") or {}),
        data.get("cost_usd") or 0.0,
        data.get("unknown_costs") or 0,
        attempt.scores,
    )
    attempt.scores = []
    return check


def _words(kind: str, data: dict[str, Any]) -> str:
    """Say what an event is about that belongs to no step."""
    if kind == "handoff":
        return f"handoff: {data.get('from_agent')} -> {data.get('to_agent')}"
    if kind.startswith("checkpoint."):
        return f"{kind}: {data.get('checkpoint_id')}"
    if kind == "budget.add":
        added = data.get("added") or {}
        return f"added to the budget: {', '.join(f'{key}={value:g}' for key, value in added.items())}"
    if kind == "budget.exceeded":
        return f"budget exceeded: {data.get('budget')}"
    return kind


def _last_attempt(execution: Execution) -> Attempt:
    if not execution.attempts:
        execution.attempts.append(Attempt(1))
    return execution.attempts[-1]
