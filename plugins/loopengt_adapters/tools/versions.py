"""Asks a program for its version, and does not wait long for it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from loopengt.display import one_line
from loopengt.processes import base_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["version_of"]

_SECONDS = 3.0
_VERSION = re.compile(r"\d+\.\d+[\w.+-]*")


def version_of(programs: Sequence[str]) -> str | None:
    """Return the version of the first of some programs that is on PATH.

    Returns:
        The version; ``unknown`` when the program does not tell it in 3 seconds; None: there is no such program.
    """
    found = next((path for path in map(shutil.which, programs) if path is not None), None)
    return None if found is None else _asked(found) or "unknown"


def _asked(program: str) -> str | None:
    try:
        process = subprocess.Popen(
            [os.path.abspath(program), "--version"],
            cwd="/",  # a project's own files must not say what a version is
            env=base_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None
    with process:
        try:
            out, _ = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            out = b""
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
    text = out[:10_000].decode("utf-8", "replace")
    version = _VERSION.search(text)
    return version[0] if version else one_line(text, 40) or None
