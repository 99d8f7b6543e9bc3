"""Asks a person before something is removed."""

from __future__ import annotations

import sys

import click

__all__ = ["make_sure"]


def make_sure(question: str, *, yes: bool) -> None:
    """Go on when the person agrees.

    Args:
        question: What is asked, on a terminal.
        yes: They agreed beforehand.

    Raises:
        UsageError: There is nobody to ask.
        Abort: They do not agree.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nothing was removed: there is no terminal to ask on. Add --yes.")
    click.confirm(question, abort=True, err=True)
