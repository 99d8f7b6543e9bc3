"""What an agent did within an attempt: its requests to models and its calls of tools."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from loopengt.display import duration, one_line, spent
from loopengt.journal import total_tokens

__all__ = ["CALLS", "MOST", "Call", "add_call", "call_facts", "count_lines"]

CALLS = frozenset(
    {"model.request", "model.response", "model.error", "tool.call", "tool.result", "tool.error"}
)
"""Types of events that tell of calls."""

MOST = 20
"""Calls of one attempt that are shown one by one."""

_GIVEN = 80
_WHY = 100


@dataclass(slots=True)
class Call:
    """One request to a model, or one call of a tool."""

    kind: str
    """model or tool."""
    key: str
    """What tells it from others of the attempt; empty: its agent does not say."""
    name: str = ""
    """The tool, or the model where it is known."""
    given: Any = None
    """What the tool was given."""
    status: str = ""
    """ok or FAIL; empty: nobody knows."""
    error: str = ""
    seconds: float | None = None
    tokens: int = 0
    cost_usd: float | None = None


def add_call(calls: list[Call], kind: str, data: dict[str, Any]) -> None:
    """Bring the calls of an attempt forward by an event of one of them."""
    family, _, what = kind.partition(".")
    name = str(data.get("tool") or data.get("name") or "?") if family == "tool" else ""
    key = str(data.get("call") or data.get("call_id") or "")
    call = _under_way(calls, family, key, name)
    # A call that begins once more was cut short before; one without a key may be another.
    if call is None or (what == "call" and not key):
        call = Call(family, key, name)
        calls.append(call)
    if data.get("input") is not None:
        call.given = data["input"]
    if what in ("request", "call"):
        return
    call.status = "FAIL" if what == "error" else "ok"
    call.error = str(data.get("error") or "")
    call.seconds = data.get("duration")
    if family == "model":
        response = data.get("response")
        call.name = str(response.get("model") or "") if isinstance(response, dict) else ""
        call.tokens = total_tokens(data.get("token_usage") or {})
        call.cost_usd = data.get("cost_usd")


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


def _under_way(calls: list[Call], family: str, key: str, name: str) -> Call | None:
    """Return the call that an event goes on with."""
    for call in reversed(calls):
        if call.kind == family and not call.status and (call.key == key if key else call.name == name):
            return call
    return None
