"""What runs are called."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from loopengt_hookspecs.errors import UsageError

__all__ = ["new_run_id", "usable_run_id"]

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


def new_run_id() -> str:
    """Return a new run id: the time, so that ids sort, and random letters, so that a thousand a second differ."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(5)}"


def usable_run_id(run_id: str) -> str:
    """Return a run id that was given; it becomes the name of a folder and of a git branch.

    Raises:
        UsageError: It cannot be that.
    """
    if not _RUN_ID.fullmatch(run_id) or ".." in run_id or run_id.endswith((".", ".lock")):
        raise UsageError(
            f"{run_id!r} cannot be the id of a run",
            remedy="Use at most 100 letters, digits, '-', '_' and single dots, beginning with a letter or digit.",
        )
    return run_id
