"""The entry of the program: runs the root command and turns what comes of it into an exit code."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from loopengt.cli.output import OutputLost, open_streams, silence
from loopengt.cli.root import cli

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

INTERRUPTED = 130
BROKEN_PIPE = 141


def main(args: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code: what a command exits with or, when a number, returns.

    Args:
        args: The command line; None: that of the process.
    """
    open_streams()
    try:
        code = _run(args)
    except OutputLost as lost:
        return _without_output(lost.cause)
    try:
        sys.stdout.flush()
    except OSError as error:
        return _without_output(error)
    silence()  # a stderr that nobody reads would change the exit code to 120
    return code if type(code) is int else 0


def _run(args: Sequence[str] | None) -> object:
    try:
        return cli.main(args, prog_name="loopengt", standalone_mode=False)
    except click.ClickException as exc:
        with suppress(BrokenPipeError):  # nobody reads errors any more: the exit code still tells
            exc.show()
        return exc.exit_code
    except click.Abort as exc:
        click.echo("Aborted.", err=True)
        return INTERRUPTED if isinstance(exc.__cause__, KeyboardInterrupt) else 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _without_output(cause: OSError) -> int:
    """End when what was printed could not be written: quietly where the reader has gone, as with ``| head``."""
    silence()
    if isinstance(cause, BrokenPipeError):
        return BROKEN_PIPE
    click.echo(f"Error: what was printed is lost: {cause.strerror}", err=True)
    return 1
