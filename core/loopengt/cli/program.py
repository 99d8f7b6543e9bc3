"""The entry of the program: runs the root command and turns what comes of it into an exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

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
    try:
        code = cli.main(args, prog_name="loopengt", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except click.Abort as exc:
        click.echo("Aborted.", err=True)
        return INTERRUPTED if isinstance(exc.__cause__, KeyboardInterrupt) else 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone, as with "| head". Nothing may be flushed into the pipe at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code if type(code) is int else 0
