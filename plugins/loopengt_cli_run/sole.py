"""Sees to it that a loop is watched by one process only."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

from loopengt.errors import UsageError
from loopengt.ownership import current_owner, describe
from loopengt.project import make_state_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loopengt import Kernel

__all__ = ["sole_watcher"]


@contextmanager
def sole_watcher(kernel: Kernel, spec: Path) -> Iterator[None]:
    """Hold the lock of a loop; the system gives it back when this process ends, however it ends.

    Args:
        kernel: The project.
        spec: The loop's file.

    Raises:
        UsageError: Another process watches it, or the lock cannot be made.
    """
    folder = kernel.folder / "watching"
    name = sha256(os.fsencode(spec.resolve())).hexdigest()[:16]
    try:
        make_state_folder(folder)
        file = (folder / f"{name}.lock").open("a+", encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"{folder} cannot be written: {exc.strerror}") from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise UsageError(
                f"{spec} is being watched already, by {describe(file.read())}",
                remedy="One watcher is enough: end that one first.",
            ) from None
        file.truncate(0)
        file.write(current_owner())
        file.flush()
        yield
