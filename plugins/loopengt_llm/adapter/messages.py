"""Turns a conversation into messages of pydantic-ai, and its answers into ours."""

from __future__ import annotations

import json
from math import isinf
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.model_adapters import Message, ModelResponse, ToolRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_ai import messages as theirs

__all__ = ["history", "response_of"]

_KEPT = ("kind", "parts", "model_name", "provider_name", "provider_url", "canonical_system")
# Parts that have nothing but these can be made anew of a message's text and tool requests.
_PLAIN = {"text": {"part_kind", "content"}, "tool-call": {"part_kind", "tool_name", "args", "tool_call_id"}}

_DEEPEST = 100
"""Levels to which arguments of a tool may be nested."""


def history(conversation: Iterable[Message]) -> list[theirs.ModelMessage]:
    """Return a conversation as pydantic-ai's: what stands between two answers is one request."""
    from pydantic_ai.messages import ModelRequest

    found: list[theirs.ModelMessage] = []
    for message in conversation:
        if message.role == "assistant":
            found.append(_answer(message))
            continue
        if not found or not isinstance(found[-1], ModelRequest):
            found.append(ModelRequest(parts=[]))
        found[-1].parts = [*found[-1].parts, _part(message)]
    return found


def _part(message: Message) -> Any:
    from pydantic_ai.messages import SystemPromptPart, ToolReturnPart, UserPromptPart

    if message.role == "system":
        return SystemPromptPart(message.text)
    if message.role == "user":
        return UserPromptPart(message.text)
    return ToolReturnPart(
        message.name, message.text, message.call_id, outcome="failed" if message.is_error else "success"
    )


def _answer(message: Message) -> theirs.ModelResponse:
    from pydantic_ai.messages import ModelMessagesTypeAdapter, ModelResponse, TextPart, ToolCallPart

    if isinstance(message.state, dict) and message.state.get("kind") == "response":
        (answer,) = ModelMessagesTypeAdapter.validate_json(json.dumps([message.state]))
        assert isinstance(answer, ModelResponse)
        return answer
    parts: list[theirs.ModelResponsePart] = [TextPart(message.text)] if message.text else []
    for wish in message.tool_requests:
        arguments = wish.arguments
        args = arguments if isinstance(arguments, str | dict) else json.dumps(arguments)
        parts.append(ToolCallPart(wish.name, args, wish.call_id))
    return ModelResponse(parts=parts)


def response_of(answer: theirs.ModelResponse) -> ModelResponse:
    """Return an answer of pydantic-ai as ours."""
    from pydantic_ai.messages import TextPart, ToolCallPart

    details = answer.provider_details or {}
    return ModelResponse(
        text="".join(part.content for part in answer.parts if isinstance(part, TextPart)),
        tool_requests=tuple(
            ToolRequest(part.tool_call_id, part.tool_name, _arguments(part.args))
            for part in answer.parts
            if isinstance(part, ToolCallPart)
        ),
        token_usage=_usage(answer),
        cost_usd=_cost(details),
        model=answer.model_name or "",
        finish_reason=answer.finish_reason or "",
        response_id=answer.provider_response_id or "",
        state=_state(answer),
    )


def _arguments(args: Any) -> Any:
    """Return arguments as JSON data; what is none stays the text that it is, for the model to be told."""
    if args is None or (isinstance(args, str) and not args.strip()):
        return {}
    text = ""
    try:
        text = args if isinstance(args, str) else json.dumps(args)
        found = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):
        return text
    return text if _is_too_deep(found) else found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _finite(number: str) -> float:
    if isinf(value := float(number)):  # as 1e999 is read
        raise ValueError(f"{number} is too large")
    return value


def _is_too_deep(value: Any) -> bool:
    """Whether data is so nested that whoever walks through it, level by level, may fail."""
    levels = [value]
    for _ in range(_DEEPEST):
        levels = [
            inner
            for outer in levels
            if isinstance(outer, list | dict)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not levels:
            return False
    return True


def _usage(answer: theirs.ModelResponse) -> dict[str, int]:
    usage = answer.usage
    details = usage.details or {}
    reasoning = (
        details.get("reasoning_tokens")
        or details.get("thoughts_tokens")
        or getattr(usage, "output_reasoning_tokens", 0)
    )
    counts = {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens}
    told = {
        "cached_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": reasoning,
    }
    if not any(counts.values()):
        return {}
    return counts | {name: count for name, count in told.items() if count}


def _cost(details: Mapping[str, Any]) -> float | None:
    """Return what OpenRouter says of the cost; pydantic-ai leaves a cost of nothing out."""
    cost = details.get("cost")
    if cost is None and "is_byok" not in details:
        return None
    # With a key of the user's own at the service behind it, that service's price comes on top.
    behind = details.get("upstream_inference_cost") if details.get("is_byok") else None
    return float(cost or 0.0) + float(behind or 0.0)


def _state(answer: theirs.ModelResponse) -> dict[str, Any] | None:
    """Return what text and tool requests do not tell of an answer, as JSON data; None: nothing."""
    from pydantic_ai.messages import ModelMessagesTypeAdapter

    (data,) = ModelMessagesTypeAdapter.dump_python([answer], mode="json")
    kinds = [part["part_kind"] for part in data["parts"]]
    # Of text in several parts, or after a tool request, its place would be lost.
    if "text" not in kinds[1:] and all(map(_is_plain, data["parts"])):
        return None
    return {key: data[key] for key in _KEPT if data.get(key) is not None}


def _is_plain(part: dict[str, Any]) -> bool:
    told = {key for key, value in part.items() if value is not None}
    return told <= _PLAIN.get(part["part_kind"], set())
