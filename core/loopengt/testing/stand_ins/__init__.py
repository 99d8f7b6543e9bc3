"""Stand-ins for coding CLIs: programs of their names that take their arguments and print what they would print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt._lazy import attach

if TYPE_CHECKING:
    from loopengt.testing.stand_ins.program import StandInCli
else:
    # The stand-ins themselves start in this package: it must cost them nothing.
    __getattr__, __dir__ = attach(__name__, {"program": ("StandInCli",)})

__all__ = ["StandInCli"]
