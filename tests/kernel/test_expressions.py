"""Expressions: what they mean, what they refuse, and that no text or data can make one run away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import minijinja
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopengt.errors import ExpressionError
from loopengt.expressions import parse_expression

SCOPE: dict[str, Any] = {
    "output": {
        "score": 0.9,
        "text": "All OK",
        "labels": ["fast", "good"],
        "note": None,
        "my key": 7,
        "n": [3, 1, 2],
    },
    "steps": {"plan it": {"output": {"ok": True}, "attempts": 2}},
    "run": {"turn": 4},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("output.score", 0.9),
        ("output['my key']", 7),
        ("steps['plan it'].output.ok", True),
        ("output.labels[0]", "fast"),
        ("output.labels[-1]", "good"),
        ("output.n[run.turn - 3]", 1),
        ("1 + 2 * 3 - 4", 3),
        ("(1 + 2) * 3", 9),
        ("7 // 2 + 7 % 2", 4),
        ("-2 - -3", 1),
        ("1 < 2 < 3 != 4", True),
        ("3 > 2 > 2", False),
        ("not output.note and not false", True),
        ("output.note or 'none yet'", "none yet"),
        ("'OK' in output.text", True),
        ("'slow' not in output.labels", True),
        ("'score' in output", True),
        ("'yes' if output.score >= 0.8 else 'no'", "yes"),
        ("1 if false else 2 if false else 3", 3),
        ("[1, 'a', none]", [1, "a", None]),
        ("[1, 2] == [1, 2]", True),
        ("output.labels + ['new']", ["fast", "good", "new"]),
        ("output.text + '!'", "All OK!"),
        ("output.text|lower", "all ok"),
        ("output.text | upper | length", 6),
        ("output.labels|length == 2", True),
        ("output.n|max - output.n|min", 2),
        ("output.n|sort|first", 1),
        ("output.n|sum", 6),
        ("output.text|split(' ')|last", "OK"),
        ("'a\\nb'|lines", ["a", "b"]),
        ("' 12 '|int + 1", 13),
        ("3.14159|round(2)", 3.14),
        ("-3|abs", 3),
        ("output|keys|length", 6),
        ("[2, 1, 2]|unique", [2, 1]),
        ("true|string + 2.5|string + 'x'|string", "true2.5x"),
        ("'1.5'|float", 1.5),
        ("output|values|length", 6),
        ("output.missing|default('x')", "x"),
        ("output.missing.deeper|d(1)", 1),
        ("nothing|default(0)", 0),
        ("output.missing is defined", False),
        ("output.missing is undefined", True),
        ("output.note is defined", True),
        ("output.note is none", True),
        ("output.note is not None", False),
        ("output.score is number and output.text is string", True),
        ("output is mapping and output.labels is sequence", True),
        ("output.text is startingwith('All')", True),
        ("output.text is endingwith 'OK'", True),
        ("'\\ud83d\\ude00\\t\\u00e9'", "😀\té"),
        ("True and null is none", True),
        ("1e3 == 1000", True),
    ],
)
def test_value(text: str, value: object) -> None:
    """Each part of the language has the value that its documentation says."""
    result = parse_expression(text).evaluate(SCOPE)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("1 +", 4, "expected a value, found the end"),
        ("a b", 3, "expected an operator, found 'b'"),
        ("a > 1 andd b", 7, "'andd'"),
        ("(a", 3, "expected ')'"),
        ("a = b", 3, "'='"),
        ("a && b", 3, "'&&'"),
        ("a ** 2", 3, "'**'"),
        ("'abc", 1, "does not end"),
        ("é + $", 5, "unexpected character '$'"),
        ("a\n and\n $", 9, "unexpected character"),
        ("a.", 3, "expected a name"),
        ("a[1", 4, "expected ']'"),
        ("a|lowr", 3, "unknown filter 'lowr'"),
        ("a is strin", 6, "unknown test 'strin'"),
        ("a|", 3, "expected the name of a filter"),
        ("a|lower('x')", 3, "takes no arguments"),
        ("a|default", 3, "takes one argument"),
        ("a is startingwith", 6, "takes one argument"),
        ("1 if 2", 7, "expected 'else'"),
        ("len(a)", 1, "cannot be called"),
        ("a.items()", 3, "cannot be called"),
        ("1e999", 1, "too large"),
        ("'\\ud83d'", 1, "surrogate"),
        ("{'a': 1}", 1, "unexpected character '{'"),
    ],
)
def test_syntax_error_has_its_column(text: str, column: int, message: str) -> None:
    """A text that is no expression is refused when it is parsed, with the column where it goes wrong."""
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert caught.value.column == column
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a = 1", "write =="),
        ("len(a)", "value|length"),
        ("a.startswith('x')", "is startingwith"),
        ("a.get('x')", "|default"),
        ("a|lowr", "did you mean 'lower'?"),
    ],
)
def test_syntax_error_says_what_to_write(text: str, remedy: str) -> None:
    """The habits of other languages are answered with what to write here."""
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert remedy in caught.value.remedy


def test_error_of_evaluation_names_what_is_there() -> None:
    """The message shows the expression, what is missing, and what the data holds instead."""
    with pytest.raises(ExpressionError) as caught:
        parse_expression("output.scor > 1").evaluate({"output": {"score": 2}})
    assert caught.value.message == (
        "the expression 'output.scor > 1' has no value: output has no 'scor' (it has: score)"
    )
    assert caught.value.column == 1


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("output", True),
        ("[]", False),
        ("''", False),
        ("0", False),
        ("'false'", True),
        ("none", False),
        ("[0]", True),
    ],
)
def test_truth(text: str, truth: bool) -> None:
    """All counts as true but null, false, 0 and what is empty."""
    assert parse_expression(text).truth(SCOPE) is truth


def test_short_circuit() -> None:
    """What the left side already decides is not looked up on the right."""
    assert parse_expression("false and missing").truth({}) is False
    assert parse_expression("true or missing").truth({}) is True


def test_roots_and_references() -> None:
    """Every look-up is known after parsing: its path, its column, and whether it copes with absence."""
    expression = parse_expression(
        "steps['a b'].output[0] > limit and run.turn|default(max) > 1 or x[run.turn] is defined"
    )
    assert expression.roots == {"steps", "limit", "run", "max", "x"}
    found = {reference.path: (reference.column, reference.guarded) for reference in expression.references}
    assert found[("steps", "a b", "output", 0)] == (1, False)
    assert found[("limit",)] == (26, False)
    assert found[("max",)][1] is False
    assert found[("x",)][1] is True


def test_result_is_a_copy() -> None:
    """Whoever changes a result does not change the data it came from."""
    scope = {"output": {"list": [1]}}
    parse_expression("output").evaluate(scope)["list"].append(2)
    assert scope == {"output": {"list": [1]}}


class Lazy(Mapping[str, Any]):
    """A mapping that computes its values and notes which were asked for."""

    def __init__(self, **values: Any) -> None:
        self.values_by_name = values
        self.asked: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.asked.append(key)
        return self.values_by_name[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_by_name)

    def __len__(self) -> int:
        return len(self.values_by_name)


def test_scope_is_read_lazily() -> None:
    """Only what the expression names is taken from the scope, at every level of mappings."""
    steps = Lazy(a={"output": 1}, b={"output": 2})
    scope = Lazy(steps=steps, context={})
    assert parse_expression("steps.b.output").evaluate(scope) == 2
    assert scope.asked == ["steps"]
    assert steps.asked == ["b"]
    with pytest.raises(ExpressionError, match="steps has no 'c'"):
        parse_expression("steps.c").truth(scope)
    with pytest.raises(ExpressionError, match="context has no 'd' \\(it is empty\\)"):
        parse_expression("context.d").truth(scope)


ATOMS = {
    "number": ["0", "1", "7", "o.i", "o.f", "o.t|length", "o['l'][1]", "-o.i", "-2"],
    "text": ["o.t", "'ab'", '"b"', "o.t|upper", "'A b'|lower"],
    "truth": ["true", "false", "o.b", "(o.n is none)", "(o.n is not none)", "(o.q is defined)", "'i' in o"],
}
FORMS: dict[str, list[tuple[str, tuple[str, ...], str]]] = {
    "number": [("number", ("+", "-", "*"), "number")],
    "text": [("text", ("+",), "text")],
    "truth": [
        ("number", ("==", "!=", "<", "<=", ">", ">="), "number"),
        ("text", ("==", "!=", "in", "not in", "<"), "text"),
        ("truth", ("and", "or"), "truth"),
    ],
}


@st.composite
def expressions(draw: st.DrawFn, kind: str, depth: int) -> str:
    """An expression of a kind of value: an atom, a choice, or two parts and an operator, some in brackets."""
    shape = draw(st.integers(0, 5)) if depth else 0
    if shape < 2:
        return draw(st.sampled_from(ATOMS[kind]))
    if shape == 2:
        condition = draw(expressions("truth", depth - 1))
        parts = [draw(expressions(kind, depth - 1)) for _ in range(2)]
        return f"({parts[0]} if {condition} else {parts[1]})"
    if shape == 3 and kind == "truth":
        return f"not {draw(expressions('truth', depth - 1))}"
    left, operators, right = draw(st.sampled_from(FORMS[kind]))
    operator = draw(st.sampled_from(operators))
    text = f"{draw(expressions(left, depth - 1))} {operator} {draw(expressions(right, depth - 1))}"
    # A comparison within a comparison would be a chain, which minijinja does not read as Python does.
    return text if kind != "truth" or operator in ("and", "or") else f"({text})"


@given(st.sampled_from(sorted(ATOMS)).flatmap(lambda kind: expressions(kind, 4)))
def test_same_value_as_minijinja(text: str) -> None:
    """The language is a part of minijinja's: with the same precedence, it gives the same values."""
    scope = {"o": {"i": 3, "f": 0.5, "t": "ab c", "l": [1, 2], "b": True, "n": None}}
    environment = minijinja.Environment(undefined_behavior="strict")
    assert parse_expression(text).evaluate(scope) == environment.eval_expr(text, **scope)
