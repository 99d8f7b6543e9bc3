"""Prints what a command does, and lets nothing be left half done because nobody reads it."""

from __future__ import annotations

import click

from loopengt.display import visible

__all__ = ["Teller"]


class Teller:
    """Prints lines; when that cannot be done any more, as with ``| head``, it is silent until ``finish``."""

    def __init__(self) -> None:
        self._failed: OSError | None = None

    def __call__(self, line: str) -> None:
        """Print a line of any origin, fit for a terminal."""
        if self._failed is None:
            try:
                click.echo(visible(line, keep="\n"))
            except OSError as error:
                self._failed = error

    def finish(self) -> None:
        """Say that everything was printed.

        Raises:
            OSError: It was not.
        """
        if self._failed is not None:
            raise self._failed
