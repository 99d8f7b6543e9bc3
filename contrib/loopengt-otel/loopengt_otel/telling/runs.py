"""One run, as spans: takes its events in order, and gives a span back as soon as it has ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import EndReason, RunStatus

from loopengt_otel import conventions as names
from loopengt_otel.telling.calls import CALLS
from loopengt_otel.telling.moments import moment, verdict
from loopengt_otel.telling.spans import SpanEvent
from loopengt_otel.telling.steps import Begun, Step
from loopengt_otel.telling.texts import number, usage

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_otel.telling.scope import Scope
    from loopengt_otel.telling.spans import Attributes, Item, Span

__all__ = ["Run"]

_QUIET = frozenset({"exhausted", "blocked", "no_progress"})
"""Reasons whose details may quote what an agent wrote."""


class Run:
    """A run, its journal taken as far as it goes.

    Args:
        scope: Which run.
        parent: Id of the attempt's span that the run does; None: it is the one at the top.
        adopt: Called with the id of a child run and the id of the span that it is within.
    """

    def __init__(self, scope: Scope, parent: bytes | None, adopt: Callable[[str, bytes], None]) -> None:
        self.scope = scope
        self.parent = parent
        self.ended = False
        self.seq = 0
        """Position of the last event that was taken."""
        self._adopt = adopt
        self._span: Span | None = None
        self._header: dict[str, Any] = {}
        self._open: dict[str, Step] = {}
        self._rested: dict[str, Begun] = {}
        self._executions: Counter[str] = Counter()
        self._turns = 0

    @property
    def open_spans(self) -> int:
        """How many spans have begun and not ended."""
        steps = sum(1 + (step.attempt is not None) for step in self._open.values())
        return steps + (self._span is not None and not self.ended)

    def take(self, kind: str, step: str | None, data: dict[str, Any], at: int, seq: int) -> list[Item]:
        """Take the next event; return the spans and logs that are complete by it, the run's own excepted."""
        self.seq = max(self.seq, seq)
        family = kind.partition(".")[0]
        if family == "loop":
            return self._loop(kind, data, at)
        if self.ended and self._span is None:
            return []
        span = self._own_span(at)
        if kind == "judge.score":
            return self._judge(step, data, at, seq)
        if step is None or self.ended:
            self._tell(span, kind, data, at, step)
            return []
        if kind == "step.start":
            return [*self._start(step, data, at)]
        if kind in ("step.complete", "step.error"):
            return [*self._finish(step, kind, data, at)]
        execution = self._execution(step, at)
        if execution is None:
            self._tell(span, kind, data, at, step)
            return []
        return [*self._within(execution, kind, data, at)]

    def release(self) -> list[Item]:
        """Return the run's own span, once, when it has ended; nothing is told to it any more."""
        if not self.ended or self._span is None:
            return []
        span, self._span = self._span, None
        return [span]

    # The run itself

    def _loop(self, kind: str, data: dict[str, Any], at: int) -> list[Item]:
        if kind == "loop.start":
            self._header = data
            self._own_span(at)
            return []
        if kind in ("loop.complete", "loop.error"):
            return [*self._end(kind, data, at)]
        released: list[Item] = []
        if kind == "loop.resume" and self.ended:
            released = self.release()
            self.ended = False
            self.scope.segment += 1
        span = self._own_span(at)
        if kind == "loop.resume" and data.get("forked_from"):
            span.attributes[names.FORKED_FROM] = self.scope.texts.name(data["forked_from"])
        self._tell(span, kind, data, at, None)
        return released

    def _own_span(self, at: int) -> Span:
        if self._span is not None:
            return self._span
        texts, header = self.scope.texts, self._header
        loop = texts.name(header.get("loop"))
        attributes: Attributes = {
            names.OPERATION: "invoke_workflow",
            names.WORKFLOW: loop,
            names.CONVERSATION: self.scope.root,
            names.PATTERN: texts.name(header.get("pattern")),
        }
        if self.scope.segment:
            attributes[names.CONTINUED] = True
        if texts.content and header.get("goal"):
            attributes[names.GOAL] = texts.whole(header["goal"])
        name = f"invoke_workflow {loop}".rstrip()
        self._span = self.scope.begin(("run",), self.parent, name, at, attributes, shown_as="CHAIN")
        return self._span

    def _end(self, kind: str, data: dict[str, Any], at: int) -> list[Span]:
        span, texts = self._own_span(at), self.scope.texts
        reason = texts.name(data.get("reason"))
        ended: list[Span] = []
        failed = _is_failure(kind, reason)
        # An instance stands behind its declared step, whose span is to end last.
        for step in reversed(self._open.values()):
            self._rested[step.begun.name] = step.begun
            error = f"the run ended: {reason}" if failed else None
            ended += step.close(at, "unknown", error=error, error_type=reason)
        self._open.clear()
        span.end = max(span.start, at)
        span.attributes |= {names.REASON: reason, names.TURNS: self._turns}
        if texts.content and data.get("detail"):
            span.attributes[names.DETAIL] = texts.whole(data["detail"])
        if failed:
            quiet = reason in _QUIET and not texts.content
            span.error = reason if quiet else texts.message(data.get("detail") or reason)
            span.attributes[names.ERROR_TYPE] = reason
        self.ended = True
        return ended

    def _tell(self, span: Span, kind: str, data: dict[str, Any], at: int, step: str | None) -> None:
        told = moment(kind, data, at, self.scope.texts, step)
        if told is not None:
            span.tell(told)

    # Its steps

    def _start(self, name: str, data: dict[str, Any], at: int) -> list[Span]:
        texts = self.scope.texts
        turn = data.get("turn")
        if isinstance(turn, int):
            self._turns = max(self._turns, turn)
        of = data["of"] if isinstance(data.get("of"), str) else ""
        step = self._open.get(name)
        if step is None:
            rested = self._rested.pop(name, None)
            occurrence = _positive(data.get("occurrence"), rested.occurrence if rested else 1)
            begun = Begun(name, occurrence, turn if isinstance(turn, int) else None, of)
            parent = self._declared(of, at).span.span_id if of else self._own_span(at).span_id
            step = self._open[name] = Step(self.scope, parent, begun, at)
        ended = step.begin_attempt(_positive(data.get("attempt"), 1), at, texts.name(data.get("agent")))
        child = data.get("run")
        if isinstance(child, str) and step.attempt is not None:
            self._adopt(child, step.attempt.span.span_id)
        return ended

    def _declared(self, name: str, at: int) -> Step:
        """The step with ``for_each``, which begins with the first of its instances."""
        step = self._open.get(name)
        if step is None:
            rested = self._rested.pop(name, None) or Begun(name, self._executions[name] + 1)
            step = self._open[name] = Step(self.scope, self._own_span(at).span_id, rested, at)
        return step

    def _execution(self, name: str, at: int) -> Step | None:
        """The execution under way; one that the run's end had cut short goes on where it was."""
        step = self._open.get(name)
        if step is None and name in self._rested:
            rested = self._rested.pop(name)
            parent = self._declared(rested.of, at).span.span_id if rested.of else self._own_span(at).span_id
            step = self._open[name] = Step(self.scope, parent, rested, at)
        return step

    def _finish(self, name: str, kind: str, data: dict[str, Any], at: int) -> list[Span]:
        texts = self.scope.texts
        if data.get("skipped"):
            attributes: Attributes = {names.STEP: texts.name(name)}
            self._own_span(at).tell(SpanEvent("loopengt.step.skipped", at, attributes))
            return []
        step = self._execution(name, at)
        if step is None:  # a step with for_each without items, or a journal of which the beginning is lost
            begun = Begun(name, _positive(data.get("occurrence"), self._executions[name] + 1))
            step = Step(self.scope, self._own_span(at).span_id, begun, at)
        self._open.pop(name, None)
        self._executions[name] += 1
        if kind == "step.complete":
            return step.close(at, "completed")
        gate = data.get("gate")
        error = f"gate {texts.name(gate)!r} failed" if gate else texts.message(data.get("error"))
        return step.close(at, "failed", error=error, error_type="gate_failed" if gate else "step_failed")

    def _within(self, step: Step, kind: str, data: dict[str, Any], at: int) -> list[Span]:
        if kind == "step.retry":
            return step.retry(data, at)
        if kind in ("gate.pass", "gate.fail"):
            return step.check(kind, data, at)
        attempt = step.attempt
        if attempt is None or kind not in _OF_ATTEMPTS:
            self._tell(step.span if attempt is None else attempt.span, kind, data, at, None)
            return []
        if kind == "agent.invoke":
            attempt.invoke(data)
        elif kind == "agent.response":
            attempt.respond(data, at)
        elif kind == "agent.error":
            attempt.fail(data, at)
        else:
            return step.call(kind, data, at)
        return []

    # Its judges

    def _judge(self, name: str | None, data: dict[str, Any], at: int, seq: int) -> list[Item]:
        """A verdict belongs to the attempt it is about, or to the run; one made after the run has a span, too."""
        told = verdict(data, self.scope.texts)
        step = self._open.get(name) if name is not None else None
        judged = step.attempt.span if step is not None and step.attempt is not None else self._own_span(at)
        judged.tell(SpanEvent(names.EVALUATION, at, told))
        uid = f"{self.scope.run_id}:{seq}"
        items: list[Item] = [self.scope.log(names.EVALUATION, judged.span_id, at, told, uid)]
        if data.get("evaluation"):
            judge = self.scope.texts.name(data.get("judge"))
            seconds = min(max(number(data.get("duration")) or 0.0, 0.0), 1e7)
            spent = dict(told) | usage(data.get("token_usage"))
            cost = number(data.get("cost_usd"))
            if cost is not None:
                spent[names.COST] = float(cost)
            key, began = ("judge", seq), at - int(seconds * 1e9)
            span = self.scope.begin(key, judged.span_id, f"judge {judge}", began, spent, shown_as="EVALUATOR")
            span.end = at
            items.append(span)
        return items


_OF_ATTEMPTS = frozenset({"agent.invoke", "agent.response", "agent.error", *CALLS})


def _is_failure(kind: str, reason: str) -> bool:
    if kind == "loop.complete":
        return False
    try:
        return EndReason(reason).status is RunStatus.FAILED
    except ValueError:
        return True


def _positive(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else otherwise
