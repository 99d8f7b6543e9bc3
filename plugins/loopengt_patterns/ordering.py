"""The order in which a pattern takes steps that depend on each other."""

from __future__ import annotations

from collections.abc import Sequence

from loopengt_hookspecs.models import StepSpec

__all__ = ["in_order"]


def in_order(steps: Sequence[StepSpec]) -> list[StepSpec]:
    """Return the steps in declaration order, except that a step comes after those it depends on."""
    ordered: dict[str, StepSpec] = {}
    waiting = list(steps)
    while waiting:
        held = []
        for step in waiting:
            if all(dependency.step_name in ordered for dependency in step.dependencies):
                ordered[step.name] = step
            else:
                held.append(step)
        if len(held) == len(waiting):  # a cycle, which loading a spec refuses
            return [*ordered.values(), *held]
        waiting = held
    return list(ordered.values())
