"""Validation: every problem of a spec at once, each at its place, in words that say what to write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest
from loopengt.spec import KnownNames, Problem, parse_document, validate

NAMES = KnownNames(
    patterns={"sequential": "Steps in order", "repeat": "Laps"},
    providers={"command": "A program", "python": "A function"},
    gate_kinds={"expression": "A condition", "command": "A program", "judge": "A judge"},
    stop_conditions={"goal_met": "All done", "max_turns": "Turns", "custom": "A condition"},
    judges={"quality": "Scores quality"},
)

SOUND = """\
name: demo
goal: Mend it
context: {limit: 3}
agents:
  - name: coder
    system_prompt: Mend {goal}.
    config: {provider: command}
tools:
  - {name: grep, function_ref: tools.grep}
steps:
  - name: plan
    agent: coder
    prompt_template: "{goal} {limit} {lap} {feedback}"
  - name: fix it
    agent: coder
    tools: [grep]
    dependencies: [plan]
    verification_gates: [tests]
    prompt_template: '{steps.plan.output} {steps["fix it"].status} {{literal}}'
policy:
  verification_gates:
    - name: tests
      condition: output.ok and steps.plan.attempts < context.limit and run.turn > 0
stop_conditions:
  - {condition_type: goal_met, value: "true"}
