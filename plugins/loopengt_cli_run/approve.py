"""The command ``loopengt approve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel
from loopengt_cli_run.deciding import answering, decide_on

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["approve"]


@click.command("approve")
@answering
@pass_kernel
def approve(kernel: Kernel, /, **said: Any) -> int:
    """Approve what a run waits for. RUN is its id, a prefix of it, or latest.

    The answer is kept with the run when the command returns; a process that drives the run goes on with it at once.
    Without one, resume the run, or add --resume: the exit codes are then those of run.
    """
    return decide_on(kernel, True, **said)
