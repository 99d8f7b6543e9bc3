"""Judges that ask nobody: exact, contains, regex, json_schema and expression."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_hookspecs.errors import JudgeError, UsageError

if TYPE_CHECKING:
    from .conftest import Bench

DEEP: Any = "core"
for _ in range(150):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("output", "expected", "options", "same"),
    [
        ("Paris", "Paris", {}, True),
        (" Paris\n", "Paris", {}, True),
        (" Paris\n", "Paris", {"strip": False}, False),
        ("PARIS", "paris", {}, False),
        ("PARIS", "paris", {"ignore_case": True}, True),
        ("a  b\n c", "a b c", {}, False),
        ("a  b\n c", "a b c", {"ignore_whitespace": True}, True),
        (1, 1.0, {}, True),
        (True, 1, {}, False),
        (0, False, {}, False),
        (None, False, {}, False),
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, {}, True),
        ({"a": 1}, {"a": 1, "b": None}, {}, False),
        ([1, 2], [2, 1], {}, False),
        ("42", 42, {}, True),
        ("forty-two", 42, {}, False),
        (42, "42", {}, True),
        ("3.14", "3.14159", {"tolerance": 0.01}, True),
        ("3.14", "3.14159", {}, False),
        ({"pi": 3.14}, {"pi": 3.15}, {"tolerance": 0.02}, True),
        ("nan", "inf", {"tolerance": 1e308}, False),
        (10**400, 1.5, {"tolerance": 1}, False),
        (DEEP, DEEP, {}, True),
    ],
)
async def test_exact(output: Any, expected: Any, options: dict[str, Any], same: bool, bench: Bench) -> None:
    """Texts and data are the same as the options say, and never because Python takes one for the other."""
    assert await bench.passes("exact", output, options, expected=expected) is same


async def test_what_is_expected_can_come_from_three_places(bench: Bench) -> None:
    """An expression goes before the option, the option before the case; with none there is no verdict."""
    scope = {"steps": {"draft": {"output": "C"}}, "context": {}}
    for options, output in (({}, "A"), ({"expected": "B"}, "B"), ({"against": "steps.draft.output"}, "C")):
        assert await bench.passes("exact", output, options, expected="A", scope=lambda: scope)
    with pytest.raises(JudgeError, match="nothing expected"):
        await bench.judge("exact", "A")
    with pytest.raises(JudgeError, match="has no value"):
        await bench.judge("exact", "A", {"against": "steps.nowhere.output"}, scope=lambda: scope)


async def test_a_part_of_the_output_can_be_judged(bench: Bench) -> None:
    """``of`` names what is judged; where it names nothing there is no verdict."""
    output = {"answer": "Paris", "notes": "…"}
    assert await bench.passes("exact", output, {"of": "output.answer"}, expected="Paris")
    with pytest.raises(JudgeError, match="has no value"):
        await bench.judge("exact", output, {"of": "output.reply"}, expected="Paris")


@pytest.mark.parametrize(
    ("options", "expected", "score"),
    [
        ({}, "fox", 1.0),
        ({}, ["fox", "dog"], 1.0),
        ({}, ["fox", "cat"], 0.0),
        ({"partial": True}, ["fox", "cat"], 0.5),
        ({"find": "any"}, ["cat", "fox"], 1.0),
        ({"find": "any"}, ["cat", "cow"], 0.0),
        ({"find": "none"}, ["cat", "cow"], 1.0),
        ({"find": "none"}, ["cat", "fox"], 0.0),
        ({}, "FOX", 0.0),
        ({"ignore_case": True}, "FOX", 1.0),
        ({}, [7], 1.0),
    ],
)
async def test_contains(options: dict[str, Any], expected: Any, score: float, bench: Bench) -> None:
    """All, any or none of the texts must be found."""
    result = await bench.judge("contains", "the quick fox, the lazy dog, 7 times", options, expected=expected)
    assert result.score == score
    assert bool(result.reasoning) is (score < 1)


@pytest.mark.parametrize("expected", ["", [], ["a", ""]])
async def test_an_empty_text_is_nothing_to_look_for(expected: Any, bench: Bench) -> None:
    """An empty text is in every output, so it is an error and no pass."""
    with pytest.raises(JudgeError, match="empty"):
        await bench.judge("contains", "anything", expected=expected)


@pytest.mark.parametrize(
    ("output", "options", "good"),
    [
        ("a1b", {"pattern": r"\d"}, True),
        ("ab", {"pattern": r"\d"}, False),
        ("ab", {"pattern": r"\d", "negate": True}, True),
        ("a1b", {"pattern": r"\d", "negate": True}, False),
        ("a1b", {"pattern": r"\d", "full": True}, False),
        ("1", {"pattern": r"\d", "full": True}, True),
        ("abc", {"pattern": "b", "full": True}, False),
        ("abc", {"pattern": "abc", "full": True}, True),
        ("ABC", {"pattern": "b"}, False),
        ("ABC", {"pattern": "b", "ignore_case": True}, True),
        ("x\nab\ny", {"pattern": "^ab$"}, False),
        ("x\nab\ny", {"pattern": "^ab$", "multiline": True}, True),
        ("a\nb", {"pattern": "a.b"}, False),
        ("a\nb", {"pattern": "a.b", "dot_all": True}, True),
        ({"n": 5}, {"pattern": '"n": [0-9]'}, True),
        (None, {"pattern": "."}, False),
        ("15 ä", {"pattern": r"^15 \w$"}, True),
    ],
)
async def test_regex(output: Any, options: dict[str, Any], good: bool, bench: Bench) -> None:
    """A part or the whole of the text matches, with each of the flags."""
    assert await bench.passes("regex", output, options) is good


async def test_a_regex_without_end_is_no_verdict(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An expression that backtracks for ever is ended, also where not matching would be good."""
    monkeypatch.setattr("loopengt.searching._SECONDS", 0.3)
    began = perf_counter()
    with pytest.raises(JudgeError, match="took more than"):
        await bench.judge("regex", "a" * 60 + "!", {"pattern": "(a+)+$", "negate": True})
    assert perf_counter() - began < 5


