"""What an agent did within an attempt: its requests to models and its calls of tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from loopengt.journal import total_tokens

__all__ = ["CALLS", "Call", "add_call"]

CALLS = frozenset(
    {"model.request", "model.response", "model.error", "tool.call", "tool.result", "tool.error"}
)
"""Types of events that tell of calls."""


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


def _under_way(calls: list[Call], family: str, key: str, name: str) -> Call | None:
    """Return the call that an event goes on with."""
    for call in reversed(calls):
        if call.kind == family and not call.status and (call.key == key if key else call.name == name):
            return call
    return None
