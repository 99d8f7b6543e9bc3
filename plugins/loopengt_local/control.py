"""The exception by which a run leaves its pattern."""

from __future__ import annotations

from loopengt_hookspecs.models import End

__all__ = ["EndRun"]


class EndRun(Exception):
    """Raised out of ``run.step`` when the run ends or pauses there; patterns let it pass."""

    def __init__(self, end: End) -> None:
        self.end = end
        super().__init__(f"{end.reason}: {end.detail}")
