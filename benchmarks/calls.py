"""Calls of models and tools that take no time: what the engine adds to each, recorded in memory and in SQLite."""

from __future__ import annotations

import asyncio
from importlib import import_module
from time import perf_counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from benchmarks.workload import PLUGINS, Wrong
from loopengt import hookimpl
from loopengt.kernel import Kernel
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.model_adapters import Message, ModelRequest, ModelResponse, ToolRequest
from loopengt_hookspecs.models import Effects, EndReason, LoopSpec

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.tools import ToolCall

__all__ = ["record"]

_WARM_UP = 20


def record(folder: Path, rounds: int) -> dict[str, float]:
    """Microseconds that the engine takes for a request to a model, and for a call of a tool, in one long attempt."""
    for storage in ("memory", "sqlite"):
        (folder / storage).mkdir()
    memory = asyncio.run(_record(folder / "memory", "memory", rounds))
    sqlite = asyncio.run(_record(folder / "sqlite", "sqlite", rounds))
    return {
        "model": memory.model,
        "tool": memory.tool,
        "model_durable": sqlite.model,
        "tool_durable": sqlite.tool,
        "last": memory.last,
        "first": memory.first,
        "bytes": sum(path.stat().st_size for path in (folder / "sqlite").rglob("*.db*")) / rounds,
    }


async def _record(folder: Path, storage: str, rounds: int) -> _Talker:
    talker = _Talker()

    @hookimpl
    def loopengt_register_agents(register: Any) -> None:
        register("talker", SimpleNamespace(bind=lambda role, project: talker), summary="Talks to nobody")

    @hookimpl
    def loopengt_register_tools(register: Any) -> None:
        register("nothing", _Nothing(), summary="Does nothing")

    hooks = SimpleNamespace(
        loopengt_register_agents=loopengt_register_agents, loopengt_register_tools=loopengt_register_tools
    )
    named = [(name, import_module(f"loopengt_{name}.plugin")) for name in (*PLUGINS, "tools")]
    kernel = Kernel(
        folder, plugins=[*named, ("talker", hooks)], config={"storage": {"name": storage}}, environ={}
    )
    agents = [
        {"name": "worker", "tools": ["nothing"], "config": {"provider": "talker"}, "timeout_seconds": 3600}
    ]
    spec = LoopSpec.model_validate(
        {
            "name": "benchmark",
            "goal": "Call, often.",
            "agents": agents,
            "tools": [{"name": "nothing", "tool_type": "builtin"}],
            "steps": [{"name": "work", "agent": "worker"}],
        }
    )
    async with kernel.storage():
        for talker.rounds in (_WARM_UP, rounds):
            result = await kernel.engine().start(RunRequest(spec, in_place=True))
            if result.end.reason is not EndReason.GOAL_MET:
                raise Wrong(f"the run ended {result.end.reason}: {result.end.detail}")
    return talker


class _Nothing:
    """A tool without work."""

    description = "Does nothing."
    input_schema: ClassVar[dict[str, Any]] = {"type": "object", "properties": {"word": {"type": "string"}}}
    output_schema = None
    effects = Effects.NONE
    options = None

    async def call(self, call: ToolCall, options: Any) -> str:
        """Answer at once."""
        return "nothing was done, and it was done in no time at all; so it goes"


class _Talker:
    """An agent that asks a model which answers at once, and calls the tool that it names."""

    takes_tools = True
    free = True

    def __init__(self) -> None:
        self.rounds = 0
        self.model = self.tool = self.first = self.last = 0.0
        """Microseconds: a request, a call, and a whole round of the first and of the last tenth."""

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Hold a conversation of so many rounds."""
        calls, offers = request.calls, await request.calls.offers()
        messages = [Message("user", request.prompt)]
        models, tools = [], []
        for _ in range(self.rounds):
            began = perf_counter()
            response = await calls.model(ModelRequest(tuple(messages), offers), _send)
            asked = perf_counter()
            (wish,) = response.tool_requests
            outcome = await calls.tool(wish.name, wish.arguments, call_id=wish.call_id)
            models.append(asked - began)
            tools.append(perf_counter() - asked)
            messages.append(response.message())
            messages.append(Message("tool", outcome.text(), call_id=wish.call_id, name=wish.name))
        whole = [sum(both) for both in zip(models, tools, strict=True)]
        tenth = max(1, self.rounds // 10)
        self.model, self.tool = sum(models) / self.rounds * 1e6, sum(tools) / self.rounds * 1e6
        self.first, self.last = sum(whole[:tenth]) / tenth * 1e6, sum(whole[-tenth:]) / tenth * 1e6
        return AgentReply("done")


async def _send(_request: ModelRequest) -> ModelResponse:
    wish = ToolRequest("call-1", "nothing", {"word": "once more"})
    usage = {"prompt_tokens": 10, "completion_tokens": 1}
    return ModelResponse("", (wish,), usage, model="m1", finish_reason="tool_call", response_id="r1")
