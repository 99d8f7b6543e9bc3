"""One execution of a step, as a span, with those of its attempts and gates below it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt_otel import conventions as names
from loopengt_otel.telling.attempts import Attempt
from loopengt_otel.telling.calls import Calls
from loopengt_otel.telling.moments import moment
from loopengt_otel.telling.texts import number, usage

if TYPE_CHECKING:
    from loopengt_otel.telling.scope import Scope
    from loopengt_otel.telling.spans import Attributes, Span

__all__ = ["Begun", "Step"]


@dataclass(frozen=True, slots=True)
class Begun:
    """What is known of an execution from its beginning."""

    name: str
    occurrence: int
    turn: int | None = None
    of: str = ""
    """The declared step, of an item's instance."""
    attempt: int = 0
    """The attempt under way; 0: none."""
    agent: str = ""


class Step:
    """An execution that is under way.

    Args:
        scope: The run.
        parent: Id of the span that it is within.
        begun: What it is.
        at: When it begins.
    """

    def __init__(self, scope: Scope, parent: bytes, begun: Begun, at: int) -> None:
        self._scope = scope
        self._begun = begun
        self.key = ("step", begun.name, begun.occurrence)
        name = scope.texts.name(begun.name)
        attributes: Attributes = {names.STEP: name, names.OCCURRENCE: begun.occurrence}
        if begun.turn is not None:
            attributes[names.TURN] = begun.turn
        if begun.of:
            attributes[names.ITEM_OF] = scope.texts.name(begun.of)
        self.span = scope.begin(self.key, parent, f"step {name}", at, attributes, shown_as="CHAIN")
        self.attempt: Attempt | None = None
        self._attempts: set[int] = set()
        self._checks: Counter[tuple[str, int]] = Counter()
        self._asked: dict[tuple[str, int], Calls] = {}
        """Requests to models that gates under way have made, by gate and attempt."""
        if begun.attempt:
            self.begin_attempt(begun.attempt, at, begun.agent)

    @property
    def begun(self) -> Begun:
        """What it is, and where it stands: enough to go on with it in another segment."""
        attempt = self.attempt
        return Begun(
            self._begun.name,
            self._begun.occurrence,
            self._begun.turn,
            self._begun.of,
            attempt.number if attempt is not None else 0,
            attempt.agent if attempt is not None else self._begun.agent,
        )

    def begin_attempt(self, wanted: int, at: int, agent: str) -> list[Span]:
        """An attempt begins, or begins again; return what that ends."""
        attempt = self.attempt
        if attempt is not None and attempt.number == wanted:
            return attempt.begin_again(at)
        ended = attempt.close(at, "unknown") if attempt is not None else []
        self._attempts.add(wanted)
        self.attempt = Attempt(self._scope, (self.span, self.key), wanted, at, agent)
        return ended

    def retry(self, data: dict[str, Any], at: int) -> list[Span]:
        """Another attempt follows, or, after a rate limit, the same one."""
        told = moment("step.retry", data, at, self._scope.texts)
        if told is not None:
            self.span.tell(told)
        attempt = self.attempt
        if attempt is None or data.get("attempt") == attempt.number:
            return []
        self.attempt = None
        return attempt.close(at, "retried")

    def call(self, kind: str, data: dict[str, Any], at: int) -> list[Span]:
        """Take an event of a call that the agent makes, or one that a gate asks; return the spans that it ends."""
        key = data.get("call")
        if isinstance(key, str) and key.startswith("gate ") and "/other " in key:
            check = self._check(key.removeprefix("gate ").rpartition("/other ")[0], data)
            calls = self._asked.get(check)
            if calls is None:
                span_key = self._gate_key(check)
                calls = self._asked[check] = Calls(self._scope, span_key, self._scope.id(*span_key))
            return calls.take(kind, data, at, "", "")
        return self.attempt.call(kind, data, at) if self.attempt is not None else []

    def _check(self, gate: Any, data: dict[str, Any]) -> tuple[str, int]:
        attempt = data.get("attempt")
        return self._scope.texts.name(gate or "?"), attempt if isinstance(attempt, int) else 0

    def _gate_key(self, check: tuple[str, int]) -> tuple[str | int, ...]:
        """Key of the span of a gate's next verdict."""
        return (*self.key, "gate", *check, self._checks[check] + 1)

    def check(self, kind: str, data: dict[str, Any], at: int) -> list[Span]:
        """A gate has said pass or fail."""
        texts = self._scope.texts
        gate, attempt = check = self._check(data.get("gate"), data)
        key = self._gate_key(check)
        self._checks[check] += 1
        asked = self._asked.pop(check, None)
        passed = kind == "gate.pass"
        attributes: Attributes = {
            names.STEP: texts.name(self._begun.name),
            names.ATTEMPT: attempt,
            names.GATE: gate,
            names.GATE_KIND: texts.name(data.get("kind")),
            names.GATE_PASSED: passed,
        }
        judged = data.get("kind") == "judge"
        if asked is None or not asked.counted:
            attributes |= usage(data.get("token_usage"))
        cost = number(data.get("cost_usd"))
        if cost is not None:
            attributes[names.COST] = float(cost)
        if texts.content:
            for name, value in (
                (names.GATE_PROOF, data.get("proof")),
                (names.GATE_FEEDBACK, data.get("feedback")),
            ):
                if value:
                    attributes[name] = texts.whole(value)
        seconds = number(data.get("duration")) or 0.0
        began = max(self.span.start, at - int(min(max(seconds, 0.0), 1e7) * 1e9))
        shown_as = "EVALUATOR" if judged else "GUARDRAIL"
        span = self._scope.begin(key, self.span.span_id, f"gate {gate}", began, attributes, shown_as=shown_as)
        span.end = max(began, at)
        if not passed:
            span.error = f"gate {gate!r} failed"
            span.attributes[names.ERROR_TYPE] = "gate_failed"
        return [*(asked.close(span.end) if asked is not None else ()), span]

    def close(self, at: int, outcome: str, *, error: str | None = None, error_type: str = "") -> list[Span]:
        """It is at its end; return its spans, its own last.

        Args:
            at: When.
            outcome: completed, failed or unknown.
            error: What went wrong; None: nothing.
            error_type: What kind of error that is.
        """
        ended = [span for calls in self._asked.values() for span in calls.close(at)]
        ended += self.attempt.close(at, outcome) if self.attempt is not None else []
        span = self.span
        span.end = max([span.start, at, *(done.end for done in ended)])
        span.attributes[names.OUTCOME] = outcome
        if self._attempts:
            span.attributes[names.ATTEMPTS] = len(self._attempts)
        if error is not None:
            span.error = error
            span.attributes[names.ERROR_TYPE] = error_type
        return [*ended, span]
