"""Writes answers in the wire format of OpenAI: chat completions, their chunks, embeddings."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import struct
from collections.abc import Iterator
from typing import Any

from loopengt.testing._openai_answers import Answer
from loopengt.testing._openai_examples import example

__all__ = ["chunks", "completion", "echo", "embeddings", "vector"]

_CREATED = 1_700_000_000
_COUNTS = {"prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens"}


def echo(body: dict[str, Any]) -> Answer:
    """Return the answer to a request that no script answers, made of the request alone.

    A JSON Schema gets its plainest example, a tool that must be called gets called so, a tool's result is repeated
    after ``tool said: ``, and any other last message after ``echo: ``.
    """
    wanted = (body.get("response_format") or {}).get("json_schema")
    messages = body.get("messages") or [{}]
    last = messages[-1]
    if wanted is not None:
        return Answer(json=example(wanted.get("schema", {})))
    if last.get("role") == "tool":
        return Answer(text=f"tool said: {_text(last.get('content'))}")
    if (tool := _forced_tool(body)) is not None:
        arguments = example(tool.get("parameters") or {"type": "object"})
        return Answer(tool_calls=({"name": tool["name"], "arguments": arguments},))
    return Answer(text=f"echo: {_text(last.get('content'))}")


def completion(body: dict[str, Any], answer: Answer, number: int) -> dict[str, Any]:
    """Return a whole chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.said or None}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = _tool_calls(answer, number)
    finish = _finish(answer)
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    if _as_openrouter(body):
        choice["native_finish_reason"] = finish
    return {
        **_head(body, answer, number, "chat.completion"),
        "choices": [choice],
        "usage": _usage(body, answer),
    }


def chunks(body: dict[str, Any], answer: Answer, number: int) -> Iterator[dict[str, Any]]:
    """Yield a chat completion piece by piece: a word, a tool call, a part of arguments at a time."""
    head = _head(body, answer, number, "chat.completion.chunk")

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": finish}
        if _as_openrouter(body):
            choice["native_finish_reason"] = finish
        return {**head, "choices": [choice]}

    for piece in _words(answer.reasoning):
        yield chunk({"role": "assistant", "reasoning_content": piece})
    for piece in _words(answer.said):
        yield chunk({"role": "assistant", "content": piece})
    for index, call in enumerate(_tool_calls(answer, number)):
        arguments = call["function"]["arguments"]
        yield chunk(
            {"tool_calls": [{**call, "index": index, "function": {**call["function"], "arguments": ""}}]}
        )
        half = len(arguments) // 2
        for piece in (arguments[:half], arguments[half:]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, _finish(answer))
    if (body.get("stream_options") or {}).get("include_usage"):
        yield {**head, "choices": [], "usage": _usage(body, answer)}


def embeddings(body: dict[str, Any], dimensions: int) -> dict[str, Any]:
    """Return the embeddings of a request's input."""
    given = body.get("input", "")
    texts = [given] if isinstance(given, str) or (given and isinstance(given[0], int)) else list(given)
    size = body.get("dimensions") or dimensions
    rows = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector(_text(text), size), body)}
        for index, text in enumerate(texts)
    ]
    tokens = sum(len(_text(text).split()) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": rows, "model": body.get("model", ""), "usage": usage}


def vector(text: str, dimensions: int) -> list[float]:
    """Return the vector of a text: of length 1, always the same, near to that of texts that share its words."""
    total = [0.0] * dimensions
    for word in re.findall(r"\w+", text.lower()) or [""]:
        raw = hashlib.shake_128(word.encode("utf-8", "surrogatepass")).digest(2 * dimensions)
        for index, (value,) in enumerate(struct.iter_unpack("<h", raw)):
            total[index] += value
    length = math.sqrt(sum(value * value for value in total)) or 1.0
    return [value / length for value in total]


def _encoded(values: list[float], body: dict[str, Any]) -> list[float] | str:
    if body.get("encoding_format") != "base64":
        return values
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def _forced_tool(body: dict[str, Any]) -> dict[str, Any] | None:
    tools = [tool["function"] for tool in body.get("tools") or () if "function" in tool]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name")
        return next((tool for tool in tools if tool["name"] == name), None)
    return tools[0] if choice == "required" and tools else None


def _head(body: dict[str, Any], answer: Answer, number: int, kind: str) -> dict[str, Any]:
    model = answer.model or body.get("model", "")
    head = {"id": f"chatcmpl-{number}", "object": kind, "created": _CREATED, "model": model}
    return head | ({"provider": "Fake"} if _as_openrouter(body) else {})


def _as_openrouter(body: dict[str, Any]) -> bool:
    """Whether a request asks for OpenRouter's account of usage, and so for its way of answering."""
    return isinstance(body.get("usage"), dict)


def _finish(answer: Answer) -> str:
    return answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")


def _tool_calls(answer: Answer, number: int) -> list[dict[str, Any]]:
    return [
        {
            "id": call.get("id", f"call_{number}_{index}"),
            "type": "function",
            "function": {"name": call["name"], "arguments": _arguments(call.get("arguments", {}))},
        }
        for index, call in enumerate(answer.tool_calls)
    ]


def _arguments(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given)


def _usage(body: dict[str, Any], answer: Answer) -> dict[str, Any]:
    given = answer.usage
    said = " ".join([answer.reasoning, answer.said, *(str(call) for call in answer.tool_calls)])
    asked = " ".join(_text(message.get("content")) for message in body.get("messages") or ())
    prompt = given.get("prompt_tokens", len(asked.split()))
    answered = given.get("completion_tokens", len(said.split()))
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": answered,
        "total_tokens": prompt + answered,
        "prompt_tokens_details": {"cached_tokens": given.get("cached_tokens", 0)},
        "completion_tokens_details": {"reasoning_tokens": given.get("reasoning_tokens", 0)},
    }
    if _as_openrouter(body):
        usage |= {"cost": 0.0, "is_byok": False}
    return usage | {name: value for name, value in given.items() if name not in _COUNTS}


def _words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


def _text(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and all(isinstance(part, dict) and "text" in part for part in content):
        return "".join(str(part["text"]) for part in content)
    return json.dumps(content)
