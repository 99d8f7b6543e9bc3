"""The command ``loopengt trace``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_cli_runs.reading import Recorded

__all__ = ["trace"]


@click.command("trace")
@click.argument("run_name", metavar="RUN")
@click.option("-f", "--format", "form", default="tree", metavar="NAME", show_default=True,
              help="tree, json, jsonl, markdown, or another exporter that a plugin registers.")  # fmt: skip
@pass_kernel
def trace(kernel: Kernel, run_name: str, form: str) -> int:
    """Show what a run did. RUN is its id, a prefix of it, or latest."""
    import asyncio

    from loopengt.cli.retyping import command_line
    from loopengt_cli_runs.reading import read_run

    check_format(kernel, form)
    recorded = asyncio.run(read_run(kernel, run_name))
    if recorded.events:
        show(render(kernel, form, recorded), form)
    if recorded.damage is not None:
        click.echo(f"Error: {recorded.damage}", err=True)
        return 1
    if recorded.crashed:
        resume = command_line(kernel, "resume", recorded.state.run_id)
        click.echo(f"Nobody drives this run: {resume}", err=True)
    return 0


def check_format(kernel: Kernel, form: str) -> None:
    """Refuse a format that nobody registers.

    Raises:
        UsageError: No loaded plugin has such an exporter.
    """
    from loopengt.errors import UsageError
    from loopengt.naming import hint

    known = kernel.names("exporters")
    if form not in known:
        raise UsageError(f"there is no exporter {form!r}{hint(form, known)}")


def render(kernel: Kernel, form: str, recorded: Recorded) -> str:
    """Have the exporter write the run.

    Raises:
        PluginError: It fails; the message names the plugin.
    """
    from loopengt.errors import LoopengtError, PluginError

    exporter = kernel.get("exporters", form)
    try:
        text: str = exporter.export(recorded.state, recorded.events)
    except LoopengtError:
        raise
    except Exception as exc:
        plugin = kernel.component("exporters", form).plugin
        raise PluginError(
            f"the exporter {form!r} of the plugin {plugin!r} failed: {type(exc).__name__}: {exc}",
            remedy="Another format still shows the run, such as --format json.",
        ) from exc
    return text


def show(text: str, form: str) -> None:
    """Write a document to stdout, a tree with colours when that is a terminal."""
    import io
    import sys

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character still shows the rest
    if form == "tree" and sys.stdout.isatty():
        text = coloured(text)
    click.echo(text, nl=False)


def coloured(tree: str) -> str:
    """Colour the verdicts of a tree, unless the person does not want colours."""
    import os
    import re

    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return tree
    tree = re.sub(r"\bFAIL\b|(?<=  )failed\b|\berror:", lambda found: click.style(found[0], fg="red"), tree)
    return re.sub(r"(?<= )pass\b|(?<=  )completed\b", lambda found: click.style(found[0], fg="green"), tree)
