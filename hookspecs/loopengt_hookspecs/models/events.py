"""The journal's own record of what happened: small, ordered, and cheap to make."""

from __future__ import annotations

from typing import Any, NamedTuple

from loopengt_hookspecs.models.enums import EndReason


class Event(NamedTuple):
    """One entry of a run's journal; ``TraceEvent`` is its full public form."""

    seq: int
    """Position in the journal, from 1."""
    type: str
    """One of the values of ``EventType``."""
    at: float
    """When, in seconds since the epoch."""
    step: str | None
    """Name of the step it belongs to, or None."""
    data: dict[str, Any]
    """What happened; JSON data. docs/journal.md lists the keys of every type."""


class End(NamedTuple):
    """How a run ends, or why it pauses."""

    reason: EndReason
    detail: str = ""
    """Which budget, gate, step or condition; a sentence for people."""
