"""The errors of recording and replaying; all of them end the run at once, since no retry can help."""

from __future__ import annotations

from loopengt_hookspecs.agents import MissingRequirement

__all__ = ["CassetteDamaged", "CassetteMismatch", "CassetteMissing", "RecordingRefused"]


class CassetteMissing(MissingRequirement):
    """A call was not recorded."""


class CassetteMismatch(MissingRequirement):
    """A request differs from the recorded one; the message shows how."""


class CassetteDamaged(MissingRequirement):
    """A recording cannot be read, or would write outside the workspace."""


class RecordingRefused(MissingRequirement):
    """Calls cannot be recorded into a folder."""
