"""The trigger ``manual``: one occasion, at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import TriggerOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import LoopTrigger

__all__ = ["ManualKind", "ManualTrigger"]


class ManualTrigger:
    """A person starts the loop, by calling for it."""

    def plan(self) -> str:
        """Say what is waited for."""
        return "one run, at once"

    def missing(self) -> list[MissingRequirement]:
        """Return nothing: it needs nothing."""
        return []

    async def occasions(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the one occasion."""
        yield {}

    async def close(self) -> None:
        """Do nothing: it holds nothing."""


class ManualKind:
    """Makes the trigger."""

    options = TriggerOptions

    def bind(self, trigger: LoopTrigger, project: Path) -> ManualTrigger:
        """Make it; it is the same for every loop."""
        return ManualTrigger()
