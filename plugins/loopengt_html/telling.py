"""Makes runs out of events: what the journals of a run and its child runs say, put in order for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.display import one_line, origin, proof
from loopengt.journal import total_tokens
from loopengt_html.record import Attempt, Call, Check, Execution, Note, Run, Score, Usage
from loopengt_html.words import note_kind, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from loopengt_hookspecs.models import TraceEvent

__all__ = ["number", "seq_of", "tell", "usage"]

_CALLS = ("model.request", "model.response", "model.error", "tool.call", "tool.result", "tool.error")
_ENDS = ("loop.pause", "loop.complete", "loop.error")
_SHORTEST_PAUSE = 1.0


def tell(events: Sequence[TraceEvent]) -> list[Run]:
    """Tell the runs that events belong to, the first one's first; a journal without an end leaves things open.

    Args:
        events: The events of the run, and of its child runs anywhere among them.
    """
    by_run: dict[str, list[TraceEvent]] = {}
    for event in events:
        by_run.setdefault(event.run_id, []).append(event)
    if not by_run:
        return []
    zero = next(iter(by_run.values()))[0].timestamp
    return [_Teller(run_id, zero).tell(own) for run_id, own in by_run.items()]


def seq_of(event: TraceEvent) -> int:
    """Return an event's position in its journal."""
    tail = event.event_id.rpartition(":")[2]
    return int(tail) if tail.isascii() and tail.isdigit() else 0


def number(value: Any) -> float:
    """Return a figure, or 0 in place of what is none."""
    return float(value) if isinstance(value, int | float) and value == value else 0.0


def usage(data: dict[str, Any]) -> Usage:
    """Return what an event says that was used."""
    counted = data.get("token_usage")
    tokens = total_tokens(counted) if isinstance(counted, dict) and counted else 0
    cost = data.get("cost_usd")
    unknown = int(number(data.get("unknown_costs")))
    unknown += cost is None and (tokens > 0 or data.get("cost_source") == "unknown")
    return Usage(tokens, number(cost), unknown)


