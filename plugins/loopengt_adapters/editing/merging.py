"""Applies the entries of one file to its bytes, takes them back, and says whether they stand there."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from loopengt import ConfigError
from loopengt_adapters.editing import jsonc, jsonc_edit, toml_edit
from loopengt_adapters.editing.edits import root_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from loopengt_hookspecs.adapters import ConfigEdit

__all__ = ["Standing", "apply_edit", "find_entry", "holds_nothing", "is_foreign", "standing", "take_back"]

Standing: TypeAlias = Literal["missing", "stale", "installed"]

_BOM = "\ufeff"


def find_entry(edit: ConfigEdit, data: bytes | None) -> Any:
    """Return our entry as it stands in a file, or None.

    Raises:
        ConfigError: The file is not valid, something on the way to the entry is of the wrong kind, or a key stands
            twice there; the message has line and column.
    """
    document = _Document(edit, data)
    found = document.find()
    return None if found is None else _at(document.data, found)


def standing(edit: ConfigEdit, data: bytes | None) -> Standing:
    """Say how our entry stands; keys that a person has added to it do not count. Raises as ``find_entry`` does."""
    entry = find_entry(edit, data)
    if entry is None:
        return "missing"
    same = isinstance(entry, dict) and all(
        key in entry and entry[key] == each for key, each in edit.value.items()
    )
    return "installed" if same else "stale"


def is_foreign(edit: ConfigEdit, data: bytes | None) -> bool:
    """Whether what has our name is somebody else's: it starts nothing of loopengt. Raises as ``find_entry`` does."""
    entry = find_entry(edit, data)
    return entry is not None and not _mentions(entry, "loopengt")


def apply_edit(edit: ConfigEdit, data: bytes | None) -> bytes:
    """Return the file with our entry in it, up to date. Raises as ``find_entry`` does."""
    document = _Document(edit, data)
    found = document.find()
    if found is None:
        return document.inserted()
    entry = _at(document.data, found)
    if not isinstance(entry, dict):
        return _Document(edit, document.without(found, None)).inserted()
    late = {key: value for key, value in edit.value.items() if key not in entry or entry[key] != value}
    return document.with_keys(found, late) if late or data is None else data


def take_back(edits: Sequence[ConfigEdit], data: bytes, original: bytes | None) -> bytes:
    """Return the file without our entries.

    Args:
        edits: The entries, in the order in which they are put in.
        data: The file.
        original: The file before ours were put in, when that is known. It comes back byte for byte when nothing
            but our entries has changed since; an entry of somebody else that had our name comes back in any case.

    Raises:
        ConfigError: The file is not valid.
    """
    if original is not None and _is_all_that_changed(edits, data, original):
        return original
    for edit in reversed(edits):
        data = _without(edit, data, original)
    return data


def holds_nothing(edits: Sequence[ConfigEdit], data: bytes) -> bool:
    """Whether a file holds neither comments nor data but what our entries want at its top: ours may then go."""
    text = (_text_of(data) or "").strip()
    if not text or edits[0].format == "toml":
        return not text
    root: dict[str, Any] = {}
    for edit in edits:
        root |= root_of(edit)
    try:
        return json.loads(text) in ({}, root)
    except ValueError:
        return False


def _without(edit: ConfigEdit, data: bytes, original: bytes | None) -> bytes:
    document = _Document(edit, data)
    found = document.find()
    if found is None:
        return data
    after = document.without(found, _text_of(original))
    try:
        theirs = find_entry(edit, original) if original is not None and is_foreign(edit, original) else None
    except ConfigError:
        theirs = None
    return apply_edit(replace(edit, value=theirs), after) if isinstance(theirs, dict) else after


