"""The requests to models and calls of tools of one attempt, as spans."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from loopengt_otel import conventions as names
from loopengt_otel.telling.spans import Kind
from loopengt_otel.telling.texts import number, usage

if TYPE_CHECKING:
    from loopengt_otel.telling.scope import Scope
    from loopengt_otel.telling.spans import Span
    from loopengt_otel.telling.texts import Texts

__all__ = ["CALLS", "Calls", "error_type"]

CALLS = frozenset(
    {"model.request", "model.response", "model.error", "tool.call", "tool.result", "tool.error"}
)
"""Types of events that tell of calls."""

_MOST_OPEN = 1_000
"""Calls that may be under way at once; an agent that tells of more never tells what came of them."""


class Calls:
    """The calls of one attempt.

    Args:
        scope: The run.
        key: Key of the attempt's span.
        parent: Id of the attempt's span.
    """

    def __init__(self, scope: Scope, key: tuple[str | int, ...], parent: bytes) -> None:
        self._scope = scope
        self._key = key
        self._parent = parent
        self._begun: Counter[tuple[str, str]] = Counter()
        self._open: dict[tuple[str, str], list[tuple[Span, bool]]] = {}
        self._count = 0
        self.counted = False
        """Whether a span of a request to a model has told tokens, so that the attempt's must not count them again."""

    def take(self, kind: str, data: dict[str, Any], at: int, provider: str, model: str) -> list[Span]:
        """Take an event of a call; return the spans that it ends."""
        family, _, what = kind.partition(".")
        call = (family, self._identity(family, data))
        if what in ("request", "call"):
            recorded = bool(data.get("call"))
            # One that begins once more was cut short before; one without a key may be another of that name.
            if not (call in self._open and (recorded or data.get("call_id"))):
                self._begin(call, data, at, provider, model, recorded)
            return self._shed(at)
        waiting = self._open.get(call)
        if not waiting:
            self._begin(call, data, at - _duration(data), provider, model, True)
            waiting = self._open[call]
        span = waiting.pop(0)[0]
        self._count -= 1
        if not waiting:
            del self._open[call]
        span.end = max(at, span.start)
        self._conclude(span, family, data)
        if what == "error":
            span.error = self._scope.texts.message(data.get("error"))
            span.attributes[names.ERROR_TYPE] = error_type(data, f"{family}_error", self._scope.texts)
        return [span]

    def close(self, at: int, *, unrecorded_only: bool = False) -> list[Span]:
        """End what is under way: nobody knows what came of it.

        Args:
            at: When.
            unrecorded_only: Leave those alone that an attempt that is made again will go on with.
        """
        ended: list[Span] = []
        for call in list(self._open):
            staying: list[tuple[Span, bool]] = [
                (span, recorded) for span, recorded in self._open[call] if recorded and unrecorded_only
            ]
            going = [span for span, recorded in self._open.pop(call) if not (recorded and unrecorded_only)]
            if staying:
                self._open[call] = staying
            for span in going:
                span.end = max(at, span.start)
                span.attributes[names.OUTCOME] = "unknown"
            ended += going
        self._count -= len(ended)
        return ended

    def _shed(self, at: int) -> list[Span]:
        return self.close(at) if self._count > _MOST_OPEN else []

    def _identity(self, family: str, data: dict[str, Any]) -> str:
        known = data.get("call") or data.get("call_id") or (data.get("tool") or data.get("name") or "?")
        return self._scope.texts.name(known if family == "tool" else data.get("call"))

    def _begin(
        self, call: tuple[str, str], data: dict[str, Any], at: int, provider: str, model: str, recorded: bool
    ) -> None:
        family, identity = call
        self._begun[call] += 1
        key = (*self._key, family, identity, self._begun[call])
        span = self._chat(key, at, provider, model) if family == "model" else self._tool(key, data, at)
        if recorded and data.get("call"):
            span.attributes[names.CALL] = identity
        self._open.setdefault(call, []).append((span, recorded))
        self._count += 1

    def _chat(self, key: tuple[str | int, ...], at: int, provider: str, model: str) -> Span:
        attributes: dict[str, Any] = {names.OPERATION: "chat", names.CONVERSATION: self._scope.root}
        if provider:
            attributes[names.PROVIDER] = provider
        if model:
            attributes[names.REQUEST_MODEL] = model
        name = f"chat {model}".rstrip()
        return self._scope.begin(key, self._parent, name, at, attributes, shown_as="LLM", kind=Kind.CLIENT)

    def _tool(self, key: tuple[str | int, ...], data: dict[str, Any], at: int) -> Span:
        texts = self._scope.texts
        tool = texts.name(data.get("tool") or data.get("name") or "?")
        attributes: dict[str, Any] = {names.OPERATION: "execute_tool", names.TOOL: tool}
        if data.get("call_id"):
            attributes[names.TOOL_CALL_ID] = texts.name(data["call_id"])
        kind = names.TOOL_TYPES.get(str(data.get("tool_type")))
        if kind:
            attributes[names.TOOL_TYPE] = kind
        if texts.content and data.get("input") is not None:
            attributes[names.TOOL_ARGUMENTS] = texts.whole(data["input"])
        return self._scope.begin(key, self._parent, f"execute_tool {tool}", at, attributes, shown_as="TOOL")

    def _conclude(self, span: Span, family: str, data: dict[str, Any]) -> None:
        if family == "tool":
            if self._scope.texts.content and data.get("output") is not None:
                span.attributes[names.TOOL_RESULT] = self._scope.texts.whole(data["output"])
            return
        told = usage(data.get("token_usage"))
        self.counted = self.counted or bool(told)
        span.attributes |= told
        cost = number(data.get("cost_usd"))
        if cost is not None:
            span.attributes[names.CALL_COST] = float(cost)
        response = data.get("response")
        if isinstance(response, dict):
            self._answer(span, response)

    def _answer(self, span: Span, response: dict[str, Any]) -> None:
        texts, attributes = self._scope.texts, span.attributes
        for key, name in (("model", names.RESPONSE_MODEL), ("response_id", names.RESPONSE_ID)):
            if response.get(key):
                attributes[name] = texts.name(response[key])
        if response.get("finish_reason"):
            attributes[names.FINISH_REASONS] = [texts.name(response["finish_reason"])]
        if texts.content:
            wishes = response.get("tool_requests")
            parts: list[dict[str, Any]] = []
            if response.get("text"):
                parts.append({"type": "text", "content": response["text"]})
            for wish in wishes if isinstance(wishes, list) else ():
                if isinstance(wish, dict):
                    asked = {"id": texts.name(wish.get("call_id")), "name": texts.name(wish.get("name"))}
                    parts.append({"type": "tool_call", **asked, "arguments": wish.get("arguments")})
            finish = texts.name(response.get("finish_reason") or "stop")
            attributes[names.OUTPUT] = texts.messages("assistant", parts, finish_reason=finish)


def error_type(data: dict[str, Any], otherwise: str, texts: Texts) -> str:
    """Name of the error's class, for ``error.type``."""
    kinds = data.get("kinds")
    first = kinds[0] if isinstance(kinds, list) and kinds else None
    return texts.name(first) if isinstance(first, str) and first else otherwise


def _duration(data: dict[str, Any]) -> int:
    seconds = number(data.get("duration"))
    return int(seconds * 1e9) if seconds is not None and 0 <= seconds < 1e7 else 0
