"""A trigger: a run is due so many times, with a pause before each, and then no more."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.models import LoopTrigger, TriggerOptions
from loopengt_hookspecs.registration import Register
from loopengt_hookspecs.triggers import Trigger, TriggerKind


class Options(TriggerOptions):
    times: int = Field(default=3, ge=1, description="How many runs there are.")
    seconds: float = Field(default=60.0, gt=0, le=86_400, description="Seconds before each.")


class Series:
    options = Options

    def bind(self, trigger: LoopTrigger, project: Path) -> Trigger:
        return SeriesTrigger(Options.model_validate(trigger.config))


class SeriesTrigger:
    def __init__(self, options: Options) -> None:
        self._options = options

    def plan(self) -> str:
        return f"{self._options.times} times, {self._options.seconds:g} seconds before each"

    def missing(self) -> list[MissingRequirement]:
        return []

    async def occasions(self) -> AsyncIterator[Mapping[str, Any]]:
        for number in range(1, self._options.times + 1):
            await asyncio.sleep(self._options.seconds)
            yield {"number": number}

    async def close(self) -> None:
        """Nothing is held."""


@hookimpl
def loopengt_register_triggers(register: Register[TriggerKind]) -> None:
    register("series", Series, summary="So many times, with a pause before each")
