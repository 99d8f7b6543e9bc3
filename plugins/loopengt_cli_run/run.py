"""The command ``loopengt run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt_cli_run.cassettes import cassette_options, chosen_tape
from loopengt_cli_run.ending import chosen_ending, ending_options, refuse_in_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import Kernel
    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_hookspecs.storage import Storage
    from loopengt_hookspecs.tracing import Observer

__all__ = ["run"]


@click.command("run")
@click.argument("spec")
@click.option(
    "--dry-run", is_flag=True, help="Show the plan and every command it would execute; execute none."
)
@click.option("-v", "--verbose", is_flag=True, help="Show prompts and outputs too.")
@click.option("-q", "--quiet", is_flag=True, help="Say only how it ended.")
@click.option("--json", "as_json", is_flag=True, help="Print the events on stdout, one JSON object a line.")
@click.option("--in-place", is_flag=True, help="Work on the project's own files instead of a copy.")
@click.option("--wait", is_flag=True, help="When the run needs a person's answer, wait for it.")
@click.option("--no-ask", is_flag=True, help="Do not ask on the terminal what the run wants to know: pause.")
@click.option("--set", "settings", metavar="KEY=VALUE", multiple=True, help="Set a value of the context.")
@cassette_options
@ending_options
@pass_kernel
def run(
    kernel: Kernel,
    /,
    spec: str,
    dry_run: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    in_place: bool,
    wait: bool,
    no_ask: bool,
    settings: tuple[str, ...],
    record: str | None,
    replay: str | None,
    **ends: bool,
) -> int:
    """Run a loop until it ends or pauses. SPEC is its file, or a folder with a loop.yaml.

    Exit codes: 0 goal met or nothing to do, 1 failed, 2 usage or invalid spec, 3 not reached (exhausted,
    blocked, no progress, stopped), 4 paused for a person, 130 interrupted.
    """
    from loopengt_cli_run.plan import print_plan
    from loopengt_cli_run.session import Display, Session
    from loopengt_cli_run.settings import merged, read_settings
    from loopengt_hookspecs.engines import RunRequest

    if verbose and quiet:
        raise click.UsageError("--verbose and --quiet exclude each other.")
    ending = chosen_ending(**ends)
    kernel = kernel.for_spec(Path(spec))
    given = read_settings(settings)
    loaded = kernel.load_spec(Path(spec), frozenset(given))
    context = merged(loaded.spec.context, given)
    request = RunRequest(loaded.spec, source=loaded.path.resolve(), context=context, in_place=in_place)
    refuse_in_place(ending, in_place or loaded.spec.workspace == "in_place")
    if dry_run:
        return print_plan(kernel, request, as_json=as_json)
    tape = chosen_tape(kernel, record, replay)
    request.middleware = tape.middleware

    async def begin(engine: Engine, storage: Storage, observers: Sequence[Observer]) -> RunResult:
        request.observers = observers
        return await engine.start(request)

    display = Display(as_json, quiet, verbose)
    return Session(kernel, display, wait=wait, ending=ending, tape=tape, ask=not no_ask).drive(begin)
