"""A type of tools: one tool that tells the time, in the zone that the declaration's metadata names."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from loopengt import UsageError
from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.models import Effects, LoopSpec, ToolSpec
from loopengt_hookspecs.registration import Register
from loopengt_hookspecs.tools import ToolCall, ToolOffer, ToolType


class Clocks:
    def bind(self, tool: ToolSpec, project: Path, loop: LoopSpec) -> "Clock":
        zone = tool.metadata.get("zone", "UTC")
        try:
            return Clock(tool.name, ZoneInfo(zone))
        except (OSError, TypeError, ValueError, LookupError, AttributeError) as exc:
            raise UsageError(
                f"the tool {tool.name!r} is set to the zone {zone!r}", remedy="write UTC"
            ) from exc


class Clock:
    def __init__(self, name: str, zone: ZoneInfo) -> None:
        self._name, self._zone = name, zone

    def plan(self) -> str:
        return f"tell the time, zone {self._zone.key}"

    def missing(self) -> list[MissingRequirement]:
        return []

    async def offers(self, workspace: Path) -> Sequence[ToolOffer]:
        return [ToolOffer(self._name, f"Tell the time, zone {self._zone.key}.", effects=Effects.NONE)]

    async def call(self, call: ToolCall) -> str:
        return datetime.now(self._zone).isoformat(timespec="seconds")

    async def release(self, workspace: Path) -> None:
        """Nothing is open."""


@hookimpl
def loopengt_register_tool_types(register: Register[ToolType]) -> None:
    register("clock", Clocks, summary="Tells the time")
