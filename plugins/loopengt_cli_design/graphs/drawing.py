"""A drawing: nodes, edges and boxes around them, whatever it is written in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

__all__ = ["Box", "Edge", "EdgeKind", "Graph", "Node", "NodeKind"]

NodeKind: TypeAlias = Literal["start", "end", "step", "broken", "gate", "passed", "failed", "note"]
EdgeKind: TypeAlias = Literal["then", "back", "below"]


@dataclass(frozen=True, slots=True)
class Node:
    """Something that is done, checked, or reached."""

    id: str
    """Made here of letters and digits, never of a name."""
    lines: tuple[str, ...]
    """What stands in it; any text."""
    kind: NodeKind = "step"


@dataclass(frozen=True, slots=True)
class Edge:
    """What comes after what."""

    source: str
    target: str
    label: str = ""
    kind: EdgeKind = "then"
    """then: what comes next; back: what comes again; below: the loop that a step runs."""


@dataclass(slots=True)
class Box:
    """Nodes that belong together: those of a loop that a step runs."""

    id: str
    title: str
    nodes: list[Node] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)


@dataclass(slots=True)
class Graph:
    """A whole drawing."""

    title: str
    root: Box = field(default_factory=lambda: Box("root", ""))
    _edges: dict[Edge, None] = field(default_factory=dict)
    _made: int = 0

    @property
    def edges(self) -> list[Edge]:
        """All edges, in the order in which they were added."""
        return list(self._edges)

    def node(self, box: Box, *lines: str, kind: NodeKind = "step") -> str:
        """Add a node to a box and return its id."""
        self._made += 1
        made = Node(f"n{self._made}", tuple(line for line in lines if line), kind)
        box.nodes.append(made)
        return made.id

    def box(self, parent: Box, title: str) -> Box:
        """Add a box to another one."""
        self._made += 1
        made = Box(f"b{self._made}", title)
        parent.boxes.append(made)
        return made

    def edge(self, source: str, target: str, label: str = "", kind: EdgeKind = "then") -> None:
        """Add an edge, unless the very same is there."""
        self._edges.setdefault(Edge(source, target, label, kind))

    def nodes(self) -> Iterator[Node]:
        """Iterate over all nodes."""
        boxes = [self.root]
        while boxes:
            box = boxes.pop()
            yield from box.nodes
            boxes += box.boxes
