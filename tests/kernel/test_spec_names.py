"""Names: each is unique, what it names exists, and dependencies run in no circle."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.spec import parse_document, validate

from .spec_kit import NAMES, SOUND, changed, problems, steps

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("tools: [grep]", "tools: [grip]", "16:13: unknown tool 'grip' (did you mean 'grep'?)"),
        (
            "agent: coder\n    tools",
            "agent: codr\n    tools",
            "15:12: unknown agent 'codr' (did you mean 'coder'?)",
        ),
        (
            "verification_gates: [tests]",
            "verification_gates: [lint]",
            "18:26: unknown gate 'lint' (known: tests)",
        ),
        ("dependencies: [plan]", "dependencies: [plna]", "17:20: unknown step 'plna' (did you mean 'plan'?)"),
        (
            "dependencies: [plan]",
            "dependencies: [{step_name: nothing}]",
            "17:32: unknown step 'nothing' (known: fix it, plan)",
        ),
        (
            "policy:\n",
            "  - {name: plan, agent: coder}\npolicy:\n",
            "20:12: duplicate step name 'plan' (first used in line 11)",
        ),
        (
            "policy:\n",
            "  - {name: each, agent: coder, for_each: '[1]'}\n  - {name: 'each[0]', agent: coder}\npolicy:\n",
            "21:12: the step 'each[0]' is called like an item of the step 'each' (give it another name)",
        ),
        (
            "tools:\n",
            "  - {name: coder, config: {provider: python}}\ntools:\n",
            "8:12: duplicate agent name 'coder' (first used in line 5)",
        ),
        (
            "  - name: tests\n",
            "  - {name: tests, condition: 'true'}\n    - name: tests\n",
            "23:13: duplicate gate name 'tests' (first used in line 22)",
        ),
        (
            "goal: Mend it",
            "goal: Mend it\npattern: repet",
            "3:10: unknown pattern 'repet' (did you mean 'repeat'? loopengt plugins list shows all)",
        ),
        (
            "goal: Mend it",
            "goal: Mend it\npattern: custom",
            "3:10: the custom pattern is not named "
            "(write its name or its dotted path in place of custom, such as my_patterns:run)",
        ),
        (
            "provider: command",
            "provider: comand",
            "7:24: unknown agent provider 'comand' (did you mean 'command'? loopengt plugins list shows all)",
        ),
        (
            "    config: {provider: command}\n",
            "",
            "5:5: the agent names no provider, and no plugin provides the default 'openai' "
            "(add config: {provider: …}; loopengt plugins list shows all)",
        ),
        (
            "    - name: tests\n",
            "    - name: tests\n      kind: comand\n",
            "23:13: unknown gate kind 'comand' (did you mean 'command'? loopengt plugins list shows all)",
        ),
        (
            "    - name: tests\n",
            "    - name: tests\n      kind: judge\n      judge: zzz\n",
            "24:14: unknown judge 'zzz' (loopengt plugins list shows all)",
        ),
        (
            "condition_type: goal_met",
            "condition_type: goal_mett",
            "25:22: unknown stop condition type 'goal_mett' (did you mean 'goal_met'? "
            "loopengt plugins list shows all)",
        ),
    ],
)
def test_name(old: str, new: str, expected: str) -> None:
    """A name that is used twice or names nothing is one problem, with the nearest valid name."""
    assert changed(old, new) == [expected]


def circles(text: str) -> list[str]:
    """The circles that are reported for a spec, each with its line."""
    found = validate(parse_document(text, "f"), NAMES)
    assert all(problem.message.startswith("the dependencies run in a circle: ") for problem in found)
    return [f"{problem.line}: {problem.message.partition(': ')[2]}" for problem in found]


def test_circle_is_printed() -> None:
    """A circle of dependencies is written out, from the first step on it, at that step's dependency."""
    assert circles(steps(a="", b="a, d", c="b", d="c")) == ["6: b -> d -> c -> b"]
    assert circles(steps(a="a")) == ["5: a -> a"]
    assert circles(steps(a="b", b="a", c="d", d="c")) == ["5: a -> b -> a", "7: c -> d -> c"]
    assert circles(steps(a="b, c", b="a, c", c="a, b")) == ["5: a -> b -> a"]
    assert circles(steps(a="b, c", b="d", c="d", d="")) == []


@pytest.mark.slow
def test_long_circle_is_shortened() -> None:
    """Ten thousand steps in a circle neither exhaust the stack nor fill the screen."""
    (circle,) = circles(steps(**{f"s{number}": f"s{(number + 1) % 10_000}" for number in range(10_000)}))
    assert len(circle) < 300
    assert circle.startswith("5: s0 -> s1 -> ")
    assert circle.endswith(" -> s9999 -> s0")


def test_provider_options() -> None:
    """The provider's own complaints stand at the option they are about, or at the agent's config."""

    def options(provider: str, extra: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
        assert provider == "command"
        unknown = [((key,), f"there is no option {key!r}") for key in extra if key not in ("command", "env")]
        wrong = [(("env", "A"), "must be text")] if "env" in extra else []
        return [*unknown, *wrong] if "command" in extra else [(("command",), "Field required")]

    names = replace(NAMES, validate_provider_options=options)
    assert changed("{provider: command}", "{provider: command, extra: {command: x, cmd: y}}", names) == [
        "7:53: there is no option 'cmd'"
    ]
    assert changed("{provider: command}", "{provider: command, extra: {command: x, env: {A: 5}}}", names) == [
        "7:59: option 'env.A': must be text"
    ]
    assert problems(SOUND, names) == ["7:13: option 'command': Field required"]


def test_default_provider() -> None:
    """An agent that names no provider is checked with the project's default one."""
    text = SOUND.replace("    config: {provider: command}\n", "")
    assert problems(text, replace(NAMES, default_provider="python")) == []
    assert problems(text, replace(NAMES, default_provider=None)) == []
