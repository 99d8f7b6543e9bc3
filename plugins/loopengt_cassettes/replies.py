"""Turns what an agent answered, or how it failed, into JSON data and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.journal import to_json_data
from loopengt_hookspecs.agents import AgentError, AgentReply, MissingRequirement, RateLimited

if TYPE_CHECKING:
    from loopengt_cassettes.counting import CountingCalls
    from loopengt_cassettes.placeholders import Placeholders

__all__ = ["CANCELLED", "CUT_OFF", "error_data", "raise_error", "reply_data", "reply_of"]

CUT_OFF = "the attempt was ended before it answered, when it was recorded"

CANCELLED = {
    "message": CUT_OFF,
    "kind": "TimeoutError",
    "kinds": ["OSError"],
    "cancelled": True,
}
"""What is kept of an attempt that took too long, or was interrupted and never made again."""


def reply_data(reply: AgentReply, counted: CountingCalls, placeholders: Placeholders) -> dict[str, Any]:
    """Return what a cassette says of a reply: ``{"reply": …}``, or the error that the engine makes of it.

    Args:
        reply: The reply.
        counted: The calls of the attempt, whose tokens and cost are added.
        placeholders: Those of the run.
    """
    try:
        usage = dict(counted.tokens)
        for kind, count in reply.token_usage.items():
            usage[kind] = usage.get(kind, 0) + count
        costs = [cost for cost in (reply.cost_usd, counted.cost_usd) if cost is not None]
        data = {
            "output": reply.output,
            "token_usage": usage,
            "cost_usd": sum(costs) if costs else None,
            "cost_source": reply.cost_source,
            "metadata": dict(reply.metadata),
        }
        return {"reply": placeholders.take_out(to_json_data(data)[0])}
    except (AttributeError, TypeError, ValueError) as exc:
        return {"error": {"message": f"the agent answered with something odd: {exc}", "kind": "OutputError"}}


def reply_of(data: dict[str, Any], placeholders: Placeholders) -> AgentReply:
    """Return the recorded reply: nothing was used and nothing spent; what it took once is in the metadata."""
    said = placeholders.put_in(data["reply"])
    took = {key: said[key] for key in ("token_usage", "cost_usd") if said.get(key)}
    metadata = {**said.get("metadata", {}), "replayed": True} | ({"recorded": took} if took else {})
    return AgentReply(said.get("output"), cost_usd=0.0, cost_source="reported", metadata=metadata)


def error_data(error: BaseException, placeholders: Placeholders) -> dict[str, Any]:
    """Return what a cassette says of an attempt that failed: ``{"error": …}``."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind not in (object, BaseException, Exception)]
    if not isinstance(error, AgentError):
        text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return {"error": {"message": placeholders.take_out(text), "kind": kinds[0], "kinds": kinds[1:]}}
    data: dict[str, Any] = {
        "message": placeholders.take_out(error.message),
        "remedy": placeholders.take_out(error.remedy),
        "kind": error.kind,
        "kinds": [*error.kinds, *kinds],
        "retry_after": error.retry_after,
        "token_usage": dict(error.token_usage or {}),
        "cost_usd": error.cost_usd,
        "fatal": isinstance(error, MissingRequirement),
        "rate_limited": isinstance(error, RateLimited),
        "starts_over": error.starts_over,
    }
    return {"error": {key: value for key, value in data.items() if value}}


def raise_error(data: dict[str, Any], placeholders: Placeholders) -> None:
    """Fail as the recorded attempt did; it does not wait as long as a service asked for then.

    Raises:
        AgentError: Always.
    """
    said = data["error"]
    make = (
        MissingRequirement if said.get("fatal") else RateLimited if said.get("rate_limited") else AgentError
    )
    raise make(
        placeholders.put_in(said.get("message", "")),
        remedy=placeholders.put_in(said.get("remedy", "")),
        kind=said.get("kind", ""),
        kinds=tuple(said.get("kinds", ())),
        cost_usd=0.0,
        starts_over=said.get("starts_over", False),
    )
