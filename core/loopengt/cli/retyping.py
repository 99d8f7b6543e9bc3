"""Writes command lines that work when a person types them where they are."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from loopengt.errors import UsageError
from loopengt.project import locate_project

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["command_line"]


def command_line(kernel: Kernel, *words: str) -> str:
    """Return a command of ``loopengt`` for the kernel's project, with the options that this call was given.

    Args:
        kernel: The project.
        words: The command and its arguments.
    """
    parts = ["loopengt"]
    if not _is_found(kernel):
        parts += ["-C", str(kernel.project)]
    context = click.get_current_context(silent=True)
    given = context.find_root().params if context is not None else {}
    for option, key in (("-p", "plugins"), ("-o", "options")):
        for value in given.get(key) or ():
            parts += [option, value]
    return shlex.join([*parts, *words])


def _is_found(kernel: Kernel) -> bool:
    try:
        return locate_project(None, kernel.environ)[0] == kernel.project
    except UsageError:
        return False
