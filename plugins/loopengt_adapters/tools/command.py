"""Says how a tool is to start loopengt."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loopengt_hookspecs.adapters import Scope

__all__ = ["is_there", "own_command"]


def own_command(scope: Scope) -> tuple[str, ...]:
    """Return the words that start loopengt.

    For the project, whose files people share, it is the bare name. For the user it is the absolute path of this
    installation: an editor that was not started from a shell has another PATH.
    """
    if scope == "project":
        return ("loopengt",)
    beside = Path(sys.executable).with_name("loopengt")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("loopengt")
    return (os.path.abspath(found),) if found else (sys.executable, "-m", "loopengt")


def is_there(command: str) -> bool:
    """Whether a command of a config file can be started from here."""
    return shutil.which(command) is not None
