"""Writes a drawing in DOT, the language of Graphviz, in which no name can be anything but a label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from loopengt.display import one_line

if TYPE_CHECKING:
    from loopengt_cli_design.graphs.drawing import Box, Edge, Graph, Node

__all__ = ["to_dot"]

_LONGEST: Final = 80
_STYLES: Final = {
    "start": "shape=ellipse",
    "end": "shape=ellipse",
    "step": "shape=box, style=rounded",
    "broken": "shape=box, style=rounded, color=firebrick",
    "gate": "shape=hexagon, color=steelblue",
    "passed": "shape=hexagon, color=forestgreen",
    "failed": "shape=hexagon, color=firebrick",
    "note": "shape=note, color=gray50",
}
_EDGES: Final = {
    "then": "",
    "back": "style=dashed, constraint=false",
    "below": "style=dotted, arrowhead=none",
}


def to_dot(graph: Graph) -> str:
    """Return a drawing as the text of a DOT file."""
    lines = [
        f"digraph {_text(graph.title)} {{",
        "    rankdir=TB;",
        '    node [fontname="Helvetica"];',
        '    edge [fontname="Helvetica", fontsize=10];',
        *_box(graph.root, "    "),
        *(f"    {_edge(edge)}" for edge in graph.edges),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _box(box: Box, margin: str) -> Iterator[str]:
    for node in box.nodes:
        yield f"{margin}{_node(node)}"
    for inner in box.boxes:
        yield f"{margin}subgraph cluster_{inner.id} {{"
        yield f"{margin}    label={_text(inner.title)};"
        yield from _box(inner, f"{margin}    ")
        yield f"{margin}}}"


def _node(node: Node) -> str:
    return f"{node.id} [label={_text(*node.lines)}, {_STYLES[node.kind]}];"


def _edge(edge: Edge) -> str:
    facts = [f"label={_text(edge.label)}"] if edge.label else []
    facts += [_EDGES[edge.kind]] if _EDGES[edge.kind] else []
    attributes = f" [{', '.join(facts)}]" if facts else ""
    return f"{edge.source} -> {edge.target}{attributes};"


def _text(*lines: str) -> str:
    """Write lines as a quoted text: a backslash is doubled, and a quote has one before it."""
    shown = (one_line(line, _LONGEST).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    # Graphviz reads entities of HTML in any label.
    return '"' + "\\n".join(line.replace("&", "&amp;") for line in shown) + '"'
