"""The options that say which reports are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

__all__ = ["report_options"]


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--json``, ``--junit``, ``--markdown`` and ``--html``."""
    for option in (
        click.option("--html", metavar="FILE", help="Write a page with plots, complete in itself."),
        click.option("--markdown", metavar="FILE", help="Write a report for a pull request."),
        click.option("--junit", metavar="FILE", help="Write JUnit XML for a CI server."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object in place of the table."),
    ):
        command = option(command)
    return command
