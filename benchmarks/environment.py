"""The environment of measured processes."""

from __future__ import annotations

import os

__all__ = ["child_environment"]


def child_environment() -> dict[str, str]:
    """Return this process's environment without settings of loopengt, and with bytecode written and used."""
    unwanted = ("LOOPENGT_", "PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "COVERAGE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
