"""Writes a drawing as Mermaid, in which no name can be anything but a label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from loopengt.display import one_line

if TYPE_CHECKING:
    from loopengt_cli_design.graphs.drawing import Box, Edge, Graph, Node

__all__ = ["to_mermaid"]

_LONGEST: Final = 80
_HARMLESS: Final = frozenset(" _,:/=")
_JOINING: Final = frozenset(".-'")
"""Harmless between letters; at the begin of a word they may begin a list."""
_SHAPES: Final = {
    "start": ("([", "])"),
    "end": ("([", "])"),
    "step": ("[", "]"),
    "broken": ("[", "]"),
    "gate": ("{{", "}}"),
    "passed": ("{{", "}}"),
    "failed": ("{{", "}}"),
    "note": (">", "]"),
}
_ARROWS: Final = {"then": "-->", "back": "-.->", "below": "-.-"}
_CLASSES: Final = {
    "broken": "fill:#fdeaea,stroke:#c62828,color:#5a1010",
    "gate": "fill:#eef6ff,stroke:#2f6fab,color:#10304d",
    "passed": "fill:#e6f6e6,stroke:#2e7d32,color:#12370f",
    "failed": "fill:#fdeaea,stroke:#c62828,color:#5a1010",
    "note": "fill:#fafafa,stroke:#999999,color:#333333",
}


def to_mermaid(graph: Graph) -> str:
    """Return a drawing as the text of a Mermaid flowchart."""
    lines = ["flowchart TD", *_box(graph.root, "    "), *(f"    {_edge(edge)}" for edge in graph.edges)]
    for kind, style in _CLASSES.items():
        members = sorted(
            (node.id for node in graph.nodes() if node.kind == kind), key=lambda name: int(name[1:])
        )
        if members:
            lines += [f"    classDef {kind} {style}", f"    class {','.join(members)} {kind}"]
    return "\n".join(lines) + "\n"


def _box(box: Box, margin: str) -> Iterator[str]:
    for node in box.nodes:
        yield f"{margin}{_node(node)}"
    for inner in box.boxes:
        yield f'{margin}subgraph {inner.id}["{_text(inner.title)}"]'
        yield f"{margin}    direction TB"
        yield from _box(inner, f"{margin}    ")
        yield f"{margin}end"


def _node(node: Node) -> str:
    opening, closing = _SHAPES[node.kind]
    return f'{node.id}{opening}"{"<br/>".join(map(_text, node.lines)) or " "}"{closing}'


def _edge(edge: Edge) -> str:
    label = f'|"{_text(edge.label)}"|' if edge.label else ""
    return f"{edge.source} {_ARROWS[edge.kind]}{label} {edge.target}"


def _text(text: str) -> str:
    """Write a text as a label: what could mean anything to Mermaid, HTML or Markdown becomes its number."""
    line = one_line(text, _LONGEST)
    return "".join(
        char if _is_harmless(char, line[index - 1 : index], line[index + 1 : index + 2]) else f"#{ord(char)};"
        for index, char in enumerate(line)
    )


def _is_harmless(char: str, before: str, after: str) -> bool:
    if char in _JOINING:
        return before.isalnum() and after.isalnum()
    return char.isalnum() or char in _HARMLESS
