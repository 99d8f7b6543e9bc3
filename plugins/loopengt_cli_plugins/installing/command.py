"""The command ``loopengt plugins install``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt.errors import PluginError

if TYPE_CHECKING:
    from loopengt import Kernel

PASSED_ON = "loopengt_cli_plugins.passed_on"


class PassingOn(click.Command):
    """A command whose words behind ``--`` are not its own; click itself would mix them with the others."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep them aside."""
        place = args.index("--") if "--" in args else len(args)
        ctx.meta[PASSED_ON] = args[place + 1 :]
        return super().parse_args(ctx, args[:place])

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show them in the usage."""
        return [*super().collect_usage_pieces(ctx), "[-- INSTALLER OPTIONS]"]


@click.command(cls=PassingOn)
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@click.option("--exact", is_flag=True, help="Take a name that does not begin with loopengt- as it is.")
@click.option("--dry-run", is_flag=True, help="Only print the command that would be run.")
@click.pass_context
def install(ctx: click.Context, /, **given: Any) -> None:
    """Install plugins into the environment of loopengt, with the installer that made it, pip or uv.

    NAME is a distribution, such as loopengt-otel or 'loopengt-otel>=0.2', a folder, a wheel or a URL. What stands
    behind -- is handed to the installer: loopengt plugins install loopengt-otel -- --no-index --find-links wheels
    """
    ctx.invoke(_install, **given, more=ctx.meta[PASSED_ON])


@pass_kernel
def _install(kernel: Kernel, names: tuple[str, ...], exact: bool, dry_run: bool, more: list[str]) -> None:
    from loopengt_cli_plugins.installing.changing import list_plugins_anew, run_installer, tell_difference
    from loopengt_cli_plugins.installing.environment import find_installer
    from loopengt_cli_plugins.installing.names import check_requirements

    check_requirements(names, exact=exact)
    installer = find_installer(names)
    command = installer.install(names, more)
    if dry_run:
        click.echo(shlex.join(command))
        return
    shown = ", ".join(names)
    before = list_plugins_anew(kernel)
    click.echo(f"Installing {shown} with {installer.name} into {installer.prefix} …")
    run_installer(installer, command, f"install {shown}")
    broken = tell_difference(before, list_plugins_anew(kernel))
    if broken:
        raise PluginError(
            f"installed, and broken: {', '.join(broken)}",
            remedy=f"see loopengt plugins info {broken[0]}, or take it out: loopengt plugins uninstall {broken[0]}",
        )
