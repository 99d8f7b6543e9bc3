"""The tool type ``builtin``: tools that plugins bring along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.tools import ToolOffer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import LoopSpec, ToolSpec
    from loopengt_hookspecs.registration import Components, PluginContext
    from loopengt_hookspecs.tools import Tool, ToolCall

__all__ = ["BuiltinTool", "BuiltinTools"]


class BuiltinTools:
    """Binds the registered tool that has the name of the declared one.

    Args:
        components: Where the tools are looked up.
    """

    def __init__(self, components: Components) -> None:
        self._components = components

    @classmethod
    def from_context(cls, context: PluginContext) -> BuiltinTools:
        """Make it with the components of all plugins."""
        return cls(context.components)

    def bind(self, tool: ToolSpec, project: Path, loop: LoopSpec) -> BuiltinTool:
        """Look the tool up and read its options.

        Raises:
            UsageError: No plugin has such a tool, its options do not fit, or it is given ``auth``.
        """
        known = self._components.names("tools")
        if tool.name not in known:
            raise UsageError(
                f"there is no builtin tool {tool.name!r}; there are {', '.join(known)}",
                remedy="Correct the tool's name, or give its tool_type: function (with function_ref), or mcp.",
            )
        if tool.auth.env_var or tool.auth.method.value != "none":
            raise UsageError(
                f"the builtin tool {tool.name!r} takes no auth",
                remedy="Take auth out of the tool's declaration.",
            )
        target: Tool = self._components.get("tools", tool.name)
        return BuiltinTool(tool, target, _options(tool, target))


class BuiltinTool:
    """A registered tool with the options of one declaration.

    Args:
        spec: The declaration.
        tool: The registered tool.
        options: An instance of the tool's ``options``; None without a model.
    """

    def __init__(self, spec: ToolSpec, tool: Tool, options: Any) -> None:
        self._tool = tool
        self._options = options
        self._plan = f"call the builtin {spec.name}" + _listed(spec.options)
        schema_for = getattr(tool, "schema_for", None)
        description_for = getattr(tool, "description_for", None)
        described = description_for(options) if description_for is not None else tool.description
        self._offer = ToolOffer(
            name=spec.name,
            description=spec.description or described,
            input_schema=spec.schema_def
            or (schema_for(options) if schema_for is not None else tool.input_schema),
            output_schema=spec.return_schema or tool.output_schema,
            effects=spec.effects or tool.effects,
            source="builtin",
        )

    def plan(self) -> str:
        """The tool and the options that the spec gives it."""
        return self._plan

    def missing(self) -> list[MissingRequirement]:
        """Nothing."""
        return []

    async def offers(self, workspace: Path) -> Sequence[ToolOffer]:
        """The one tool."""
        return (self._offer,)

    async def call(self, call: ToolCall) -> Any:
        """Call it.

        Raises:
            ToolError: The call failed.
        """
        return await self._tool.call(call, self._options)

    async def release(self, workspace: Path) -> None:
        """Nothing is open."""


def _options(spec: ToolSpec, tool: Tool) -> Any:
    model = tool.options
    if model is None:
        if spec.options:
            raise UsageError(
                f"the builtin tool {spec.name!r} takes no options, and is given {', '.join(spec.options)}",
                remedy="Take options out of the tool's declaration.",
            )
        return None
    from pydantic import ValidationError

    try:
        return model.model_validate(spec.options)
    except ValidationError as error:
        lines = [_problem(dict(found)) for found in error.errors(include_url=False)]
        known = ", ".join(model.model_fields)
        raise UsageError(
            f"the options of the builtin tool {spec.name!r} cannot be used:\n" + "\n".join(lines),
            remedy=f"Its options are: {known}.",
        ) from None


def _problem(found: dict[str, Any]) -> str:
    where = ".".join(map(str, found["loc"])) or "options"
    said = "there is no such option" if found["type"] == "extra_forbidden" else found["msg"]
    return f"- {where}: {said.removeprefix('Value error, ')}"


def _listed(options: dict[str, Any]) -> str:
    return f" ({', '.join(f'{key}: {value}' for key, value in options.items())})" if options else ""
