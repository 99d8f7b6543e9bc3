"""Stands between an agent and the engine's calls while they are recorded, and adds up what they used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from loopengt_hookspecs.errors import AgentError

if TYPE_CHECKING:
    from loopengt_hookspecs.calls import Calls, PersonAnswer, PersonQuestion, ToolOutcome
    from loopengt_hookspecs.model_adapters import ModelRequest, ModelResponse
    from loopengt_hookspecs.tools import ToolOffer

__all__ = ["CountingCalls"]

T = TypeVar("T")


class CountingCalls:
    """Passes every call on. What was sent counts; a response that the engine has recorded before does not.

    Args:
        calls: The engine's.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.tokens: Counter[str] = Counter()
        """Tokens by kind."""
        self.cost_usd: float | None = None
        """US dollars; None: nobody said."""
        self.ended: BaseException | None = None
        """What the engine has raised to end or pause the run in the midst of a call."""

    async def offers(self) -> Sequence[ToolOffer]:
        """Return the tools that the attempt may call."""
        return await self._seen(self._calls.offers())

    async def model(
        self, request: ModelRequest, send: Callable[[ModelRequest], Awaitable[ModelResponse]]
    ) -> ModelResponse:
        """Make a request to a model."""

        async def counted(request: ModelRequest) -> ModelResponse:
            response = await send(request)
            self.tokens.update(response.token_usage)
            if response.cost_usd is not None:
                self.cost_usd = (self.cost_usd or 0.0) + response.cost_usd
            return response

        return await self._seen(self._calls.model(request, counted))

    async def tool(self, name: str, arguments: Any, *, call_id: str = "") -> ToolOutcome:
        """Call a tool."""
        return await self._seen(self._calls.tool(name, arguments, call_id=call_id))

    async def ask(self, question: PersonQuestion) -> PersonAnswer:
        """Ask a person."""
        return await self._seen(self._calls.ask(question))

    def progress(self, text: str) -> None:
        """Show a piece of what the agent is writing."""
        self._calls.progress(text)

    async def _seen(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except AgentError:
            raise
        except Exception as exc:
            self.ended = exc
            raise
