"""The command ``loopengt adapter stop-gate``, which Claude Code calls when a session wants to stop."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_adapters.stop_gate.verdict import Verdict

__all__ = ["stop_gate"]

_MOST_BYTES = 1_000_000


@click.command("stop-gate")
@pass_kernel
def stop_gate(kernel: Kernel) -> None:
    """Answer the Stop hook of Claude Code, whose input is on stdin.

    A session that is bound to a run (bind-session) is held while the run is not at its goal. Any other session may
    stop, and so may every session when something goes wrong here.
    """
    try:
        told = _told()
        verdict = _decide(kernel, told)
    except Exception as error:  # whatever it is, it must not hold the session
        click.echo(f"loopengt: the Stop gate does not work: {error}", err=True)
        return
    if verdict.block:
        click.echo(json.dumps({"decision": "block", "reason": verdict.message}))
    elif verdict.message:
        click.echo(json.dumps({"systemMessage": verdict.message}))


def _told() -> dict[str, Any]:
    told = json.loads(sys.stdin.buffer.read(_MOST_BYTES))
    return told if isinstance(told, dict) else {}


def _decide(kernel: Kernel, told: dict[str, Any]) -> Verdict:
    import asyncio

    from loopengt.redaction import process_redactor
    from loopengt_adapters.stop_gate.bindings import bound
    from loopengt_adapters.stop_gate.verdict import Verdict, decide

    session = told.get("session_id")
    if not isinstance(session, str) or not session.strip():
        return Verdict(False)
    here = _project_of(kernel, told.get("cwd"))
    if bound(here.folder, session) is None:  # by far the most sessions: no storage is opened for them
        return Verdict(False)
    verdict = asyncio.run(decide(here, session))
    return verdict._replace(message=process_redactor().text(verdict.message))


def _project_of(kernel: Kernel, cwd: object) -> Kernel:
    """Return the kernel of the session's own project; hooks may be started elsewhere."""
    from pathlib import Path

    folder: Path | None = Path(cwd) if isinstance(cwd, str) and cwd else None
    return kernel.for_spec(folder) if folder is not None and folder.is_dir() else kernel
