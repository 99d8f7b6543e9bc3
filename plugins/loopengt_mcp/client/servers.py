"""The servers that a project and a loop declare, and what each needs to be reached from a workspace."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.naming import hint
from loopengt.processes import base_environment, missing_program
from loopengt.redaction import is_secret_name, keep_secret
from loopengt_hookspecs.errors import MissingRequirement, UsageError
from loopengt_hookspecs.models import McpServer, ToolAuth, ToolAuthMethod

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Address", "Program", "Server", "find_server"]

_PLACEHOLDER = re.compile(r"\{(workspace|project)\}")


@dataclass(frozen=True, slots=True)
class Program:
    """A server that is started here."""

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """A server that is called over HTTP."""

    url: str
    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Server:
    """A declared server."""

    name: str
    settings: McpServer
    project: Path

    def authorised(self, auth: ToolAuth) -> Server:
        """Return the server with a tool's own authorisation: sent to an address, handed to a program.

        Raises:
            UsageError: It names no variable, or a header for a program, which is sent none.
        """
        if auth.method is ToolAuthMethod.NONE:
            return self
        if auth.env_var is None:
            raise UsageError(
                f"the auth of a tool of the MCP server {self.name!r} names no variable",
                remedy="Add env_var, the environment variable that holds the secret.",
            )
        settings = self.settings
        changed: dict[str, Any] = {"auth": auth}
        if settings.url is None and auth.header_name != ToolAuth().header_name:
            raise UsageError(
                f"the auth of a tool of the MCP server {self.name!r} has header_name, but a program is sent no header",
                remedy="Take header_name out: the program gets the variable that env_var names.",
            )
        if settings.url is None:
            changed = {"pass_env": [*settings.pass_env, auth.env_var]}
        return Server(self.name, settings.model_copy(update=changed), self.project)

    @property
    def key(self) -> str:
        """The same for two declarations that can share a connection."""
        return f"{self.name} {self.settings.model_dump_json()}"

    def plan(self) -> str:
        """Say in one line where the server is."""
        url = self.settings.url
        # What stands behind the question mark may be meant for the server alone.
        return shlex.join(self.settings.argv) if url is None else url.partition("?")[0]

    def missing(self) -> list[MissingRequirement]:
        """The program and the variables that are not there, as far as the project folder tells."""
        found = [
            MissingRequirement(
                f"MCP server {self.name!r} needs the environment variable {name}", remedy=f"export {name}=..."
            )
            for name in self._variables()
            if name not in os.environ
        ]
        if self.settings.url is None:
            program = self._program(self.project)
            absent = self._missing_program(program) if program.cwd.is_dir() else None
            found += [absent] if absent is not None else []
        return found

    def target(self, workspace: Path | None) -> Program | Address:
        """Return what to start or to call for the runs in a workspace; None: for all.

        Raises:
            MissingRequirement: The program, its folder or a variable is not there.
        """
        folder = workspace or self.project
        for name in self._variables():
            self._secret(name)
        if self.settings.url is not None:
            return Address(self._filled(self.settings.url, folder), dict(self._headers()))
        program = self._program(folder)
        if not program.cwd.is_dir():
            raise MissingRequirement(
                f"MCP server {self.name!r} runs in {program.cwd}, which is no folder",
                remedy=f"mkdir -p {shlex.quote(str(program.cwd))}, or correct its cwd",
            )
        absent = self._missing_program(program)
        if absent is not None:
            raise absent
        return program

    def _program(self, folder: Path) -> Program:
        settings = self.settings
        env = {name: self._filled(value, folder) for name, value in settings.env.items()}
        for name, value in env.items():
            if is_secret_name(name):
                keep_secret(value)
        return Program(
            tuple(self._filled(part, folder) for part in settings.argv),
            folder / self._filled(settings.cwd or ".", folder),
            base_environment(settings.pass_env) | env,
        )

    def _missing_program(self, program: Program) -> MissingRequirement | None:
        return missing_program(
            program.argv, cwd=program.cwd, env=program.env, needed_by=f"MCP server {self.name!r}"
        )

    def _variables(self) -> list[str]:
        settings = self.settings
        auth = settings.auth.env_var if settings.auth.method is not ToolAuthMethod.NONE else None
        return [*settings.pass_env, *settings.headers_env.values(), *([auth] if auth else [])]

    def _headers(self) -> Iterator[tuple[str, str]]:
        for header, name in self.settings.headers_env.items():
            yield header, self._secret(name, keep=True)
        auth = self.settings.auth
        if auth.method is not ToolAuthMethod.NONE and auth.env_var is not None:
            secret = self._secret(auth.env_var, keep=True)
            # Of oauth we are given the access token, which is sent as any bearer's.
            yield auth.header_name, secret if auth.method is ToolAuthMethod.API_KEY else f"Bearer {secret}"

    def _secret(self, name: str, *, keep: bool = False) -> str:
        value = os.environ.get(name)
        if value is None or (keep and not value):
            raise MissingRequirement(
                f"MCP server {self.name!r} needs the environment variable {name}", remedy=f"export {name}=..."
            )
        if keep:
            keep_secret(value)
        return value

    def _filled(self, text: str, workspace: Path) -> str:
        folders = {"workspace": str(workspace), "project": str(self.project)}
        return _PLACEHOLDER.sub(lambda match: folders[match[1]], text)


def find_server(
    name: str, configured: Mapping[str, McpServer], project: Path, *, needed_by: str = ""
) -> Server:
    """Return the server of that name.

    Args:
        name: Its name.
        configured: All declared servers.
        project: The project folder.
        needed_by: Who names it, such as ``tool 'clock'``; empty: the caller.

    Raises:
        UsageError: There is none; the message names the nearest.
    """
    settings = configured.get(name)
    if settings is None:
        who = f"{needed_by} names the MCP server {name!r}, which" if needed_by else f"MCP server {name!r}"
        raise UsageError(
            f"{who} is not configured{hint(name, configured)}",
            remedy=f"Add [mcp.servers.{name}] to .loopengt/config.toml, with command or url, or {name} to the "
            "spec's mcp_servers.",
        )
    return Server(name, settings, project)
