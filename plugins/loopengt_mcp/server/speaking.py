"""Lets errors speak to the model: fact and remedy in words, and nothing of what is inside."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import anyio.to_thread
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError, ToolError

from loopengt.errors import LoopengtError, UsageError
from loopengt_mcp.server.wording import for_model

__all__ = ["speaking", "speaking_of_resource"]


def speaking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a coroutine function that does the same, and whose errors of ours are readable by a model."""

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return await _called(function, args, kwargs)
        except LoopengtError as error:
            raise ToolError(for_model(error)) from error

    return call


def speaking_of_resource(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the like for a resource: one that is wrongly named is one that is not there."""

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return await _called(function, args, kwargs)
        except UsageError as error:
            raise ResourceNotFoundError(for_model(error)) from error
        except LoopengtError as error:
            raise ResourceError(for_model(error)) from error

    return call


async def _called(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(*args, **kwargs)
    return await anyio.to_thread.run_sync(lambda: function(*args, **kwargs))
