"""The built-in tool ``write_file``: a text file, whole, in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import ToolError
from loopengt_tools.arguments import arguments
from loopengt_tools.confined import located
from loopengt_tools.working import in_thread
from loopengt_tools.writing import alone, replace_file, writable

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.tools import ToolCall
    from loopengt_tools.stop import Stop

__all__ = ["WriteFile"]


class WriteFile:
    """Makes a file, or replaces all that is in it."""

    description = (
        "Write a text file of the workspace whole: what was in it is replaced, folders that are missing are made. "
        "To change a part of a file use edit_file."
    )
    input_schema = arguments(
        "path",
        "content",
        path={"type": "string", "description": "Path of the file, relative to the workspace."},
        content={"type": "string", "description": "All that the file is to hold."},
    )
    output_schema = None
    effects = Effects.IDEMPOTENT
    options = None

    async def call(self, call: ToolCall, options: None) -> str:
        """Write the file.

        Raises:
            ToolError: It is outside the workspace, no file, read-only, or cannot be written.
        """
        given: dict[str, Any] = call.arguments
        try:
            data = given["content"].encode()
        except UnicodeEncodeError as error:
            raise ToolError(f"the content is not valid Unicode at character {error.start}") from None
        return await in_thread(lambda stop: _write(call.workspace, given["path"], data, stop))


def _write(workspace: Path, path: str, data: bytes, stop: Stop) -> str:
    with located(workspace, path, writing=True, making=True) as place:
        if not place.name:
            raise ToolError(f"{path} is a folder")
        with alone(place):
            stop.check()
            before = writable(place)
            replace_file(place, data, before, stop)
        done = "Made" if before is None else "Replaced"
        return f"{done} {place.path} ({len(data):,} bytes)."
