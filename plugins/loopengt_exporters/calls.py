"""Writes what an agent asked of models and tools: a line each, or a count of many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.display import duration, one_line, spent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt.story import Call

__all__ = ["MOST", "call_facts", "call_lines"]

MOST = 20
"""Calls of one attempt that are shown one by one."""

_GIVEN = 80
_WHY = 100


def call_lines(calls: list[Call], most: int | None = MOST) -> list[tuple[str, str]]:
    """Return what calls were and what came of them: one by one, or counted when there are more than ``most``."""
    counted = most is not None and len(calls) > most
    return count_lines(calls) if counted else [call_facts(call) for call in calls]


def call_facts(call: Call) -> tuple[str, str]:
    """Return what a call was, and what came of it, a line each."""
    what = " ".join([call.kind, one_line(call.name)] if call.name else [call.kind])
    if call.given not in (None, "", {}):
        what += f" {one_line(call.given, _GIVEN)}"
    facts = [call.status] if call.status else ["no result"]
    if call.error:
        facts.append(one_line(call.error, _WHY))
    if call.seconds is not None:
        facts.append(duration(call.seconds, fine=True))
    if call.tokens or call.cost_usd:
        facts += spent(call.tokens, call.cost_usd)
    return what, " · ".join(facts)


def count_lines(calls: Iterable[Call]) -> list[tuple[str, str]]:
    """Return the same of many calls: a count for each kind, and what they came to together."""
    found: list[tuple[str, str]] = []
    everything = list(calls)
    for kind, words in (("model", "model requests"), ("tool", "tool calls")):
        own = [call for call in everything if call.kind == kind]
        if not own:
            continue
        facts = [f"{number} {word}" for word, number in _outcomes(own).items() if number]
        facts.append(duration(sum(call.seconds or 0.0 for call in own), fine=True))
        tokens = sum(call.tokens for call in own)
        facts += [f"{tokens:,} tokens"] if tokens else []
        found.append((f"{len(own):,} {words}", " · ".join(facts)))
    return found


def _outcomes(calls: list[Call]) -> dict[str, int]:
    statuses = [call.status for call in calls]
    return {"ok": statuses.count("ok"), "FAIL": statuses.count("FAIL"), "without result": statuses.count("")}
