"""What is known of a plugin and of a component: the records that listings show."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Component", "PluginRecord", "Status"]

Status = Literal["loaded", "disabled", "failed"]


@dataclass(slots=True)
class PluginRecord:
    """One plugin that was found, whatever became of it."""

    name: str
    """Normalised: lower case, ``_`` for dashes."""
    status: Status
    reason: str = ""
    """Why it is disabled or failed; empty when loaded."""
    remedy: str = ""
    """What to do about it, where there is something to do."""
    traceback: str = ""
    """Where it failed, as Python prints it; empty without an exception of its own."""
    distribution: str = ""
    """Name of the installed distribution it came with; empty for a project's own file."""
    version: str = ""
    """Version of that distribution."""
    origin: str = ""
    """The file of a plugin that was imported, else the reference it would be imported by."""
    provides: dict[str, list[str]] = field(default_factory=dict)
    """Names of its components by kind; empty unless loaded."""
    hooks: list[str] = field(default_factory=list)
    """Hooks it implements."""
    import_seconds: float = 0.0
    """How long its import took."""
    deprecations: list[str] = field(default_factory=list)
    """What it uses that will be removed, a sentence each, with what to use in its place."""


@dataclass(frozen=True, slots=True)
class Component:
    """One registered component, not necessarily imported yet."""

    kind: str
    """Plural name of the extension point, such as ``gates``."""
    name: str
    summary: str
    plugin: str
    """Name of the plugin that registered it."""
    target: Any
    """What was registered: a reference, a class or an object."""
