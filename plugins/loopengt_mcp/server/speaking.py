"""Lets errors speak to the model: fact and remedy in words, and nothing of what is inside."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import anyio.to_thread
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError

from loopengt.display import visible
from loopengt.errors import LoopengtError, UsageError

__all__ = ["speaking", "speaking_of_resource"]

_LONGEST = 8_000


def speaking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a coroutine function that does the same, and whose errors of ours are readable by a model."""

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return await _called(function, args, kwargs)
        except LoopengtError as error:
            raise ToolError(_text(error)) from error

    return call


def speaking_of_resource(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the like for a resource: one that is wrongly named is one that is not there."""

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return await _called(function, args, kwargs)
        except UsageError as error:
            raise ResourceNotFoundError(_text(error)) from error
        except LoopengtError as error:
            raise ResourceError(_text(error)) from error

    return call


async def _called(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(*args, **kwargs)
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs))


def _text(error: LoopengtError) -> str:
    text = visible(str(error), keep="\n")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
