"""The built-in tool ``edit_file``: one exact text in a file in place of another."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import ToolError
from loopengt_tools.arguments import arguments
from loopengt_tools.confined import located, open_file
from loopengt_tools.options import OutputOptions
from loopengt_tools.replacing import Edit, apply
from loopengt_tools.text import is_binary, within
from loopengt_tools.working import in_thread
from loopengt_tools.writing import alone, replace_file, writable

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.tools import ToolCall
    from loopengt_tools.confined import Place
    from loopengt_tools.stop import Stop

__all__ = ["EditFile"]

_MOST_BYTES = 20_000_000


class EditFile:
    """Replaces exact text; all other bytes of the file stay as they are, line ends included."""

    description = (
        "Replace a text in a file of the workspace by another. old_text must be in the file exactly, white space "
        "included, and only once: give more of its surroundings where it is not, or replace_all. Returns what has "
        "changed."
    )
    input_schema = arguments(
        "path",
        "old_text",
        "new_text",
        path={"type": "string", "description": "Path of the file, relative to the workspace."},
        old_text={"type": "string", "minLength": 1, "description": "The text to replace."},
        new_text={"type": "string", "description": "The text to put in its place; empty: delete it."},
        replace_all={"type": "boolean", "description": "Replace it wherever it is. Default false."},
    )
    output_schema = None
    effects = Effects.IDEMPOTENT
    options = OutputOptions

    async def call(self, call: ToolCall, options: OutputOptions) -> str:
        """Edit the file. An edit that stands there already is refused, so that a call can be repeated.

        With ``replace_all`` that is not so where replacing makes the text appear anew, as of two spaces by one.

        Raises:
            ToolError: The file is none to be edited, or the text is not in it, or more than once.
        """
        given: dict[str, Any] = call.arguments
        try:
            old, new = given["old_text"].encode(), given["new_text"].encode()
        except UnicodeEncodeError as error:
            raise ToolError(f"the text is not valid Unicode at character {error.start}") from None
        if old == new:
            raise ToolError("old_text and new_text are the same")
        edit = Edit(old, new, bool(given.get("replace_all", False)))
        most = options.max_output_bytes
        return await in_thread(lambda stop: _edit(call.workspace, given["path"], edit, most, stop))


def _edit(workspace: Path, path: str, edit: Edit, most: int, stop: Stop) -> str:
    with located(workspace, path, writing=True) as place, alone(place):
        stop.check()
        before = writable(place)
        change = apply(edit, _data_of(place), place.path)
        replace_file(place, change.data, before, stop)
        return within(change.told, most, "the rest of the changes is left out; read_file shows them")


def _data_of(place: Place) -> bytes:
    with os.fdopen(open_file(place), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > _MOST_BYTES:
            raise ToolError(
                f"{place.shown} has {size:,} bytes; the most that can be edited are {_MOST_BYTES:,}"
            )
        data = file.read(_MOST_BYTES + 1)
    if is_binary(data):
        raise ToolError(f"{place.shown} is not text: it has zero bytes")
    return data
