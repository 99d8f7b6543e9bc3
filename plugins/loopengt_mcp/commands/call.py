"""The command ``loopengt mcp call``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_mcp.commands.connecting import (
    as_json,
    connected,
    echo_json,
    echo_text,
    find,
    in_loop,
    spec_option,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt_mcp.client.servers import Server

__all__ = ["call"]


@click.command("call")
@click.argument("server")
@click.argument("tool")
@click.argument("arguments", nargs=-1, metavar="[KEY=VALUE]…")
@click.option("--json-args", metavar="JSON", help="The arguments as one JSON object.")
@click.option(
    "--save",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write images and other data into this folder, each named by its digest.",
)
@as_json
@spec_option
@pass_kernel
def call(
    kernel: Kernel,
    server: str,
    tool: str,
    arguments: tuple[str, ...],
    json_args: str | None,
    save: Path | None,
    as_json: bool,
    spec: Path | None,
) -> None:
    """Call TOOL of SERVER and print what it returns. A value is read as JSON where the tool wants no text."""
    given = _given(arguments, json_args)
    wanted = find(kernel, server, spec)
    result = in_loop(lambda: _call(kernel, wanted, tool, given, save))
    if isinstance(result, str) and not as_json:
        echo_text(result)
    else:
        echo_json(result)


def _given(arguments: Sequence[str], json_args: str | None) -> dict[str, Any]:
    """Return the arguments as written: texts by name, or the JSON object.

    Raises:
        UsageError: They are neither.
    """
    from loopengt import UsageError

    if json_args is not None:
        try:
            found = json.loads(json_args)
        except ValueError as error:
            raise UsageError(
                f"--json-args is not JSON: {error}", remedy="Quote it: '{\"key\": 1}'"
            ) from error
        if not isinstance(found, dict) or arguments:
            raise UsageError("--json-args is a JSON object, and takes the place of KEY=VALUE")
        return found
    pairs = [argument.partition("=") for argument in arguments]
    for key, equals, _ in pairs:
        if not key or not equals:
            raise UsageError(f"the argument {key!r} is not KEY=VALUE", remedy="Write it as timezone=UTC")
    return {key: _Text(value) for key, _, value in pairs}


class _Text(str):
    """A value of the command line, still to be read as the tool's schema wants it."""

    __slots__ = ()


async def _call(kernel: Kernel, server: Server, tool: str, given: dict[str, Any], save: Path | None) -> Any:
    from loopengt import UsageError
    from loopengt.naming import hint
    from loopengt_mcp.client.results import Reader
    from loopengt_mcp.commands.person import person

    async with connected(kernel, server) as peer:
        known = {each.name: each for each in await peer.tools()}
        if tool not in known:
            raise UsageError(
                f"the MCP server {server.name!r} has no tool {tool!r}{hint(tool, known)}",
                remedy=f"loopengt mcp tools {server.name}",
            )
        schema = known[tool].input_schema
        arguments = {key: _read(value, key, schema) for key, value in given.items()}
        _refuse_misfit(server.name, tool, arguments, schema)
        result = await peer.call_tool(tool, arguments, ask=person())
        reader = Reader(server.name, _Saver(save).put, most=1 << 62)
        return await reader.tool_result(result, schema=known[tool].output_schema)


def _read(value: Any, key: str, schema: dict[str, Any]) -> Any:
    if not isinstance(value, _Text):
        return value
    properties = schema.get("properties")
    part = properties.get(key) if isinstance(properties, dict) else None
    if isinstance(part, dict) and part.get("type") == "string":
        return str(value)
    try:
        return json.loads(value)
    except ValueError:
        return str(value)


def _refuse_misfit(server: str, tool: str, arguments: dict[str, Any], schema: dict[str, Any]) -> None:
    from loopengt import UsageError
    from loopengt.json_schema import JsonSchema, SchemaProblem, listed

    try:
        violations = JsonSchema(schema).violations(arguments)
    except SchemaProblem:
        return  # the server's own affair: it will say what it does not take
    if violations:
        raise UsageError(
            f"the arguments do not fit the tool {tool!r} of the MCP server {server!r}:\n{listed(violations)}",
            remedy=f"loopengt mcp tools {server} shows what it takes",
        )


class _Saver:
    """Takes the data of a result in place of a run's storage."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    async def put(self, data: bytes) -> str:
        """Return the digest of data, and write it where a folder was named."""
        from hashlib import sha256

        digest = sha256(data).hexdigest()
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / digest).write_bytes(data)
        return digest
