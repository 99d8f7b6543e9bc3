"""The command ``loopengt reject``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel
from loopengt_cli_run.deciding import answering, decide_and_say

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["reject"]


@click.command("reject")
@answering
@pass_kernel
def reject(kernel: Kernel, run_name: str, gate: str, step: str, comment: str, resume: bool) -> int:
    """Reject what a run waits for. RUN is its id, a prefix of it, or latest.

    The comment is what the next attempt is told, where the gate allows one. The answer is kept with the run when the
    command returns; a process that drives the run goes on with it at once. Without one, resume the run, or add
    --resume: the exit codes are then those of run.
    """
    return decide_and_say(kernel, run_name, False, gate=gate, step=step, comment=comment, resume=resume)