"""


def problems(text: str, names: KnownNames = NAMES) -> list[str]:
    """The problems of a spec as they are printed, without the name of the file."""
    return [str(problem).removeprefix("f:") for problem in validate(parse_document(text, "f"), names)]


def changed(old: str, new: str, names: KnownNames = NAMES) -> list[str]:
    """The problems of the sound spec with one piece of its text replaced."""
    assert SOUND.count(old) == 1
    return problems(SOUND.replace(old, new), names)


def test_sound_spec_has_no_problems() -> None:
    """A spec that uses every part has none, with all names known and with none checked."""
    assert problems(SOUND) == []
    assert problems(SOUND, KnownNames()) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # shape
        ("name: demo\n", "", "1:1: missing key 'name' in the loop"),
        ("agent: coder\n    tools", "agnet: coder\n    tools", "15:5: unknown key 'agnet' in a step (did you mean 'agent'?)"),
        ("goal: Mend it", "gaol: Mend it", "2:1: unknown key 'gaol' in the loop (did you mean 'goal'?)"),
        ("goal: Mend it", "goal:", "2:6: 'goal' must be text, found nothing (remove the key to use its default)"),
        ("goal: Mend it", "goal: 5", "2:7: 'goal' must be text, found the number 5"),
        ("goal: Mend it", "goal: ''", "2:7: 'goal' must not be empty"),
        ("name: demo", f"name: {'x' * 200}", "1:7: 'name' has 200 characters, 128 are allowed"),
        ("policy:\n", "policy:\n  max_turns: 0\n", "21:14: 'max_turns' must be at least 1, found the number 0"),
        ("policy:\n", "policy:\n  max_turns: many\n", "21:14: 'max_turns' must be a whole number, found the text 'many'"),
        ("policy:\n", "policy:\n  max_turns: 1.5\n", "21:14: 'max_turns' must be a whole number, found the number 1.5"),
        ("policy:\n", "policy:\n  fail_fast: maybe\n", "21:14: 'fail_fast' must be true or false, found the text 'maybe'"),
        (
            "policy:\n",
            "policy:\n  retry: {backoff: expo}\n",
            "21:20: 'backoff' cannot be the text 'expo' (known: constant, exponential, linear)",
        ),
        ("tools: [grep]", "tools: grep", "16:12: 'tools' must be a list, found the text 'grep'"),
        ("tools: [grep]", "tools: [grep, [x]]", "16:19: item 2 of 'tools' must be text, found a list"),
        ("config: {provider: command}", "config: command", "7:13: 'config' must be a mapping, found the text 'command'"),
        (
            "config: {provider: command}",
            "config: {provider: command, temperature: 3}",
            "7:46: 'temperature' must be at most 2, found the number 3",
        ),
        (
            "config: {provider: command}",
            "config: {provider: command}\n    capabilities: [planing]",
            "8:20: item 1 of 'capabilities' cannot be the text 'planing' (did you mean 'planning'?)",
        ),
        ("function_ref: tools.grep", "tool_type: mcp", "9:5: the mcp tool 'grep' names no server: add mcp_server"),
        (
            "      condition: output.ok and steps.plan.attempts < context.limit and run.turn > 0",
            "      kind: command\n      command: 5",
            "24:16: 'command' must be a list or text, found the number 5",
        ),
        (
            "      condition: output.ok and steps.plan.attempts < context.limit and run.turn > 0",
            "      kind: command\n      command: [pytest, 5]",
            "24:25: item 2 of 'command' must be text, found the number 5",
        ),
        # names
        ("tools: [grep]", "tools: [grip]", "16:13: unknown tool 'grip' (did you mean 'grep'?)"),
        ("agent: coder\n    tools", "agent: codr\n    tools", "15:12: unknown agent 'codr' (did you mean 'coder'?)"),
        ("verification_gates: [tests]", "verification_gates: [lint]", "18:26: unknown gate 'lint' (known: tests)"),
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
            "25:22: unknown stop condition type 'goal_mett' (did you mean 'goal_met'? loopengt plugins list shows all)",
        ),
        # expressions
        ("output.ok and", "output.ok andd", "23:28: bad expression: expected an operator, found 'andd'"),
        ("output.ok and", "outpt.ok and", "23:18: unknown name 'outpt' in an expression (did you mean 'output'?)"),
        ("output.ok and", "limit and", "23:18: unknown name 'limit' in an expression (write context.limit)"),
        ("output.ok and", "plan and", "23:18: unknown name 'plan' in an expression (write steps.plan.output)"),
        ("output.ok and", "range(3) and", "23:18: bad expression: 'range' cannot be called: there are no functions"
            " (use a filter instead, such as output|length or output|lower)"),
        ("steps.plan.attempts", "steps.plam.attempts", "23:32: unknown step 'plam' (did you mean 'plan'?)"),
        ("steps.plan.attempts", "steps.plan.attemps", "23:32: steps.plan has no 'attemps' (did you mean 'attempts'?)"),
        ("run.turn", "run.turns", "23:72: run has no 'turns' (did you mean 'turn'?)"),
        ("output.ok and", "result.outputs and", "23:18: result has no 'outputs' (did you mean 'output'?)"),
        ("context.limit", "context.limt", "23:54: the context has no 'limt' (did you mean 'limit'?)"),
        ('value: "true"', "value: 'output.score >='", "25:55: bad expression: expected a value, found the end"),
        (
            "dependencies: [plan]",
            "dependencies:\n      - step_name: plan\n        condition: result.output = 1",
            "19:34: bad expression: unexpected '=' (write == to compare)",
        ),
        # prompts
        (
            "{feedback}",
            "{feedbak}",
            "13:44: unknown placeholder {feedbak} (did you mean {feedback}?, or {{feedbak}} for literal braces)",
        ),
        (
            "{feedback}",
            "{zzz.a}",
            "13:44: unknown placeholder {zzz.a} (add it to context, or {{zzz.a}} for literal braces)",
        ),
        (
            "{feedback}",
            "{plan}",
            "13:44: unknown placeholder {plan} (write {steps.plan.output}, or {{plan}} for literal braces)",
        ),
        ("{steps.plan.output}", "{steps.plam.output}", "19:23: unknown step 'plam' (did you mean 'plan'?)"),
        ("Mend {goal}.", "Mend {gaol}.", "6:25: unknown placeholder {gaol} (did you mean {goal}?, or {{gaol}} for literal braces)"),
        (
            '    prompt_template: "{goal} {limit} {lap} {feedback}"',
            "    description: Do {gaol}",
            "13:21: unknown placeholder {gaol} (did you mean {goal}?, or {{gaol}} for literal braces)",
        ),
        (
            '    prompt_template: "{goal} {limit} {lap} {feedback}"',
            "    prompt_engine: minijinja\n    prompt_template: |\n      {goal}\n      {{ gaol }}",
            "16:10: unknown placeholder {gaol} (did you mean {goal}?, or {{gaol}} for literal braces)",
        ),
        (
            '    prompt_template: "{goal} {limit} {lap} {feedback}"',
            "    prompt_engine: minijinja\n    prompt_template: |\n      {goal}\n      {% if %}",
            "16:13: the minijinja template is not valid: unexpected end of block",
        ),
    ],
)
def test_problem(old: str, new: str, expected: str) -> None:
    """One mistake gives one problem, at its line and column, with the nearest valid name."""
    found = changed(old, new)
    if "unknown key" in expected:
        # A misspelled key leaves the right one missing.
        found = [problem for problem in found if "missing key" not in problem]
    assert found == [expected]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("goal: Mend it", "goal: Mend it\npattern: my_patterns:run"),
        ("goal: Mend it", "goal: Mend it\npattern: my.patterns.run"),
        ("{limit}", "{limit} {} {x!r} {\\\"a\\\": {\\\"b\\\": 1}}"),
        ("output.ok and", "context.extra|default(1) and context.more is defined and"),
        ("    - name: tests\n", "    - name: tests\n      kind: command\n      command: pytest\n"),
    ],
)
def test_no_problem(old: str, new: str) -> None:
    """Dotted patterns, literal braces, guarded look-ups and conditions of other kinds are left alone."""
    assert changed(old, new) == []


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
        "11:31: bad expression: expected a value, found the end",
    ]


@pytest.mark.parametrize("text", ["just text", "[1, 2]", "5", "---\n"])
def test_not_a_mapping(text: str) -> None:
    """A document that is no mapping is one problem, which says what a loop consists of."""
    (problem,) = problems(text)
    assert "a loop is a mapping with name, goal, agents and steps, found" in problem


@pytest.mark.parametrize(
    "text",
    [
        "{name: 5, agents: 5, steps: 5, policy: 5, stop_conditions: 5, context: 5, tools: 5, pattern: 5, goal: 5}",
        "{agents: [5, {}, {name: []}], steps: [5, {}, {name: {}}], tools: [[]], stop_conditions: [x, {}]}",
        "{steps: [{dependencies: 5, tools: 5, verification_gates: {}, agent: [], prompt_template: 5}]}",
        "{steps: [{dependencies: [5, [], {step_name: 5, condition: 5}, {}], prompt_engine: 5, description: 5}]}",
        "{policy: {verification_gates: [5, {name: 5, kind: 5, condition: 5, judge: []}]}}",
        "{agents: [{name: a, config: {provider: 5, extra: 5}, system_prompt: 5}, {name: a, config: 5}]}",
    ],
)
def test_broken_parts_do_not_break_the_checks(text: str) -> None:
    """Values of any wrong type are reported, and the checks of names and texts pass them over."""
    found = problems(text, replace(NAMES, validate_provider_options=lambda provider, extra: [((), "called")]))
    assert found
    assert not any("called" in problem for problem in found if "config: 5" in text and "provider" in problem)


def steps(**dependencies: str) -> str:
    """A spec with these steps, each with the names of its dependencies."""
    listed = "".join(
        f"  - {{name: {name}, agent: x, dependencies: [{needs}]}}\n" for name, needs in dependencies.items()
    )
    return f"name: a\ngoal: b\nagents: [{{name: x, config: {{provider: command}}}}]\nsteps:\n{listed}"


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
    assert circles(steps(a="b, c", b="d", c="d", d="")) == []


def test_long_circle_is_shortened() -> None:
    """Ten thousand steps in a circle neither exhaust the stack nor fill the screen."""
    (circle,) = circles(steps(**{f"s{number}": f"s{(number + 1) % 10_000}" for number in range(10_000)}))
    assert len(circle) < 300
    assert circle.startswith("5: s0 -> s1 -> ")
    assert circle.endswith(" -> s9999 -> s0")


def test_names_given_by_the_caller() -> None:
    """A context name that --set gives is known to prompts and expressions."""
    names = replace(NAMES, extra_context=frozenset({"given"}))
    for old, new in (("{limit}", "{given}"), ("context.limit", "context.given")):
        assert len(changed(old, new)) == 1
        assert changed(old, new, names) == []


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


def test_secrets_are_not_repeated() -> None:
    """A secret that was pasted where its environment variable belongs does not show up in a message."""
    found = changed("function_ref: tools.grep", "function_ref: f, auth: {env_var: sk-Sq9 x, method: 5, header_name: [sk-Sq9]}")
    assert len(found) == 3
    assert not any("sk-Sq9" in problem for problem in found)


def test_control_characters_are_shown_not_sent() -> None:
    """Names from the file cannot move the terminal's cursor or start a new line in a message."""
    (problem,) = [one for one in changed("agent: coder\n    tools", 'agent: "a\\e[2J\\n"\n    tools')]
    assert problem.isprintable()


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
