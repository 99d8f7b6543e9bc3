"""A model of pydantic-ai with its client: what every service's module makes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_ai.models import Model

__all__ = ["CONNECT_SECONDS", "Connection"]

CONNECT_SECONDS = 30.0
"""Seconds in which a service must take a connection; how long its answer may take is limited for the whole request."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A model of pydantic-ai, for one event loop."""

    model: Model[Any]
    close: Callable[[], Awaitable[object]]
    """Lets its client's connections go."""
    native_schema: bool
    setting_names: frozenset[str]
    """Settings that pydantic-ai knows for it."""
    prefixes: tuple[str, ...] = ()
    """What pydantic-ai puts before the names of settings that only this service has, such as ``openai_``."""
    open_body: bool = True
    """Whether settings that pydantic-ai does not know can be sent all the same, in the body of the request."""
    preset: Mapping[str, Any] = field(default_factory=dict)
    """Settings of every request."""
