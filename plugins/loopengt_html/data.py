"""Turns runs into the JSON data of a page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from loopengt_html.paths import cumulative, path, per_step
from loopengt_html.texts import Rank

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_html.record import Attempt, Call, Check, Execution, Note, Run, Score, Usage
    from loopengt_html.texts import Texts

__all__ = ["Writer"]

_MOST_ATTEMPTS = 100
_MOST_CHECKS = 200


class Writer:
    """Writes runs as data, with their long texts put away.

    Args:
        texts: Takes the long texts.
        most: Executions, and calls, that the page has place for.
    """

    def __init__(self, texts: Texts, most: int) -> None:
        self._texts = texts
        self._most = most
        self._calls_each = most
        self._latest = 0
        self._parents: dict[str, int] = {}

    def runs(self, runs: Sequence[Run]) -> list[dict[str, Any]]:
        """Write all runs; the executions are numbered through."""
        everything = [execution for run in runs for execution in run.executions]
        kept = _most_telling(everything, self._most)
        for place, execution in enumerate(kept):
            execution.number = place
        numbers = {id(execution): execution.number for execution in kept}
        attempts = sum(len(execution.attempts) for execution in kept)
        calls = sum(len(attempt.calls) for execution in kept for attempt in execution.attempts)
        self._calls_each = calls if calls <= self._most else max(4, self._most // max(1, attempts))
        places = {run.id: place for place, run in enumerate(runs)}
        self._parents = {
            attempt.run: execution.number
            for execution in kept
            for attempt in execution.attempts
            if attempt.run in places
        }
        return [self._run(run, numbers, places) for run in runs]

    def _run(self, run: Run, numbers: dict[int, int], places: dict[str, int]) -> dict[str, Any]:
        kept = [execution for execution in run.executions if id(execution) in numbers]
        self._latest = _latest_lap(run)
        spent = run.spent()
        reason, detail = run.end or ("", "")
        return {
            "id": run.id,
            "loop": str(run.header.get("loop") or ""),
            "pattern": str(run.header.get("pattern") or ""),
            "goal": self._texts.put(str(run.header.get("goal") or ""), Rank.LATEST, 0),
            "from": _time(run.began),
            "to": _time(run.ended),
            "driven": _time(run.driven),
            "reason": reason,
            "detail": self._texts.put(detail, Rank.FAILURE, 0),
            "pauses": [[_time(since), _time(until), why] for since, until, why in run.pauses],
            **_used(spent),
            "parent": self._parents.get(run.id),
            "graph": path(run),
            "perStep": per_step(run),
            "growth": cumulative(run),
            "executions": [self._execution(execution, numbers, places) for execution in kept],
            "leftOut": len(run.executions) - len(kept),
            "notes": [self._note(note) for note in run.notes[-2 * self._most :]],
            "scores": [self._score(score) for score in run.scores],
        }

    def _execution(self, one: Execution, numbers: dict[int, int], places: dict[str, int]) -> dict[str, Any]:
        rank = Rank.FAILURE if one.status == "failed" else Rank.OTHER
        attempts = one.attempts
        if len(attempts) > _MOST_ATTEMPTS:
            attempts = attempts[: _MOST_ATTEMPTS // 5] + attempts[-_MOST_ATTEMPTS * 4 // 5 :]
        data: dict[str, Any] = {
            "n": one.number,
            "step": one.step,
            "turn": one.turn,
            "lap": one.lap,
            "agent": one.agent,
            "from": _time(one.began),
            "to": _time(one.ended),
            "status": one.status,
            "attempts": [self._attempt(one, attempt, places) for attempt in attempts],
        }
        data |= _present(
            of=one.declared if one.declared != one.step else None,
            why=self._texts.put(one.why, rank, one.seq),
            items=[numbers[id(item)] for item in one.items if id(item) in numbers],
            parent=numbers.get(id(one.parent)) if one.parent is not None else None,
            attemptsLeft=len(one.attempts) - len(attempts) or None,
        )
        return data

    def _attempt(self, one: Execution, attempt: Attempt, places: dict[str, int]) -> dict[str, Any]:
        last = one.seq >= self._latest and attempt is one.attempts[-1]
        output = Rank.LATEST if last else Rank.OUTPUT
        prompt = Rank.LATEST if last or attempt.error else Rank.PROMPT
        calls = _most_calls(attempt.calls, self._calls_each)
        return {"n": attempt.number, "from": _time(attempt.began)} | _present(
            to=_time(attempt.ended),
            waited=_time(attempt.waited) or None,
            after=attempt.why,
            asked=_time(attempt.asked),
            answered=_time(attempt.answered),
            provider=attempt.provider,
            model=attempt.model,
            prompt=self._texts.put(attempt.prompt, prompt, attempt.seq),
            output=self._texts.put(attempt.output, output, attempt.seq),
            empty=attempt.has_output and attempt.output in (None, ""),
            error=self._texts.put(attempt.error, Rank.FAILURE, attempt.seq),
            origin=", ".join(attempt.origin),
            **_used(attempt.spent()),
            calls=[self._call(call) for call in calls],
            callsLeft=len(attempt.calls) - len(calls) or None,
            checks=[self._check(check, last) for check in attempt.checks[-_MOST_CHECKS:]],
            scores=[self._score(score) for score in attempt.scores],
            child=places.get(attempt.run) if attempt.run else None,
            childId=attempt.run,
        )

    def _call(self, call: Call) -> dict[str, Any]:
        rank = Rank.FAILURE if call.status == "failed" else Rank.CALL
        used = _used(call.usage) if call.usage else {}
        return {"kind": call.kind, "name": call.name, "from": _time(call.began)} | _present(
            to=_time(call.ended),
            status=call.status,
            given=self._texts.put(call.given, rank, call.seq),
            output=self._texts.put(call.output, rank, call.seq),
            error=self._texts.put(call.error, rank, call.seq),
            **used,
        )

    def _check(self, check: Check, last: bool) -> dict[str, Any]:
        rank = Rank.FAILURE if not check.passed else Rank.LATEST if last else Rank.CALL
        used = _used(check.usage) if check.usage else {}
        return {"gate": check.gate, "passed": check.passed, "at": _time(check.at)} | _present(
            kind=check.kind,
            summary=check.summary,
            proof=self._texts.put(check.proof, rank, check.seq),
            feedback=self._texts.put(check.feedback, rank, check.seq),
            seconds=_time(check.seconds),
            **used,
        )

    def _score(self, score: Score) -> dict[str, Any]:
        data = score.data
        scores, criteria = data.get("scores"), data.get("criteria")
        return {"at": _time(score.at)} | _present(
            **{key: data[key] for key in ("score", "threshold", "spread") if _is_figure(data.get(key))},
            **{key: str(data[key]) for key in ("judge", "gate", "evaluation") if data.get(key)},
            passed=data.get("passed") if isinstance(data.get("passed"), bool) else None,
            reasoning=self._texts.put(data.get("reasoning"), Rank.LATEST, score.seq),
            scores=[value for value in scores if _is_figure(value)] if isinstance(scores, list) else [],
            criteria={str(name): value for name, value in criteria.items() if _is_figure(value)}
            if isinstance(criteria, dict)
            else {},
        )

    def _note(self, note: Note) -> dict[str, Any]:
        return {"at": _time(note.at), "kind": note.kind, "text": note.text} | _present(
            step=note.step, detail=self._texts.put(note.detail, Rank.OTHER, note.seq)
        )


def _present(**values: Any) -> dict[str, Any]:
    """Return the values that say something."""
    return {
        key: value
        for key, value in values.items()
        if value is not None
        and value != ""
        and value != []
        and value != {}
        and (value is not False or key == "passed")
    }


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _time(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _used(spent: Usage) -> dict[str, Any]:
    return {"tokens": spent.tokens, "cost": round(spent.cost, 6), "unknown": spent.unknown}


def _latest_lap(run: Run) -> int:
    """Return where the last lap begins: the last execution of the step that was taken first."""
    if not run.executions:
        return 0
    first = run.executions[0].declared
    return max(execution.seq for execution in run.executions if execution.declared == first)


def _most_telling(executions: list[Execution], most: int) -> list[Execution]:
    """Return all, or of too many the first ones, those that failed, and the last ones, in their order."""
    if len(executions) <= most:
        return executions
    first, failed = executions[: most // 10], [one for one in executions if one.status == "failed"]
    kept = {id(one) for one in [*first, *failed[-most // 3 :]]}
    for one in reversed(executions):
        if len(kept) >= most:
            break
        kept.add(id(one))
    return [one for one in executions if id(one) in kept]


def _most_calls(calls: list[Call], most: int) -> list[Call]:
    if len(calls) <= most:
        return calls
    kept = {id(call) for call in [call for call in calls if call.status == "failed"][-most // 2 :]}
    for call in reversed(calls):
        if len(kept) >= most:
            break
        kept.add(id(call))
    return [call for call in calls if id(call) in kept]
