"""Completes what a person types as the argument of a prompt or a resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from mcp.types import Completion, ResourceTemplateReference

from loopengt.errors import LoopengtError

if TYPE_CHECKING:
    from loopengt_mcp.server.desk import Desk

__all__ = ["completing"]

_MOST = 50


def completing(desk: Desk) -> Callable[[Any, Any, Any], Awaitable[Completion | None]]:
    """Return the handler of one server."""

    async def complete(ref: Any, argument: Any, context: Any) -> Completion | None:
        if not isinstance(ref, ResourceTemplateReference):
            return None
        try:
            if ref.uri.startswith("loop://spec/"):
                known = [info.loop for info in desk.loops.known()]
            elif ref.uri.startswith("trace://run/"):
                runs, _ = await desk.states.rows(status=None, loop=None, limit=500)
                known = [run.run_id for run in runs]
            else:
                return None
        except LoopengtError:  # a completion is a help, and no place for errors
            return None
        found = [value for value in known if value.startswith(argument.value)]
        return Completion(values=found[:_MOST], total=len(found), has_more=len(found) > _MOST)

    return complete
