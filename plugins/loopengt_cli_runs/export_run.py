"""The command ``loopengt export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_cli_runs.reading import Recorded

__all__ = ["export"]


@click.command("export")
@click.argument("run_name", metavar="RUN")
@click.option("--to", "name", metavar="NAME", required=True,
              help="The exporter: json, jsonl, markdown, tree, or another that a plugin registers.")  # fmt: skip
@click.option("-o", "--output", "target", metavar="FILE", type=click.Path(path_type=Path),
              help="Write a document into a file, in place of stdout.")  # fmt: skip
@pass_kernel
def export(kernel: Kernel, run_name: str, name: str, target: Path | None) -> int:
    """Hand a run's trace to an exporter, without secrets. RUN is its id, a prefix of it, or latest.

    An exporter writes a document, or sends the trace to a service. To take a run with its files to another machine,
    and go on with it there: loopengt runs export.
    """
    import asyncio

    from loopengt.cli.retyping import command_line
    from loopengt.errors import UsageError
    from loopengt_cli_runs.collecting import few_collections
    from loopengt_cli_runs.documents import check_target, exporter_of, put, render, writes_documents
    from loopengt_cli_runs.reading import read_run

    exporter = exporter_of(kernel, name)
    writes = writes_documents(exporter)
    if target is not None and not writes:
        raise UsageError(f"{name} sends runs to a service, so there is nothing to write into {target}")
    check_target(target)
    with few_collections():
        recorded = asyncio.run(read_run(kernel, run_name))
        if recorded.events and writes:
            put(render(kernel, name, exporter, recorded), target)
        elif recorded.events:
            click.echo(asyncio.run(send(kernel, name, exporter, recorded)))
    if recorded.damage is not None:
        click.echo(f"Error: {recorded.damage}", err=True)
        return 1
    if recorded.crashed:
        resume = command_line(kernel, "resume", recorded.state.run_id)
        click.echo(f"Nobody drives this run: {resume}", err=True)
    return 0


async def send(kernel: Kernel, name: str, sender: Any, recorded: Recorded) -> str:
    """Have a sender send a run; return what it says of that.

    Raises:
        ExportError: The service cannot be reached, or refuses it.
        PluginError: The sender fails in another way; the message names the plugin.
    """
    from loopengt.display import visible
    from loopengt.errors import LoopengtError, PluginError

    try:
        said = await sender.send(recorded.state, recorded.events)
    except LoopengtError:
        raise
    except Exception as exc:
        plugin = kernel.component("exporters", name).plugin
        raise PluginError(
            f"the exporter {name!r} of the plugin {plugin!r} failed: {type(exc).__name__}: {exc}"
        ) from exc
    return visible(str(said))
