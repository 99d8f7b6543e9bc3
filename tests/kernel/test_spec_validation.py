"""Validation: every problem of a spec at once, in the order of the file."""

from __future__ import annotations

from textwrap import dedent

import pytest

from loopengt.spec import KnownNames, Problem, parse_document, validate

from .spec_kit import NAMES, SOUND, changed, problems, steps


def test_sound_spec_has_no_problems() -> None:
    """A spec that uses every part has none, with all names known and with none checked."""
    assert problems(SOUND) == []
    assert problems(SOUND, KnownNames()) == []


def test_everything_at_once() -> None:
    """Form, shape, names, expressions and prompts are all checked in one pass, in the order of the file."""
    text = """\
        name: demo
        name: again
        gaol: x
        agents:
          - {name: a, config: {provider: command, temperature: hot}}
        steps:
          - {name: s, agent: b, prompt_template: "{x}", timeout_seconds: -1}
          - just text
        policy:
          verification_gates:
            - {name: g, condition: "1 +"}
        """
    assert problems(dedent(text)) == [
        "1:1: missing key 'goal' in the loop",
        "2:1: duplicate key 'name' (first written in line 1)",
        "3:1: unknown key 'gaol' in the loop (did you mean 'goal'?)",
        "5:56: 'temperature' must be a number, found the text 'hot'",
        "7:22: unknown agent 'b' (known: a)",
        "7:43: unknown placeholder {x} (add it to context, or {{x}} for literal braces)",
        "7:66: 'timeout_seconds' must be greater than 0, found the number -1",
        "8:5: item 2 of 'steps' must be a mapping, found the text 'just text'",
        "11:32: bad expression: expected a value, found the end",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{name: 5, agents: 5, steps: 5, policy: 5, stop_conditions: 5, context: 5, "
        "tools: 5, pattern: 5, goal: 5}",
        "{agents: [5, {}, {name: []}], steps: [5, {}, {name: {}}], tools: [[]], stop_conditions: [x, {}]}",
        "{steps: [{dependencies: 5, tools: 5, verification_gates: {}, agent: [], prompt_template: 5}]}",
        "{steps: [{dependencies: [5, [], {step_name: 5, condition: 5}, {}], "
        "prompt_engine: 5, description: 5}]}",
        "{policy: {verification_gates: [5, {name: 5, kind: 5, condition: 5, judge: []}]}}",
        "{agents: [{name: a, config: {provider: 5, extra: 5}, system_prompt: 5}, {name: a, config: 5}]}",
    ],
)
def test_broken_parts_do_not_break_the_checks(text: str) -> None:
    """Values of any wrong type are reported, and the checks of names and texts pass them over."""
    found = problems(text)
    assert found
    assert not any("unknown" in problem for problem in found)


def test_control_characters_are_shown_not_sent() -> None:
    """Names from the file cannot move the terminal's cursor or start a new line in a message."""
    (problem,) = list(changed("agent: coder\n    tools", 'agent: "a\\e[2J\\n"\n    tools'))
    assert problem.isprintable()


@pytest.mark.slow
def test_too_many_problems() -> None:
    """A file of nothing but mistakes is answered with the first thousand, and says so."""
    text = steps(**{f"s{number}": f"x{number}" for number in range(3_000)})
    found = validate(parse_document(text, "f"), NAMES)
    assert len(found) == 1_001
    assert found[-1].message == "more problems follow; mend these first"


def test_problems_sort_and_print() -> None:
    """Problems sort by position and print as file:line:column: message (hint)."""
    first, second = Problem("f", 2, 10, "b"), Problem("f", 10, 2, "a", "write c")
    assert sorted([second, first]) == [first, second]
    assert str(first) == "f:2:10: b"
    assert str(second) == "f:10:2: a (write c)"