class _Document:
    """A file as text and data."""

    def __init__(self, edit: ConfigEdit, data: bytes | None) -> None:
        self._edit = edit
        try:
            text = (data or b"").decode()
        except UnicodeDecodeError as error:
            problem = jsonc.InvalidText(f"byte {error.start} is not UTF-8", 1, 1)
            raise _invalid(edit.file, problem) from error
        self._bom = text.startswith(_BOM)
        self.text = text.removeprefix(_BOM)
        with _naming(edit.file):
            self.data: Any = _looked_at(self.text, edit.format, edit.path, bool(edit.mark))

    def find(self) -> tuple[str | int, ...] | None:
        """Return the path of our entry, None when there is none."""
        path, mark = self._edit.path, self._edit.mark
        found: Any = self.data
        for key in path:
            if key not in found:
                return None
            found = found[key]
        if not mark:
            return path
        index = next((i for i, each in enumerate(found) if _mentions(each, mark)), None)
        return None if index is None else (*path, index)

    def inserted(self) -> bytes:
        """Return the file with our entry added to it."""
        edit = self._edit
        with _naming(edit.file):
            if edit.format == "toml":
                return self._encoded(toml_edit.put_table(self.text, edit.path, edit.value))
            text = self.text
            for key, value in root_of(edit).items():
                text = text if key in self.data else jsonc_edit.put(text, (key,), value)
            put = jsonc_edit.append if edit.mark else jsonc_edit.put
            return self._encoded(put(text, edit.path, dict(edit.value)))

    def with_keys(self, found: tuple[str | int, ...], late: dict[str, Any]) -> bytes:
        """Return the file with some keys of our entry set."""
        text = self.text
        with _naming(self._edit.file):
            for key, value in late.items():
                if self._edit.format == "toml":
                    text = toml_edit.set_key(text, (*self._edit.path, key), value)
                else:
                    text = jsonc_edit.put(text, (*found, key), value)
        return self._encoded(text)

    def without(self, found: tuple[str | int, ...], original: str | None) -> bytes:
        """Return the file without our entry."""
        edit = self._edit
        with _naming(edit.file):
            if edit.format == "toml":
                return self._encoded(toml_edit.remove_table(self.text, edit.path, edit.value, original))
            return self._encoded(jsonc_edit.remove(self.text, found, original))

    def _encoded(self, text: str) -> bytes:
        return ((_BOM if self._bom else "") + text).encode()


@lru_cache(maxsize=4)
def _looked_at(text: str, form: str, path: tuple[str, ...], is_list: bool) -> Any:
    """Return the data of a text whose way to our entry is free; it is kept, and must not be changed."""
    if form == "toml":
        data: Any = toml_edit.parse_toml(text)
        toml_edit.check_way(text, data, path)
        return data
    data = jsonc.parse(text) if jsonc.plain(text).strip() else {}
    jsonc_edit.check_way(text, (*path, 0) if is_list else path)
    return data


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Turn ``InvalidText`` into an error that names the file."""
    try:
        yield
    except jsonc.InvalidText as error:
        raise _invalid(file, error) from error


def _is_all_that_changed(edits: Sequence[ConfigEdit], data: bytes, original: bytes) -> bool:
    """Whether the file is the original with our entries, be they of today's or of another version."""
    made = original
    try:
        for edit in edits:
            entry = find_entry(edit, data)
            if entry is None or (find_entry(edit, original) is not None and not is_foreign(edit, original)):
                return False
            made = apply_edit(replace(edit, value=entry), made)
    except ConfigError:
        return False
    return data == made


def _text_of(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace").removeprefix(_BOM)


def _mentions(value: Any, mark: str) -> bool:
    if isinstance(value, dict):
        return any(_mentions(each, mark) for each in value.values())
    if isinstance(value, list):
        return any(_mentions(each, mark) for each in value)
    return isinstance(value, str) and mark in value


def _at(data: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def _invalid(file: Path, problem: jsonc.InvalidText) -> ConfigError:
    return ConfigError(
        f"{file}:{problem.line}:{problem.column}: {problem.what}",
        remedy=f"{problem.remedy}; it was not touched",
    )
