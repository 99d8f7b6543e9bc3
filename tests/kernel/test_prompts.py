"""Prompts: placeholders, braces that are none, and that inserted text stays inert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopengt.errors import PromptError
from loopengt.prompts import PromptSyntaxError, compile_prompt

SCOPE: dict[str, Any] = {
    "goal": "mend it",
    "lap": 2,
    "feedback": "",
    "files": ["a.py", {"name": "b.py"}],
    "config": {"é": True, "none": None, "my key": 1.5, "nested": {"x": "{goal}"}},
    "steps": {"plan-1": {"output": "first"}},
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("", ""),
        ("no placeholder", "no placeholder"),
        ("Do: {goal}, lap {lap}.{feedback}", "Do: mend it, lap 2."),
        ("{files[0]} {files[1].name}", "a.py b.py"),
        ("{files}", '["a.py",{"name":"b.py"}]'),
        ("{config.é} {config.none}", "true null"),
        ("{config[\"my key\"]} {config['my key']}", "1.5 1.5"),
        ("{steps.plan-1.output}", "first"),
        ("{config.nested.x}", "{goal}"),
        ("{config.nested}", '{"x":"{goal}"}'),
        ("{{goal}}", "{goal}"),
        ("{{{goal}}}", "{mend it}"),
        ("}} {{", "} {"),
        ('{"x": 1}', '{"x": 1}'),
        ('{"a": {"b": {"c": []}}}', '{"a": {"b": {"c": []}}}'),
        ('{{"a": {{"b": 1}}}}', '{"a": {"b": 1}}'),
        ('{"goal": {goal}}', '{"goal": mend it}'),
        ('{{"goal": "{goal}"}}', '{"goal": "mend it"}'),
        ("{} { } {0} {goal!r} {goal:>9} {goal", "{} { } {0} {goal!r} {goal:>9} {goal"),
        ("{ goal }", "{ goal }"),
        ("{\n}", "{\n}"),
        ("a {goal} {% if x %} {# y #}", "a mend it {% if x %} {# y #}"),
    ],
)
def test_simple(template: str, text: str) -> None:
    """Placeholders are replaced, doubled braces are one, and every other brace stays as it is."""
    assert compile_prompt(template, "simple").render(SCOPE) == text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{gaol}", "the scope has no 'gaol' (it has: goal, lap, feedback, files, config, steps)"),
        ("{steps.plan.output}", "steps has no 'plan' (it has: plan-1)"),
        ("{files[7]}", "files has no item 7 (it is a list of 2)"),
        ("{goal.upper}", "goal has no 'upper' (it is a string)"),
        ("{config.items}", "config has no 'items'"),
        ("{goal.__class__.__mro__}", "goal has no '__class__'"),
    ],
)
def test_unknown_name(template: str, message: str) -> None:
    """An unknown name is an error that says what there is instead; attributes are never names."""
    with pytest.raises(PromptError) as caught:
        compile_prompt(template, "simple").render(SCOPE)
    assert message in caught.value.message
    assert "{{" in caught.value.remedy


@pytest.mark.parametrize("engine", ["simple", "minijinja"])
def test_live_objects_are_refused(engine: Any) -> None:
    """A value that is not JSON data cannot get into a prompt, not even inside a list."""
    template = "{x}" if engine == "simple" else "{{ x }}"
    for value in (object(), [object()], {"a": {1: 2}}, len):
        with pytest.raises(PromptError, match="JSON data"):
            compile_prompt(template, engine).render({"x": value})


@given(st.text())
def test_inserted_text_is_inert(text: str) -> None:
    """Whatever an agent or a file says is inserted as it is, by both engines."""
    assert compile_prompt("<{x}>", "simple").render({"x": text, "goal": "no"}) == f"<{text}>"
    if text.isascii():
        assert compile_prompt("<{{ x }}>", "minijinja").render({"x": text, "goal": "no"}) == f"<{text}>"


@given(st.text(alphabet='{}ab. ["]0', max_size=40))
def test_any_text_is_a_template(text: str) -> None:
    """The simple engine has no syntax errors: a text either renders or names what is unknown."""
    prompt = compile_prompt(text, "simple")
    if prompt.references:
        with pytest.raises(PromptError):
            prompt.render({})
    else:
        assert prompt.render({}) == prompt.render(SCOPE)


def test_names_and_positions() -> None:
    """What a template looks up is known before it is rendered, with the column of each."""
    prompt = compile_prompt("ab {goal} {{no}} {files[1].name}{goal}", "simple")
    assert prompt.names == {"goal", "files.1.name"}
    assert [(reference.path, reference.column) for reference in prompt.references] == [
        (("goal",), 4),
        (("files", 1, "name"), 18),
        (("goal",), 33),
    ]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% if feedback %}x{% else %}{{ goal }}{% endif %}\n", "mend it\n"),
        ("{% for f in files %}{{ loop.index }}:{{ f }} {% endfor %}", '1:a.py 2:{"name":"b.py"} '),
        ("{{ config }}", '{"é":true,"none":null,"my key":1.5,"nested":{"x":"{goal}"}}'),
        ("{{ config.none }} {{ config.nested.x }}", "null {goal}"),
        ("{{ missing|default('-') }}{{ steps.nope is defined }}", "-false"),
        ("{% for key, value in steps.items() %}{{ key }}{% endfor %}", "plan-1"),
        ("{{ '<&>' }} {{ goal|upper }} {goal}", "<&> MEND IT {goal}"),
    ],
)
def test_minijinja(template: str, text: str) -> None:
    """Conditionals, loops and filters work, values look as with the simple engine, nothing is escaped."""
    assert compile_prompt(template, "minijinja").render(SCOPE) == text


@pytest.mark.parametrize(
    "template",
    [
        "{{ gaol }}",
        "{{ steps.plan.output }}",
        "{% if goal.missing %}x{% endif %}",
        "{{ config.items }}",
        "{{ config.nope() }}",
        "{{ files.index(9) }}",
        "{{ debug() }}",
        "{% include 'other' %}",
        "{{ goal|nofilter }}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(1000) %}{{ 'a' * 1000000 }}{% endfor %}",
    ],
)
def test_minijinja_refuses(template: str) -> None:
    """What is undefined, unknown or without end is a PromptError and leaves no half-made prompt."""
    with pytest.raises(PromptError):
        compile_prompt(template, "minijinja").render(SCOPE)


def test_minijinja_changes_no_data() -> None:
    """A template that calls a list's methods changes its own copy only."""
    scope = {"files": ["a"]}
    compile_prompt("{{ files.append('b') }}{{ files }}", "minijinja").render(scope)
    assert scope == {"files": ["a"]}


