"""The built-in tool ``read_file``: lines of a text file, without reading more of it than is asked for."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any

from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import ToolError
from loopengt_tools.arguments import arguments
from loopengt_tools.confined import located, open_file
from loopengt_tools.options import OutputOptions
from loopengt_tools.text import BOM, cut, is_binary
from loopengt_tools.working import in_thread

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.tools import ToolCall
    from loopengt_tools.stop import Stop

__all__ = ["ReadFile"]

_LINES = 2_000
_PIECE = 1 << 16


class ReadFile:
    """Gives a part of a text file, as text."""

    description = (
        "Read a text file of the workspace. Returns its lines; a note in brackets at the end says when there are "
        "more and how to read on. Line ends are shown as \\n."
    )
    input_schema = arguments(
        "path",
        path={"type": "string", "description": "Path of the file, relative to the workspace."},
        offset={
            "type": "integer",
            "minimum": 1,
            "description": "First line to read, from 1. Default 1.",
        },
        limit={
            "type": "integer",
            "minimum": 1,
            "description": f"Most lines to read. Default {_LINES}.",
        },
    )
    output_schema = None
    effects = Effects.NONE
    options = OutputOptions

    async def call(self, call: ToolCall, options: OutputOptions) -> str:
        """Read the lines.

        Raises:
            ToolError: There is no such text file in the workspace, or not as many lines.
        """
        given: dict[str, Any] = call.arguments
        first, most = int(given.get("offset", 1)), int(given.get("limit", _LINES))
        return await in_thread(
            lambda stop: _read(call.workspace, given["path"], first, most, options.max_output_bytes, stop)
        )


def _read(workspace: Path, path: str, first: int, most: int, most_bytes: int, stop: Stop) -> str:
    with located(workspace, path) as place, os.fdopen(open_file(place), "rb") as file:
        if is_binary(file.peek(_PIECE)):
            raise ToolError(
                f"{path} is not text: it has zero bytes ({os.fstat(file.fileno()).st_size:,} bytes in all)"
            )
        if first == 1 and file.peek(len(BOM)).startswith(BOM):
            file.read(len(BOM))
        skipped = _skip(file, first - 1, stop)
        if skipped < first - 1 or (first > 1 and not file.peek(1)):
            raise ToolError(f"{path} ends with line {skipped}, so there is no line {first}")
        lines, notes = _take(file, first, most, most_bytes, stop)
    return _shown(lines, notes)


def _skip(file: IO[bytes], lines: int, stop: Stop) -> int:
    """Pass over lines, however long they are, and return how many there were."""
    passed, begun = 0, False
    while passed < lines:
        stop.check()
        piece = file.readline(_PIECE)
        if not piece:
            return passed + begun
        begun = not piece.endswith(b"\n")
        passed += not begun
    return passed


def _take(
    file: IO[bytes], first: int, most: int, most_bytes: int, stop: Stop
) -> tuple[list[bytes], list[str]]:
    """Read lines as long as they fit, and say what is left."""
    lines: list[bytes] = []
    size = 0
    while len(lines) < most:
        stop.check()
        number = first + len(lines)
        line = file.readline(most_bytes + 1)
        if not line:
            return lines, []
        if size + len(line) > most_bytes:
            if lines:
                return lines, [f"more follows: read on with offset={number}"]
            note = f"line {number} is longer than {most_bytes:,} bytes and is cut; behind it is offset={number + 1}"
            return [cut(line, most_bytes)], [note]
        lines.append(line)
        size += len(line)
    more = file.readline(1) != b""
    return lines, [f"more follows: read on with offset={first + len(lines)}"] if more else []


def _shown(lines: list[bytes], notes: list[str]) -> str:
    data = b"".join(lines)
    text = data.decode("utf-8", "replace")
    if "\ufffd" in text and "\ufffd".encode() not in data:
        notes = [*notes, "some bytes are not UTF-8 and are shown as \ufffd"]
    if "\r\n" in text:
        text = text.replace("\r\n", "\n")
        notes = [*notes, "the file's line ends are \\r\\n; edit_file keeps them"]
    if not text and not notes:
        return "[the file is empty]"
    joint = "" if text.endswith("\n") or not text else "\n"
    return f"{text}{joint}[{'; '.join(notes)}]" if notes else text
