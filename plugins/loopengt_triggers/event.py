"""The trigger ``event``: when files of the project change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from loopengt.display import one_line
from loopengt_hookspecs.models import TriggerOptions
from loopengt_triggers.clock import Clock, SystemClock
from loopengt_triggers.durations import Seconds
from loopengt_triggers.files import Look, Pattern, changed, scan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import LoopTrigger

__all__ = ["EventKind", "EventOptions", "EventTrigger"]

LONGEST_SECONDS = 60.0
"""How long files that never stop changing put an occasion off."""
MOST_PATHS = 1_000
"""Most paths that an occasion names."""


class EventOptions(TriggerOptions):
    """Options of the trigger ``event``."""

    paths: list[str] = Field(
        min_length=1,
        max_length=100,
        description="Patterns of the files, below the project folder; a folder stands for all files below it.",
        examples=[["src/**/*.py", "docs"]],
    )
    debounce: Seconds = Field(
        default=1.0,
        ge=0,
        le=3_600,
        description="How long nothing must have changed: seconds, or a text as 2s.",
    )
    poll: Seconds = Field(
        default=1.0, ge=0.05, le=3_600, description="How often the files are looked at: seconds, or a text."
    )

    @field_validator("paths")
    @classmethod
    def _are_patterns(cls, paths: list[str]) -> list[str]:
        for path in paths:
            Pattern(path)
        return paths


class EventTrigger:
    """Looks at the files again and again.

    Args:
        options: Which files.
        project: The folder that they are in.
        clock: What the time is.
    """

    def __init__(self, options: EventOptions, project: Path, clock: Clock) -> None:
        self._options = options
        self._project = project
        self._clock = clock
        self._patterns = [Pattern(path) for path in options.paths]
        self._forgetting = False

    def plan(self) -> str:
        """Say which files."""
        return f"changes of {one_line(', '.join(self._options.paths), 200)}"

    def missing(self) -> list[MissingRequirement]:
        """Return nothing: a pattern that fits no file yet may fit one later."""
        return []

    async def occasions(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield when files have changed, and then not for a while: ``paths`` names them, ``more`` counts others."""
        look = await self._look()
        waiting: set[str] = set()
        first = last = 0.0
        while True:
            await self._clock.sleep(self._options.poll)
            before, self._forgetting = self._forgetting, False
            now = await self._look()
            if (
                before or self._forgetting
            ):  # in the second case again next time: this look may have been too early
                look, waiting = now, set()
                continue
            found, look, moment = changed(look, now), now, self._clock.steady()
            if found:
                first, last = first if waiting else moment, moment
                waiting |= found
            quiet = moment - last >= self._options.debounce or moment - first >= LONGEST_SECONDS
            if waiting and quiet:
                paths, waiting = sorted(waiting), set()
                yield {"paths": paths[:MOST_PATHS], "more": max(len(paths) - MOST_PATHS, 0)}

    def forget(self) -> None:
        """Take the files as they are when they are looked at next."""
        self._forgetting = True

    async def close(self) -> None:
        """Do nothing: it holds nothing."""

    async def _look(self) -> Look:
        return await asyncio.to_thread(scan, self._project, self._patterns)


class EventKind:
    """Makes the triggers.

    Args:
        clock: What the time is.
    """

    options = EventOptions

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    def bind(self, trigger: LoopTrigger, project: Path) -> EventTrigger:
        """Make the trigger of one loop."""
        return EventTrigger(EventOptions.model_validate(trigger.config), project, self._clock)
