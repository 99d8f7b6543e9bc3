"""The command ``loopengt resume``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_cli_run.cassettes import cassette_options, chosen_tape
from loopengt_cli_run.ending import chosen_ending, ending_options, refuse_in_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt_cli_run.ending import Ending
    from loopengt_hookspecs.engines import Engine, RunResult
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
@click.option("--no-ask", is_flag=True, help="Do not ask on the terminal what the run wants to know: pause.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True,
              help="Make sure that the run was started with this value.")  # fmt: skip
@click.option("--unknown-outcome", "outcomes", metavar="[STEP=]done|retry|fail", multiple=True,
              help="How a step with effects: once ended that was cut short; with several, for each.")  # fmt: skip
@click.option(
    "--checkpoint", metavar="ID", help="Leave the run as it is, and go on from a checkpoint in a fork of it."
)
@click.option("--add-budget", "additions", metavar="KEY=AMOUNT", multiple=True,
              help="Add to the run's turns, seconds, tokens or usd; an exhausted run goes on with it.")  # fmt: skip
@click.option("--accept-spec/--keep-spec", "accept_spec", default=None,
              help="When the loop's file has changed: go on by it from here, or by the loop as it was.")  # fmt: skip
@cassette_options
@ending_options
@pass_kernel
def resume(
    kernel: Kernel,
    /,
    run_name: str,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    in_place: bool,
    wait: bool,
    no_ask: bool,
    settings: tuple[str, ...],
    outcomes: tuple[str, ...],
    checkpoint: str | None,
    additions: tuple[str, ...],
    accept_spec: bool | None,
    record: str | None,
    replay: str | None,
    **ends: bool,
) -> int:
    """Take a paused, interrupted, crashed, stopped or failed run up again. RUN is its id, a prefix of it, or latest.

    Steps that are completed are not executed again. The run goes on in the workspace and with the context it
    was started with. A run that has ended is shown as it ended. A loop that has changed since is refused, with what
    has changed. Exit codes are those of run.
    """
    import asyncio

    from loopengt_cli_run.adding import read_additions, read_outcomes
    from loopengt_cli_run.fork import drive_fork
    from loopengt_cli_run.session import Display, Session
    from loopengt_cli_run.settings import read_settings
    from loopengt_cli_run.spec_now import spec_now
    from loopengt_cli_run.text import say
    from loopengt_hookspecs.engines import ForkRequest, ResumeRequest

    if verbose and quiet:
        raise click.UsageError("--verbose and --quiet exclude each other.")
    added = read_additions(additions)
    told = read_outcomes(outcomes)
    ending = chosen_ending(**ends)
    row = asyncio.run(find(kernel, run_name, in_place, read_settings(settings), ending))
    if checkpoint is not None:
        if ending != "keep":
            raise click.UsageError(f"--checkpoint makes a fork; at its end: loopengt resume FORK --{ending}")
        if added:
            raise click.UsageError("--checkpoint makes a fork, which begins with the limits of its loop.")
        if accept_spec:
            raise click.UsageError("A fork takes a changed loop as: loopengt fork RUN --at ID --spec FILE")
        if record or replay:
            raise click.UsageError("--checkpoint makes a fork, which is neither recorded nor replayed.")
        forking = ForkRequest(row.run_id, checkpoint)
        return drive_fork(kernel, forking, Display(as_json, quiet, verbose), wait=wait, ask=not no_ask)
    more = row.reason == "exhausted" and (bool(added) or bool(accept_spec))
    if ending == "discard" and row.completed_at is not None and not more:
        return discard(kernel, row)
    goes_on = row.reason in ("failed", "stopped") or more
    if row.completed_at is not None and not goes_on and not quiet:
        say("The run has ended already; nothing is executed.")

    tape = chosen_tape(kernel, record, replay, run_id=row.run_id)

    async def begin(engine: Engine, storage: Storage, observers: Sequence[Observer]) -> RunResult:
        request = ResumeRequest(row.run_id, observers, told, added, middleware=tape.middleware)
        request.accept_spec = bool(accept_spec)
        if accept_spec is not False:
            request.spec = await spec_now(kernel, storage, row, accept=request.accept_spec, quiet=quiet)
        return await engine.resume(request)

    display = Display(as_json, quiet, verbose)
    session = Session(kernel, display, wait=wait, ending=ending, tape=tape, ask=not no_ask)
    return session.drive(begin, row.run_id)


def discard(kernel: Kernel, row: RunRow) -> int:
    """Throw the workspace of a run that has ended away; nothing is executed, also where the run could go on."""
    import asyncio

    from loopengt_cli_run.text import say
    from loopengt_hookspecs.models import EndReason

    async def throw_away() -> str:
        async with kernel.storage():
            return await kernel.engine().finish_workspace(row.run_id, "discard")

    say(asyncio.run(throw_away()))
    return EndReason(row.reason or EndReason.FAILED).exit_code


async def find(
    kernel: Kernel, name: str, in_place: bool, settings: dict[str, Any], ending: Ending = "keep"
) -> RunRow:
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
        if in_place or settings or ending != "keep":
            async for events in read_events(storage, row.run_id, blobs=False):
                header = events[0].data
                break
    remedy = "What a run was started with cannot be changed: start a new one."
    if in_place and header.get("workspace", {}).get("kind") != "in_place":
        raise UsageError(f"run {row.run_id} was not started with --in-place", remedy=remedy)
    refuse_in_place(ending, header.get("workspace", {}).get("kind") == "in_place")
    context = header.get("context", {})
    if merged(context, settings) != context:
        raise UsageError(f"run {row.run_id} was not started with this --set", remedy=remedy)
    return row
