"""Starts a program, or says why it cannot be started."""

from __future__ import annotations

import errno
import subprocess
from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import AgentError, MissingRequirement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["start_program"]


def start_program(
    command: Sequence[str] | str, cwd: Path, env: Mapping[str, str], *, feeds: bool
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, with pipes for its output and, when it is fed, its input.

    Raises:
        MissingRequirement, AgentError: As ``run_program`` says.
    """
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        raise _not_started(argv[0] if argv else "", cwd, error) from error


def _not_started(name: str, cwd: Path, error: OSError | ValueError) -> AgentError:
    code = error.errno if isinstance(error, OSError) else None
    if not cwd.is_dir():
        return AgentError(f"cannot run {name}: the folder {cwd} is not there", kind="FileNotFoundError")
    if code == errno.ENOENT:
        return MissingRequirement(
            f"cannot run {name}: the program, or the interpreter that its first line names, is not there",
            remedy=f"Install {name} and put its folder on PATH, or correct the command.",
        )
    if code in (errno.EACCES, errno.EPERM, errno.ENOEXEC):
        return MissingRequirement(
            f"cannot run {name}: it is not an executable file",
            remedy=f"chmod +x {name}, and give a script a first line such as #!/bin/sh",
        )
    if code == errno.E2BIG:
        return AgentError(
            f"cannot run {name}: its arguments or its environment are longer than the system takes",
            remedy="Hand long text over on standard input or in a file.",
            kind="ArgumentListTooLong",
        )
    bases = tuple(base.__name__ for base in type(error).__mro__[1:-2])
    return AgentError(f"cannot run {name}: {error}", kind=type(error).__name__, kinds=bases)
