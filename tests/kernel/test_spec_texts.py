"""Texts: expressions and prompts are checked when a spec is loaded, to the character."""

from __future__ import annotations

from dataclasses import replace

import pytest

from .spec_kit import NAMES, changed


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("output.ok and", "output.ok andd", "23:28: bad expression: expected an operator, found 'andd'"),
        (
            "output.ok and",
            "outpt.ok and",
            "23:18: unknown name 'outpt' in an expression (did you mean 'output'?)",
        ),
        ("output.ok and", "limit and", "23:18: unknown name 'limit' in an expression (write context.limit)"),
        (
            "output.ok and",
            "plan and",
            "23:18: unknown name 'plan' in an expression (write steps.plan.output)",
        ),
        (
            "output.ok and",
            "range(3) and",
            "23:18: bad expression: 'range' cannot be called: there are no functions"
            " (use a filter instead, such as output|length or output|lower)",
        ),
        ("steps.plan.attempts", "steps.plam.attempts", "23:32: unknown step 'plam' (did you mean 'plan'?)"),
        (
            "steps.plan.attempts",
            "steps.plan.attemps",
            "23:32: steps.plan has no 'attemps' (did you mean 'attempts'?)",
        ),
        ("run.turn", "run.turns", "23:72: run has no 'turns' (did you mean 'turn'?)"),
        ("output.ok and", "result.outputs and", "23:18: result has no 'outputs' (did you mean 'output'?)"),
        ("context.limit", "context.limt", "23:54: the context has no 'limt' (did you mean 'limit'?)"),
        (
            'value: "true"',
            "value: 'output.score >='",
            "25:55: bad expression: expected a value, found the end",
        ),
        (
            "dependencies: [plan]",
            "dependencies:\n      - step_name: plan\n        condition: result.output = 1",
            "19:34: bad expression: unexpected '=' (write == to compare)",
        ),
    ],
)
def test_expression(old: str, new: str, expected: str) -> None:
    """A bad expression, or one that looks up what cannot be there, is one problem at its column."""
    assert changed(old, new) == [expected]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "{feedback}",
            "{feedbak}",
            "13:44: unknown placeholder {feedbak} (did you mean {feedback}?, or "
            "{{feedbak}} for literal braces)",
        ),
        (
            "{feedback}",
            "{zzz.a}",
            "13:44: unknown placeholder {zzz.a} (add it to context, or {{zzz.a}} for literal braces)",
        ),
        (
            "{feedback}",
            "{context.limit}",
            "13:44: unknown placeholder {context.limit} "
            "(write the name alone, without context, or {{context.limit}} for literal braces)",
        ),
        (
            "{feedback}",
            "{plan}",
            "13:44: unknown placeholder {plan} (write {steps.plan.output}, or {{plan}} for literal braces)",
        ),
        ("{steps.plan.output}", "{steps.plam.output}", "19:23: unknown step 'plam' (did you mean 'plan'?)"),
        (
            "Mend {goal}.",
            "Mend {gaol}.",
            "6:25: unknown placeholder {gaol} (did you mean {goal}?, or {{gaol}} for literal braces)",
        ),
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
def test_prompt(old: str, new: str, expected: str) -> None:
    """A placeholder that nothing can fill is one problem at its column, in every kind of text."""
    assert changed(old, new) == [expected]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("goal: Mend it", "goal: Mend it\npattern: my_patterns:run"),
        ("{feedback}", "{steps} {item} {handoff}"),
        ("goal: Mend it", "goal: Mend it\npattern: my.patterns.run"),
        ("{limit}", '{limit} {} {x!r} {\\"a\\": {\\"b\\": 1}}'),
        ("output.ok and", "context.extra|default(1) and context.more is defined and"),
        ("    - name: tests\n", "    - name: tests\n      kind: command\n      command: pytest\n"),
    ],
)
def test_no_problem(old: str, new: str) -> None:
    """Dotted patterns, literal braces, guarded look-ups and conditions of other kinds are left alone."""
    assert changed(old, new) == []


def test_names_given_by_the_caller() -> None:
    """A context name that --set gives is known to prompts and expressions."""
    names = replace(NAMES, extra_context=frozenset({"given"}))
    for old, new in (("{limit}", "{given}"), ("context.limit", "context.given")):
        assert len(changed(old, new)) == 1
        assert changed(old, new, names) == []
