"""Draws loops and runs: what is drawn, and how it is written down."""

from __future__ import annotations

from loopengt_cli_design.graphs.drawing import Box, Edge, Graph, Node
from loopengt_cli_design.graphs.of_run import graph_of_run
from loopengt_cli_design.graphs.of_spec import graph_of_spec
from loopengt_cli_design.graphs.writing_dot import to_dot
from loopengt_cli_design.graphs.writing_mermaid import to_mermaid

__all__ = ["Box", "Edge", "Graph", "Node", "graph_of_run", "graph_of_spec", "to_dot", "to_mermaid"]
