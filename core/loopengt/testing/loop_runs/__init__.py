"""Runs of loops in tests: the fixture ``loop_run`` of the pytest plugin, and what it returns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt._lazy import attach

if TYPE_CHECKING:
    from loopengt.testing.loop_runs.answering import NotAnswered, writes
    from loopengt.testing.loop_runs.parts import GateRun, StepRun
    from loopengt.testing.loop_runs.result import LoopRun
    from loopengt.testing.loop_runs.runner import LoopRunner
else:
    __getattr__, __dir__ = attach(
        __name__,
        {
            "answering": ("NotAnswered", "writes"),
            "parts": ("GateRun", "StepRun"),
            "result": ("LoopRun",),
            "runner": ("LoopRunner",),
        },
    )

__all__ = ["GateRun", "LoopRun", "LoopRunner", "NotAnswered", "StepRun", "writes"]
