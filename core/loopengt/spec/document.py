"""Reads a spec's file into plain data that knows where every key and value is written."""

from __future__ import annotations

import codecs
import os
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NoReturn

from loopengt.errors import SpecError
from loopengt.spec.problems import Problem
from loopengt.spec.tree import Node, Place, TreeBuilder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Document", "parse_document", "read_document"]

MAX_BYTES: Final = 4 * 1024 * 1024
"""Largest file that is read."""
FILE_NAME: Final = "loop.yaml"
"""What a folder's spec is called."""

DataPath = Sequence[str | int]
"""Keys and indexes from the root to a value."""


class Document:
    """A parsed file: its data, and the place of everything in it."""

    def __init__(self, path: str, text: str, root: Node, problems: Sequence[Problem]) -> None:
        self.path = path
        """The file, as problems name it."""
        self.data: Any = root.data
        """The document as plain JSON data."""
        self.problems = tuple(problems)
        """What is wrong with the document's form; the data is as good as it could be read."""
        self._text = text
        self._root = root

    def position(self, path: DataPath = ()) -> tuple[int, int]:
        """Return line and column, from 1, of the value at a path; of the nearest that exists above it."""
        place = self._node(path)[0].place
        return place.line, place.column

    def key_position(self, path: DataPath) -> tuple[int, int]:
        """Return line and column, from 1, of the key that ends a path; of its value for a list's item."""
        parent, depth = self._node(path[:-1])
        place = parent.keys.get(str(path[-1])) if path and depth == len(path) - 1 else None
        return (place.line, place.column) if place else self.position(path)

    def text_position(self, path: DataPath, offset: int) -> tuple[int, int]:
        """Return line and column, from 1, of a character of the text at a path, counted from 0."""
        from loopengt.spec.scalars import text_position

        node, depth = self._node(path)
        if depth < len(path) or not isinstance(node.data, str):
            return node.place.line, node.place.column
        return text_position(self._lines, node.place, node.data, offset)

    def problem(self, position: tuple[int, int], message: str, hint: str = "") -> Problem:
        """Make a problem of this document."""
        return Problem(self.path, *position, message, hint)

    @cached_property
    def _lines(self) -> list[str]:
        return self._text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    def _node(self, path: DataPath) -> tuple[Node, int]:
        """Walk down as far as the path exists; also say how far that is."""
        node = self._root
        for depth, part in enumerate(path):
            if isinstance(part, str) and part in node.fields:
                node = node.fields[part]
            elif isinstance(part, int) and 0 <= part < len(node.items):
                node = node.items[part]
            else:
                return node, depth
        return node, len(path)


def read_document(path: Path) -> Document:
    """Read a spec's file.

    Args:
        path: The file, YAML or with the suffix ``.json`` JSON; a folder stands for the ``loop.yaml`` in it.

    Raises:
        SpecError: There is no such file, or it cannot be read as YAML or JSON at all.
    """
    if path.is_dir():
        if not (path / FILE_NAME).exists():
            raise _failed(path, f"the folder has no {FILE_NAME}", f"loopengt init {path}")
        path /= FILE_NAME
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _failed(path, "there is no such file", "loopengt init makes one") from None
    except (OSError, ValueError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise _failed(path, f"the file cannot be read: {reason}") from None
    return parse_document(_decode(raw, path), str(path))


def parse_document(text: str, file: str = "<string>") -> Document:
    """Parse the text of a spec.

    Args:
        text: YAML or JSON.
        file: What problems call the text; with the suffix ``.json`` it must be JSON.

    Raises:
        SpecError: The text is empty, too long, or neither YAML nor JSON.
    """
    # The readers are heavy imports, made only when there is something to read.
    from loopengt.spec.json_reader import is_json, read_json
    from loopengt.spec.yaml_reader import read_yaml

    text = text.removeprefix("\ufeff")
    builder = TreeBuilder(file)
    if len(text) > MAX_BYTES:
        builder.fail(Place(1, 1), f"the file is larger than {MAX_BYTES // 1024**2} MB")
    if "\0" in text:
        builder.fail(Place(1, 1), "this is a binary file, not YAML or JSON")
    if not text.strip():
        _empty(builder)
    # YAML takes most JSON, but not its pairs of surrogate escapes.
    if file.endswith(".json") or (text.lstrip().startswith("{") and is_json(text)):
        read_json(text, builder)
    else:
        read_yaml(text, builder)
    if builder.root is None:
        _empty(builder)
    return Document(file, text, builder.root, builder.problems)


def _empty(builder: TreeBuilder) -> NoReturn:
    builder.fail(Place(1, 1), "the file is empty", "loopengt init writes a loop to start from")


def _decode(raw: bytes, path: Path) -> str:
    if len(raw) > MAX_BYTES:
        raise _failed(path, f"the file is larger than {MAX_BYTES // 1024**2} MB")
    raw = raw.removeprefix(codecs.BOM_UTF8)
    if b"\0" in raw:
        raise _failed(path, "this is a binary file, not YAML or JSON")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        before = raw[raw.rfind(b"\n", 0, error.start) + 1 : error.start].decode(errors="replace")
        problem = Problem(
            str(path),
            line,
            len(before) + 1,
            f"the byte 0x{raw[error.start]:02x} is not UTF-8",
            "save the file as UTF-8",
        )
        raise SpecError([problem]) from None


def _failed(path: Path, message: str, hint: str = "") -> SpecError:
    return SpecError([Problem(str(path), 1, 1, message, hint)])
