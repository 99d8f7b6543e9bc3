"""Finds circles in the dependencies of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["cycles"]


def cycles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return circles, each as the names on it with the first repeated at the end: ``[a, b, a]``.

    At least one is found of every set of names that depend on each other; a name is on one circle at most.

    Args:
        edges: For every name, the names it leads to; those that are no key are passed over.
    """
    found: list[list[str]] = []
    circled: set[str] = set()
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        # Depth first without recursion, since a spec may have thousands of steps in a row.
        trail = {start: None}
        stack = [iter(edges[start])]
        while stack:
            following = next(stack[-1], None)
            if following is None:
                stack.pop()
                done.add(trail.popitem()[0])
            elif following in circled:
                continue
            elif following in trail:
                names = list(trail)
                circle = names[names.index(following) :]
                if circled.isdisjoint(circle):
                    circled.update(circle)
                    found.append([*circle, following])
            elif following in edges and following not in done:
                trail[following] = None
                stack.append(iter(edges[following]))
    return found
