"""Agents that call models and tools, and tools that remember their calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from loopengt.testing import ScriptedAgent, loop_spec
from loopengt_hookspecs.model_adapters import Message, ModelRequest, ModelResponse, ToolRequest
from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import ToolOffer

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.models import ToolSpec
    from loopengt_hookspecs.tools import ToolCall

Answer = Any
"""A response, an exception to raise, or a callable that gets the request and returns either."""


class CallingAgent(ScriptedAgent):
    """A scripted agent that may be given tools."""

    takes_tools = True
    keeps_sessions = True
    reports_cost = False


class FakeModel:
    """Answers requests from a script by the number of the request in its conversation, and remembers them."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = answers
        self.sent: list[ModelRequest] = []

    async def send(self, request: ModelRequest) -> ModelResponse:
        """Answer."""
        self.sent.append(request)
        answer = self.answers[sum(message.role == "assistant" for message in request.messages)]
        if callable(answer) and not isinstance(answer, type):
            answer = answer(request)
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, ModelResponse)
        return answer


class Tools:
    """A type of tools made of functions, which remembers every call."""

    def __init__(self, **functions: Callable[[ToolCall], Any]) -> None:
        self.functions = functions
        self.calls: list[ToolCall] = []
        self.offered: dict[str, dict[str, Any]] = {}
        """Fields of the offers, by tool."""
        self.released: list[Path] = []

    def bind(self, tool: ToolSpec, project: Path, loop: Any) -> BoundFunction:
        """Bind."""
        return BoundFunction(self, tool)

    @property
    def names(self) -> list[str]:
        """The tools that were called, in order."""
        return [call.name for call in self.calls]


class BoundFunction:
    """One tool."""

    def __init__(self, tools: Tools, spec: ToolSpec) -> None:
        self.tools = tools
        self.spec = spec

    def plan(self) -> str:
        """Say what would be called."""
        return self.spec.name

    def missing(self) -> list[Any]:
        """Nothing."""
        return []

    async def offers(self, workspace: Path) -> Sequence[ToolOffer]:
        """Offer the function."""
        fields = self.tools.offered.get(self.spec.name, {})
        return [ToolOffer(self.spec.name, self.spec.description, self.spec.schema_def, **fields)]

    async def call(self, call: ToolCall) -> Any:
        """Call it."""
        self.tools.calls.append(call)
        result = self.tools.functions[call.name](call)
        return await result if hasattr(result, "__await__") else result

    async def release(self, workspace: Path) -> None:
        """Remember it."""
        self.tools.released.append(workspace)


def says(text: str, *, tokens: int = 10, cost: float | None = None) -> ModelResponse:
    """A response in words."""
    return ModelResponse(
        text, (), {"prompt_tokens": tokens, "completion_tokens": 1}, cost, "m-1", "stop", "r"
    )


def wants(*calls: tuple[str, Any], tokens: int = 10, cost: float | None = None) -> ModelResponse:
    """A response that asks for tools."""
    wishes = tuple(ToolRequest(f"c{place}", name, given) for place, (name, given) in enumerate(calls))
    usage = {"prompt_tokens": tokens, "completion_tokens": 1}
    return ModelResponse("", wishes, usage, cost, "m-1", "tool_call", "r", {"signature": "s"})


def conversation(model: FakeModel, *, attempts: int = 0) -> Callable[[AgentRequest], Any]:
    """An agent that talks to a model until it asks for no more tools, as an LLM agent does."""

    async def converse(request: AgentRequest) -> str:
        import asyncio

        offers = await request.calls.offers()
        messages = [Message("user", request.prompt)]
        while True:
            response = await request.calls.model(ModelRequest(tuple(messages), offers), model.send)
            messages.append(response.message())
            if not response.tool_requests:
                return response.text
            outcomes = await asyncio.gather(
                *(
                    request.calls.tool(wish.name, wish.arguments, call_id=wish.call_id)
                    for wish in response.tool_requests
                )
            )
            messages += [
                Message(
                    "tool", outcome.text(), call_id=wish.call_id, name=wish.name, is_error=outcome.is_error
                )
                for wish, outcome in zip(response.tool_requests, outcomes, strict=True)
            ]

    return converse


def calling_spec(
    tools: Mapping[str, Mapping[str, Any]] | Sequence[str] = (),
    *,
    agent: Mapping[str, Any] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A loop of one step whose agent may call some tools, each with further fields of its declaration."""
    declared = tools if isinstance(tools, Mapping) else {name: {} for name in tools}
    role = {"name": "worker", "config": {"provider": "scripted"}, "tools": list(declared), **(agent or {})}
    return loop_spec(
        agents=[role],
        tools=[{"name": name, "tool_type": "builtin", **more} for name, more in declared.items()],
        **fields,
    )


ONCE = Effects.ONCE.value
