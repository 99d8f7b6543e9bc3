"""Goes through tools, resources and prompts with the Inspector's command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mcp_conformance.clients import Refused, inspect_command, inspect_server

if TYPE_CHECKING:
    from mcp_conformance.cache import Cache
    from mcp_conformance.servers import Server

__all__ = ["ERAS", "inspect_all"]

ERAS = ("legacy", "modern")


def inspect_all(cache: Cache, target: Server | Sequence[str], eras: Sequence[str] = ERAS) -> dict[str, Any]:
    """Look at tools (with ``--strict``), resources and prompts, and use one of each.

    Returns:
        What the Inspector said, by era and method.

    Raises:
        Refused: It is not content.
    """
    found: dict[str, Any] = {}
    for era in eras:

        def ask(*options: str, era: str = era) -> Any:
            if isinstance(target, Sequence):
                return inspect_command(cache, target, era, *options)
            return inspect_server(cache, target, era, *options)

        found[era] = {
            "tools/list": ask("--method", "tools/list", "--strict"),
            "resources/list": ask("--method", "resources/list"),
            "resources/templates/list": ask("--method", "resources/templates/list"),
            "resources/read": ask("--method", "resources/read", "--uri", "runs://list"),
            "prompts/list": ask("--method", "prompts/list"),
            "prompts/get": ask(
                "--method", "prompts/get", "--prompt-name", "design", "--prompt-args", "goal=greet somebody"
            ),
            "tools/call": ask(
                "--method",
                "tools/call",
                "--tool-name",
                "run_loop",
                "--tool-args-json",
                json.dumps({"loop": "loop.yaml", "wait_seconds": 30}),
            ),
        }
        if found[era]["tools/call"].get("isError"):
            raise Refused(f"{era}: run_loop failed: {found[era]['tools/call']}")
    return found
