"""One attempt at a step, as a span."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.journal import total_tokens

from loopengt_otel import conventions as names
from loopengt_otel.telling.calls import Calls, error_type
from loopengt_otel.telling.texts import number, usage

if TYPE_CHECKING:
    from loopengt_otel.telling.scope import Scope
    from loopengt_otel.telling.spans import Attributes, Span

__all__ = ["Attempt"]


class Attempt:
    """An attempt that is under way, or waits for the verdict of gates.

    Args:
        scope: The run.
        step: The step's span and the key of it.
        number: Which attempt, from 1.
        at: When it begins.
        agent: Who makes it; empty: a child run does.
    """

    def __init__(
        self, scope: Scope, step: tuple[Span, tuple[str | int, ...]], number: int, at: int, agent: str
    ) -> None:
        self._scope = scope
        self.number = number
        self.agent = agent
        parent, step_key = step
        self.key = (*step_key, "attempt", number)
        inherited = (names.STEP, names.OCCURRENCE, names.ITEM_OF, names.TURN)
        attributes: Attributes = {
            key: parent.attributes[key] for key in inherited if key in parent.attributes
        }
        attributes[names.ATTEMPT] = number
        if agent:
            attributes |= {
                names.OPERATION: "invoke_agent",
                names.AGENT: agent,
                names.CONVERSATION: scope.root,
            }
        name = f"invoke_agent {agent}" if agent else f"attempt {number}"
        shown_as = "AGENT" if agent else "CHAIN"
        self.span = scope.begin(self.key, parent.span_id, name, at, attributes, shown_as=shown_as)
        self._calls = Calls(scope, self.key, self.span.span_id)
        self._ended: int | None = None
        self._tokens: Any = None
        self._provider = ""
        self._model = ""

    def begin_again(self, at: int) -> list[Span]:
        """It is made again, after a crash or a rate limit: what its agent told of by itself is at its end."""
        self._ended = None
        self.span.error = None
        self.span.attributes.pop(names.ERROR_TYPE, None)
        return self._calls.close(at, unrecorded_only=True)

    def call(self, kind: str, data: dict[str, Any], at: int) -> list[Span]:
        """Take an event of a call; return the spans that it ends."""
        return self._calls.take(kind, data, at, self._provider, self._model)

    def invoke(self, data: dict[str, Any]) -> None:
        """The agent is called."""
        texts, attributes = self._scope.texts, self.span.attributes
        provider = texts.name(data.get("provider"))
        self._provider = names.PROVIDERS.get(provider, provider)
        self._model = texts.name(data.get("model"))
        if not self.agent:
            return
        if self._provider:
            attributes[names.PROVIDER] = self._provider
        if self._model:
            attributes[names.REQUEST_MODEL] = self._model
        if texts.content and data.get("prompt"):
            attributes[names.INPUT] = texts.messages("user", [{"type": "text", "content": data["prompt"]}])

    def respond(self, data: dict[str, Any], at: int) -> None:
        """The agent has answered."""
        self._spent(data, at)
        texts = self._scope.texts
        if texts.content and data.get("output") is not None:
            parts = [{"type": "text", "content": data["output"]}]
            self.span.attributes[names.OUTPUT] = texts.messages("assistant", parts, finish_reason="stop")

    def fail(self, data: dict[str, Any], at: int) -> None:
        """The agent has failed."""
        self._spent(data, at)
        self.span.error = self._scope.texts.message(data.get("error"))
        self.span.attributes[names.ERROR_TYPE] = error_type(data, "agent_error", self._scope.texts)

    def _spent(self, data: dict[str, Any], at: int) -> None:
        attributes = self.span.attributes
        self._ended = at
        self._tokens = data.get("token_usage")
        if isinstance(self._tokens, dict) and usage(self._tokens):
            attributes[names.TOKENS] = total_tokens(self._tokens)
        if not self.agent:  # what a child run has cost its own spans tell
            return
        cost, unknown = number(data.get("cost_usd")), number(data.get("unknown_costs"))
        if cost is not None:
            attributes[names.COST] = float(cost)
        if isinstance(data.get("cost_source"), str):
            attributes[names.COST_SOURCE] = self._scope.texts.name(data["cost_source"])
        if unknown:
            attributes[names.UNKNOWN_COSTS] = int(unknown)

    def close(self, at: int, outcome: str) -> list[Span]:
        """It is at its end; return its spans.

        Args:
            at: When its verdict was known; its own end is that of its agent's work.
            outcome: completed, retried, failed or unknown.
        """
        span = self.span
        span.end = max(span.start, at if self._ended is None else self._ended)
        span.attributes[names.OUTCOME] = outcome
        ended = self._calls.close(span.end)
        if not self._calls.counted and self.agent:  # receivers add up what spans tell: each token once
            span.attributes |= usage(self._tokens)
        return [*ended, span]
