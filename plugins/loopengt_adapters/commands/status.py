"""The command ``loopengt adapter status``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt.display import visible
from loopengt_adapters.commands.common import as_json, echo_json, find_adapter, scope_option

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_hookspecs.adapters import Adapter, Scope

__all__ = ["status"]


@click.command("status")
@click.argument("name", required=False)
@scope_option
@as_json
@pass_kernel
def status(kernel: Kernel, name: str | None, scope: Scope | None, as_json: bool) -> int:
    """Say for each tool, or NAME, whether loopengt is installed, stale or broken. Exit code 1: something is broken.

    Without --scope both scopes are looked at.
    """
    adapters = {each: find_adapter(kernel, each) for each in ([name] if name else kernel.names("adapters"))}
    scopes: tuple[Scope, ...] = ("project", "user") if scope is None else (scope,)
    rows = _rows(kernel, adapters, scopes)
    if as_json:
        echo_json(rows)
    else:
        _print(rows)
    return 1 if any(row["state"] == "broken" for row in rows) else 0


def _rows(kernel: Kernel, adapters: dict[str, Adapter], scopes: tuple[Scope, ...]) -> list[dict[str, Any]]:
    from concurrent.futures import ThreadPoolExecutor

    # Each version is a program that is started, and may take seconds.
    with ThreadPoolExecutor(max_workers=len(adapters)) as pool:
        versions = dict(
            zip(adapters, pool.map(lambda each: each.tool_version(), adapters.values()), strict=True)
        )
    rows = []
    for name, adapter in adapters.items():
        for scope in scopes:
            found = adapter.status(kernel.project, scope=scope)
            rows.append(
                {
                    "adapter": name,
                    "scope": scope,
                    "state": found.state,
                    "tool_version": versions[name],
                    "details": list(found.details),
                    "files": [str(file) for file in found.files],
                }
            )
    return rows


def _print(rows: list[dict[str, Any]]) -> None:
    cells = [
        (row["adapter"], row["scope"], row["state"], row["tool_version"] or "tool not found") for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row, cell in zip(rows, cells, strict=True):
        click.echo("  ".join(text.ljust(width) for text, width in zip(cell, widths, strict=True)).rstrip())
        for detail in row["details"]:
            click.echo(f"    {visible(detail)}")
        if row["state"] == "stale":
            click.echo(f"    Next: loopengt adapter install {row['adapter']} --scope {row['scope']}")
