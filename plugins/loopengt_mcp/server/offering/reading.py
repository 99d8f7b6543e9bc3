"""The resources: loops, templates, runs and their traces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import Context

from loopengt_hookspecs.mcp_features import McpResource
from loopengt_mcp.server.desk import current_desk, desk_of
from loopengt_mcp.server.models import LoopList, RunList
from loopengt_mcp.server.offering.loops import templates_of
from loopengt_mcp.server.tracing import read_tail

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.mcp_features import McpFeature

__all__ = ["ReadFeatures"]

_MOST_RUNS = 200
_JSON = "application/json"


async def spec(name: str, ctx: Context) -> str:
    """Return a loop as it is written."""
    return desk_of(ctx).loops.text(name)


async def loops() -> str:
    """Return the loops of the project."""
    return LoopList(loops=list(current_desk().loops.known())).model_dump_json()


async def trace(run_id: str, ctx: Context) -> str:
    """Return where a run stands, with its newest events."""
    desk = desk_of(ctx)
    state, run = await desk.states.state_and_run(run_id)
    events: list[dict[str, Any]] = await read_tail(await desk.runs.journals(), state.run_id, run.index)
    return json.dumps({"run": state.model_dump(mode="json"), "events": events}, ensure_ascii=False)


async def runs() -> str:
    """Return the newest runs."""
    found, more = await current_desk().states.rows(status=None, loop=None, limit=_MOST_RUNS)
    return RunList(runs=found, more=more).model_dump_json()


async def templates() -> str:
    """Return the templates."""
    return templates_of(current_desk().kernel).model_dump_json()


class ReadFeatures:
    """What can be read without a tool."""

    def features(self) -> Iterable[McpFeature]:
        """Return the resources."""
        yield McpResource(
            "loop://spec/{name}",
            "loop",
            "A loop as it is written. The name is its path in the project, with / as %2F, or its name.",
            spec,
            "application/yaml",
        )
        yield McpResource("loop://list", "loops", "The loops of the project.", loops, _JSON)
        yield McpResource(
            "trace://run/{run_id}",
            "trace",
            "Where a run stands, with its newest events; the tool inspect_trace pages through all of them.",
            trace,
            _JSON,
        )
        yield McpResource("runs://list", "runs", "The newest runs of the project.", runs, _JSON)
        yield McpResource("template://list", "templates", "The templates for new loops.", templates, _JSON)
