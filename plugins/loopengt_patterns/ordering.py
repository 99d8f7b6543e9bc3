"""The order in which a pattern takes steps that depend on each other."""

from __future__ import annotations

from collections.abc import Container, Sequence
from heapq import heapify, heappop, heappush

from loopengt_hookspecs.models import StepSpec

__all__ = ["in_order", "needed_by"]


def in_order(steps: Sequence[StepSpec]) -> list[StepSpec]:
    """Return the steps in declaration order, except that a step comes after those of them that it depends on."""
    place = {step.name: index for index, step in enumerate(steps)}
    waits_for = [{place[name] for name in _before(step) if name in place} for step in steps]
    waited_for: list[list[int]] = [[] for _ in steps]
    for index, others in enumerate(waits_for):
        for other in others:
            waited_for[other].append(index)
    ready = [index for index, others in enumerate(waits_for) if not others]
    heapify(ready)
    ordered = []
    while ready:
        index = heappop(ready)
        ordered.append(steps[index])
        for later in waited_for[index]:
            waits_for[later].discard(index)
            if not waits_for[later]:
                heappush(ready, later)
    return ordered


def needed_by(step: StepSpec, steps: Sequence[StepSpec], taken: Container[str]) -> list[StepSpec]:
    """Return what must be taken before a step can be: those it depends on, near and far, in order.

    Args:
        step: The step.
        steps: Where to look for them.
        taken: Names of those that were taken already.
    """
    if all(name in taken for name in _before(step)):
        return []
    by_name = {each.name: each for each in steps}
    needed: set[str] = set()
    look = [step]
    while look:
        for name in _before(look.pop()):
            if name not in taken and name not in needed:
                needed.add(name)
                look.append(by_name[name])
    return in_order([each for each in steps if each.name in needed])


def _before(step: StepSpec) -> list[str]:
    return [dependency.step_name for dependency in step.dependencies]
