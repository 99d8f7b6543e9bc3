"""Binds the trigger of a loop: looks its kind up, holds its options against the model, and makes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopengt.errors import UsageError
from loopengt.judging import option_problems
from loopengt_hookspecs.models.enums import Overlap

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.models import LoopTrigger
    from loopengt_hookspecs.registration import Components
    from loopengt_hookspecs.triggers import Trigger, TriggerKind

__all__ = ["EVENT", "BoundTrigger", "bind_trigger", "trigger_line"]

EVENT = "event"
"""The name of the context that says which occasion started a run."""


@dataclass(frozen=True, slots=True)
class BoundTrigger:
    """The trigger of a loop, ready to be waited for."""

    name: str
    """Its ``trigger_type``."""
    trigger: Trigger
    overlap: Overlap
    """What becomes of an occasion that comes while a run is under way."""


def bind_trigger(components: Components, declared: LoopTrigger, project: Path) -> BoundTrigger:
    """Make the trigger of a loop; nothing is waited for yet.

    Args:
        components: Where its kind is looked up: a kernel, or the components of a plugin's context.
        declared: The declaration.
        project: The project folder.

    Raises:
        ComponentNotFound: No plugin registers its kind.
        UsageError: Its options do not fit.
    """
    name = declared.trigger_type
    kind: TriggerKind = components.get("triggers", name)
    config = declared.config
    wrong = [
        f"{'.'.join(map(str, path))}: {message}" if path else message
        for path, message in option_problems(f"trigger {name!r}", kind.options, config)
    ]
    if wrong:
        raise UsageError("\n".join(wrong), remedy="Mend the trigger's config in the spec.")
    if kind.options is not None:
        config = kind.options.model_validate(config).model_dump()
    bound = kind.bind(declared.model_copy(update={"config": config}), project)
    return BoundTrigger(name, bound, Overlap(config.get("overlap", Overlap.SKIP)))


def trigger_line(bound: BoundTrigger) -> str:
    """Say in one line what a trigger waits for, and what becomes of occasions that overlap."""
    overlap = "" if bound.overlap is Overlap.SKIP else f"; overlap: {bound.overlap}"
    return f"{bound.name}, {bound.trigger.plan()}{overlap}"
