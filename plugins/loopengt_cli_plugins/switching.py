"""The commands ``loopengt plugins enable`` and ``loopengt plugins disable``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt.kernel import Kernel
from loopengt.naming import normalise
from loopengt_cli_plugins.finding import find_records, handles

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt import PluginRecord


@click.command()
@click.argument("name")
@pass_kernel
def enable(kernel: Kernel, name: str) -> None:
    """Enable the plugin NAME again, in the project's config.toml.

    NAME is a plugin, a distribution (all of its plugins), or distribution/plugin.
    """
    records, wanted = find_records(kernel, name), normalise(name)
    _change(kernel, lambda names: [other for other in names if normalise(other) != wanted])
    _report(kernel, records)


@click.command()
@click.argument("name")
@pass_kernel
def disable(kernel: Kernel, name: str) -> None:
    """Disable the plugin NAME, in the project's config.toml: it is not even imported.

    NAME is a plugin, a distribution (all of its plugins), or distribution/plugin.
    """
    records, wanted = find_records(kernel, name), normalise(name)
    _change(kernel, lambda names: [*(other for other in names if normalise(other) != wanted), wanted])
    _report(kernel, records)
    if any(record.name == "cli_plugins" for record in records):
        click.echo(
            "This command is gone now too. It comes back with: loopengt -p cli_plugins plugins enable …"
        )


def _change(kernel: Kernel, change: Callable[[list[str]], list[str]]) -> None:
    from loopengt_cli_plugins.config_file import change_list

    change_list(kernel.folder / "config.toml", "plugins", "disabled", change)


def _report(kernel: Kernel, changed: list[PluginRecord]) -> None:
    """Say what became of the plugins, as a program that is started now would find them."""
    names = {handles(record)[0] for record in changed}
    for record in Kernel(kernel.project, environ=kernel.environ).plugins:
        if handles(record)[0] in names:
            reason = f": {record.reason}" if record.reason else ""
            click.echo(f"{record.name} is {record.status}{reason}")
