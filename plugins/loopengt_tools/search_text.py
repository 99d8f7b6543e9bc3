"""The built-in tool ``search_text``: lines of the workspace's files in which a text or an expression is found."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import Field

from loopengt.processes import base_environment, run_program
from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import ToolError
from loopengt_tools.arguments import arguments
from loopengt_tools.options import OutputOptions
from loopengt_tools.searching import Search, search
from loopengt_tools.text import within
from loopengt_tools.working import in_thread

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.tools import ToolCall

__all__ = ["SearchOptions", "SearchText"]

_LIMIT = 200
# A regular expression can take for ever, and nothing in this process could end it.
_CHILD = """
import json, sys
given = json.load(sys.stdin)
sys.path += [folder for folder in given.pop("sys_path") if folder not in sys.path]
from loopengt_tools.searching import main
main(given)
"""


class SearchOptions(OutputOptions):
    """How much is given back, and how long a regular expression may take."""

    regex_seconds: float = Field(
        default=10.0, gt=0, description="Seconds that a search for a regular expression may take."
    )


class SearchText:
    """Searches text files, in order of their paths; binary ones are passed over."""

    description = (
        "Search the text files of the workspace line by line. Returns the lines as path:number:text. The query is "
        "plain text unless regex is true. Installed packages, caches, .git and .loopengt are not searched."
    )
    input_schema = arguments(
        "query",
        query={"type": "string", "minLength": 1, "description": "What to find within a line."},
        path={"type": "string", "description": "Folder or file to search. Default: the workspace."},
        files={
            "type": "string",
            "description": "Search only files that fit, such as *.py (at any depth) or src/**/test_*.py "
            "(relative to path).",
        },
        regex={
            "type": "boolean",
            "description": "Whether the query is a regular expression, in Python's syntax. Default false.",
        },
        ignore_case={"type": "boolean", "description": "Default false."},
        context={
            "type": "integer",
            "minimum": 0,
            "maximum": 20,
            "description": "Lines to show around each match. Default 0.",
        },
        limit={
            "type": "integer",
            "minimum": 1,
            "maximum": 2_000,
            "description": f"Most matches. Default {_LIMIT}.",
        },
    )
    output_schema = None
    effects = Effects.NONE
    options = SearchOptions

    async def call(self, call: ToolCall, options: SearchOptions) -> str:
        """Search.

        Raises:
            ToolError: There is no such folder, the expression is none, or the search takes too long.
        """
        given: dict[str, Any] = call.arguments
        if "\n" in given["query"]:
            raise ToolError(
                "the query has a line end, and lines are searched one by one: search for one line of it"
            )
        wanted = Search(
            workspace=str(call.workspace),
            path=given.get("path", "."),
            query=given["query"],
            regex=bool(given.get("regex", False)),
            ignore_case=bool(given.get("ignore_case", False)),
            files=given.get("files"),
            context=int(given.get("context", 0)),
            limit=int(given.get("limit", _LIMIT)),
        )
        text = (
            await _in_child(wanted, options.regex_seconds, call.workspace)
            if wanted.regex
            else await in_thread(lambda stop: search(wanted, stop))
        )
        return within(
            text, options.max_output_bytes, "the matches are cut here: narrow them with path or files"
        )


async def _in_child(wanted: Search, seconds: float, workspace: Path) -> str:
    given = asdict(wanted) | {"sys_path": [folder for folder in sys.path if folder]}
    result = await run_program(
        [sys.executable, "-I", "-c", _CHILD],
        cwd=workspace,
        env=base_environment(),
        stdin=json.dumps(given).encode(),
        timeout=seconds,
        grace_seconds=0,
        max_output=50_000_000,
    )
    if result.timed_out:
        raise ToolError(
            f"the search took more than {seconds:g} seconds",
            remedy="Make the expression simpler, search for plain text, or narrow it with path or files.",
        )
    try:
        told = json.loads(result.stdout)
    except ValueError:
        raise ToolError(f"the search failed with {result.ending}: {result.err.text.strip()[-300:]}") from None
    if "error" in told:
        raise ToolError(told["error"])
    text: str = told["text"]
    return text
