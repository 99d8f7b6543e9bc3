"""The commands ``loopengt plugins allow`` and ``loopengt plugins disallow``."""

from __future__ import annotations

import click

from loopengt import consent
from loopengt.cli import pass_kernel
from loopengt.errors import UsageError
from loopengt.kernel import Kernel


@click.command()
@pass_kernel
def allow(kernel: Kernel) -> None:
    """Allow the project's own file loopengt_plugins.py to run, as it is now.

    Read it first: it runs with your rights. A change of the file asks for consent again.
    """
    file = kernel.project / consent.PROJECT_FILE
    if not file.is_file():
        raise UsageError(
            f"there is no {file}",
            remedy="write the project's plugin there, or name its project: loopengt -C DIR plugins allow",
        )
    digest = consent.allow(file, kernel.environ)
    click.echo(f"Allowed {file} with SHA-256 {digest}")
    for record in Kernel(kernel.project, environ=kernel.environ).plugins:
        if record.name == consent.PROJECT_PLUGIN:
            click.echo(f"{record.name} is {record.status}" + (f": {record.reason}" if record.reason else ""))


@click.command()
@pass_kernel
def disallow(kernel: Kernel) -> None:
    """Take back the consent to run the project's own file loopengt_plugins.py."""
    file = kernel.project / consent.PROJECT_FILE
    if consent.disallow(file, kernel.environ):
        click.echo(f"{file} does not run any more")
    else:
        click.echo(f"{file} was not allowed; nothing to do")
