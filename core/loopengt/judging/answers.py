"""Reads JSON out of what an agent answers, and holds it against a schema."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from loopengt.display import one_line
from loopengt.json_schema import JsonSchema, listed
from loopengt_hookspecs.errors import JudgeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["read_answer"]

_FENCED = re.compile(r"```(?:json)?[ \t]*\r?\n(.*?)\r?\n?```", re.DOTALL | re.IGNORECASE)
_MOST = 400_000
_SHOWN = 160


def read_answer(answer: Any, schema: Mapping[str, Any]) -> Any:
    """Return the JSON data that an answer holds.

    Agents put words around their JSON: the whole text is tried, then each fenced block, then what stands from the
    first brace to the last. The last one that fits the schema counts, if there is just one that does.

    Args:
        answer: Text, or JSON data.
        schema: What the data must satisfy.

    Raises:
        JudgeError: There is no such data, or there is more than one and they differ.
    """
    compiled = JsonSchema(schema)
    if not isinstance(answer, str):
        return _held(answer, compiled)
    text = answer[:_MOST].strip()
    fitting: list[Any] = []
    wrong: list[str] = []
    for data in _candidates(text):
        violations = compiled.violations(data)
        if not violations:
            if data not in fitting:
                fitting.append(data)
        elif not wrong:
            wrong = violations
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise JudgeError(f"the verdict cannot be read: {len(fitting)} different ones are in {_shown(answer)}")
    if wrong:
        raise JudgeError(f"the verdict does not fit its schema:\n{listed(wrong)}\nit says {_shown(answer)}")
    raise JudgeError(f"the verdict cannot be read, since there is no JSON in {_shown(answer)}")


def _held(data: Any, schema: JsonSchema) -> Any:
    violations = schema.violations(data)
    if violations:
        raise JudgeError(f"the verdict does not fit its schema:\n{listed(violations)}")
    return data


def _candidates(text: str) -> Iterator[Any]:
    """Yield the JSON values in a text, from the most certain way of finding them that finds any."""
    whole = _parsed(text)
    if whole is not None:
        yield whole
        return
    blocks = [data for data in map(_parsed, _FENCED.findall(text)) if data is not None]
    if blocks:
        yield from blocks
        return
    data = _parsed(text[text.find("{") : text.rfind("}") + 1])
    if data is not None:
        yield data


def _parsed(text: str) -> Any:
    """Return the data that a text is; None: it is no JSON document, or just null."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _shown(answer: str) -> str:
    return repr(one_line(answer, _SHOWN)) if answer.strip() else "an empty answer"
