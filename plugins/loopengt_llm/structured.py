"""Answers that have to fit a JSON Schema: how the model is told, and how its answer is read and judged."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from loopengt.json_schema import JsonSchema, SchemaProblem, listed
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.tools import ToolOffer

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Mode", "StructuredOutput", "WrongOutput"]

Mode = Literal["native", "tool", "prompt"]

_KEY = "result"
"""Where the answer stands when its schema is not that of an object, the only thing that services take."""
_TOOL = "final_result"
_FENCED = re.compile(r"```[A-Za-z]*[ \t]*\r?\n(.*?)```", re.DOTALL)
_SHARED = ("$schema", "$defs", "definitions")


class WrongOutput(Exception):
    """An answer does not fit; the text says what is wrong with it, for the model."""


class StructuredOutput:
    """The JSON Schema of an agent's answers.

    Args:
        schema: The schema.
        agent: The agent's name, for messages.

    Raises:
        UsageError: It cannot be used.
    """

    def __init__(self, schema: Mapping[str, Any], agent: str) -> None:
        if "type" not in schema and ("properties" in schema or "required" in schema):
            schema = {"type": "object", **schema}  # that is what is meant, although all else would fit, too
        try:
            self._validator = JsonSchema(schema)
        except SchemaProblem as problem:
            raise UsageError(
                f"the output_schema of agent {agent!r} cannot be used: {problem}",
                remedy="Correct the schema; what it refers to must be inside it, under $defs.",
            ) from None
        self._wrapped = schema.get("type") != "object"
        self.shown: dict[str, Any] = _wrap(schema) if self._wrapped else dict(schema)
        """The schema that the model is given: always that of an object."""

    def instructions(self) -> str:
        """What is added to the system prompt where the schema is a part of it."""
        text = json.dumps(self.shown, ensure_ascii=False)
        return f"Answer with one JSON object that fits this JSON Schema, and with nothing else around it:\n{text}"

    def offer(self, taken: Collection[str]) -> ToolOffer:
        """Return the tool whose input is the answer, under a name that no other tool has."""
        name, number = _TOOL, 1
        while name in taken:
            number += 1
            name = f"{_TOOL}_{number}"
        return ToolOffer(name, "Give the final answer; this ends the work.", self.shown)

    def read_text(self, text: str) -> Any:
        """Return the answer that stands in a text, alone or in a code fence.

        Raises:
            WrongOutput: There is none that fits.
        """
        documents = [found for part in (text, *_FENCED.findall(text)) for found in _parsed(part)]
        if self._wrapped:
            documents.append(text.strip())  # a word alone, where a word is what is wanted
        if not documents:
            raise WrongOutput("- $: it is not JSON")
        wrong: list[WrongOutput] = []
        for document in documents:
            try:
                return self.read(document)
            except WrongOutput as found:
                wrong.append(found)
        raise wrong[0]

    def read(self, value: Any) -> Any:
        """Return the answer that some JSON data is.

        Raises:
            WrongOutput: It does not fit.
        """
        said: list[str] | None = None
        for candidate in self._candidates(value):
            violations = self._validator.violations(candidate)
            if not violations:
                return candidate
            said = said or violations
        raise WrongOutput(listed(said or []))

    def _candidates(self, value: Any) -> Iterator[Any]:
        if self._wrapped and isinstance(value, Mapping) and value.keys() == {_KEY}:
            yield value[_KEY]
        yield value


def _parsed(text: str) -> list[Any]:
    """Return the JSON document that a text is, or nothing."""
    try:
        return [msgspec.json.decode(text.strip().encode("utf-8", "replace"))]
    except (msgspec.DecodeError, RecursionError):
        return []


def _wrap(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Put a schema under a key of an object; what its references point to stays where they point."""
    inner = {key: value for key, value in schema.items() if key not in _SHARED}
    shared = {key: schema[key] for key in _SHARED if key in schema}
    return {
        **_moved(shared),
        "type": "object",
        "properties": {_KEY: _moved(inner)},
        "required": [_KEY],
        "additionalProperties": False,
    }


def _moved(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key: _moved_reference(inner) if key == "$ref" and isinstance(inner, str) else _moved(inner)
            for key, inner in value.items()
        }
    return [_moved(inner) for inner in value] if isinstance(value, list) else value


def _moved_reference(reference: str) -> str:
    if not re.match(r"#(/|$)", reference) or reference.startswith(("#/$defs/", "#/definitions/")):
        return reference
    return f"#/properties/{_KEY}{reference[1:]}"
