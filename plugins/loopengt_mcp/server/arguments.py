"""Holds what a model gives a tool against what the tool takes, and says in words what does not fit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from pydantic import ValidationError

from loopengt.display import one_line
from loopengt.naming import hint
from loopengt_mcp.server.taking import place_in, taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mcp.server.mcpserver import Context

__all__ = ["StrictTool"]

_MOST_LINES = 20
_LONGEST = 100
"""Characters of a value, or of a name, that are shown."""


class StrictTool(Tool):
    """A tool that refuses arguments that it does not know, and says of wrong ones what it takes in their place."""

    def model_post_init(self, context: Any, /) -> None:
        """Let the schema of the input say that there are no other arguments."""
        super().model_post_init(context)
        self.parameters = self.parameters | {"additionalProperties": False}

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> Any:
        """Call the tool.

        Raises:
            ToolError: The arguments do not fit, or the tool says that something is wrong.
        """
        known = self.parameters.get("properties", {})
        unknown = [name for name in arguments if name not in known]
        if unknown:
            # What else is wrong is said at the same time: a model should have to correct itself once.
            lines = [*_unknown(unknown, known), *self._wrong(arguments)]
            raise ToolError(_text(self.name, lines))
        try:
            return await super().run(arguments, context, convert_result=convert_result)
        except ToolError as error:
            cause = error.__cause__
            if not isinstance(cause, ValidationError):  # else the arguments were not taken
                raise
            raise ToolError(_text(self.name, _lines(cause, arguments, self.parameters))) from cause

    def _wrong(self, arguments: Mapping[str, Any]) -> Iterable[str]:
        try:
            self.fn_metadata.validate_arguments(dict(arguments))
        except ValidationError as error:
            return _lines(error, arguments, self.parameters)
        except Exception:  # a validator of a plugin breaks; it will say so when nothing else is wrong
            return []
        return []


def _text(tool: str, lines: Iterable[str]) -> str:
    found = list(dict.fromkeys(lines))
    more = [f"and {len(found) - _MOST_LINES} more"] if len(found) > _MOST_LINES else []
    listed = "\n".join(f"- {line}" for line in [*found[:_MOST_LINES], *more])
    return f"{tool} was not called, since its arguments do not fit:\n{listed}"


def _unknown(names: Iterable[str], known: Iterable[str]) -> list[str]:
    words = list(known)
    if not words:
        return [f"{_shown(name)}: there is no such argument; the tool takes none" for name in names]
    return [f"{_shown(name)}: there is no such argument{hint(name, words)}" for name in names]


def _lines(error: ValidationError, arguments: Mapping[str, Any], schema: dict[str, Any]) -> list[str]:
    """Return a line for each place of the arguments that is wrong."""
    found: dict[str, str] = {}
    for each in error.errors(include_url=False):
        loc = each["loc"]
        place = place_in(arguments, schema, loc, absent=each["type"] == "missing")
        takes = taken(place.schema, schema)
        if each["type"] == "missing":
            line = f"is missing; it takes {takes}"
        elif each["type"] == "extra_forbidden":
            line = f"there is no such argument{hint(str(loc[-1]), place.beside)}"
        elif each["type"] in ("value_error", "assertion_error"):  # words of whoever wrote the tool
            line = f"{one_line(str(each.get('ctx', {}).get('error', '')), 300)}; it takes {takes}"
        else:
            line = f"{_value(place.value)} does not fit; it takes {takes}"
        found.setdefault(place.name, line)  # of a choice of types, each says something of its own
    return [f"{_shown(name)}: {line}" for name, line in found.items()]


def _shown(name: str) -> str:
    return one_line(name, _LONGEST)


def _value(value: Any) -> str:
    if isinstance(value, str):
        if len(value) > 4 * _LONGEST:
            return f"a text of {len(value):,} characters"
        return one_line(json.dumps(value, ensure_ascii=False), _LONGEST)
    if isinstance(value, list | dict) and len(value) > 50:
        return f"a list of {len(value):,}" if isinstance(value, list) else f"an object of {len(value):,} keys"
    return one_line(
        json.dumps(value, ensure_ascii=False, default=lambda other: type(other).__name__), _LONGEST
    )
