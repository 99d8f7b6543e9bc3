"""The MCP servers that offer tools: programs that are started, or addresses that are called."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from loopengt_hookspecs.models._base import Declarative
from loopengt_hookspecs.models.enums import ToolAuthMethod
from loopengt_hookspecs.models.tools import ToolAuth

__all__ = ["McpServer"]

VariableName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""What an environment variable may be called."""

HeaderName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
"""What an HTTP header may be called."""

_WORKSPACE = re.compile(r"\{workspace\}")


class McpServer(Declarative):
    """An MCP server: a program that speaks on its standard streams (``command``), or an address (``url``).

    ``{workspace}`` and ``{project}`` stand for those folders in command, args, env, cwd and url; nothing else is
    filled in.
    """

    # A secret that was pasted here by mistake must not come back in the text of the error.
    model_config = ConfigDict(hide_input_in_errors=True)

    command: list[str] | str | None = Field(
        default=None,
        description="Program to start, with or without its arguments; it reaches no shell.",
        examples=["mcp-server-git", ["npx", "-y", "@modelcontextprotocol/server-filesystem", "{workspace}"]],
    )
    args: list[str] = Field(default_factory=list, description="Further arguments of the program.")
    env: dict[VariableName, str] = Field(
        default_factory=dict, description="Further environment variables of the program; no secrets."
    )
    pass_env: list[VariableName] = Field(
        default_factory=list,
        description="Names of variables to hand over from our environment, such as keys; each must be set.",
    )
    cwd: str | None = Field(
        default=None,
        description="Folder that the program runs in; null: the run's workspace, of a shared server the project.",
    )
    url: str | None = Field(default=None, description="Address of a server that speaks streamable HTTP.")
    headers_env: dict[HeaderName, VariableName] = Field(
        default_factory=dict,
        description="Headers of each request, each with the environment variable that holds its value.",
    )
    auth: ToolAuth = Field(default_factory=ToolAuth, description="How requests to the url are authorised.")
    scope: Literal["run", "shared"] | None = Field(
        default=None,
        description="Who shares a connection. run: the runs in one workspace; shared: all runs of the process; "
        "null: run for a program, shared for an address.",
    )

    @property
    def shared(self) -> bool:
        """Whether all runs of a process share a connection."""
        return self.scope == "shared" if self.scope else self.url is not None and not self.names_workspace

    @property
    def names_workspace(self) -> bool:
        """Whether a placeholder asks for the run's workspace."""
        texts = [*self.argv, *self.env.values(), self.cwd or "", self.url or ""]
        return any(_WORKSPACE.search(text) for text in texts)

    @property
    def argv(self) -> list[str]:
        """The program and its arguments, with their placeholders; empty for an address."""
        program = [self.command] if isinstance(self.command, str) else self.command or []
        return [*program, *self.args]

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("an MCP server has either a command or a url: give it one of them")
        if self.url is None:
            self._check_program()
        else:
            self._check_address(self.url)
        if self.scope == "shared" and self.names_workspace:
            raise ValueError(
                "a shared MCP server has no workspace of its own: write {project} for {workspace}, or scope: run"
            )
        return self

    def _check_program(self) -> None:
        if not self.argv or not self.argv[0].strip():
            raise ValueError("the command is empty: name a program, such as mcp-server-git")
        if self.headers_env or self.auth != ToolAuth():
            raise ValueError("headers_env and auth go with a url: hand keys to a program by pass_env")

    def _check_address(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.netloc:
            raise ValueError("the url is not an http address: write it whole, such as https://host/mcp")
        if "@" in address.netloc:
            raise ValueError(
                "the url holds a name or password: put it into a variable, and name that in headers_env"
            )
        if self.args or self.env or self.pass_env or self.cwd is not None:
            raise ValueError("args, env, pass_env and cwd go with a command, and this MCP server has a url")
        if self.auth.method is not ToolAuthMethod.NONE and self.auth.env_var is None:
            raise ValueError(
                "auth names no variable: add env_var, the environment variable that holds the secret"
            )
        if self.auth.method is ToolAuthMethod.NONE and self.auth != ToolAuth():
            raise ValueError("auth says nothing of its method: add method: bearer or method: api_key")
        if self.auth.extra:
            raise ValueError("extra of auth is read by nobody: take it out")
