"""Extension point: agents, the providers that do the work of a step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from loopengt_hookspecs._markers import hookspec
from loopengt_hookspecs.calls import NoCalls
from loopengt_hookspecs.errors import AgentError, MissingRequirement, RateLimited

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import BaseModel

    from loopengt_hookspecs.calls import Calls
    from loopengt_hookspecs.models import AgentRole
    from loopengt_hookspecs.registration import Register

__all__ = [
    "Agent",
    "AgentError",
    "AgentProvider",
    "AgentReply",
    "AgentRequest",
    "MissingRequirement",
    "RateLimited",
    "loopengt_register_agents",
]

CostSource = Literal["reported", "estimated", "unknown"]


@dataclass(slots=True)
class AgentRequest:
    """One attempt at one step, as an agent sees it. Read it; do not change it."""

    run_id: str
    loop: str
    """Name of the loop."""
    step: str
    occurrence: int
    """Which execution of this step in the run, from 1 (the lap, in a repeating pattern)."""
    attempt: int
    """Which attempt within this execution, from 1."""
    agent: AgentRole
    prompt: str
    """The step's prompt, with its placeholders filled in."""
    system_prompt: str
    feedback: str
    """Why the previous attempt or lap was not good enough; empty at first."""
    idempotency_key: str
    """The same for every execution of this attempt, a repetition after a crash included."""
    workspace: Path
    """The folder the agent works in."""
    context: Mapping[str, Any]
    """The run's context, plain JSON data."""
    emit: Callable[[str, dict[str, Any]], None]
    """Adds an event, such as ``tool.call``, to the journal; it becomes durable with the attempt's result."""
    put_blob: Callable[[bytes], Awaitable[str]]
    """Stores bytes that are too large for the journal and returns their digest."""
    tokens_left: int | None = None
    """Tokens that the budgets leave for this attempt; None: no limit."""
    cost_left_usd: float | None = None
    """US dollars that the budgets leave for this attempt; None: no limit."""
    calls: Calls = field(default=cast("Calls", NoCalls()))
    """Makes requests to models, calls tools and asks people, each recorded before the next."""
    session: Mapping[str, Any] | None = None
    """Of a step with ``session: continue``: metadata of the agent's last reply in this run; None: begin afresh."""


@dataclass(slots=True)
class AgentReply:
    """What an agent answers: its output and what it cost."""

    output: Any
    """Text, or JSON data (dict, list, str, int, float, bool, None)."""
    token_usage: dict[str, int] = field(default_factory=dict)
    """Tokens by kind: ``prompt_tokens``, ``completion_tokens``, and others the provider reports. Those of requests that
    were made by ``request.calls`` are added by the engine: leave them out."""
    cost_usd: float | None = None
    """Money spent, in US dollars; None when unknown. A provider that costs nothing says 0.0."""
    cost_source: CostSource = "unknown"
    metadata: dict[str, Any] = field(default_factory=dict)
    """Further facts for the record: session ids, exit codes, blob digests."""


class Agent(Protocol):
    """An agent of a loop, bound to its options: ready to be invoked, many times and concurrently.

    One that always says what a call has cost (``cost_usd`` of its reply) has an attribute ``reports_cost`` that is
    true; one that never costs anything has an attribute ``free`` that is true. Without either, and without a price, a
    loop with a budget in US dollars refuses the agent.

    One that calls the tools of its role and step by ``request.calls`` has an attribute ``takes_tools`` that is true,
    and one that can go on with an earlier conversation (``request.session``) an attribute ``keeps_sessions``: a loop
    that asks that of another is refused, since it would not be done.
    """

    def plan(self) -> str:
        """Say in one line what an attempt would execute, for ``run --dry-run``."""

    def missing(self) -> list[MissingRequirement]:
        """Return what this machine lacks for the agent; each names the command that mends it."""

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Do one attempt.

        The engine enforces the timeout by cancelling this coroutine: end whatever you started (process
        groups, connections) before letting ``CancelledError`` pass.

        Raises:
            AgentError: The attempt failed; ``kind`` decides whether it is retried.
            RateLimited: Its service takes nothing more for a while; waited out, which is no attempt.
            MissingRequirement: Something must be installed or set first; never retried.
        """


class AgentProvider(Protocol):
    """Makes agents of one kind. ``config.provider`` in a spec names it.

    A minimal provider::

        class Echo:
            options = None

            def bind(self, role, project):
                return self

            def plan(self):
                return "echo the prompt"

            def missing(self):
                return []

            async def invoke(self, request):
                return AgentReply(request.prompt, cost_usd=0.0, cost_source="reported")
    """

    @property
    def options(self) -> type[BaseModel] | None:
        """The model that validates ``config.extra`` when a spec is loaded; None: no options are allowed."""

    def bind(self, role: AgentRole, project: Path) -> Agent:
        """Make the agent of one role, once for a loop; its runs share it.

        Args:
            role: The role as declared in the spec; its ``config.extra`` fits ``options``.
            project: The project folder.
        """


@hookspec
def loopengt_register_agents(register: Register[AgentProvider]) -> None:
    """Register agent providers.

    Called once when the plugin is loaded, before any spec is read.

    Args:
        register: ``register(name, target, summary=…)``; the name is what ``config.provider`` says, the
            target an ``AgentProvider``.

    Raises:
        PluginError: Another plugin registers a provider of the same name.

    Since: 0.2
    """
