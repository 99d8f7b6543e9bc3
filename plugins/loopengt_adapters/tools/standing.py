"""Says whether an adapter is installed, stale or broken."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from loopengt import ConfigError
from loopengt_adapters.editing.files import read
from loopengt_adapters.editing.merging import find_entry, standing
from loopengt_adapters.tools.command import is_there
from loopengt_adapters.tools.texts import standing_of
from loopengt_hookspecs.adapters import AdapterStatus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.adapters import ConfigEdit, InstalledFile

__all__ = ["status_of"]


def status_of(edits: Sequence[ConfigEdit], files: Sequence[InstalledFile]) -> AdapterStatus:
    """Look at every part of an adapter."""
    look = _Look()
    for edit in edits:
        look.at_edit(edit)
    for file in files:
        look.at_file(file)
    return look.verdict()


class _Look:
    def __init__(self) -> None:
        self.broken: list[str] = []
        self.stale: list[str] = []
        self.missing: list[str] = []
        self.notes: list[str] = []
        self.ours: list[Path] = []

    def at_edit(self, edit: ConfigEdit) -> None:
        try:
            data = read(edit.file)
            entry, now = find_entry(edit, data), standing(edit, data)
        except ConfigError as error:
            self.broken.append(_told(error))
            return
        if now == "missing":
            self.missing.append(f"{edit.file} has no {'.'.join(edit.path)} of loopengt.")
            return
        self.ours.append(edit.file)
        if now == "stale":
            self.stale.append(f"{'.'.join(edit.path)} in {edit.file} is not what loopengt writes today.")
        program = _program(entry)
        if program and not is_there(program):
            self.broken.append(f"{edit.file} starts {program}, which is not there.")

    def at_file(self, file: InstalledFile) -> None:
        try:
            now = standing_of(file, read(file.path))
        except ConfigError as error:
            self.broken.append(_told(error))
            return
        if now == "missing":
            self.missing.append(f"{file.path} is missing.")
            return
        if now == "foreign":
            self.notes.append(f"{file.path} is not from loopengt.")
            return
        self.ours.append(file.path)
        if now == "stale":
            self.stale.append(f"{file.path} is an older text.")
        elif now == "edited":
            self.notes.append(f"{file.path} was edited.")

    def verdict(self) -> AdapterStatus:
        ours = tuple(self.ours)
        if self.broken:
            return AdapterStatus("broken", (*self.broken, *self.stale), ours)
        if not ours:
            return AdapterStatus("not installed", tuple(self.notes))
        if self.stale or self.missing:
            return AdapterStatus("stale", (*self.stale, *self.missing, *self.notes), ours)
        return AdapterStatus("installed", tuple(self.notes), ours)


def _told(error: ConfigError) -> str:
    return f"{error.message}; {error.remedy.partition('; it was not')[0]}" if error.remedy else error.message


def _program(entry: Any) -> str:
    """Return the program that an entry starts: a server's, or that of the first hook in it."""
    if isinstance(entry, dict) and isinstance(entry.get("command"), str):
        command: str = entry["command"]
        if "args" in entry:
            return command
        try:
            return next(iter(shlex.split(command)), "")
        except ValueError:
            return ""
    inside = entry.values() if isinstance(entry, dict) else entry if isinstance(entry, list) else ()
    return next(filter(None, map(_program, inside)), "")
