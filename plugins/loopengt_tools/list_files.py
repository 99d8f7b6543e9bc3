"""The built-in tool ``list_files``: what is in a folder and the folders in it."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.models import Effects
from loopengt_tools.arguments import arguments
from loopengt_tools.confined import located, open_folder
from loopengt_tools.globs import Glob
from loopengt_tools.options import OutputOptions
from loopengt_tools.text import printable, within
from loopengt_tools.walking import Walk
from loopengt_tools.working import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loopengt_hookspecs.tools import ToolCall
    from loopengt_tools.stop import Stop

__all__ = ["ListFiles"]

_MOST = 1_000
_DEPTH = 3
_MARKS = {"folder": "/", "link": "@", "special": "|", "file": ""}


class ListFiles:
    """Lists files and folders, sorted, by their paths relative to the workspace."""

    description = (
        "List files and folders of the workspace, one path a line: folders end with /, symlinks (which are not "
        "followed) with @, pipes and devices with |. Installed packages and caches, such as node_modules and .venv, "
        "are left out unless all is true; .git and .loopengt always are."
    )
    input_schema = arguments(
        path={"type": "string", "description": "The folder. Default: the workspace."},
        pattern={
            "type": "string",
            "description": "List only what fits, such as *.py (at any depth) or src/**/test_*.py (relative to "
            "path).",
        },
        depth={
            "type": "integer",
            "minimum": 1,
            "description": f"Levels to go down; 1: the folder alone. Default {_DEPTH}, with a pattern all.",
        },
        all={
            "type": "boolean",
            "description": "Whether to list packages and caches, too. Default false.",
        },
    )
    output_schema = None
    effects = Effects.NONE
    options = OutputOptions

    async def call(self, call: ToolCall, options: OutputOptions) -> str:
        """List them.

        Raises:
            ToolError: There is no such folder in the workspace, or the pattern is none.
        """
        given: dict[str, Any] = call.arguments
        glob = Glob(given["pattern"]) if "pattern" in given else None
        depth = given.get("depth", _DEPTH if glob is None else None)
        everything, most = bool(given.get("all", False)), options.max_output_bytes

        def work(stop: Stop) -> str:
            walk = Walk(stop, everything) if depth is None else Walk(stop, everything, int(depth))
            return within(
                _list(call.workspace, given.get("path", "."), glob, walk),
                most,
                "the list is cut here: give a pattern, or a folder as path",
            )

        return await in_thread(work)


def _list(workspace: Path, path: str, glob: Glob | None, walk: Walk) -> str:
    with located(workspace, path) as place:
        folder = open_folder(place)
        try:
            prefix = "".join(f"{printable(part)}/" for part in place.parts)
            lines = list(islice(_lines(folder, prefix, glob, walk), _MOST + 1))
        finally:
            os.close(folder)
    notes = walk.notes()
    if len(lines) > _MOST:
        lines.pop()
        notes.append(f"more than {_MOST:,}: give a pattern, a smaller depth, or a folder as path")
    if not lines:
        notes.insert(0, "nothing is there" if glob is None else "nothing fits the pattern")
    return "\n".join([*lines, *(f"[{note}]" for note in notes)])


def _lines(folder: int, prefix: str, glob: Glob | None, walk: Walk) -> Iterator[str]:
    for found in walk.through(folder):
        if glob is None or glob.matches(found.parts):
            yield f"{prefix}{found.path}{_MARKS[found.kind]}"
