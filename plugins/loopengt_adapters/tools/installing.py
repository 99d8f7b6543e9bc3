"""Puts one part of an adapter in, or takes it out, and says what was done."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from loopengt import ConfigError
from loopengt_adapters.editing.files import read, rewrite
from loopengt_adapters.editing.merging import (
    apply_edit,
    find_entry,
    holds_nothing,
    is_foreign,
    standing,
    take_back,
)
from loopengt_adapters.tools.texts import marked, standing_of
from loopengt_hookspecs.adapters import Change

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.adapters import ConfigEdit, InstalledFile

__all__ = ["backup_of", "install_edit", "install_file", "uninstall_edit", "uninstall_file"]


def backup_of(file: Path) -> Path:
    """Return where a file is kept as it was before ours was put in; no tool reads such a name."""
    return file.with_name(f"{file.name}.loopengt-backup")


def install_edit(edit: ConfigEdit, *, dry_run: bool) -> Change:
    """Put an entry in, or bring it up to date.

    Raises:
        ConfigError: The file is invalid or cannot be written.
    """
    found = read(edit.file)
    before, after = _shown(find_entry(edit, found)), _shown(edit.value)
    where, now = f"{_name(edit)} in {edit.file}", standing(edit, found)
    if now == "installed":
        return Change(f"{where} is up to date.", edit.file, before, before)
    if dry_run:
        apply_edit(edit, found)
    else:
        rewrite(edit.file, lambda data: _kept(edit, data))
    return Change(f"{'Updated' if now == 'stale' else 'Added'} {where}.", edit.file, before, after)


def _kept(edit: ConfigEdit, data: bytes | None) -> bytes:
    after = apply_edit(edit, data)
    if data is not None and (standing(edit, data) == "missing" or is_foreign(edit, data)):
        _write_backup(edit.file, data)
    return after


def uninstall_edit(edit: ConfigEdit, *, dry_run: bool) -> Change:
    """Take an entry out; the file comes back as it was, or goes when we have made it.

    Raises:
        ConfigError: The file is invalid or cannot be written.
    """
    found = read(edit.file)
    before = None if found is None else _shown(find_entry(edit, found))
    if before is None:
        return Change(f"{_name(edit)} is not in {edit.file}.", edit.file)
    if is_foreign(edit, found):
        sentence = f"{_name(edit)} in {edit.file} does not start loopengt and is left alone."
        return Change(sentence, edit.file, before, before)
    backup = backup_of(edit.file)
    original = read(backup)

    def without(data: bytes | None) -> bytes | None:
        if data is None:
            return None
        after = take_back(edit, data, original)
        return None if original is None and holds_nothing(edit, after) else after

    if dry_run:
        without(found)
    else:
        rewrite(edit.file, without)
        with suppress(OSError):
            backup.unlink(missing_ok=True)
    return Change(f"Removed {_name(edit)} from {edit.file}.", edit.file, before)


def install_file(file: InstalledFile, *, dry_run: bool) -> Change:
    """Write a file of ours; one that somebody has edited, and one that is not ours, is left alone.

    Raises:
        ConfigError: It cannot be written.
    """
    found = read(file.path)
    now, text = standing_of(file, found), marked(file)
    before = None if found is None else found.decode("utf-8", "replace")
    if now == "installed":
        return Change(f"{file.path} is up to date.", file.path, before, before)
    if now == "edited":
        sentence = f"{file.path} was edited and is kept; delete it to get today's text."
        return Change(sentence, file.path, before, before)
    if now == "foreign":
        return Change(f"{file.path} is not from loopengt and is left alone.", file.path)
    if not dry_run:
        # What came to stand there meanwhile is somebody's.
        rewrite(file.path, lambda data: text.encode() if data == found else data)
    return Change(f"{'Updated' if now == 'stale' else 'Wrote'} {file.path}.", file.path, before, text)


def uninstall_file(file: InstalledFile, *, dry_run: bool) -> Change:
    """Remove a file of ours that nobody has edited.

    Raises:
        ConfigError: It cannot be removed.
    """
    found = read(file.path)
    now = standing_of(file, found)
    before = None if found is None else found.decode("utf-8", "replace")
    if now == "missing":
        return Change(f"There is no {file.path}.", file.path)
    if now == "edited":
        return Change(f"{file.path} was edited and is kept; delete it yourself.", file.path, before, before)
    if now == "foreign":
        return Change(f"{file.path} is not from loopengt and is left alone.", file.path)
    if not dry_run:
        rewrite(file.path, lambda data: None if data == found else data)
    return Change(f"Removed {file.path}.", file.path, before)


def _write_backup(file: Path, data: bytes) -> None:
    """Keep a file as it was, readable for nobody who could not read it before."""
    backup = backup_of(file)
    try:
        backup.unlink(missing_ok=True)
        handle = os.open(backup, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as draft:
            draft.write(data)
            os.fchmod(draft.fileno(), stat.S_IMODE(file.stat().st_mode))
    except OSError as error:
        raise ConfigError(
            f"{backup} cannot be written: {error.strerror}", remedy="nothing was changed; check its folder"
        ) from error


def _name(edit: ConfigEdit) -> str:
    return f"the hook {'.'.join(edit.path)}" if edit.mark else f"the server {'.'.join(edit.path)}"


def _shown(entry: Any) -> str | None:
    return None if entry is None else json.dumps(entry, ensure_ascii=False)
