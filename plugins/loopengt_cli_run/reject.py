"""The command ``loopengt reject``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_cli_run.deciding import answering, decide_on

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["reject"]


@click.command("reject")
@answering
@pass_kernel
def reject(kernel: Kernel, /, **said: Any) -> int:
    """Reject what a run waits for. RUN is its id, a prefix of it, or latest.

    The comment is what the next attempt is told, where the gate allows one; of a tool's call, what the agent is told.
    The answer is kept with the run when the command returns; a process that drives the run goes on with it at once.
    Without one, resume the run, or add --resume: the exit codes are then those of run.
    """
    return decide_on(kernel, False, **said)
