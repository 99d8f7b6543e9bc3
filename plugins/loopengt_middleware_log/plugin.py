"""Registers the middleware ``log``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.middleware import Middleware
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_middleware(register: Register[Middleware]) -> None:
    """Register ``log``."""
    register(
        "log",
        "loopengt_middleware_log.middleware:LogMiddleware",
        summary="One log line for each attempt, with its duration, tokens and cost",
    )
