"""The words and figures that people read: safe, short, and with their units."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from loopengt import display


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\tb\nc", "a\\tb\\nc"),
        ("\u202egnp\u200b", "\\u202egnp\\u200b"),
        ("wide\u3000space", "wide\u3000space"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_moves_hides_or_reorders_is_escaped(text: str, shown: str) -> None:
    """Control, format and tag characters are written as escapes, every kind of space that is seen stays."""
    assert display.visible(text) == shown


def test_some_characters_may_be_kept() -> None:
    """A block keeps its line breaks and tabs, and nothing else that is not seen."""
    assert display.visible("a\n\tb\r", keep="\n\t") == "a\n\tb\\r"


def test_values_are_put_on_one_line() -> None:
    """Text is joined, data is JSON, what is too long is cut at the limit and marked."""
    assert display.one_line("  a\n b\t c ") == "a b c"
    assert display.one_line({"é": [1, None]}) == '{"é": [1, null]}'
    assert display.one_line("x" * 10, 5) == "xxxx…"
    assert len(display.one_line("\x1b" * 1_000_000)) == 120


def test_the_first_line_that_says_something_is_found() -> None:
    """Empty lines before it are passed over; of an empty text nothing is left."""
    assert display.first_line("\n \n first \nsecond") == "first"
    assert display.first_line("x" * 10, 5) == "xxxx…"
    assert display.first_line(" \n") == ""


@pytest.mark.parametrize(
    ("seconds", "plain", "fine"),
    [
        (0.4242, "0.4s", "0.42s"),
        (10, "10.0s", "10.0s"),
        (59.94, "59.9s", "59.9s"),
        (125, "2m 05s", "2m 05s"),
        (3_720.4, "1h 02m", "1h 02m"),
    ],
)
def test_durations_have_units(seconds: float, plain: str, fine: str) -> None:
    """Seconds, minutes and hours are told as far as they matter."""
    assert display.duration(seconds) == plain
    assert display.duration(seconds, fine=True) == fine


def test_a_cost_that_nobody_knows_is_not_called_zero() -> None:
    """What is known is told as such, what is known in part as the least, and nothing known as unknown."""
    assert display.dollars(0.25, 0) == "$0.2500"
    assert display.dollars(0.25, 1) == "at least $0.2500"
    assert display.dollars(0.0, 1) == "cost unknown"
    assert display.spent(1500, 0.25) == ["1,500 tokens", "$0.2500"]
    assert display.spent(1500, None) == ["1,500 tokens", "cost unknown"]
    assert display.spent(0, None) == []


def test_laps_are_told_where_there_are_laps() -> None:
    """In a repeating pattern from the first execution on, elsewhere from the second."""
    assert [display.lap("repeat", 1), display.lap("sequential", 1)] == [" (lap 1)", ""]
    assert display.lap("sequential", 2) == " (lap 2)"


@pytest.mark.parametrize(
    ("proof", "said"),
    [
        ({"exit_code": 1, "output_tail": "x\n=== 2 failed, 1 passed ===\nbye"}, "exit 1, 2 failed, 1 passed"),
        ({"exit_code": 2, "output_tail": "one\nlast\n"}, "exit 2, last"),
        ({"violations": ["no key 'a'", "more"], "tests": 3, "score": 0.5}, "3 tests, score 0.5, no key 'a'"),
        (None, "the feedback"),
        ({"exit_code": "1", "violations": "text"}, "the feedback"),
    ],
)
def test_a_failed_gate_is_told_with_what_shows_it(proof: object, said: str) -> None:
    """The line that counts errors is chosen, then what was violated, then the gate's own words."""
    assert display.proof({"proof": proof, "feedback": "the feedback\nand more"}, passed=False) == said


def test_a_passed_gate_is_told_with_what_shows_it() -> None:
    """Exit code and tests when there are any, else the condition, cut at the limit."""
    assert display.proof({"proof": {"exit_code": 0, "tests": 4}}, passed=True) == "exit 0, 4 tests"
    assert display.proof({"proof": {"expression": "x" * 200}}, passed=True, limit=10) == "xxxxxxxxx…"


def test_importing_it_is_cheap() -> None:
    """Neither pydantic nor any other dependency is imported for it."""
    heavy = "{'pydantic', 'msgspec', 'rich', 'asyncio', 'click', 'structlog', 'loopengt_hookspecs'}"
    script = f"import sys, loopengt.display; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        (None, []),
        ({"scripted": "yes", "auto": ""}, []),
        ({"scripted": True}, ["scripted"]),
        ({"auto": "co\x1bdex", "replayed": True}, ["replayed", "by co\\x1bdex"]),
        ({"provider": "codex", "failed_over_from": ["claude-code"]}, ["by codex in place of claude-code"]),
        ({"provider": "codex", "failed_over_from": []}, []),
    ],
)
def test_where_an_answer_comes_from(metadata: dict[str, Any] | None, words: list[str]) -> None:
    """Answers of a script, of a recording, and of a provider that was chosen say so; nothing else does."""
    assert display.origin({"metadata": metadata}) == words
