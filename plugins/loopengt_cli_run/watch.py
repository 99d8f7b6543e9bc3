"""The command ``loopengt watch``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["watch"]


@click.command("watch")
@click.argument("spec")
@click.option("--once", is_flag=True, help="End after the first run, with its exit code.")
@click.option("--max-runs", metavar="N", type=click.IntRange(min=1), help="End after so many runs.")
@click.option("--json", "as_json", is_flag=True, help="Print the events on stdout, one JSON object a line.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set a value of the context.")
@pass_kernel
def watch(
    kernel: Kernel, /, spec: str, once: bool, max_runs: int | None, as_json: bool, settings: tuple[str, ...]
) -> int:
    """Start a run at each occasion that the loop's trigger tells of. SPEC is its file, or a folder with a loop.yaml.

    What a run knows of its occasion is in its context as event. A run that fails or needs a person does not end the
    watching; Ctrl-C does, and pauses a run under way. The spec is read again for each run, its trigger is not.

    Exit codes: 130 after Ctrl-C; else that of the first run that did not end well, or 0.
    """
    from loopengt_cli_run.settings import read_settings
    from loopengt_cli_run.watching import Watch

    if once and max_runs is not None:
        raise click.UsageError("--once and --max-runs exclude each other.")
    kernel = kernel.for_spec(Path(spec))
    watching = Watch(kernel, Path(spec), read_settings(settings), as_json=as_json)
    return watching.go(most=1 if once else max_runs)
