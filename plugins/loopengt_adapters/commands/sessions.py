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
@click.option("--session", metavar="ID", help="Id of the session, where it is known.")
@click.option("--most", type=click.IntRange(1, 100), default=5, show_default=True,
              help="How often the session may be kept from stopping.")  # fmt: skip
@pass_kernel
def bind_session(kernel: Kernel, run_name: str, session: str | None, most: int) -> None:
    """Keep one session of a tool from stopping until RUN is at its goal. RUN is an id, a prefix of one, or latest.

    It takes the hook that `loopengt adapter install` puts in. Without --session a code is printed: the session whose
    agent says it is the one. Other sessions are never held.
    """
    from loopengt_adapters.stop_gate.bindings import Binding, bind
    from loopengt_adapters.stop_gate.claims import offer

    run_id = asyncio.run(_find(kernel, run_name))
    bound = f"goes on until run {run_id} is at its goal, and is held {most} times at most."
    if session is not None:
        bind(kernel.folder, session, Binding(run_id, most))
        click.echo(f"This session {bound}")
        return
    click.echo(offer(kernel.folder, Binding(run_id, most)))
    click.echo(f"The session whose agent says this code in its answer, within a day, {bound}")


@click.command("unbind-session")
@click.argument("run_name", metavar="[RUN]", required=False)
@click.option("--session", metavar="ID", help="Id of the session, in place of RUN.")
@pass_kernel
def unbind_session(kernel: Kernel, run_name: str | None, session: str | None) -> None:
    """Let a session stop when it wants to: that of --session, or every one that is bound to RUN."""
    from loopengt import UsageError
    from loopengt_adapters.stop_gate.bindings import unbind, unbind_run

    if (run_name is None) == (session is None):
        raise UsageError("give either RUN or --session", remedy="loopengt adapter unbind-session latest")
    if session is not None:
        found = unbind(kernel.folder, session)
        click.echo("The session may stop." if found else "The session was not bound to a run.")
    elif run_name is not None:
        run_id = asyncio.run(_find(kernel, run_name))
        count = unbind_run(kernel.folder, run_id)
        click.echo(f"Run {run_id} holds no session any more ({count} were bound to it).")


async def _find(kernel: Kernel, name: str) -> str:
    from loopengt.finding import check_runs_exist, find_run

    check_runs_exist(kernel, name)
    async with kernel.storage() as storage:
        return (await find_run(storage, name)).run_id