@pytest.mark.parametrize(
    ("output", "schema", "good"),
    [
        ({"n": 1}, {"properties": {"n": {"type": "integer"}}, "required": ["n"]}, True),
        ({"n": "1"}, {"properties": {"n": {"type": "integer"}}}, False),
        ('{"n": 1}', {"type": "object", "required": ["n"]}, True),
        ('{"n": 1} indeed', {"type": "object"}, False),
        ('{"n": NaN}', {"type": "object"}, False),
        ("word", {"type": "string", "maxLength": 4}, True),
        ("[1]", {"type": "string"}, True),
        (None, {"type": "object"}, False),
    ],
)
async def test_json_schema(output: Any, schema: dict[str, Any], good: bool, bench: Bench) -> None:
    """Data is validated; text is read as JSON first, unless text is wanted."""
    assert await bench.passes("json_schema", output, {"schema": schema}) is good


@pytest.mark.parametrize(
    ("expression", "score"),
    [
        ("output.n > 3", 1.0),
        ("output.n > 5", 0.0),
        ("output.n / 10", 0.4),
        ("0", 0.0),
        ("1.0", 1.0),
        ("output.word == expected", 1.0),
        ("goal is startingwith 'Name'", 1.0),
        ("steps.draft.attempts == 2", 1.0),
    ],
)
async def test_expression(expression: str, score: float, bench: Bench) -> None:
    """True, false or a number from 0 to 1 is the score; the run, the goal and what is expected can be named."""
    scope = {"steps": {"draft": {"attempts": 2}}}
    result = await bench.judge(
        "expression", {"n": 4, "word": "yes"}, {"expression": expression}, expected="yes", scope=lambda: scope
    )
    assert result.score == pytest.approx(score)


@pytest.mark.parametrize(
    "expression", ["5", "-1", "1.2", "'0.9'", "none", "[1]", "output.word", "output.lost"]
)
async def test_an_expression_without_a_score_is_no_verdict(expression: str, bench: Bench) -> None:
    """What is no number from 0 to 1, and what is missing, is an error: nothing is taken for a score."""
    with pytest.raises(JudgeError):
        await bench.judge("expression", {"n": 4, "word": "1"}, {"expression": expression})


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("exact", {"stripp": True}, "no option 'stripp', the nearest is 'strip'"),
        ("exact", {"tolerance": -1}, "tolerance"),
        ("exact", {"tolerance": float("nan")}, "tolerance"),
        ("exact", {"of": "output."}, "not an expression"),
        ("contains", {"find": "some"}, "find"),
        ("regex", {}, "pattern"),
        ("regex", {"pattern": "("}, "not a regular expression"),
        ("json_schema", {"schema": {"type": "objekt"}}, "cannot be used"),
        ("json_schema", {"schema": {}}, "schema"),
        ("json_schema", {"schema": {"$ref": "http://nowhere.invalid/s.json"}}, "cannot be used"),
        ("expression", {"expression": "1 +"}, "not an expression"),
        ("command", {"command": []}, "command is empty"),
        ("command", {"command": "  "}, "command is empty"),
        ("similarity", {"embedder": "opnai"}, "the nearest is 'openai'"),
        ("rubric", {"criteria": []}, "criteria"),
        ("rubric", {"criteria": [{"name": "a", "description": "b", "weight": 0}]}, "criteria.0.weight"),
        ("rubric", {"criteria": [{"name": "a", "description": "b"}] * 2}, "two criteria are called 'a'"),
        ("quality", {"scale": 1}, "scale"),
        ("quality", {"files": ["../secret"]}, "no pattern of files in the workspace"),
        ("quality", {"files": ["/etc/passwd"]}, "no pattern of files in the workspace"),
        ("pairwise", {"scale": 5}, "scale"),
    ],
)
async def test_options_that_do_not_fit(kind: str, options: dict[str, Any], words: str, bench: Bench) -> None:
    """An option that is misspelt or out of range is refused when the judge is bound, by its name."""
    with pytest.raises(UsageError) as caught:
        await bench.judge(kind, "x", options)
    assert words in caught.value.message, caught.value.message
