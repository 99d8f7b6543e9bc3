"""Reads JSON out of what an agent answers, and holds it against a schema."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any, NoReturn

from loopengt.display import one_line
from loopengt.json_schema import JsonSchema, listed
from loopengt_hookspecs.errors import JudgeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["read_answer"]

_MOST = 400_000
"""Characters of an answer."""
_STARTS = 2_000
"""Braces at which an object may begin; nobody writes a verdict with more."""
_SHOWN = 160
_LIKE_AN_OBJECT = re.compile(r"\{\s*\"")


class _Ambiguous(ValueError):
    """Nobody can tell what is meant: an object says something twice, or begins and is none."""


def read_answer(answer: Any, schema: Mapping[str, Any], question: str = "") -> Any:
    """Return the JSON data that an answer holds.

    Agents put words, or a fence, around their JSON: where the whole text is no JSON, every object in it is tried. One
    that is quoted in the words counts like any other, so that nothing an agent repeats can pass for its verdict: when
    several objects that differ fit the schema, there is none, and when the only one among the words stands in the
    question, too, it is a quotation.

    Args:
        answer: Text, or JSON data.
        schema: What the data must satisfy.
        question: What the agent was asked, with all that it was shown.

    Raises:
        JudgeError: There is no such data, it is only quoted, or there is more than one and they differ.
    """
    compiled = JsonSchema(schema)
    if not isinstance(answer, str):
        return _held(_plain(answer), compiled)
    if len(answer) > _MOST:
        raise JudgeError(f"the verdict cannot be read: the answer has {len(answer):,} characters")
    fitting: list[Any] = []
    wrong: list[str] = []
    try:
        for data, said in _candidates(answer.strip()):
            violations = compiled.violations(data)
            if not violations:
                if said and said in question:
                    raise _Ambiguous("one that the agent was shown, and may only quote,")
                if data not in fitting:
                    fitting.append(data)
            elif not wrong:
                wrong = violations
    except _Ambiguous as exc:
        raise JudgeError(f"the verdict cannot be read: {exc} in {_shown(answer)}") from None
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


def _plain(data: Any) -> Any:
    """Return data as JSON would give it back.

    Raises:
        JudgeError: It is no JSON data.
    """
    try:
        return json.loads(json.dumps(data, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as exc:
        raise JudgeError(f"the verdict cannot be read, since the answer is no JSON data: {exc}") from None


def _candidates(text: str) -> Iterator[tuple[Any, str]]:
    """Yield the JSON that a text is, else the outermost objects in it, each of these with how it is written.

    Raises:
        _Ambiguous: One of them says something twice or is broken, or there are too many braces.
    """
    decoder = json.JSONDecoder(
        parse_constant=_refuse, parse_float=_finite, parse_int=_whole, object_pairs_hook=_object
    )
    try:
        whole = decoder.decode(text)
    except _Ambiguous:
        raise
    except (ValueError, RecursionError):
        pass
    else:
        yield whole, ""
        return
    at = text.find("{")
    for _ in range(_STARTS):
        if at < 0:
            return
        try:
            data, end = decoder.raw_decode(text, at)
        except _Ambiguous:
            raise
        except (ValueError, RecursionError):
            if _LIKE_AN_OBJECT.match(text, at):  # it may be the verdict itself, and another one only quoted
                raise _Ambiguous("an object that is no JSON") from None
            end = at + 1
        else:
            yield data, text[at:end]
        at = text.find("{", end)
    if at >= 0:
        raise _Ambiguous(f"more than {_STARTS:,} braces")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _Ambiguous("an object that has a key twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _refuse(text)


def _whole(text: str) -> int:
    return int(text) if len(text) < 300 else _refuse(text)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _shown(answer: str) -> str:
    return repr(one_line(answer, _SHOWN)) if answer.strip() else "an empty answer"
