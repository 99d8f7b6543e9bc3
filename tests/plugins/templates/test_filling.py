"""Values in templates: any text stays one value, and nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loopengt import LoopengtError, SpecError, UsageError
from loopengt.spec import parse_document
from loopengt.templates import LoopTemplate, make_template, yaml_scalar

LOOP = """\
# a comment with <<goal>> in it
name: demo
goal: <<goal>> # behind it
list: [<<goal>>, "<<goal>>", '<<goal>>', 1]
items:
  - <<goal>>
  - key: <<goal>>
    laps: <<laps>>
    text: "<<laps>>"
block: |
  cat <<EOF >> file
  {goal}
"""
ABOUT = """\
variables:
  goal: {description: What is to be reached}
  laps: {description: Laps, type: integer, default: 8}
"""


def template(loop: str = LOOP, about: str = ABOUT, **files: str) -> LoopTemplate:
    """A template of some files."""
    return make_template("demo", "test", {"loop.yaml": loop, "template.yaml": about, **files})


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("yes")
@example("null")
@example("1.0")
@example("")
@example(" x ")
@example("a: b # c\n- d")
@example("\"quoted\" and 'quoted' \\ {braces} {{x}} {% y %}")
@example("<<goal>>")
@example("&anchor *alias !!python/object:os.system ls")
@example("\u2028\u2029\x85\ufeff\x00\x07\x1b[31m\u202e😀")
@example("---\n...\n%YAML 1.1")
@example("x" * 5000)
def test_any_text_is_exactly_that_value(value: str) -> None:
    """Whatever a value holds, the YAML parses, has exactly it in each place, and all the rest as it was."""
    filled = template().fill({"goal": value})["loop.yaml"]
    assert parse_document(filled).data == {
        "name": "demo",
        "goal": value,
        "list": [value, value, value, 1],
        "items": [value, {"key": value, "laps": 8, "text": "8"}],
        "block": "cat <<EOF >> file\n{goal}\n",
    }
    assert filled.startswith("# a comment with <<goal>> in it\nname: demo\n") and " # behind it\n" in filled


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.integers(-(10**290), 10**290), st.floats(allow_nan=False, allow_infinity=False)))
def test_any_number_is_exactly_that_number(value: float) -> None:
    """Numbers are written so that they are read as the same number."""
    assert parse_document(f"key: {yaml_scalar(value)}\nlist: [{yaml_scalar(value)}]").data == {
        "key": value,
        "list": [value],
    }


def test_plain_words_stay_plain() -> None:
    """What needs no quotes gets none, so that a person can read the file."""
    assert yaml_scalar("pytest -q") == "pytest -q"
    assert yaml_scalar("no") == '"no"'


def test_half_a_character_is_refused() -> None:
    """What no file can hold is an error, and not a crash."""
    with pytest.raises(UsageError, match="half a character"):
        template().fill({"goal": "a\ud800b"})


def test_texts_are_filled_and_programs_are_not() -> None:
    """Markdown takes values anywhere; a script stays as it is, since there a value could become a command."""
    files = template(**{"PLAN.md": "# <<goal>> in <<laps>>, <<else>>", "run.sh": "echo <<goal>>"}).fill(
        {"goal": "$(x)"}
    )
    assert files["PLAN.md"] == "# $(x) in 8, <<else>>"
    assert files["run.sh"] == "echo <<goal>>"
    assert list(files) == ["PLAN.md", "loop.yaml", "run.sh"]


@pytest.mark.parametrize(
    ("loop", "says"),
    [
        ("goal: <<gaol>>", "demo/loop.yaml:1:7: the variable 'gaol' is not declared"),
        ("goal: reach <<goal>> soon", "<<goal>> is not a value of its own"),
        ("goal: |\n  <<goal>>\n", "<<goal>> is not a value of its own"),
        ("<<goal>>: x", "<<goal>> is not a value of its own"),
        ("goal: &a <<goal>>\nother: *a", "<<goal>> is not a value of its own"),
        ("goal: [<<goal>>", "not valid YAML"),
    ],
)
def test_placeholders_in_wrong_places_are_refused(loop: str, says: str) -> None:
    """A placeholder that could not be one value is an error with its line, and no loop is made."""
    with pytest.raises(SpecError) as caught:
        template(loop).fill({"goal": "x"})
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "the variable 'goal' needs a value: What is to be reached"),
        ({"goal": "x", "lap": "3"}, "there is no variable 'lap', the nearest is 'laps'"),
        ({"goal": "x", "laps": "many"}, "the variable 'laps' is 'many', but has to be an integer"),
        ({"goal": "x", "laps": True}, "but has to be of the type integer"),
        ({"goal": ["x"]}, "but has to be of the type text"),
    ],
)
def test_values_that_do_not_fit_are_named(given: dict[str, Any], says: str) -> None:
    """Values that are missing, unknown or of another type are told with the variable's name."""
    with pytest.raises(UsageError) as caught:
        template().fill(given)
    assert says in str(caught.value)


def test_choices_and_numbers() -> None:
    """A value has to be one of the choices; numbers may be given as text."""
    about = (
        "variables: {level: {description: How, choices: [low, high]}, part: {description: x, type: number}}"
    )
    made = template("a: <<level>>\nb: <<part>>", about)
    assert made.fill({"level": "low", "part": "0.5"})["loop.yaml"] == "a: low\nb: 0.5"
    with pytest.raises(UsageError, match="one of low, high"):
        made.fill({"level": "mid", "part": "1"})
    with pytest.raises(UsageError, match="finite"):
        made.fill({"level": "low", "part": "inf"})


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ("variables: {Goal: {description: x}}", "'Goal' cannot name a variable"),
        ("variables: {a: {description: x, type: integer, default: many}}", "has to be an integer"),
        ("variables: {a: {description: x, default: 8}}", "not of the type text"),
        ("variables: {a: {description: x, choices: [b], default: c}}", "has to be one of b"),
        ("variables: {a: {description: x, defualt: c}}", "defualt"),
        ("variables: {a: {}}", "description"),
        ("[1]", "demo/template.yaml:1:1"),
        ("a: [", "not valid YAML"),
    ],
)
def test_a_bad_description_is_told_with_its_place(about: str, says: str) -> None:
    """What is wrong with a template.yaml is an error that names the file and the variable."""
    with pytest.raises(SpecError) as caught:
        template(about=about)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../b", "a\\b", ".git/config", "x/.GIT/hooks/y", ".loopengt/config.toml", "a\nb",
             "loopengt_plugins.py", "./a", "a//b"],
)  # fmt: skip
def test_files_stay_inside_and_change_no_settings(name: str) -> None:
    """A template that would write outside of its folder, or what git or loopengt take settings from, is refused."""
    with pytest.raises(LoopengtError, match=r"is not (inside its folder|one that a template may write)$"):
        template(**{name: "x"})
