"""Programs that agents and gates run: in a group of their own, bounded, and gone when their step ends.

``run_program`` runs one program to its end, ``base_environment`` says what it inherits from us,
``missing_program`` says what is not installed; ``kill_all_groups`` and ``reap_orphans`` end what is left.
Names are imported on first use: only ``run_program`` needs asyncio.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopengt.processes.environment import base_environment, find_program, missing_program
    from loopengt.processes.groups import kill_all_groups
    from loopengt.processes.orphans import reap_orphans
    from loopengt.processes.output import Output
    from loopengt.processes.program import ProgramResult, keep_whole, run_program

__all__ = [
    "Output",
    "ProgramResult",
    "base_environment",
    "find_program",
    "keep_whole",
    "kill_all_groups",
    "missing_program",
    "reap_orphans",
    "run_program",
]

_HOMES = {
    "Output": "output",
    "ProgramResult": "program",
    "base_environment": "environment",
    "find_program": "environment",
    "keep_whole": "program",
    "kill_all_groups": "groups",
    "missing_program": "environment",
    "reap_orphans": "orphans",
    "run_program": "program",
}


def __getattr__(name: str) -> Any:
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: its names are in __all__")
    value = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
