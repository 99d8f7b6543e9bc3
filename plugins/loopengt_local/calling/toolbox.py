"""The tools of a loop, bound once, and what they offer to an attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt import get_logger
from loopengt.json_schema import JsonSchema, SchemaProblem
from loopengt_hookspecs.errors import AgentError, UsageError
from loopengt_hookspecs.models import Effects, LoopSpec, ToolSpec

if TYPE_CHECKING:
    from loopengt_hookspecs.models import AgentRole, StepSpec
    from loopengt_hookspecs.registration import Components
    from loopengt_hookspecs.tools import BoundTool, ToolOffer

__all__ = ["LoopTool", "Offered", "ToolBox", "allowed_tools"]


@dataclass(slots=True)
class LoopTool:
    """A tool as the loop declares it, and the object that makes its calls."""

    spec: ToolSpec
    bound: BoundTool


@dataclass(slots=True)
class Offered:
    """One thing that a tool offers, with its schemas compiled."""

    offer: ToolOffer
    tool: LoopTool
    arguments: JsonSchema | None
    result: JsonSchema | None

    @property
    def once(self) -> bool:
        """Whether a call may be made once only."""
        return self.offer.effects is Effects.ONCE


@dataclass(slots=True)
class ToolBox:
    """All tools of a loop."""

    tools: dict[str, LoopTool] = field(default_factory=dict)
    _schemas: dict[int, tuple[Any, JsonSchema]] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: LoopSpec, components: Components, project: Path) -> ToolBox:
        """Bind the tools that a loop declares.

        Raises:
            UsageError: One cannot work as it is declared.
            ComponentNotFound: Nothing provides its type.
        """
        box = cls()
        for tool in spec.tools:
            box.add(tool, spec, components, project)
        return box

    def add(self, tool: ToolSpec, spec: LoopSpec, components: Components, project: Path) -> None:
        """Bind one tool of a loop; see ``of``."""
        bound = components.get("tool_types", tool.tool_type).bind(tool, project, spec)
        self.tools[tool.name] = LoopTool(tool, bound)
        for schema, what in ((tool.schema_def, "schema_def"), (tool.return_schema, "return_schema")):
            if schema:
                self._declared(tool.name, what, schema)

    async def offers(self, names: Iterable[str], workspace: Path) -> dict[str, Offered]:
        """Ask tools what they offer, and return it by name, sorted.

        Raises:
            AgentError: A server cannot be reached, or two tools offer something of the same name.
        """
        tools = [self.tools[name] for name in names]
        found = await asyncio.gather(*(tool.bound.offers(workspace) for tool in tools))
        offered: dict[str, Offered] = {}
        for tool, offers in zip(tools, found, strict=True):
            for offer in offers:
                if offer.name in offered:
                    other = offered[offer.name].tool.spec.name
                    raise AgentError(
                        f"the tools {other!r} and {tool.spec.name!r} both offer {offer.name!r}",
                        remedy="Give one of them another name in the spec.",
                        kind="ToolConflict",
                    )
                offered[offer.name] = self._offered(offer, tool)
        return dict(sorted(offered.items()))

    async def release(self, workspace: Path) -> None:
        """Nobody works in a folder any more: let what is open for it go."""
        for tool in self.tools.values():
            try:
                await tool.bound.release(workspace)
            except Exception as exc:  # the run is over, and its end stands
                get_logger("loopengt.local").warning(
                    "tool could not be closed", tool=tool.spec.name, exc_info=exc
                )

    def _offered(self, offer: ToolOffer, tool: LoopTool) -> Offered:
        if tool.spec.effects is not None and offer.effects is not tool.spec.effects:
            offer = replace(offer, effects=tool.spec.effects)
        result = tool.spec.return_schema or offer.output_schema
        return Offered(offer, tool, self._compiled(offer.input_schema), self._compiled(result))

    def _compiled(self, schema: Any) -> JsonSchema | None:
        """Compile a schema, once; a server's schema that cannot be used is not held against its calls."""
        if not schema:
            return None
        known = self._schemas.get(id(schema))
        if known is None or known[0] is not schema:
            try:
                known = self._schemas[id(schema)] = (schema, JsonSchema(schema))
            except SchemaProblem as problem:
                get_logger("loopengt.local").warning("schema of a tool cannot be used", problem=str(problem))
                return None
        return known[1]

    def _declared(self, name: str, what: str, schema: Any) -> None:
        try:
            self._schemas[id(schema)] = (schema, JsonSchema(schema))
        except SchemaProblem as problem:
            raise UsageError(
                f"{what} of tool {name!r} cannot be used: {problem}",
                remedy="Correct the schema; what it refers to must be inside it, under $defs.",
            ) from None


def allowed_tools(role: AgentRole, step: StepSpec) -> Sequence[str]:
    """Return the tools that a step's agent may call: those of the step, those of the agent, where both say, in both."""
    if not step.tools or not role.tools:
        return tuple(dict.fromkeys([*role.tools, *step.tools]))
    return tuple(name for name in dict.fromkeys(step.tools) if name in role.tools)
