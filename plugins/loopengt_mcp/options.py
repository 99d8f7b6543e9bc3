"""The options of the MCP client and of the MCP server, ``[mcp]`` in config.toml."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from loopengt_hookspecs.models import McpServer

__all__ = ["McpOptions"]


class McpOptions(BaseModel):
    """The MCP servers of the project, the limits that hold for all, and what clients of our own server may do."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    servers: dict[str, McpServer] = Field(
        default_factory=dict, description="Servers by name, each a table [mcp.servers.NAME]."
    )
    connect_seconds: float = Field(
        default=30.0, gt=0, description="Seconds that starting and greeting a server may take."
    )
    call_seconds: float = Field(
        default=60.0, gt=0, description="Seconds that an answer may take, where the tool itself says nothing."
    )
    max_result_bytes: int = Field(
        default=200_000,
        ge=1_000,
        description="Most bytes of a result that an agent is given; a longer one is kept whole beside it.",
    )
    allow_run: Literal["ask", "always", "never"] = Field(
        default="ask",
        description="Whether clients of `loopengt mcp` may run loops. ask: what a client has written, and executes "
        "more than models and people, needs a person's consent; always: it does not; never: nothing is run.",
    )
