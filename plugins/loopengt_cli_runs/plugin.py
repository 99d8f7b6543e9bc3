"""Registers the commands export, runs and trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_commands(register: Register[click.Command]) -> None:
    """Register export, runs and trace."""
    register(
        "export", "loopengt_cli_runs.export_run:export", summary="Write or send a run's trace by an exporter"
    )
    register("runs", "loopengt_cli_runs.runs:runs", summary="List the runs of the project, or tidy them up")
    register("trace", "loopengt_cli_runs.trace:trace", summary="Show what a run did, from its journal")
