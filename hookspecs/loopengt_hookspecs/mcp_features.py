"""Extension point: what the MCP server offers: tools, resources and prompts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.registration import Register

__all__ = [
    "McpFeature",
    "McpFeatures",
    "McpPrompt",
    "McpResource",
    "McpTool",
    "loopengt_register_mcp_features",
]


@dataclass(frozen=True, slots=True)
class McpTool:
    """A function that a client's model may call."""

    name: str
    """What the model calls it; letters, digits, ``_`` and ``-``."""
    description: str
    """What it does, when to call it, and what to call next: the model reads nothing else of it."""
    function: Callable[..., Any]
    """A plain function (called in a thread) or a coroutine function. Its annotated parameters become the schema of the
    input, its return annotation, best a pydantic model, that of the output; annotations must be resolvable at run time.
    The text of a ``LoopengtError`` that it raises goes to the model; any other exception is logged and not shown."""
    title: str = ""
    """What a person sees."""
    read_only: bool = False
    """Changes nothing."""
    destructive: bool = False
    """May undo or end something; only of meaning where it is not read-only."""
    idempotent: bool = False
    """Calling it twice with the same arguments is calling it once."""
    open_world: bool = False
    """Reaches beyond the project, such as to a network."""


@dataclass(frozen=True, slots=True)
class McpResource:
    """Something that a client may read."""

    uri: str
    """Its URI, or a template of one, such as ``notes://{name}``; names in braces are the function's parameters."""
    name: str
    description: str
    function: Callable[..., Any]
    """Returns text, bytes, or JSON data; as ``McpTool.function`` otherwise."""
    mime_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class McpPrompt:
    """A text for a person to begin a conversation with."""

    name: str
    description: str
    function: Callable[..., Any]
    """Returns the text; its parameters are texts that the person gives."""
    title: str = ""


McpFeature: TypeAlias = McpTool | McpResource | McpPrompt


class McpFeatures(Protocol):
    """A set of features of the MCP server."""

    def features(self) -> Iterable[McpFeature]:
        """Return them; called once for a server."""


@hookspec
def loopengt_register_mcp_features(register: Register[McpFeatures]) -> None:
    """Register features of the MCP server, ``loopengt mcp``.

    Called once when the plugin is loaded. The target is imported only when a server is started.

    Args:
        register: ``register(name, target, summary=…)``; the name is that of the set, the target a ``McpFeatures``,
            usually a class with ``from_context`` where its functions need the kernel.

    Raises:
        PluginError: Another plugin registers a set of the same name. When the server starts: two features have the
            same name, or a function cannot be offered.

    Since: 0.2
    """
