"""The command ``loopengt fork``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.engines import Engine, ForkRequest, RunResult
    from loopengt_hookspecs.storage import Storage
    from loopengt_hookspecs.tracing import Observer

__all__ = ["drive_fork", "fork"]


@click.command("fork")
@click.argument("run_name", metavar="RUN")
@click.option(
    "--at", metavar="PLACE", required=True,
    help="STEP: before its first execution; STEP#N: before its N-th; or the id of a checkpoint.",
)  # fmt: skip
@click.option("--spec", metavar="FILE", help="The loop to go on by; default: that of the run.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set a value of the context.")
@click.option("-v", "--verbose", is_flag=True, help="Show prompts and outputs too.")
@click.option("-q", "--quiet", is_flag=True, help="Say only how it ended.")
@click.option("--json", "as_json", is_flag=True, help="Print the events on stdout, one JSON object a line.")
@click.option("--wait", is_flag=True, help="When the fork needs a person's answer, wait for it.")
@click.option("--no-ask", is_flag=True, help="Do not ask on the terminal what the run wants to know: pause.")
@pass_kernel
def fork(
    kernel: Kernel,
    run_name: str,
    at: str,
    spec: str | None,
    settings: tuple[str, ...],
    verbose: bool,
    quiet: bool,
    as_json: bool,
    wait: bool,
    no_ask: bool,
) -> int:
    """Make a new run that shares what another has done up to some place, and drive it.

    RUN is the other's id, a prefix of it, or latest; it stays as it is. What it has done up to PLACE is not done again.
    The files are those of the checkpoint there, or of the latest before; without any, those that RUN has now, and the
    summary says so. Exit codes are those of run.
    """
    import asyncio

    from loopengt_cli_run.session import Display
    from loopengt_cli_run.settings import merged, read_settings
    from loopengt_hookspecs.engines import ForkRequest

    if verbose and quiet:
        raise click.UsageError("--verbose and --quiet exclude each other.")
    given = read_settings(settings)
    run_id, context = asyncio.run(_find(kernel, run_name))
    request = ForkRequest(run_id, at)
    request.context = {name: merged(context, given)[name] for name in given}
    if spec is not None:
        loaded = kernel.load_spec(Path(spec), frozenset(context) | frozenset(given))
        request.spec, request.source = loaded.spec, loaded.path.resolve()
    return drive_fork(kernel, request, Display(as_json, quiet, verbose), wait=wait, ask=not no_ask)


def drive_fork(kernel: Kernel, request: ForkRequest, display: Any, *, wait: bool, ask: bool) -> int:
    """Fork a run, drive the fork, say what it is and how it ended, and return the exit code."""
    from loopengt_cli_run.session import Session
    from loopengt_cli_run.text import say

    async def begin(engine: Engine, storage: Storage, observers: Sequence[Observer]) -> RunResult:
        request.observers = observers
        result = await engine.fork(request)
        say(f"Run {result.run_id} is a fork of run {request.run_id} at {request.at}.")
        return result

    return Session(kernel, display, wait=wait, ask=ask).drive(begin)


async def _find(kernel: Kernel, name: str) -> tuple[str, dict[str, Any]]:
    """Find the run, and return its id and its context."""
    from loopengt.finding import check_runs_exist, find_run
    from loopengt.journal import read_events

    check_runs_exist(kernel, name)
    async with kernel.storage() as storage:
        row = await find_run(storage, name)
        context: dict[str, Any] = {}
        async for events in read_events(storage, row.run_id, blobs=False):
            context = events[0].data.get("context", {})
            break
    return row.run_id, context
