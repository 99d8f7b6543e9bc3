"""Registers the command ``eval``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register eval."""
    register("eval", "loopengt_evals.group:eval_", summary="Measure and judge runs, suites and judges")