class _Teller:
    def __init__(self, run_id: str, zero: datetime) -> None:
        self._run = Run(run_id)
        self._zero = zero
        self._open: dict[str, Execution] = {}
        self._latest: dict[str, Execution] = {}
        self._before = 0.0
        self._since: float | None = None
        self._rest: float | None = None
        self._now = 0.0
        self._seq = 0

    def tell(self, events: Iterable[TraceEvent]) -> Run:
        run = self._run
        last: float | None = None
        for event in events:
            before, self._now = self._now, (event.timestamp - self._zero).total_seconds()
            self._seq = seq_of(event)
            if event.event_type.value == "loop.resume":
                self._resume(event.data, before if self._rest is None else self._rest)
            if run.end is None:  # what a person answers while the run rests is no driven time
                last = self._now if last is None else max(last, self._now)
            if event.step_name is None:
                self._of_the_run(event.event_type.value, event.data)
            else:
                self._of_a_step(event, event.step_name)
        if last is not None and self._since is not None:
            run.driven = self._before + max(0.0, last - self._since)
            run.ended = max(last, run.began)
        return run

    def _of_the_run(self, kind: str, data: dict[str, Any]) -> None:
        run = self._run
        if kind == "loop.start":
            run.header, run.began, self._since = data, self._now, self._now
        elif kind in _ENDS:
            run.end = (str(data.get("reason") or ""), str(data.get("detail") or ""))
            self._rest = self._now
            if kind == "loop.error":  # what is open stays so: a resumed run goes on with it
                for execution in self._open.values():
                    execution.status, execution.why = "failed", f"the run ended: {run.end[0]}"
                    execution.ended = self._now
            if kind == "loop.pause":
                self._note(kind, data, "")
        elif kind == "judge.score":
            run.scores.append(Score(self._now, self._seq, data))
        elif kind != "loop.resume":
            self._note(kind, data, "")

    def _resume(self, data: dict[str, Any], rested: float) -> None:
        run = self._run
        after = f"{run.end[0]}: {run.end[1]}".strip(": ") if run.end else "a crash"
        if "forked_from" in data:
            text = f"forked from run {one_line(data['forked_from'])} at {one_line(data.get('at') or '?')}"
        else:
            text = f"resumed after {after}"
        run.notes.append(Note(self._now, self._seq, "resume", text))
        if self._now - rested >= _SHORTEST_PAUSE:
            run.pauses.append((rested, self._now, run.end[0] if run.end else "crash"))
        self._before, self._since = number(data.get("elapsed")), self._now
        run.end = self._rest = None
        for execution in self._open.values():
            execution.status, execution.why, execution.ended = "running", "", None

    def _note(self, kind: str, data: dict[str, Any], step: str) -> None:
        self._run.notes.append(Note(self._now, self._seq, note_kind(kind), words(kind, data), step, data))

    def _of_a_step(self, event: TraceEvent, step: str) -> None:
        kind, data = event.event_type.value, event.data
        if kind.startswith(("approval.", "checkpoint.", "budget.")) or kind in ("handoff", "decision"):
            self._note(kind, data, step)
            return
        if kind == "step.start":
            self._start(step, data)
            return
        execution = self._open.get(step)
        if kind == "judge.score":  # one that was recorded after the run finds its step at its end
            execution = execution or self._latest.get(step)
            into = execution.attempts[-1].scores if execution and execution.attempts else self._run.scores
            into.append(Score(self._now, self._seq, data))
            return
        execution = execution or self._begin(step, data, event.turn)
        if kind in ("step.complete", "step.error"):
            self._end(kind, data, self._open.pop(step))
        elif kind == "step.retry":
            self._retry(data, execution)
        else:
            self._of_an_attempt(kind, data, self._attempt(execution))

    def _begin(self, step: str, data: dict[str, Any], turn: int | None = None) -> Execution:
        declared = str(data.get("of") or step)
        execution = Execution(
            self._run.id, step, declared, int(number(data.get("turn")) or turn or 0),
            int(number(data.get("occurrence"))) or 1, str(data.get("agent") or ""), self._now, self._seq,
        )  # fmt: skip
        self._open[step] = self._latest[step] = execution
        self._run.executions.append(execution)
        return execution

    def _start(self, step: str, data: dict[str, Any]) -> None:
        execution = self._open.get(step) or self._begin(step, data)
        which = int(number(data.get("attempt"))) or 1
        # After a crash an attempt begins again, and a retry was announced before: both are the same attempt.
        if not execution.attempts or execution.attempts[-1].number != which:
            execution.attempts.append(Attempt(which, self._now, self._seq))
        attempt = execution.attempts[-1]
        attempt.run = str(data.get("run") or "")
        if attempt.why and attempt.asked is None:
            attempt.began = self._now

    def _retry(self, data: dict[str, Any], execution: Execution) -> None:
        which = int(number(data.get("attempt"))) or len(execution.attempts) + 1
        if execution.attempts:
            execution.attempts[-1].ended = self._now
        execution.attempts.append(
            Attempt(which, self._now, self._seq, waited=number(data.get("delay")),
                    why=str(data.get("reason") or ""))
        )  # fmt: skip

    def _attempt(self, execution: Execution) -> Attempt:
        if not execution.attempts:
            execution.attempts.append(Attempt(1, execution.began, self._seq))
        return execution.attempts[-1]

    def _end(self, kind: str, data: dict[str, Any], execution: Execution) -> None:
        names = data.get("items")
        names = list(map(str, names)) if isinstance(names, list) else []
        execution.items = [self._latest[name] for name in names if name in self._latest]
        for item in execution.items:
            item.parent = execution
        execution.began = min([execution.began, *(item.began for item in execution.items)])
        execution.seq = min([execution.seq, *(item.seq for item in execution.items)])
        execution.ended, execution.last_seq = self._now, self._seq
        if execution.attempts:
            execution.attempts[-1].ended = self._now
        if data.get("skipped"):
            execution.status, execution.why = "skipped", str(data["skipped"])
        elif kind == "step.error":
            execution.status, execution.why = "failed", str(data.get("error") or "")
        else:
            execution.status = "completed"

    def _of_an_attempt(self, kind: str, data: dict[str, Any], attempt: Attempt) -> None:
        if kind == "agent.invoke":
            attempt.asked = self._now
            attempt.prompt = data.get("prompt")
            attempt.provider, attempt.model = str(data.get("provider") or ""), str(data.get("model") or "")
        elif kind in ("agent.response", "agent.error"):
            attempt.answered = self._now
            attempt.seconds += number(data.get("duration"))
            spent = usage(data)
            spent.add(attempt.usage or Usage())
            attempt.usage = spent
            if kind == "agent.response":
                attempt.output, attempt.has_output, attempt.origin = data.get("output"), True, origin(data)
            else:
                attempt.error = str(data.get("error") or "")
        elif kind in ("gate.pass", "gate.fail"):
            passed = kind == "gate.pass"
            used = usage(data)
            attempt.checks.append(
                Check(str(data.get("gate")), str(data.get("kind") or ""), passed, proof(data, passed=passed),
                      data.get("proof"), str(data.get("feedback") or ""), number(data.get("duration")),
                      self._now, self._seq, used if used.tokens or used.cost or used.unknown else None)
            )  # fmt: skip
        elif kind in _CALLS:
            self._call(kind, data, attempt.calls)

    def _call(self, kind: str, data: dict[str, Any], calls: list[Call]) -> None:
        family, _, what = kind.partition(".")
        name = str(data.get("tool") or data.get("name") or "?") if family == "tool" else ""
        key = str(data.get("call") or data.get("call_id") or "")
        begins = what in ("request", "call")
        call = None if begins and not key else _under_way(calls, family, key, name)
        if call is None:
            call = Call(family, key, self._now, name, seq=self._seq)
            calls.append(call)
        if begins:
            call.began, call.given = self._now, data.get("input", call.given)
            return
        call.ended, call.status = self._now, "failed" if what == "error" else "ok"
        call.began = min(call.began, self._now - number(data.get("duration")))
        call.error = str(data.get("error") or "")
        if family == "tool":
            call.output = data.get("output")
        else:
            response = data.get("response")
            response = response if isinstance(response, dict) else {}
            call.name = str(response.get("model") or "")
            call.output = response.get("text") or response.get("tool_requests")
            call.usage = usage(data)


def _under_way(calls: list[Call], family: str, key: str, name: str) -> Call | None:
    """Return the call that an event goes on with."""
    for call in reversed(calls):
        if call.kind == family and not call.status and (call.key == key if key else call.name == name):
            return call
    return None
