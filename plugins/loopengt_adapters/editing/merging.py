"""Applies a ``ConfigEdit`` to the bytes of its file, takes it back, and says whether it stands there."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from loopengt import ConfigError
from loopengt_adapters.editing import jsonc, jsonc_edit, toml_edit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loopengt_hookspecs.adapters import ConfigEdit

__all__ = ["Standing", "apply_edit", "find_entry", "holds_nothing", "is_foreign", "standing", "take_back"]

Standing: TypeAlias = Literal["missing", "stale", "installed"]

_BOM = "\ufeff"


def find_entry(edit: ConfigEdit, data: bytes | None) -> Any:
    """Return our entry as it stands in a file, or None.

    Raises:
        ConfigError: The file is not valid; the message has line and column.
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


def take_back(edit: ConfigEdit, data: bytes, original: bytes | None) -> bytes:
    """Return the file without our entry.

    Args:
        edit: The entry.
        data: The file.
        original: The file before ours was put in, when that is known. It comes back byte for byte when nothing
            but our entry has changed since; an entry of somebody else that had our name comes back in any case.

    Raises:
        ConfigError: The file is not valid.
    """
    document = _Document(edit, data)
    if original is not None and _is_all_that_changed(edit, data, original):
        return original
    found = document.find()
    if found is None:
        return data
    after = document.without(found, _text_of(original))
    theirs = find_entry(edit, original) if original is not None and is_foreign(edit, original) else None
    return apply_edit(replace(edit, value=theirs), after) if isinstance(theirs, dict) else after


def holds_nothing(edit: ConfigEdit, data: bytes) -> bool:
    """Whether a file holds neither data nor a comment: one that we have made may then go."""
    text = (_text_of(data) or "").strip()
    return text == "" if edit.format == "toml" else "".join(text.split()) in ("", "{}")


class _Document:
    """A file as text and data."""

    def __init__(self, edit: ConfigEdit, data: bytes | None) -> None:
        self._edit = edit
        try:
            text = (data or b"").decode()
        except UnicodeDecodeError as error:
            raise _invalid(edit.file, f"byte {error.start} is not UTF-8", 1, 1) from error
        self._bom = text.startswith(_BOM)
        self.text = text.removeprefix(_BOM)
        with _naming(edit.file):
            self.data: Any = self._parse()

    def _parse(self) -> Any:
        if self._edit.format == "toml":
            return toml_edit.parse_toml(self.text)
        return jsonc.parse(self.text) if jsonc.plain(self.text).strip() else {}

    def find(self) -> tuple[str | int, ...] | None:
        """Return the path of our entry, None when there is none."""
        found: Any = self.data
        for key in self._edit.path:
            if not isinstance(found, dict) or key not in found:
                return None
            found = found[key]
        if not self._edit.mark:
            return self._edit.path
        elements = enumerate(found) if isinstance(found, list) else ()
        index = next((i for i, each in elements if _mentions(each, self._edit.mark)), None)
        return None if index is None else (*self._edit.path, index)

    def inserted(self) -> bytes:
        """Return the file with our entry added to it."""
        edit = self._edit
        with _naming(edit.file):
            if edit.format == "toml":
                return self._encoded(toml_edit.put_table(self.text, edit.path, edit.value))
            put = jsonc_edit.append if edit.mark else jsonc_edit.put
            return self._encoded(put(self.text, edit.path, dict(edit.value)))

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


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Turn ``InvalidText`` into an error that names the file."""
    try:
        yield
    except jsonc.InvalidText as error:
        raise _invalid(file, error.what, error.line, error.column) from error


def _is_all_that_changed(edit: ConfigEdit, data: bytes, original: bytes) -> bool:
    """Whether the file is the original with our entry, be it of today's or of another version."""
    try:
        entry = find_entry(edit, data)
        if entry is None or (find_entry(edit, original) is not None and not is_foreign(edit, original)):
            return False
        return data == apply_edit(replace(edit, value=entry), original)
    except ConfigError:
        return False


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


def _invalid(file: Path, what: str, line: int, column: int) -> ConfigError:
    return ConfigError(f"{file}:{line}:{column}: {what}", remedy="mend the file; it was not touched")
