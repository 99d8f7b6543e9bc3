"""What the tests of LLM agents share: a model that answers from a script, and calls that are kept and replayed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from loopengt import Kernel, hookimpl
from loopengt.testing import make_kernel
from loopengt_hookspecs.agents import AgentReply, AgentRequest, MissingRequirement
from loopengt_hookspecs.calls import Calls, ToolOutcome
from loopengt_hookspecs.model_adapters import ModelRequest, ModelResponse, ModelSettings, ToolRequest
from loopengt_hookspecs.models import AgentRole
from loopengt_hookspecs.tools import ToolOffer
from loopengt_llm.agent import LLMAgent

Said = str | ModelResponse | Exception | Callable[[ModelRequest], ModelResponse]


@dataclass
class ScriptedModels:
    """A model adapter whose models answer in the order of a script; an exception in it is raised."""

    script: list[Said]
    native: bool = True
    lacks: list[MissingRequirement] = field(default_factory=list)
    settings: list[ModelSettings] = field(default_factory=list)
    """Those of every model that was made."""
    requests: list[ModelRequest] = field(default_factory=list)
    closed: int = 0

    @property
    def native_schema(self) -> bool:
        """Whether schemas are held natively."""
        return self.native

    def missing(self, provider: str) -> list[MissingRequirement]:
        """What the test says."""
        return self.lacks

    def model(self, settings: ModelSettings) -> ScriptedModels:
        """The adapter is its own model."""
        self.settings.append(settings)
        return self

    async def request(self, request: ModelRequest) -> ModelResponse:
        """Give the next answer; piecewise to who wants it so."""
        self.requests.append(request)
        said = self.script.pop(0)
        if isinstance(said, Exception):
            raise said
        response = (
            said
            if isinstance(said, ModelResponse)
            else saying(said)
            if isinstance(said, str)
            else said(request)
        )
        if request.on_text is not None:
            for word in response.text.split():
                request.on_text(word)
        return response

    async def close(self) -> None:
        """Count."""
        self.closed += 1


def saying(text: str, **fields: Any) -> ModelResponse:
    """An answer in text."""
    return ModelResponse(text, **{"finish_reason": "stop", "model": "m1-2026", "response_id": "r1", **fields})


def calling(*wishes: tuple[str, Any], **fields: Any) -> ModelResponse:
    """An answer that asks for tools, each as (name, arguments)."""
    requests = tuple(ToolRequest(f"call-{n}", name, given) for n, (name, given) in enumerate(wishes, 1))
    return ModelResponse("", requests, **{"finish_reason": "tool_call", **fields})


@dataclass
class KeptCalls:
    """Implements ``Calls`` without an engine: keeps every result, and gives those back that it is made with."""

    tools: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    recorded: Sequence[Any] = ()
    """Results of an earlier attempt, in their order."""
    kept: list[Any] = field(default_factory=list)
    called: list[tuple[str, Any, str]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    async def offers(self) -> list[ToolOffer]:
        """One for each tool."""
        return [ToolOffer(name, f"the tool {name}") for name in sorted(self.tools)]

    async def model(
        self, request: ModelRequest, send: Callable[[ModelRequest], Awaitable[ModelResponse]]
    ) -> ModelResponse:
        """Send, or replay."""
        if len(self.kept) < len(self.recorded):
            response: ModelResponse = self.recorded[len(self.kept)]
        else:
            response = await send(request)
        self.kept.append(response)
        return response

    async def tool(self, name: str, arguments: Any, *, call_id: str = "") -> ToolOutcome:
        """Call, or replay."""
        if len(self.kept) < len(self.recorded):
            outcome: ToolOutcome = self.recorded[len(self.kept)]
        elif name not in self.tools:
            outcome = ToolOutcome(f"there is no tool {name!r}", is_error=True)
        elif not isinstance(arguments, dict):
            outcome = ToolOutcome(f"the arguments must be an object, and are: {arguments!r}", is_error=True)
        else:
            self.called.append((name, arguments, call_id))
            outcome = ToolOutcome(self.tools[name](arguments))
        self.kept.append(outcome)
        return outcome

    async def ask(self, question: Any) -> Any:
        """Nobody is asked in these tests."""
        raise AssertionError(question)

    def progress(self, text: str) -> None:
        """Keep what is shown."""
        self.shown.append(text)


def kernel_with(
    project: Path, adapter: Any = None, *, plugins: Sequence[tuple[str, object]] = (), **options: Any
) -> Kernel:
    """Make a kernel whose LLM agents reach models by a given adapter, default the built-in one.

    Args:
        project: The project folder.
        adapter: The model adapter.
        plugins: Further plugins.
        **options: Options of ``[plugins.llm]``.
    """
    given = list(plugins)
    if adapter is not None:

        @hookimpl
        def loopengt_register_model_adapters(register: Any) -> None:
            register("given", adapter, summary="Given by the test")

        hooks = SimpleNamespace(loopengt_register_model_adapters=loopengt_register_model_adapters)
        given.append(("given_adapter", hooks))
        options = {"adapter": "given", **options}
    return make_kernel(project, plugins=given, config={"plugins": {"llm": options}})


def role_of(config: Mapping[str, Any] | None = None, **fields: Any) -> AgentRole:
    """Make a role, with a config as a spec has it."""
    named = {"provider": "ollama", "model": "m1", **(config or {})}
    return AgentRole.model_validate({"name": "writer", "config": named, **fields})


@dataclass
class Bench:
    """A project folder, in which agents are bound and asked as an engine would."""

    project: Path

    @property
    def home(self) -> Path:
        """Its own ``.loopengt``, which no run copies."""
        home = self.project / ".loopengt"
        home.mkdir(exist_ok=True)
        return home

    def agent(self, adapter: Any, role: AgentRole, **options: Any) -> LLMAgent:
        """Bind the agent of a role."""
        kernel = kernel_with(self.project, adapter, **options)
        agent: LLMAgent = kernel.get("agents", role.config.provider).bind(role, self.project)
        return agent

    def request(self, role: AgentRole, calls: Calls, prompt: str = "Do it.", **fields: Any) -> AgentRequest:
        """Make the request of one attempt."""
        values: dict[str, Any] = {
            "run_id": "run-1",
            "loop": "demo",
            "step": "work",
            "occurrence": 1,
            "attempt": 1,
            "system_prompt": "",
            "feedback": "",
            "idempotency_key": "run-1/work/1/1",
            "workspace": self.project,
            "context": {},
            "emit": lambda kind, data: None,
            "put_blob": None,
        }
        return AgentRequest(agent=role, prompt=prompt, calls=calls, **(values | fields))

    async def ask(
        self,
        adapter: Any,
        role: AgentRole | None = None,
        calls: Calls | None = None,
        prompt: str = "Do it.",
        **fields: Any,
    ) -> AgentReply:
        """Make one attempt."""
        role, calls = role or role_of(), calls or KeptCalls()
        return await self.agent(adapter, role).invoke(self.request(role, calls, prompt, **fields))
