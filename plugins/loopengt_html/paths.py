"""Finds the path that a run took through its steps, and what each of them has used."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt_html.record import Execution, Run

__all__ = ["END", "START", "cumulative", "path", "per_step"]

START, END = "", "\0"
"""Names that stand for the run's beginning and end in edges; no step has them."""

_MOST_POINTS = 400


def path(run: Run) -> dict[str, Any]:
    """Return the graph of a run.

    One step leads to another when the other began after it had ended, and nothing else lies wholly between them. So
    steps that ran at the same time stand beside each other.

    Returns:
        ``nodes``: a name, and how often it was taken, failed, was skipped and had child runs, for every step of the
        loop; ``edges``: ``[from, to, how often]``.
    """
    nodes: dict[str, dict[str, Any]] = {}
    steps = run.header.get("steps")
    for name in steps if isinstance(steps, list) else []:
        nodes[str(name)] = _node(str(name))
    whole = [execution for execution in run.executions if execution.parent is None]
    for execution in run.executions:
        node = nodes.setdefault(execution.declared, _node(execution.declared))
        if execution.items:
            continue  # its items are counted
        node["skipped" if execution.status == "skipped" else "taken"] += 1
        node["failed"] += execution.status == "failed"
        node["running"] += execution.status == "running"
        node["attempts"] += len(execution.attempts)
        node["children"] += sum(bool(attempt.run) for attempt in execution.attempts)
        node["refused"] += any(
            not check.passed for attempt in execution.attempts[-1:] for check in attempt.checks
        )
    taken = [execution for execution in whole if execution.status != "skipped"]
    edges: dict[tuple[str, str], int] = {}
    for edge in _edges(taken):
        edges[edge] = edges.get(edge, 0) + 1
    return {"nodes": list(nodes.values()), "edges": [[*edge, count] for edge, count in edges.items()]}


def per_step(run: Run) -> list[dict[str, Any]]:
    """Return what each step has used, in the order in which the steps were first taken."""
    sums: dict[str, dict[str, Any]] = {}
    for execution in run.executions:
        entry = sums.setdefault(
            execution.declared,
            {"step": execution.declared, "turns": 0, "tokens": 0, "cost": 0.0, "unknown": 0, "seconds": 0.0},
        )
        if execution.items or execution.status == "skipped":
            continue
        entry["turns"] += 1
        if execution.ended is not None:
            entry["seconds"] += run.driven_between(execution.began, execution.ended)
        for attempt in execution.attempts:
            spent = attempt.spent()
            entry["tokens"] += spent.tokens
            entry["cost"] += spent.cost
            entry["unknown"] += spent.unknown
    for entry in sums.values():
        entry["seconds"], entry["cost"] = round(entry["seconds"], 3), round(entry["cost"], 6)
    return list(sums.values())


def cumulative(run: Run) -> list[list[float]]:
    """Return ``[time, tokens, cost]`` after each answer; of very many, some hundred of them."""
    uses = [
        (attempt.answered if attempt.answered is not None else attempt.began, attempt.spent())
        for execution in run.executions
        for attempt in execution.attempts
    ]
    uses.sort(key=lambda use: use[0])
    points: list[list[float]] = []
    tokens, cost = 0, 0.0
    for at, spent in uses:
        tokens, cost = tokens + spent.tokens, cost + spent.cost
        points.append([round(at, 3), tokens, round(cost, 6)])
    stride = -(-len(points) // _MOST_POINTS)
    return (
        [point for at, point in enumerate(points) if at % stride == 0 or at == len(points) - 1]
        if points
        else []
    )


def _node(name: str) -> dict[str, Any]:
    counts = dict.fromkeys(("taken", "failed", "refused", "skipped", "running", "attempts", "children"), 0)
    return {"name": name, **counts}


def _edges(taken: Sequence[Execution]) -> Iterator[tuple[str, str]]:
    """Yield the edges between executions, by the order of the journal, which is that of things."""
    ended = sorted((one for one in taken if one.last_seq is not None), key=lambda one: one.last_seq or 0)
    places = [one.last_seq or 0 for one in ended]
    latest: list[int] = []  # the latest beginning among those that have ended so far
    for one in ended:
        latest.append(max(one.seq, latest[-1]) if latest else one.seq)
    followed: set[int] = set()
    for one in taken:
        count = bisect_right(places, one.seq)
        if not count:
            yield START, one.declared
        for place in range(count - 1, -1, -1):
            before = ended[place]
            if places[place] < latest[count - 1]:
                break
            followed.add(id(before))
            yield before.declared, one.declared
    for one in ended:
        if id(one) not in followed:
            yield one.declared, END
