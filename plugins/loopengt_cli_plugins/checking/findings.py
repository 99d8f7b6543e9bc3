"""What a probe tells of one plugin, as it is sent from the process that imported it."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ProbedComponent", "ProbedPlugin"]


@dataclass(slots=True)
class ProbedComponent:
    """One component that the plugin registers."""

    kind: str
    name: str
    summary: str
    problem: str = ""
    """Why its target cannot be imported; empty: it can."""


@dataclass(slots=True)
class ProbedPlugin:
    """One plugin."""

    name: str
    value: str
    seconds: float = 0.0
    """How long the import took."""
    modules: list[str] = field(default_factory=list)
    """Modules that were imported with it and that no call of loopengt imports anyway, by their packages."""
    api: str | None = None
    """What the module says in ``LOOPENGT_API``."""
    findings: list[str] = field(default_factory=list)
    """What is wrong, a sentence each."""
    hooks: list[str] = field(default_factory=list)
    components: list[ProbedComponent] = field(default_factory=list)
