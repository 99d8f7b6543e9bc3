"""Programs that agents and gates run: in a group of their own, bounded, and gone when their step ends.

``run_program`` runs one program to its end, ``base_environment`` says what it inherits from us,
``missing_program`` says what is not installed; ``kill_all_groups`` and ``reap_orphans`` end what is left.
Names are imported on first use: only ``run_program`` needs asyncio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt._lazy import attach

if TYPE_CHECKING:
    from loopengt.processes.environment import (
        attempt_variables,
        base_environment,
        find_program,
        missing_program,
    )
    from loopengt.processes.groups import kill_all_groups
    from loopengt.processes.orphans import reap_orphans
    from loopengt.processes.output import Output
    from loopengt.processes.program import ProgramResult, keep_whole, run_program
    from loopengt.processes.watching import Watch
else:
    __getattr__, __dir__ = attach(
        __name__,
        {
            "environment": ("attempt_variables", "base_environment", "find_program", "missing_program"),
            "groups": ("kill_all_groups",),
            "orphans": ("reap_orphans",),
            "output": ("Output",),
            "program": ("ProgramResult", "keep_whole", "run_program"),
            "watching": ("Watch",),
        },
    )

__all__ = [
    "Output",
    "ProgramResult",
    "Watch",
    "attempt_variables",
    "base_environment",
    "find_program",
    "keep_whole",
    "kill_all_groups",
    "missing_program",
    "reap_orphans",
    "run_program",
]
