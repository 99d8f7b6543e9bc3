"""What counts as data in an agent's output, and the order of steps."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt_hookspecs.models import StepSpec
from loopengt_patterns.ordering import in_order, needed_by
from loopengt_patterns.reading import read_object, text_of


@pytest.mark.parametrize(
    "output",
    [
        {"done": True},
        '{"done": true}',
        ' \n{"done": true}\n',
        '```json\n{"done": true}\n```',
        'Well:\n\n```\n{\n"done": true\n}\n```\nThat is all.',
        '  ```JSON\n{"done": true}\n  ```',
    ],
)
def test_an_object_is_read_from_data_and_from_strict_text(output: Any) -> None:
    """The whole text, or its only fenced block, is one JSON object."""
    assert read_object(output) == {"done": True}


@pytest.mark.parametrize(
    "output",
    [
        None,
        7,
        ["passed"],
        "",
        "done: true",
        'It is {"done": true}.',
        '{"done": true} and more',
        '{"done": tru',
        '["done"]',
        '```python\n{"done": true}\n```',
        '```\n{"a": 1}\n```\n```\n{"a": 2}\n```',
        '```json\n{"done": true}',
        '{"score": NaN}',
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
)
def test_nothing_is_guessed_from_other_output(output: Any) -> None:
    """Prose with braces, several blocks, another language or broken JSON is no data."""
    assert read_object(output) == {}


def test_what_is_told_is_text() -> None:
    """A text stays as it is; other data is JSON, without escapes."""
    assert [text_of(value) for value in (None, "ü", ["ü"], {"a": 1})] == ["", "ü", '["ü"]', '{"a": 1}']


def steps(**dependencies: str) -> list[StepSpec]:
    """Steps with the names, separated by spaces, of what they depend on."""
    return [
        StepSpec.model_validate({"name": name, "agent": "x", "dependencies": needs.split()})
        for name, needs in dependencies.items()
    ]


def names(found: list[StepSpec]) -> str:
    """The steps' names."""
    return " ".join(step.name for step in found)


def test_steps_keep_their_order_as_far_as_they_can() -> None:
    """A step that is declared too early comes as soon as what it depends on is there."""
    assert names(in_order(steps(a="d", b="", c="a", d=""))) == "b d a c"
    assert names(in_order(steps(a="outside", b=""))) == "a b"


def test_what_a_step_needs_is_near_and_far_and_not_taken() -> None:
    """Steps that were taken are not needed again, nor what only they depend on."""
    declared = steps(a="", b="a", c="b", d="b c", e="")
    assert names(needed_by(declared[3], declared, ())) == "a b c"
    assert names(needed_by(declared[3], declared, {"b"})) == "c"
    assert needed_by(declared[4], declared, ()) == []
