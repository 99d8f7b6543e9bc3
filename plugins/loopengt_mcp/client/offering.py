"""What a server's tools look like to a model: their names, schemas and effects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import ToolOffer

if TYPE_CHECKING:
    from mcp.types import Tool

    from loopengt_hookspecs.models import ToolSpec

__all__ = ["GET_PROMPT", "LIST_PROMPTS", "LIST_RESOURCES", "READ_RESOURCE", "Found", "found", "repeatable"]

LIST_RESOURCES: Final = "list_resources"
READ_RESOURCE: Final = "read_resource"
LIST_PROMPTS: Final = "list_prompts"
GET_PROMPT: Final = "get_prompt"

_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64
"""Characters that providers of models allow."""


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a server has, and how it is offered."""

    offer: ToolOffer
    name: str
    """The server's own name of it."""
    repeatable: bool = True
    """Whether a call that got lost may be made again."""
    ours: bool = False
    """Whether it is no tool of the server, but reaches its resources or prompts."""
    promised: dict[str, Any] | None = None
    """The server's own schema of the results; None: it promises none."""


def found(spec: ToolSpec, tools: Iterable[Tool], beside: frozenset[str] = frozenset()) -> Iterator[Found]:
    """Yield what a declaration offers of a server: one tool, some, or all it has.

    Args:
        spec: The declaration.
        tools: The server's tools.
        beside: Which of ``resources`` and ``prompts`` the server has, too.
    """
    if not spec.mcp_tools:
        yield from (_found(spec, tool, spec.name) for tool in tools if tool.name == spec.name)
        return
    everything = "*" in spec.mcp_tools
    taken: set[str] = set()
    for tool in tools:
        if everything or tool.name in spec.mcp_tools:
            name = _free(_name(spec.name, tool.name), tool.name, taken)
            yield _found(spec, tool, name)
    if everything:
        for ours in _beside(spec, beside):
            if ours.offer.name not in taken:
                yield ours


def effects(tool: Tool) -> Effects:
    """Say what a second call would do, as far as the server tells: unless it speaks of harm, nothing more."""
    hints = tool.annotations
    if hints is not None and hints.read_only_hint:
        return Effects.NONE
    if hints is not None and hints.destructive_hint and not hints.idempotent_hint:
        return Effects.ONCE
    return Effects.IDEMPOTENT


def repeatable(spec: ToolSpec, tool: Tool) -> bool:
    """Whether somebody says that a lost call may be made again: the spec or, where it is silent, the server."""
    if spec.effects is not None:
        return spec.effects is not Effects.ONCE
    hints = tool.annotations
    return hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)


def _found(spec: ToolSpec, tool: Tool, name: str) -> Found:
    alone = not spec.mcp_tools
    described = (spec.description if alone else "") or tool.description or tool.title or ""
    offer = ToolOffer(
        name,
        described,
        (spec.schema_def if alone else None) or tool.input_schema,
        (spec.return_schema if alone else None) or tool.output_schema,
        spec.effects or effects(tool),
        f"mcp:{spec.mcp_server}",
    )
    return Found(offer, tool.name, repeatable(spec, tool), promised=tool.output_schema)


def _beside(spec: ToolSpec, beside: frozenset[str]) -> Iterator[Found]:
    server = spec.mcp_server
    if "resources" in beside:
        yield _ours(spec, LIST_RESOURCES, f"List the resources of {server}, with their URIs.", {})
        uri = {"uri": {"type": "string", "description": "URI of the resource."}}
        yield _ours(spec, READ_RESOURCE, f"Read a resource of {server}.", uri, ["uri"])
    if "prompts" in beside:
        yield _ours(spec, LIST_PROMPTS, f"List the prompts of {server}, with their arguments.", {})
        wanted = {
            "name": {"type": "string", "description": "Name of the prompt."},
            "arguments": {"type": "object", "additionalProperties": {"type": "string"}},
        }
        yield _ours(spec, GET_PROMPT, f"Get a prompt of {server}, filled in.", wanted, ["name"])


def _ours(
    spec: ToolSpec, name: str, description: str, properties: dict[str, Any], required: list[str] | None = None
) -> Found:
    schema = {
        "type": "object",
        "properties": properties,
        "required": required or [],
        "additionalProperties": False,
    }
    offer = ToolOffer(
        _name(spec.name, name), description, schema, None, Effects.NONE, f"mcp:{spec.mcp_server}"
    )
    return Found(offer, name, ours=True)


def _name(spec: str, tool: str) -> str:
    """Return NAME_TOOL in the characters and the length that every provider of models takes."""
    name = f"{spec}_{_UNFIT.sub('_', tool)}"
    return name if len(name) <= _LONGEST_NAME else _with_mark(name, tool)


def _free(name: str, tool: str, taken: set[str]) -> str:
    if name in taken:
        name = _with_mark(name, tool)
    taken.add(name)
    return name


def _with_mark(name: str, tool: str) -> str:
    mark = sha256(tool.encode()).hexdigest()[:6]
    return f"{name[: _LONGEST_NAME - 7]}_{mark}"
