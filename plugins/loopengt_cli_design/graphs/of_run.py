"""Draws the path that a run took: executions of steps with their times, verdicts of gates, handoffs, its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from loopengt.display import duration, first_line, lap, one_line
from loopengt_cli_design.graphs.drawing import Box, Graph, NodeKind
from loopengt_cli_design.graphs.path import Execution, Path, paths_of

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["MOST", "graph_of_run"]

MOST: Final = 60
"""Executions of a run that are drawn; of a longer one the first and the last."""
_FIRST: Final = 20
_KINDS: Final[dict[str, NodeKind]] = {"failed": "broken", "skipped": "note"}
_LONGEST: Final = 60


def graph_of_run(events: Sequence[TraceEvent]) -> Graph:
    """Draw a run, and its child runs in boxes of their own.

    Args:
        events: The events of the run, and of its child runs wherever among them; the first is the run's.
    """
    paths = paths_of(events)
    graph = Graph(next(iter(paths.values())).loop if paths else "")
    if paths:
        _Drawer(graph, paths).run(next(iter(paths)), graph.root)
    return graph


class _Drawer:
    def __init__(self, graph: Graph, paths: dict[str, Path]) -> None:
        self._graph = graph
        self._paths = paths
        self._drawn: set[str] = set()

    def run(self, run_id: str, box: Box) -> str:
        """Draw a run into a box and return the node that it begins with."""
        self._drawn.add(run_id)
        path = self._paths[run_id]
        start = self._graph.node(box, path.loop, f"run {run_id}", f"pattern {path.pattern}", kind="start")
        shown, left_out = _shown(path.executions)
        drawn = [self._execution(execution, box, path.pattern) for execution in shown]
        gap = self._graph.node(box, f"{left_out:,} executions more", kind="note") if left_out else ""
        if gap:
            self._graph.edge(drawn[_FIRST - 1][1], gap)
        for index, execution in enumerate(shown):
            behind = gap and index >= _FIRST
            earlier = _before(shown, index, _FIRST if behind else 0)
            for other in earlier:
                label = path.handed(shown[other], execution)
                self._graph.edge(drawn[other][1], drawn[index][0], label)
            if not earlier:
                self._graph.edge(gap if behind else start, drawn[index][0])
        self._end(path, box, [drawn[index][1] for index in _leaves(shown)] or [start])
        return start

    def _end(self, path: Path, box: Box, leaves: list[str]) -> None:
        reason, detail = path.end or ("not ended", "")
        lines = (reason, first_line(detail, _LONGEST), duration(path.seconds) if path.seconds else "")
        end = self._graph.node(box, *lines, kind="end")
        for leaf in leaves:
            self._graph.edge(leaf, end)

    def _execution(self, execution: Execution, box: Box, pattern: str) -> tuple[str, str]:
        """Draw an execution with the verdicts of its last attempt; return its first node and its last."""
        facts = [f"agent {execution.agent}"] if execution.agent else []
        attempts = f", {execution.attempts} attempts" if execution.attempts > 1 else ""
        took = f", {duration(execution.seconds)}" if execution.seconds is not None else ""
        facts.append(f"{execution.status}{attempts}{took}")
        if execution.items:
            facts.append(f"{execution.items} item{'' if execution.items == 1 else 's'} together")
        if execution.why:
            facts.append(first_line(execution.why, _LONGEST))
        name = f"{execution.step}{lap(pattern, execution.occurrence)}"
        kind: NodeKind = _KINDS.get(execution.status, "step")
        first = last = self._graph.node(box, f"turn {execution.turn}: {name}", *facts, kind=kind)
        for run_id in execution.runs:
            if run_id in self._paths and run_id not in self._drawn:
                inner = self._graph.box(box, f"{self._paths[run_id].loop}, run {run_id}")
                self._graph.edge(first, self.run(run_id, inner), "ran", "below")
        for check in execution.checks:
            verdict = "pass" if check.passed else "FAIL"
            words = (f"{check.gate}: {verdict}", one_line(check.proof, _LONGEST))
            node = self._graph.node(box, *words, kind="passed" if check.passed else "failed")
            self._graph.edge(last, node)
            last = node
        return first, last


def _shown(executions: Sequence[Execution]) -> tuple[list[Execution], int]:
    """Return the executions that are drawn, and how many are left out behind the first ones."""
    left_out = len(executions) - MOST
    if left_out <= 0:
        return list(executions), 0
    return [*executions[:_FIRST], *executions[_FIRST + left_out :]], left_out


def _before(shown: Sequence[Execution], index: int, since: int) -> list[int]:
    """Return what ended right before an execution began: all of it that nothing else came between."""
    began = shown[index].began
    ended = [
        other for other in range(since, index) if (end := shown[other].ended) is not None and end < began
    ]
    latest = max((shown[other].began for other in ended), default=-1)
    return [other for other in ended if (shown[other].ended or 0) >= latest]


def _leaves(shown: Sequence[Execution]) -> list[int]:
    """Return the executions that nothing came after."""
    latest = max((execution.began for execution in shown), default=-1)
    return [i for i, execution in enumerate(shown) if execution.ended is None or execution.ended >= latest]
