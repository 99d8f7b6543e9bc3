"""The command ``loopengt plugins uninstall``."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt.discovery import OWN_DISTRIBUTION
from loopengt.errors import UsageError
from loopengt.naming import normalise

if TYPE_CHECKING:
    from loopengt import Kernel


@click.command()
@click.argument("names", metavar="NAME…", nargs=-1, required=True)
@click.option("--yes", "-y", is_flag=True, help="Do not ask first.")
@pass_kernel
def uninstall(kernel: Kernel, names: tuple[str, ...], yes: bool) -> None:
    """Uninstall plugins: the whole distribution that each NAME, a plugin or a distribution, belongs to."""
    from loopengt_cli_plugins.installing.changing import list_plugins_anew, run_installer, tell_difference
    from loopengt_cli_plugins.installing.environment import find_installer

    distributions = sorted({_distribution(kernel, name) for name in names})
    installer = find_installer(distributions, removes=True)
    for distribution in distributions:
        click.echo(f"{distribution}, with: {', '.join(_plugins_of(kernel, distribution))}")
        for other in _needing(distribution, distributions):
            click.echo(f"  {other} requires it, and may not work without it")
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "nobody is there to be asked", remedy="add --yes to uninstall without a question"
            )
        click.confirm(f"Uninstall from {installer.prefix}?", abort=True)
    before = list_plugins_anew(kernel)
    run_installer(installer, installer.uninstall(distributions), f"uninstall {', '.join(distributions)}")
    tell_difference(before, list_plugins_anew(kernel))


def _distribution(kernel: Kernel, name: str) -> str:
    from loopengt_cli_plugins.finding import find_records

    found = sorted({record.distribution for record in find_records(kernel, name)})
    if len(found) > 1:
        raise UsageError(f"{name!r} is in {' and '.join(found)}", remedy="name the distribution")
    if not found[0]:
        raise UsageError(
            f"{name!r} is the project's own plugin, which is not installed",
            remedy="loopengt plugins disallow",
        )
    if normalise(name) == OWN_DISTRIBUTION:
        raise UsageError(
            f"{name!r} is this program itself, not a plugin of it",
            remedy=f"to remove it with all its plugins: pip uninstall {OWN_DISTRIBUTION}",
        )
    if normalise(found[0]) == OWN_DISTRIBUTION:
        raise UsageError(
            f"{name!r} is a part of loopengt itself", remedy=f"switch it off: loopengt plugins disable {name}"
        )
    return found[0]


def _plugins_of(kernel: Kernel, distribution: str) -> list[str]:
    return [record.name for record in kernel.plugins if record.distribution == distribution]


def _needing(distribution: str, leaving: list[str]) -> list[str]:
    """Return the distributions that require one, but for those that leave with it."""
    import importlib_metadata

    wanted, gone = normalise(distribution), {normalise(name) for name in leaving}
    found = set()
    for other in importlib_metadata.distributions():
        for requirement in other.requires or ():
            match = re.match(r"[A-Za-z0-9._-]+", requirement)
            name = str(other.metadata["Name"])
            is_it = match is not None and normalise(match[0]) == wanted and "extra ==" not in requirement
            if is_it and normalise(name) not in gone:
                found.add(name)
    return sorted(found)
