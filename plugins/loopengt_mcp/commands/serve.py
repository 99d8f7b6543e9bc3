"""What ``loopengt mcp`` does without a subcommand: it serves the project to an IDE, or another client."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt import Kernel

__all__ = ["serve"]


def serve(
    kernel: Kernel,
    *,
    transport: str,
    host: str,
    port: int,
    token: str | None,
    token_file: Path | None,
    names: Sequence[str],
) -> None:
    """Serve until the client leaves, or a signal comes.

    Raises:
        UsageError: The address cannot be listened at, or the token is not usable.
        PluginError: A plugin's features cannot be offered.
        ConfigError: The config is not usable.
    """
    import asyncio

    from loopengt_mcp.server.app import make_desk_and_server

    options = kernel.plugin_options("mcp")
    if transport == "stdio":
        from loopengt_mcp.server.stdio import serve_stdio

        if sys.stdin is not None and sys.stdin.isatty():
            click.echo("Serving MCP on stdin and stdout, as an IDE starts it; Ctrl-C ends it.", err=True)
        desk, server = make_desk_and_server(kernel, options)
        asyncio.run(serve_stdio(server, desk))
        return

    from loopengt_mcp.server.http import PATH, bind, http_app, is_loopback
    from loopengt_mcp.server.serving import serve_http

    chosen = _token(token, token_file)
    bound = bind(host, port)
    try:
        secret = chosen or _made()
        desk, server = make_desk_and_server(kernel, options)
        app = http_app(server, host=host, token=secret, names=names)
        address = f"[{host}]" if ":" in host else host
        click.echo(f"Serving MCP at http://{address}:{bound.getsockname()[1]}{PATH}", err=True)
        if chosen is None:
            click.echo(f"Authorization: Bearer {secret}", err=True)
        if not is_loopback(host):
            click.echo(
                "Others can reach this address, and nothing is encrypted: put a proxy with TLS before it.",
                err=True,
            )
        asyncio.run(serve_http(app, bound, desk))
    finally:
        bound.close()


def _made() -> str:
    import secrets

    return secrets.token_urlsafe(32)


def _token(token: str | None, file: Path | None) -> str | None:
    """Return the given token, or None.

    Raises:
        UsageError: It is not usable.
    """
    from loopengt.errors import UsageError

    if file is not None:
        if token is not None:
            raise UsageError("--token and --token-file exclude each other")
        try:
            token = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as exc:
            why = exc.strerror if isinstance(exc, OSError) else "it is not text"
            raise UsageError(f"--token-file {file} cannot be read: {why}") from exc
    if token is not None and (
        len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token
    ):
        raise UsageError(
            "the token is too short, or has characters that no header can hold",
            remedy="Give 16 or more letters and digits, or none: then one is made and shown.",
        )
    return token
