"""Expressions: nothing passes by accident, and no text or data can make one run away."""

from __future__ import annotations

import subprocess
import sys
from enum import StrEnum
from typing import Any

import pytest

from loopengt.errors import ExpressionError
from loopengt.expressions import parse_expression


@pytest.mark.parametrize(
    "text",
    [
        "outpt",
        "output.scor",
        "output.clear",
        "output.items",
        "output.labels.count",
        "output.__class__",
        "output.text.upper",
        "output.labels[5]",
        "output.note.deeper",
        "not output.scor",
        "output.scor != 1",
        "output.scor is none",
        "output.scor is not string",
        "output.scor not in ['a']",
        "'a' not in output.scor",
        "output.scor or true",
        "output.note < 1",
        "output.note > 1",
        "'1' < 2",
        "output.labels >= 1",
        "1 in 5",
        "1 in 'text'",
        "'a' + 1",
        "'a' * 3",
        "[1] * 3",
        "1 / 0",
        "'x'|int",
        "[]|max",
        "[1, 'a']|sort",
        "1|length",
        "-'a'",
        "output[1.5]",
        "output[true]",
        "[1][true]",
        "[1][5]",
        "1e308 * 10",
        "1" + "0" * 299 + " * 1e308",
        "3|lower",
        "'a'|split('')",
        "'a'|split(1)",
        "5|round('x')",
        "5|first",
        "''|first",
        "['a']|sum",
        "5|keys",
        "[]|string",
        "none|int",
    ],
)
def test_no_silent_verdict(text: str) -> None:
    """What is missing or does not fit is an error, never true and never false."""
    with pytest.raises(ExpressionError, match="has no value"):
        parse_expression(text).truth(
            {"output": {"score": 0.9, "text": "All OK", "labels": ["fast"], "note": None}}
        )


class Live:
    """An object with a method that must never run and an attribute that must not be seen."""

    secret = "hidden"

    def __eq__(self, other: object) -> bool:
        raise AssertionError("a live object was compared")

    __hash__ = None  # type: ignore[assignment]  # not needed, and unhashable like any object with __eq__


@pytest.mark.parametrize(
    "text", ["x", "x == 1", "x.secret", "[x]", "y", "y == [1]", "1 in y", "y|sort", "y|first", "z", "z == z"]
)
def test_live_objects_are_refused(text: str) -> None:
    """An object that is not JSON data takes part in nothing: it is neither read, called, nor compared."""
    with pytest.raises(ExpressionError):
        parse_expression(text).evaluate({"x": Live(), "y": [Live()], "z": {"deep": {"er": Live()}}})


def test_enum_member_counts_as_its_text() -> None:
    """A member of a string enum is its plain value, as it is in JSON."""

    class Colour(StrEnum):
        RED = "red"

    value = parse_expression("c").evaluate({"c": Colour.RED})
    assert (value, type(value)) == ("red", str)


HOSTILE = [
    "(" * 5_000 + "1" + ")" * 5_000,
    "[" * 5_000,
    "not " * 2_400 + "1",
    "-" * 9_000 + "1",
    "1" + "+1" * 4_000,
    "a" + ".b" * 4_000,
    "a" + "[a" * 3_000,
    "a" + "|lower" * 1_500,
    "1 if 1 else " * 800 + "1",
    "1 == " * 1_900 + "1",
    "a" * 1_000_000,
    "'" + "\\" * 9_000,
    "9" * 9_000,
    "9" * 300 + "*9" * 50 + "*" + "9" * 300 + ("*" + "9" * 300) * 20,
    "'a' * 1000000000",
    "range(1000000000)",
    "t" + "+t" * 60,
    "l" + "+l" * 60,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: f"{text[:12]}…{len(text)}")
def test_hostile_expression_is_refused(text: str) -> None:
    """Depth, length, huge numbers and what grows by repetition end in an error, not in a hang or a crash."""
    scope = {"a": "x", "t": "y" * 100_000, "l": [1] * 10_000}
    with pytest.raises(ExpressionError):
        parse_expression(text).evaluate(scope)


def test_longest_chains_evaluate() -> None:
    """An expression just inside the limits works, so the stack is deep enough for all that is accepted."""
    deep = "(" * 28 + "not (1 + -1 * 2 == 3)" + ")" * 28
    assert parse_expression(deep).evaluate({}) is True
    assert parse_expression("1" + " + 1" * 199).evaluate({}) == 200
    assert parse_expression("'x'" + "|lower" * 199).evaluate({}) == "x"
    data: Any = 1
    for _ in range(190):
        data = {"a": data}
    assert parse_expression("d" + ".a" * 190).evaluate({"d": data}) == 1


def test_endless_data_is_refused() -> None:
    """Data that contains itself is an error, not an endless recursion."""
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ExpressionError, match="levels deep"):
        parse_expression("x == x").evaluate({"x": loop})


def test_import_is_light() -> None:
    """Importing expressions and prompts loads neither the template engine, a YAML parser, nor pydantic."""
    code = (
        "import sys, loopengt.expressions, loopengt.prompts, loopengt.spec.problems\n"
        "print([name for name in ('minijinja', 'yaml', 'pydantic', 'asyncio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
