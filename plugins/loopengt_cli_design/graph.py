"""The command ``loopengt graph``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from loopengt.cli import pass_kernel

if TYPE_CHECKING:
    from loopengt import Kernel
    from loopengt_cli_design.graphs import Graph

__all__ = ["graph"]

_SUFFIXES: Final = {".dot": "dot", ".gv": "dot", ".svg": "svg"}
_OURS: Final = (b"flowchart ", b"digraph ", b"<?xml", b"<svg")
"""How a file begins that this command has written."""


@click.command("graph")
@click.argument("what", metavar="SPEC|RUN")
@click.option(
    "-f",
    "--format",
    "form",
    type=click.Choice(["mermaid", "dot", "svg"]),
    help="Default: what the file's suffix says, else mermaid. svg needs Graphviz.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file; it may only replace another drawing.",
)
@pass_kernel
def graph(kernel: Kernel, what: str, form: str | None, output: Path | None) -> int:
    """Draw a loop, or the path that a run took.

    SPEC is a file, or a folder with a loop.yaml; RUN is a run's id, a prefix of it, or latest. Of a run the steps
    that it took are drawn, with times, verdicts of gates, handoffs and how it ended.
    """
    from loopengt_cli_design.graphs.rendering import render

    if output is not None:
        _check_output(output)
    form = form or _SUFFIXES.get(output.suffix.lower() if output is not None else "", "mermaid")
    drawn, damage = _of_spec(kernel, Path(what)) if _is_spec(what) else _of_run(kernel, what)
    text = render(drawn, form)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)
    if damage:
        click.echo(f"Error: {damage}", err=True)
    return 1 if damage else 0


def _is_spec(what: str) -> bool:
    path = Path(what)
    return path.exists() or path.suffix.lower() in (".yaml", ".yml", ".json") or "/" in what


def _of_spec(kernel: Kernel, path: Path) -> tuple[Graph, str]:
    import os

    from loopengt_cli_design.graphs import graph_of_spec

    kernel = kernel.for_spec(path)
    loaded = kernel.load_spec(path)
    file = os.path.relpath(loaded.path.resolve(), kernel.project.resolve())
    return graph_of_spec(loaded.spec, loaded.loops, file), ""


def _of_run(kernel: Kernel, name: str) -> tuple[Graph, str]:
    import asyncio

    from loopengt_cli_design.graphs import graph_of_run
    from loopengt_cli_design.recorded import read_events_of

    recorded = asyncio.run(read_events_of(kernel, name))
    return graph_of_run(recorded.events), recorded.damage


def _check_output(path: Path) -> None:
    """Refuse to replace anything but a drawing."""
    from loopengt.errors import UsageError

    try:
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    if head and not head.startswith(_OURS):
        raise UsageError(f"{path} is there and is no drawing", remedy="name another file, or remove it")


def _write(path: Path, text: str) -> None:
    from loopengt.errors import UsageError

    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}", remedy="name a file in a folder that exists"
        ) from error
