"""The tools that agents may call, and how a call is authorised."""

from __future__ import annotations

import re
from typing import Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from loopengt_hookspecs.models._base import Declarative, LongText, Name, OpenDict, Reference
from loopengt_hookspecs.models.enums import Effects, ToolAuthMethod, ToolType

__all__ = ["ToolAuth", "ToolSpec"]

_ENV_VAR = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class ToolAuth(Declarative):
    """How a tool's calls are authorised; a secret is only ever named by its environment variable."""

    # A secret that was pasted here by mistake must not come back in the text of the error.
    model_config = ConfigDict(hide_input_in_errors=True)

    method: ToolAuthMethod = Field(default=ToolAuthMethod.NONE, description="How the credential is sent.")
    env_var: str | None = Field(default=None, description="Environment variable that holds the secret.")
    header_name: str = Field(
        default="Authorization", min_length=1, description="HTTP header that carries the secret."
    )
    extra: OpenDict = Field(default_factory=dict, description="Further options of the method; never secrets.")

    @field_validator("env_var")
    @classmethod
    def _names_a_variable(cls, value: str | None) -> str | None:
        if value is not None and not _ENV_VAR.fullmatch(value):
            raise ValueError(
                "env_var is not the name of an environment variable: write the variable's name, such as "
                "GITHUB_TOKEN, and put the secret into that variable"
            )
        return value


class ToolSpec(Declarative):
    """A tool that the loop's agents and steps can name."""

    # As in ToolAuth: pydantic takes this setting from the outermost model.
    model_config = ConfigDict(hide_input_in_errors=True)

    name: Name = Field(description="Name by which agents and steps refer to the tool.")
    description: LongText = Field(
        default="", description="What the tool does, for the agent that may call it."
    )
    tool_type: ToolType | Reference = Field(
        default=ToolType.FUNCTION,
        union_mode="left_to_right",
        description="Where the tool comes from: builtin, function, mcp, or a type that a plugin registers.",
    )
    schema_def: OpenDict = Field(
        default_factory=dict, description="JSON Schema that the tool's input must satisfy."
    )
    return_schema: OpenDict | None = Field(default=None, description="JSON Schema of what the tool returns.")
    auth: ToolAuth = Field(default_factory=ToolAuth, description="How calls are authorised.")
    timeout_seconds: float = Field(default=60.0, gt=0, description="Seconds that one call may take.")
    mcp_server: str | None = Field(
        default=None, description="MCP server that offers the tool; required for mcp."
    )
    function_ref: str | None = Field(
        default=None, description="Dotted path of the Python function; required for function."
    )
    mcp_tools: list[Name] = Field(
        default_factory=list,
        description="Tools of the MCP server that are offered, each as NAME_TOOL, or '*' for all; empty: the one of "
        "this tool's name, under that name.",
    )
    effects: Effects | None = Field(
        default=None, description="What a second call would do to the world; null: what the tool itself says."
    )
    require_approval: bool = Field(
        default=False, description="Whether a person has to approve every call before it is made."
    )
    options: OpenDict = Field(
        default_factory=dict,
        description="Options of a built-in tool, or of a plugin's type, which validates them itself.",
    )
    metadata: OpenDict = Field(
        default_factory=dict, description="Anything else; the engine does not read it."
    )

    @model_validator(mode="after")
    def _has_its_source(self) -> Self:
        if self.is_mcp() and not self.mcp_server:
            raise ValueError(f"the mcp tool {self.name!r} names no server: add mcp_server")
        if self.is_function() and not self.function_ref:
            raise ValueError(
                f"the function tool {self.name!r} names no function: "
                "add function_ref, such as package.module.function"
            )
        if self.mcp_tools and not self.is_mcp():
            raise ValueError(f"the tool {self.name!r} has mcp_tools, which only an mcp tool takes")
        if self.options and (self.is_mcp() or self.is_function()):
            raise ValueError(
                f"the tool {self.name!r} has options, which a tool of type {self.tool_type} does not take"
            )
        return self

    def is_mcp(self) -> bool:
        """Whether an MCP server offers the tool."""
        return self.tool_type is ToolType.MCP

    def is_function(self) -> bool:
        """Whether the tool is a Python function."""
        return self.tool_type is ToolType.FUNCTION

    def is_builtin(self) -> bool:
        """Whether a plugin brings the tool along."""
        return self.tool_type is ToolType.BUILTIN
