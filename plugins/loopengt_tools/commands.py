"""Decides which commands an agent may run: the programs that are allowed, and arguments that stay in the workspace."""

from __future__ import annotations

import os
import re
import shlex
from typing import TYPE_CHECKING

from loopengt_hookspecs.tools import ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["check_allowed", "check_arguments"]

_LINKED = frozenset({".venv", "venv", "node_modules"})
"""Folders that a copied workspace has as links to the project's."""
_HARMLESS = frozenset({"/dev/null", "/dev/stdin", "/dev/stdout", "/dev/stderr"})
_SHORT_OPTION = re.compile(r"-[A-Za-z0-9](?=[/.~])")


def check_allowed(command: Sequence[str], allowed: Sequence[Sequence[str]]) -> None:
    """Refuse a command that begins with none of the allowed ones.

    Raises:
        ToolError: The text names what is allowed.
    """
    if not any(list(command[: len(words)]) == list(words) for words in allowed):
        known = ", ".join(shlex.join(words) for words in allowed)
        raise ToolError(
            f"the command {shlex.join(command)[:200]} is not allowed", remedy=f"Allowed are: {known}"
        )


def check_arguments(command: Sequence[str], cwd: Path, workspace: Path) -> None:
    """Refuse arguments that name a place outside the workspace, as far as that can be seen.

    Looked at are each argument, what follows its first ``=``, and what is glued to a short option. A program may
    find other ways out: an interpreter's code, a config file, a symlink that it makes itself.

    Raises:
        ToolError: The text names the argument.
    """
    root = os.path.realpath(workspace)
    for argument in command[1:]:
        for path in _candidates(argument):
            if _leads_out(path, os.path.realpath(cwd), root):
                raise ToolError(
                    f"the argument {argument[:200]} leads out of the workspace",
                    remedy="Name places inside the workspace, relative to it.",
                )


def _candidates(argument: str) -> Iterator[str]:
    yield argument
    yield argument.removeprefix("@")
    _, equals, value = argument.partition("=")
    if equals:
        yield value
    glued = _SHORT_OPTION.match(argument)
    if glued is not None:
        yield argument[glued.end() :]


def _leads_out(path: str, cwd: str, root: str) -> bool:
    path = path.removeprefix("file://")
    if path in _HARMLESS:
        return False
    if path == "~" or path.startswith("~/"):
        path = os.path.expanduser(path)
    if os.path.isabs(path) and not _is_real(path):
        return False  # such as /pattern/ for sed
    plain = os.path.normpath(os.path.join(cwd, path))
    if not _within(plain, root):
        return True
    if os.path.relpath(plain, root).partition(os.sep)[0] in _LINKED:
        return False
    return not _within(os.path.realpath(plain), root)


def _is_real(path: str) -> bool:
    """Whether an absolute path begins with a folder that there is; else it names no place."""
    first = path.lstrip("/").partition("/")[0]
    return not first or os.path.lexists(f"/{first}")


def _within(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")
