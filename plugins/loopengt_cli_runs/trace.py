"""The command ``loopengt trace``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["trace"]


@click.command("trace")
@click.argument("run_name", metavar="RUN")
@click.option("-f", "--format", "form", metavar="NAME",
              help="tree (default), json, jsonl, markdown, or another document that a plugin writes.")  # fmt: skip
@click.option("--all", "everything", is_flag=True, help="Every call of an attempt, also when there are many.")
@click.option(
    "--step", metavar="NAME[#N]", help="Only this step, or its Nth execution, with prompts and outputs."
)
@click.option("--full", is_flag=True, help="With --step: long texts too.")
@click.option("--events", "as_events", is_flag=True, help="One line for each event.")
@click.option("--follow", is_flag=True, help="Show events as they come, until the run ends or pauses.")
@click.option("--diff", "other", metavar="RUN", help="Show how another run differs from this one.")
@click.option("-o", "--output", "target", metavar="FILE", type=click.Path(path_type=Path),
              help="Write into a file, in place of stdout.")  # fmt: skip
@pass_kernel
def trace(kernel: Kernel, /, run_name: str, **options: Any) -> int:
    """Show what a run did, without secrets. RUN is its id, a prefix of it, or latest.

    With --follow Ctrl-C ends the looking, and not the run. To send a run to a service: loopengt export.
    """
    from loopengt_cli_runs.collecting import few_collections

    with few_collections():
        from loopengt_cli_runs.documents import check_target
        from loopengt_cli_runs.tracing import Asked, show_trace

        asked = Asked(**options)
        asked.check()
        check_target(asked.target)
        return show_trace(kernel, run_name, asked)