@pytest.mark.parametrize(
    ("template", "column"), [("é {{ goal", 6), ("a\n{% if %}", 9), ("{{ " + "(" * 5000, 78)]
)
def test_minijinja_syntax_error_has_its_column(template: str, column: int) -> None:
    """A template that cannot be parsed is refused when it is compiled, with the column in characters."""
    with pytest.raises(PromptSyntaxError) as caught:
        compile_prompt(template, "minijinja")
    assert caught.value.column == column


def test_minijinja_names() -> None:
    """Names are those that the template takes from its scope; a guarded one is marked."""
    prompt = compile_prompt(
        "{% set y = 1 %}{% for f in files %}{{ f }}{{ y }}{{ range(2) }}{% endfor %}"
        "{{ steps.plan.output }}{{ extra|default('') }}{% if note is not defined %}{% endif %}",
        "minijinja",
    )
    assert prompt.names == {"files", "steps.plan.output", "extra", "note"}
    assert {reference.path[0] for reference in prompt.references if reference.guarded} == {"extra", "note"}
    assert next(reference for reference in prompt.references if reference.path == ("files",)).column == 28


class Steps(Mapping[str, Any]):
    """Results of steps, of which only the asked for may be read."""

    def __getitem__(self, key: str) -> Any:
        if key != "wanted":
            raise AssertionError(f"{key} was read")
        return {"output": "yes"}

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all steps were read")

    def __len__(self) -> int:
        raise AssertionError("all steps were counted")


@pytest.mark.parametrize(
    ("engine", "template"), [("simple", "{steps.wanted.output}"), ("minijinja", "{{ steps.wanted.output }}")]
)
def test_scope_is_read_lazily(engine: Any, template: str) -> None:
    """A prompt that names one step does not read, or copy, the results of all others."""
    assert compile_prompt(template, engine).render({"steps": Steps()}) == "yes"


def test_unknown_engine() -> None:
    """An engine that does not exist is named, with those that do."""
    with pytest.raises(PromptError, match="unknown prompt engine 'jinja2'"):
        compile_prompt("x", "jinja2")  # type: ignore[arg-type]  # the wrong name is the point
