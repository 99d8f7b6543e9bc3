"""The commands ``loopengt adapter bind-session`` and ``unbind-session``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["bind_session", "unbind_session"]


@click.command("bind-session")
@click.argument("run_name", metavar="RUN")
@click.option("--session", required=True, metavar="ID", help="Id of the Claude Code session.")
@click.option("--most", type=click.IntRange(1, 100), default=5, show_default=True,
              help="How often the session may be kept from stopping.")  # fmt: skip
@pass_kernel
def bind_session(kernel: Kernel, run_name: str, session: str, most: int) -> None:
    """Keep one Claude Code session from stopping until RUN is at its goal. RUN is an id, a prefix of one, or latest.

    It takes the Stop hook that `loopengt adapter install claude-code` puts in. Other sessions are never held.
    """
    from loopengt_adapters.stop_gate.bindings import Binding, bind

    run_id = asyncio.run(_find(kernel, run_name))
    bind(kernel.folder, session, Binding(run_id, most))
    click.echo(f"This session goes on until run {run_id} is at its goal, and is held {most} times at most.")


@click.command("unbind-session")
@click.option("--session", required=True, metavar="ID", help="Id of the Claude Code session.")
@pass_kernel
def unbind_session(kernel: Kernel, session: str) -> None:
    """Let a Claude Code session stop when it wants to."""
    from loopengt_adapters.stop_gate.bindings import unbind

    found = unbind(kernel.folder, session)
    click.echo("The session may stop." if found else "The session was not bound to a run.")


async def _find(kernel: Kernel, name: str) -> str:
    from loopengt.finding import check_runs_exist, find_run

    check_runs_exist(kernel, name)
    async with kernel.storage() as storage:
        return (await find_run(storage, name)).run_id
