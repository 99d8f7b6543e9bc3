"""Lets clients that nobody here wrote talk to the server: the Inspector, the SDK's first generation, one for tasks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_conformance.cache import OLD_CLIENT, TASKS_CLIENT

if TYPE_CHECKING:
    from mcp_conformance.cache import Cache
    from mcp_conformance.servers import Server

__all__ = ["Refused", "inspect_command", "inspect_server", "old_client", "tasks_client"]

_HERE = Path(__file__).parent
_SECONDS = 90


class Refused(Exception):
    """A client is not content; the text is what it says."""


def inspect_server(cache: Cache, server: Server, era: str, *options: str) -> Any:
    """Call the Inspector's command line on a server over HTTP, and return its JSON.

    Args:
        cache: Where the Inspector is.
        server: The server.
        era: legacy or modern.
        options: Such as ``--method tools/list --strict``.

    Raises:
        Refused: It ends with an error.
    """
    header = f"Authorization: Bearer {server.token}"
    argv = ["--server-url", server.url, "--transport", "http", "--header", header]
    return _inspect(cache, [*argv, "--protocol-era", era, *options])


def inspect_command(cache: Cache, command: Sequence[str], era: str, *options: str) -> Any:
    """Call it on a server that is started as a command, and speaks on stdio.

    Raises:
        Refused: It ends with an error.
    """
    return _inspect(cache, ["--protocol-era", era, *options, "--transport", "stdio", "--", *command])


def old_client(cache: Cache, target: Server | Sequence[str]) -> dict[str, Any]:
    """Let a client of the SDK's first generation use a server, and return what it found.

    Raises:
        Refused: It ends with an error.
    """
    return _script(cache, OLD_CLIENT, "old_client.py", target)


def tasks_client(cache: Cache, server: Server) -> dict[str, Any]:
    """Let a client for tasks use the fixture server, and return what it found.

    Raises:
        Refused: It ends with an error.
    """
    return _script(cache, TASKS_CLIENT, "tasks_client.py", server)


def _inspect(cache: Cache, options: list[str]) -> Any:
    argv = [*cache.program("mcp-inspector"), "--cli", "--format", "json", *options]
    return json.loads(_run(argv))["result"]


def _script(
    cache: Cache, environment: tuple[str, str], script: str, target: Server | Sequence[str]
) -> dict[str, Any]:
    where = (
        {"command": list(target)}
        if isinstance(target, Sequence)
        else {"url": target.url, "token": target.token}
    )
    argv = [cache.python(*environment), str(_HERE / script), json.dumps(where)]
    found: dict[str, Any] = json.loads(_run(argv).splitlines()[-1])
    return found


def _run(argv: list[str]) -> str:
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS, check=False
    )
    if done.returncode:
        raise Refused(f"exit {done.returncode}: {(done.stderr or done.stdout)[-3000:]}")
    return done.stdout
