"""Puts one part of an adapter in, or takes it out, and says what was done."""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from loopengt import ConfigError
from loopengt_adapters.editing.edits import HookEdit
from loopengt_adapters.editing.files import read, refuse_unwritable, rewrite
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
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.adapters import ConfigEdit, InstalledFile

__all__ = ["backup_of", "install_edits", "install_file", "uninstall_edits", "uninstall_file"]


def backup_of(file: Path) -> Path:
    """Return where a file is kept as it was before ours was put in; no tool reads such a name."""
    return file.with_name(f"{file.name}.loopengt-backup")


def install_edits(edits: Sequence[ConfigEdit], *, dry_run: bool) -> list[Change]:
    """Put the entries of one file in, or bring them up to date.

    Raises:
        ConfigError: The file is invalid or cannot be written.
    """
    file = edits[0].file
    found = read(file)
    changes = [_put_in(edit, found) for edit in edits]
    if any(change.is_made for change in changes):
        if dry_run:
            _applied(edits, found)
            refuse_unwritable(file)
        else:
            rewrite(file, lambda data: _kept(edits, data))
    return changes


def _put_in(edit: ConfigEdit, data: bytes | None) -> Change:
    before, after = _shown(find_entry(edit, data)), _shown(edit.value)
    where, now = f"{_name(edit)} in {edit.file}", standing(edit, data)
    if now == "installed":
        return Change(f"{where[0].upper()}{where[1:]} is up to date.", edit.file, before, before)
    return Change(f"{'Updated' if now == 'stale' else 'Added'} {where}.", edit.file, before, after)


def _applied(edits: Sequence[ConfigEdit], data: bytes | None) -> bytes:
    for edit in edits:
        data = apply_edit(edit, data)
    return data or b""


def _kept(edits: Sequence[ConfigEdit], data: bytes | None) -> bytes:
    after = _applied(edits, data)
    if data is not None:
        ours = _ours(edits, data)
        if not ours:
            _write_backup(edits[0].file, data)
        elif any(is_foreign(edit, data) for edit in edits):
            _write_backup(edits[0].file, take_back(ours, data, read(backup_of(edits[0].file))))
    return after


def _ours(edits: Sequence[ConfigEdit], data: bytes | None) -> list[ConfigEdit]:
    return [edit for edit in edits if find_entry(edit, data) is not None and not is_foreign(edit, data)]


def uninstall_edits(edits: Sequence[ConfigEdit], *, dry_run: bool) -> list[Change]:
    """Take the entries of one file out; it comes back as it was, or goes when we have made it.

    Raises:
        ConfigError: The file is invalid or cannot be written.
    """
    file = edits[0].file
    found = read(file)
    ours = _ours(edits, found)
    changes = [_taken_out(edit, found) for edit in edits]
    if not ours:
        return changes
    original = read(backup_of(file))

    def without(data: bytes | None) -> bytes | None:
        if data is None:
            return None
        after = take_back(_ours(edits, data), data, original)
        # A link would lead to nowhere without its target.
        goes = original is None and not file.is_symlink() and holds_nothing(edits, after)
        return None if goes else after

    if dry_run:
        without(found)
        refuse_unwritable(file)
    else:
        rewrite(file, without)
        with suppress(OSError):
            backup_of(file).unlink(missing_ok=True)
    return changes


def _taken_out(edit: ConfigEdit, data: bytes | None) -> Change:
    before = _shown(find_entry(edit, data))
    if before is None:
        return Change(f"There is no {_name(edit, article='')} in {edit.file}.", edit.file)
    if is_foreign(edit, data):
        sentence = f"{_name(edit)} in {edit.file} does not start loopengt and is left alone."
        return Change(f"{sentence[0].upper()}{sentence[1:]}", edit.file, before, before)
    return Change(f"Removed {_name(edit)} from {edit.file}.", edit.file, before)


def install_file(file: InstalledFile, *, dry_run: bool) -> list[Change]:
    """Write a file of ours; one that somebody has edited, and one that is not ours, is left alone.

    Raises:
        ConfigError: It cannot be written.
    """
    found = read(file.path)
    now, text = standing_of(file, found), marked(file)
    before = None if found is None else found.decode("utf-8", "replace")
    if now == "installed":
        return [Change(f"{file.path} is up to date.", file.path, before, before)]
    if now == "edited":
        sentence = f"{file.path} was edited and is kept; delete it to get today's text."
        return [Change(sentence, file.path, before, before)]
    if now == "foreign":
        return [Change(f"{file.path} is not from loopengt and is left alone.", file.path)]
    if dry_run:
        refuse_unwritable(file.path)
    else:
        # What came to stand there meanwhile is somebody's.
        rewrite(file.path, lambda data: text.encode() if data == found else data)
    return [Change(f"{'Updated' if now == 'stale' else 'Wrote'} {file.path}.", file.path, before, text)]


def uninstall_file(file: InstalledFile, *, dry_run: bool) -> list[Change]:
    """Remove a file of ours that nobody has edited.

    Raises:
        ConfigError: It cannot be removed.
    """
    found = read(file.path)
    now = standing_of(file, found)
    before = None if found is None else found.decode("utf-8", "replace")
    if now == "missing":
        return [Change(f"There is no {file.path}.", file.path)]
    if now == "edited":
        return [Change(f"{file.path} was edited and is kept; delete it yourself.", file.path, before, before)]
    if now == "foreign":
        return [Change(f"{file.path} is not from loopengt and is left alone.", file.path)]
    if dry_run:
        refuse_unwritable(file.path)
    else:
        rewrite(file.path, lambda data: None if data == found else data)
    return [Change(f"Removed {file.path}.", file.path, before)]


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


def _name(edit: ConfigEdit, *, article: str = "the ") -> str:
    return f"{article}{'hook' if isinstance(edit, HookEdit) else 'server'} {'.'.join(edit.path)}"


def _shown(entry: Any) -> str | None:
    return None if entry is None else json.dumps(entry, ensure_ascii=False)
