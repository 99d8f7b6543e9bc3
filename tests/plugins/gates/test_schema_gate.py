"""The gate kind ``schema``."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt_hookspecs.errors import UsageError

Bench = Any
PERSON = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "integer"}}},
    "additionalProperties": False,
}


async def test_a_valid_output_passes(bench: Bench) -> None:
    """Data that fits the schema passes."""
    verdict = await bench.schema(PERSON, {"name": "x", "tags": [1]})
    assert (verdict.passed, verdict.feedback, verdict.proof) == (True, "", {"violations": []})


async def test_every_violation_has_its_place(bench: Bench) -> None:
    """The feedback lists each violation with its path from the output down."""
    verdict = await bench.schema(PERSON, {"tags": [1, "two"], "odd key": 1})
    assert verdict.passed is False
    lines = verdict.feedback.splitlines()[1:]
    assert any(line.startswith("- $.tags[1]: ") and "integer" in line for line in lines)
    assert any(line.startswith("- $: ") and '"name" is a required property' in line for line in lines)
    assert any("odd key" in line for line in lines)
    assert len(verdict.proof["violations"]) == 3


async def test_at_most_twenty_are_listed(bench: Bench) -> None:
    """A thousand violations, or huge values, do not flood the next prompt."""
    verdict = await bench.schema({"type": "array", "items": {"type": "integer"}}, ["x" * 10_000] * 1_000)
    assert len(verdict.proof["violations"]) == 20
    assert verdict.feedback.endswith("- and more")
    assert len(verdict.feedback) < 8_000


@pytest.mark.parametrize(
    ("schema", "output", "passes"),
    [
        (PERSON, '{"name": "x"}', True),
        (PERSON, ' \n{"name": 1}\n', False),
        (PERSON, "Here it is: {}", False),
        ({"required": ["name"]}, "no json", False),
        ({"required": ["name"]}, '{"name": 1}', True),
        ({"allOf": [{}, {"type": "object", "required": ["name"]}]}, "no json", False),
        ({"$ref": "#/$defs/p", "$defs": {"p": PERSON}}, '{"name": "x"}', True),
        ({"$ref": "#/$defs/p", "$defs": {"p": PERSON}}, "no json", False),
        ({"type": "string", "maxLength": 3}, "123", True),
        ({"type": ["string", "null"]}, "null", True),
        ({"enum": ["yes", "no"]}, "yes", True),
        ({"enum": [1, 2]}, "2", True),
        ({"const": "12"}, "12", True),
        ({"pattern": "^a"}, "[1]", False),
        ({"anyOf": [{"type": "object"}, {"type": "string"}]}, "words", True),
        ({"oneOf": [{"type": "object"}, {"type": "array"}]}, "words", False),
        ({"type": "number"}, "42", True),
        ({"not": {"type": "null"}}, "words", True),
        ({"not": {"type": "null"}}, "null", False),
    ],
)
async def test_text_is_read_as_json_unless_text_is_wanted(
    bench: Bench, schema: dict[str, Any], output: str, passes: bool
) -> None:
    """Agents print JSON as text; only a schema that is about text takes it as it is."""
    assert (await bench.schema(schema, output)).passed is passes


async def test_text_that_is_not_json_says_so(bench: Bench) -> None:
    """The feedback tells the agent to leave the talk out."""
    verdict = await bench.schema(PERSON, "Sure! Here is your JSON")
    assert "must be JSON alone" in verdict.feedback
    assert "Sure! Here" in verdict.feedback


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$ref": "https://example.com/schema.json"}, "another document"),
        ({"$ref": "file:///etc/passwd"}, "another document"),
        ({"$schema": "https://example.com/meta", "type": "object"}, "cannot be used"),
        ({"type": "objekt"}, r"at \$\.type: .*objekt"),
        ({"properties": {"a": {"pattern": "("}}}, r"at \$\.properties\.a\.pattern"),
    ],
)
def test_an_unusable_schema_is_refused_at_once(bench: Bench, schema: dict[str, Any], words: str) -> None:
    """A schema that is none, or that would have to be fetched, cannot be bound; nothing is fetched."""
    with pytest.raises(UsageError, match=words) as caught:
        bench.gate("schema", schema=schema)
    assert "gate 'proof'" in caught.value.message


def test_it_is_pure_and_needs_nothing(bench: Bench) -> None:
    """The engine may repeat it freely; a dry run names the required properties."""
    gate = bench.gate("schema", schema=PERSON)
    assert (gate.pure, gate.missing()) == (True, [])
    assert gate.plan() == "validate the output against the schema (required: name)"
