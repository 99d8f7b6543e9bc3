"""Turns a drawing into the text of a format, by Graphviz where that is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from loopengt.errors import LoopengtError
from loopengt_cli_design.graphs.writing_dot import to_dot
from loopengt_cli_design.graphs.writing_mermaid import to_mermaid

if TYPE_CHECKING:
    from loopengt_cli_design.graphs.drawing import Graph

__all__ = ["FORMATS", "render"]

FORMATS: Final = ("mermaid", "dot", "svg")
_SECONDS: Final = 60.0
_MOST_BYTES: Final = 50_000_000


def render(graph: Graph, form: str) -> str:
    """Write a drawing down.

    Args:
        graph: The drawing.
        form: One of ``FORMATS``.

    Raises:
        LoopengtError: Graphviz is not installed, or fails.
    """
    if form == "mermaid":
        return to_mermaid(graph)
    return to_dot(graph) if form == "dot" else _svg(to_dot(graph))


def _svg(dot: str) -> str:
    import asyncio

    from loopengt.processes import base_environment, find_program, run_program

    env, here = base_environment(), Path.cwd()
    program = find_program("dot", here, env)
    if program is None:
        raise LoopengtError(
            "SVG is drawn by Graphviz, whose program dot is not installed or not on PATH",
            remedy="apt install graphviz (or: brew install graphviz); --format mermaid and dot need nothing",
        )
    command = [str(program), "-Tsvg"]
    done = asyncio.run(
        run_program(command, cwd=here, env=env, stdin=dot.encode(), timeout=_SECONDS, max_output=_MOST_BYTES)
    )
    if done.timed_out or done.exit_code:
        why = f"took longer than {_SECONDS:g} seconds" if done.timed_out else f"ended with {done.ending}"
        said = done.stderr.decode(errors="replace").strip()[:500]
        raise LoopengtError(f"Graphviz {why}{f': {said}' if said else ''}", remedy="Take --format dot.")
    return done.stdout.decode(errors="replace")
