"""The commands ``loopengt adapter install`` and ``uninstall``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt.display import visible
from loopengt_adapters.commands.common import as_json, echo_json, find_adapter, scope_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.adapters import Change, Scope

__all__ = ["install", "uninstall"]


@click.command("install")
@click.argument("name")
@scope_option
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@as_json
@pass_kernel
def install(kernel: Kernel, name: str, scope: Scope | None, dry_run: bool, as_json: bool) -> None:
    """Put loopengt into the tool NAME: its MCP server, commands or skills, and a hook where the tool has one.

    Everything else in the tool's own files stays as it is, byte for byte. Twice is once. Default scope: project.
    """
    changes = find_adapter(kernel, name).install(kernel.project, scope=scope or "project", dry_run=dry_run)
    _show(changes, dry_run=dry_run, as_json=as_json)


@click.command("uninstall")
@click.argument("name")
@scope_option
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@as_json
@pass_kernel
def uninstall(kernel: Kernel, name: str, scope: Scope | None, dry_run: bool, as_json: bool) -> None:
    """Take out of the tool NAME what install put in; its files are then as they were. Default scope: project."""
    changes = find_adapter(kernel, name).uninstall(kernel.project, scope=scope or "project", dry_run=dry_run)
    _show(changes, dry_run=dry_run, as_json=as_json)


def _show(changes: Sequence[Change], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        rows = [
            {
                "sentence": change.sentence,
                "file": None if change.file is None else str(change.file),
                "made": change.is_made and not dry_run,
                "before": change.before,
                "after": change.after,
            }
            for change in changes
        ]
        return echo_json(rows)
    for change in changes:
        click.echo(visible(change.sentence))
    if dry_run:
        click.echo("Nothing was changed: this was a dry run.", err=True)
    return None
