"""Edits a list in config.toml and leaves everything else as the person wrote it, comments too."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import tomlkit
from tomlkit.exceptions import TOMLKitError

from loopengt.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def change_list(file: Path, section: str, key: str, change: Callable[[list[str]], list[str]]) -> None:
    """Replace the list ``key`` of ``[section]`` by what ``change`` makes of it.

    The file, its folder, the section and the list are made when they are not there.

    Raises:
        ConfigError: The file is not valid TOML, or cannot be read or written.
    """
    try:
        document = tomlkit.parse(file.read_text(encoding="utf-8") if file.exists() else "")
        table = document.setdefault(section, tomlkit.table())
        before = [str(item) for item in table.get(key, [])]
        after = change(list(before))
        if after == before:
            return
        present = table.setdefault(key, tomlkit.array())
        for item in before:
            if item not in after:
                present.remove(item)
        for item in after:
            if item not in before:
                present.append(item)
        _replace(file, tomlkit.dumps(document))
    except (TOMLKitError, AttributeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{file} cannot be edited: {exc}", remedy=f"edit {section}.{key} by hand") from exc
    except OSError as exc:
        raise ConfigError(f"{file} cannot be changed: {exc.strerror}") from exc


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    if file.exists():
        shutil.copymode(file, draft)
    draft.replace(file)
