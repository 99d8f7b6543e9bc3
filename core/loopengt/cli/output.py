"""The program's standard streams when they are closed, full, or read by nobody any more."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO

import click

__all__ = ["OutputLost", "lost_output", "open_streams", "silence"]


class OutputLost(Exception):
    """What a command prints reaches nobody; ``cause`` says why. No OSError, which click would answer itself.

    Args:
        cause: What came of writing.
    """

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def open_streams() -> None:
    """Let /dev/null stand in for streams that are closed, as after ``>&-``.

    Else the next file that is opened would take the number of one, and get what child processes print.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def lost_output(error: OSError) -> OutputLost | None:
    """Return that the output is lost, when this is why a command has failed; None: it failed at something else."""
    piped = isinstance(error, BrokenPipeError) and any(map(_has_no_reader, (sys.stdout, sys.stderr)))
    return OutputLost(error) if piped or _is_of_echo(error) else None


def silence() -> None:
    """Let nothing more be written into streams that fail, not at exit either."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, stream.fileno())
                os.close(null)


def _has_no_reader(stream: TextIO) -> bool:
    import select

    poll = select.poll()
    with suppress(OSError):  # a stream without a file, as in tests
        poll.register(stream.fileno(), 0)
        return bool(poll.poll(0))
    return False


def _is_of_echo(error: OSError) -> bool:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code is click.echo.__code__
