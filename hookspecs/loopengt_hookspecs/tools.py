"""Extension point: tools that agents may call, and the types of tools that a spec can declare."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from loopengt_hookspecs._markers import hookspec
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.models.enums import Effects

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from loopengt_hookspecs.calls import PersonAnswer, PersonQuestion
    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import LoopSpec, ToolSpec
    from loopengt_hookspecs.registration import Register

__all__ = [
    "BoundTool",
    "Tool",
    "ToolCall",
    "ToolError",
    "ToolOffer",
    "ToolType",
    "loopengt_register_tool_types",
    "loopengt_register_tools",
]


class ToolError(AgentError):
    """A call failed; the text goes back to the agent, which may try something else."""


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A tool as a model sees it."""

    name: str
    description: str = ""
    input_schema: Mapping[str, Any] = field(default_factory=dict)
    """JSON Schema of the arguments, an object; empty: any object."""
    output_schema: Mapping[str, Any] | None = None
    """JSON Schema of what it returns; None: anything."""
    effects: Effects = Effects.IDEMPOTENT
    """What calling it a second time does: a call that may happen once only is never repeated unasked."""
    source: str = ""
    """Who offers it, for the record: ``builtin``, the dotted path of a function, or ``mcp:SERVER``."""


@dataclass(slots=True)
class ToolCall:
    """One call of a tool by an agent. The arguments fit the tool's ``input_schema``."""

    name: str
    """Name of the offer."""
    arguments: dict[str, Any]
    """JSON data, the call's own copy."""
    workspace: Path
    """The folder that the run works in; a tool touches nothing outside."""
    run_id: str
    step: str
    idempotency_key: str
    """The same for every execution of this call, a repetition after a crash included."""
    ask: Callable[[PersonQuestion], Awaitable[PersonAnswer]]
    """Asks a person; the run may pause for it."""
    put_blob: Callable[[bytes], Awaitable[str]]
    """Stores bytes that are too large for the journal and returns their digest."""


class Tool(Protocol):
    """A built-in tool: a spec declares it by its name with ``tool_type: builtin``.

    One whose arguments depend on its options has a method ``schema_for(options)``, and one whose description does
    a method ``description_for(options)``: what they return counts in place of ``input_schema`` and ``description``.
    """

    description: str
    """What it does, for the model."""
    input_schema: Mapping[str, Any]
    """JSON Schema of its arguments."""
    output_schema: Mapping[str, Any] | None
    effects: Effects
    options: type[BaseModel] | None
    """Model of the ``options`` that a spec may give it; None: it has none."""

    async def call(self, call: ToolCall, options: Any) -> Any:
        """Do the call and return JSON data or text.

        Cancelled when its time is over: end whatever you started before letting ``CancelledError`` pass.

        Args:
            call: The call.
            options: An instance of ``options``; None without a model.

        Raises:
            ToolError: The call failed; its text goes back to the agent. Any other exception does, too.
        """


class BoundTool(Protocol):
    """A declared tool, ready to be called, by many runs at the same time. It may offer several, as a server does."""

    def plan(self) -> str:
        """Say in one line what a call would execute, for ``run --dry-run``."""

    def missing(self) -> list[MissingRequirement]:
        """Return what this machine lacks for it; each names the command that mends it."""

    async def offers(self, workspace: Path) -> Sequence[ToolOffer]:
        """Return what it offers to a run that works in a folder; connects to its server where it has one.

        Raises:
            AgentError: The server cannot be reached.
        """

    async def call(self, call: ToolCall) -> Any:
        """Do a call and return JSON data or text; as ``Tool.call``."""

    async def release(self, workspace: Path) -> None:
        """No run works in that folder any more: close what is open for it."""


class ToolType(Protocol):
    """Makes tools of one type. ``tool_type`` of a tool in a spec names it."""

    def bind(self, tool: ToolSpec, project: Path, loop: LoopSpec) -> BoundTool:
        """Make the tool of one declaration, once for a loop. Nothing is imported, started or connected yet.

        Args:
            tool: The tool as declared in the spec.
            project: The project folder.
            loop: The spec that declares it, for what belongs to the whole loop, such as ``mcp_servers``.

        Raises:
            UsageError: The declaration cannot work: an unknown builtin, options that do not fit.
        """


@hookspec
def loopengt_register_tools(register: Register[Tool]) -> None:
    """Register built-in tools, which specs name with ``tool_type: builtin``.

    Called once when the plugin is loaded.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``Tool``.

    Raises:
        PluginError: Another plugin registers a tool of the same name.

    Since: 0.2
    """


@hookspec
def loopengt_register_tool_types(register: Register[ToolType]) -> None:
    """Register types of tools, such as ``builtin``, ``function`` and ``mcp``.

    Called once when the plugin is loaded, before any spec is read.

    Args:
        register: ``register(name, target, summary=…)``; the name is what ``tool_type`` says, the target a
            ``ToolType``.

    Raises:
        PluginError: Another plugin registers a type of the same name.

    Since: 0.2
    """
