"""The command ``loopengt adapter stop-gate``, which a tool calls when its agent ends a turn."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_adapters.stop_gate.told import Told
    from loopengt_adapters.stop_gate.verdict import Verdict

__all__ = ["stop_gate"]

_MOST_BYTES = 32_000_000


@click.command("stop-gate", context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option("--tool", default="claude-code", show_default=True, help="Which tool asks.")
@pass_kernel
def stop_gate(kernel: Kernel, tool: str) -> None:
    """Answer the hook that a tool calls at the end of a turn, with its input on stdin.

    A session that is bound to a run (bind-session) is sent on while the run is not at its goal. Any other session may
    stop, and so may every session when something goes wrong here.
    """
    from loopengt_adapters.stop_gate.answers import answer
    from loopengt_adapters.stop_gate.verdict import Verdict

    verdict = Verdict(False)
    try:
        verdict = _decide(kernel, json.loads(sys.stdin.buffer.read(_MOST_BYTES)))
    except Exception as error:  # whatever it is, it must not hold the session
        click.echo(f"loopengt: the Stop gate does not work: {error}", err=True)
    said = answer(tool, verdict)
    if said:
        click.echo(said)


def _decide(kernel: Kernel, data: object) -> Verdict:
    import asyncio

    from loopengt.redaction import process_redactor
    from loopengt_adapters.stop_gate.told import read_told
    from loopengt_adapters.stop_gate.verdict import Verdict, decide

    told = read_told(data)
    here = _bound_in(kernel, told) if told.session and told.has_ended else None
    if here is None:  # by far the most sessions: no storage is opened for them
        return Verdict(False)
    verdict = asyncio.run(decide(here, told.session))
    return verdict._replace(message=process_redactor().text(verdict.message))


def _bound_in(kernel: Kernel, told: Told) -> Kernel | None:
    """Return the kernel of that project of the session's which it is bound in; hooks may be started elsewhere."""
    from loopengt_adapters.stop_gate.bindings import bound
    from loopengt_adapters.stop_gate.claims import take

    projects = [kernel.for_spec(folder) for folder in told.folders] or [kernel]
    for here in projects:
        if take(here.folder, told) or bound(here.folder, told.session) is not None:
            return here
    return None
