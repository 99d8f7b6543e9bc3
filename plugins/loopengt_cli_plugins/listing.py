"""The command ``loopengt plugins list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel, PluginRecord

HEADINGS = ("NAME", "STATUS", "VERSION", "DISTRIBUTION", "ORIGIN", "PROVIDES")


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, with all that is known.")
@click.option(
    "--requirements", is_flag=True, help="Print name==version of what provides plugins, and what each needs."
)
@pass_kernel
def list_plugins(kernel: Kernel, as_json: bool, requirements: bool) -> None:
    """List all plugins, those that are disabled or failed too."""
    if as_json:
        click.echo(to_json(kernel.plugins))
    elif requirements:
        from loopengt_cli_plugins.distributions import requirement_lines

        for line in requirement_lines(kernel.plugins):
            click.echo(line)
    else:
        print_table(kernel.plugins)
        print_troubles(kernel)


def to_json(records: Sequence[PluginRecord]) -> str:
    """Render records as a JSON array."""
    import dataclasses
    import json

    return json.dumps([dataclasses.asdict(record) for record in records], indent=2)


def print_table(records: Sequence[PluginRecord]) -> None:
    """Print one aligned line for each plugin; the last column is as long as it is."""
    rows = [HEADINGS, *map(_cells, records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())


def print_troubles(kernel: Kernel) -> None:
    """Print why plugins are not loaded, and what is wrong with config or switches, on stderr."""
    for record in kernel.plugins:
        if record.status != "loaded":
            click.echo(f"\n{record.name} is {record.status}: {record.reason}", err=True)
            if record.remedy:
                click.echo(f"  {record.remedy}", err=True)
            if record.traceback:
                click.echo(f"  traceback: loopengt plugins info {record.name}", err=True)
        for deprecation in record.deprecations:
            click.echo(f"\n{deprecation}", err=True)
    for problem in kernel.problems():
        click.echo(f"\n{problem}", err=True)


def _cells(record: PluginRecord) -> tuple[str, ...]:
    provides = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in record.provides.items())
    cells = (record.name, record.status, record.version, record.distribution, record.origin, provides)
    return tuple(cell or "-" for cell in cells)
