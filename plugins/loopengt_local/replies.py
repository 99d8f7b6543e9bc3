"""Makes what the journal keeps of an agent's answer, and refuses answers that it could not give back."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.agents import AgentError, AgentReply

if TYPE_CHECKING:
    from loopengt_local.intake import Intake

__all__ = ["EMITTED", "response_data", "spending"]

EMITTED = frozenset(
    {
        "custom",
        "handoff",
        "judge.score",
        "memory.read",
        "memory.write",
        "tool.call",
        "tool.error",
        "tool.result",
    }
)
"""Types of events that an agent may add to the journal; all others are the engine's own words."""


def response_data(
    reply: AgentReply, agent: str, attempt: int, duration: float, intake: Intake
) -> tuple[dict[str, Any], int]:
    """Return the data of an ``agent.response`` event, and the size of its output in bytes.

    Raises:
        AgentError: The reply is none, or holds something that is not JSON data; of the kind ``OutputError``.
    """
    spent: dict[str, Any] = {}
    try:
        if not isinstance(reply, AgentReply):
            raise TypeError(f"a Python {type(reply).__name__} in place of an AgentReply")
        spent = spending(reply.token_usage, reply.cost_usd, reply.cost_source)
        output, size = intake.data(reply.output)
        data: dict[str, Any] = {"attempt": attempt, "output": output, "duration": round(duration, 6), **spent}
        if reply.metadata:
            data["metadata"] = intake.data(dict(reply.metadata))[0]
    except (TypeError, ValueError) as exc:
        raise AgentError(
            f"agent {agent!r} answered with something that cannot be kept: {exc}",
            remedy="Return text, numbers, booleans, null, lists or objects with text keys.",
            kind="OutputError",
            token_usage=spent.get("token_usage"),
            cost_usd=spent.get("cost_usd"),
        ) from exc
    return data, size


def spending(usage: Mapping[str, int] | None, cost: float | None, source: str = "reported") -> dict[str, Any]:
    """Return what an event says of the tokens and the cost of an attempt, as far as its agent tells.

    Raises:
        TypeError: Something is no number of tokens, or no amount of money.
    """
    data: dict[str, Any] = {}
    if usage:
        data["token_usage"] = _tokens(usage)
    if cost is not None:
        data["cost_usd"] = _cost(cost)
        data["cost_source"] = "estimated" if source == "estimated" else "reported"
    return data


def _tokens(usage: Mapping[str, int]) -> dict[str, int]:
    for kind, count in usage.items():
        if not isinstance(kind, str) or not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise TypeError(f"token_usage has {count!r} for {kind!r}, not a whole number from 0")
    return dict(usage)


def _cost(cost: float) -> float:
    if not isinstance(cost, int | float) or isinstance(cost, bool) or not isfinite(cost) or cost < 0:
        raise TypeError(f"cost_usd is {cost!r}, not an amount of money")
    return cost
