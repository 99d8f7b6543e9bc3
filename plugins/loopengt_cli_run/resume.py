"""The command ``loopengt resume``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.engines import Engine, RunResult, UnknownOutcome
    from loopengt_hookspecs.storage import RunRow, Storage
    from loopengt_hookspecs.tracing import Observer

__all__ = ["resume"]


@click.command("resume")
@click.argument("run_name", metavar="RUN")
@click.option("-v", "--verbose", is_flag=True, help="Show prompts and outputs too.")
@click.option("-q", "--quiet", is_flag=True, help="Say only how it ended.")
@click.option("--json", "as_json", is_flag=True, help="Print the events on stdout, one JSON object a line.")
@click.option("--in-place", is_flag=True, help="Make sure that the run was started with --in-place.")
@click.option(
    "--wait", is_flag=True, help="Wait for another process that drives the run, or a person's answer."
)
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True,
              help="Make sure that the run was started with this value.")  # fmt: skip
@click.option("--unknown-outcome", type=click.Choice(["ask", "done", "retry", "fail"]), default="ask",
              show_default=True, help="How a step with effects: once ended that was cut short.")  # fmt: skip
@pass_kernel
def resume(
    kernel: Kernel,
    run_name: str,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    in_place: bool,
    wait: bool,
    settings: tuple[str, ...],
    unknown_outcome: UnknownOutcome,
) -> int:
    """Take a paused, interrupted, crashed or failed run up again. RUN is its id, a prefix of it, or latest.

    Steps that are completed are not executed again. The run goes on in the workspace and with the context it
    was started with. A run that has ended is shown as it ended. Exit codes are those of run.
    """
    import asyncio

    from loopengt_cli_run.session import Display, Session
    from loopengt_cli_run.settings import read_settings
    from loopengt_cli_run.text import say
    from loopengt_hookspecs.engines import ResumeRequest

    if verbose and quiet:
        raise click.UsageError("--verbose and --quiet exclude each other.")
    row = asyncio.run(find(kernel, run_name, in_place, read_settings(settings)))
    if row.completed_at is not None and row.reason != "failed" and not quiet:
        say("The run has ended already; nothing is executed.")

    async def begin(engine: Engine, storage: Storage, observers: Sequence[Observer]) -> RunResult:
        return await engine.resume(ResumeRequest(row.run_id, observers, unknown_outcome))

    return Session(kernel, Display(as_json, quiet, verbose), wait=wait).drive(begin, row.run_id)


async def find(kernel: Kernel, name: str, in_place: bool, settings: dict[str, Any]) -> RunRow:
    """Find the run and hold what was said of it against what it was started with.

    Raises:
        RunNotFound: There is no such run, or more than one.
        UsageError: It was started with something else.
    """
    from loopengt.errors import UsageError
    from loopengt.finding import check_runs_exist, find_run
    from loopengt.journal import read_events
    from loopengt_cli_run.settings import merged

    check_runs_exist(kernel, name)
    async with kernel.storage() as storage:
        row = await find_run(storage, name)
        header: dict[str, Any] = {}
        if in_place or settings:
            async for events in read_events(storage, row.run_id, blobs=False):
                header = events[0].data
                break
    remedy = "What a run was started with cannot be changed: start a new one."
    if in_place and header.get("workspace", {}).get("kind") != "in_place":
        raise UsageError(f"run {row.run_id} was not started with --in-place", remedy=remedy)
    context = header.get("context", {})
    if merged(context, settings) != context:
        raise UsageError(f"run {row.run_id} was not started with this --set", remedy=remedy)
    return row
