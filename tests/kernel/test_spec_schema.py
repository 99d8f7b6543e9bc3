"""The JSON Schema: valid itself, true to the loader, and extended by what plugins add."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from loopengt.errors import SpecError
from loopengt.spec import KnownNames, load_spec_text, parse_document, spec_json_schema

NAMES = KnownNames(
    patterns={"sequential": "Steps in order"},
    providers={"command": "A program", "openai": "A model"},
    gate_kinds={"expression": "A condition"},
    stop_conditions={"goal_met": "All done"},
    judges={"quality": "Scores quality"},
)
OPTIONS: dict[str, dict[str, Any]] = {
    "command": {
        "$defs": {"Input": {"enum": ["stdin", "argument"]}},
        "properties": {"command": {"type": ["array", "string"]}, "input": {"$ref": "#/$defs/Input"}},
        "required": ["command"],
        "additionalProperties": False,
    },
    "openai": {"properties": {"seed": {"type": "integer"}}, "additionalProperties": False},
}
SPEC: dict[str, Any] = {
    "name": "demo",
    "goal": "Mend it",
    "pattern": "sequential",
    "agents": [
        {"name": "a", "config": {"provider": "command", "extra": {"command": ["ruff"], "input": "stdin"}}}
    ],
    "steps": [
        {"name": "s", "agent": "a", "dependencies": []},
        {"name": "t", "agent": "a", "dependencies": ["s"]},
    ],
    "policy": {"verification_gates": [{"name": "g", "kind": "schema", "schema": {"type": "object"}}]},
    "stop_conditions": [{"condition_type": "goal_met", "value": "true"}],
}


@pytest.fixture(scope="module")
def validator() -> jsonschema_rs.Draft202012Validator:
    """The schema, ready to validate."""
    schema = spec_json_schema(NAMES, OPTIONS)
    assert jsonschema_rs.meta.is_valid(schema)
    return jsonschema_rs.Draft202012Validator(schema)


@pytest.mark.slow
def test_accepts_sound_specs(validator: jsonschema_rs.Draft202012Validator) -> None:
    """A sound spec is valid, and so are the repository's examples."""
    assert validator.is_valid(SPEC)
    for path in Path(__file__).parents[2].glob("examples/*/*.yaml"):
        data = parse_document(path.read_text()).data
        if path.name == "evals.yaml":  # a suite, no loop
            continue
        plain = jsonschema_rs.Draft202012Validator(spec_json_schema(KnownNames(), {}))
        assert [str(error) for error in plain.iter_errors(data)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("goal",), ""),
        (("gaol",), "x"),
        (("agents",), []),
        (("agents", 0, "config", "extra"), {}),
        (("agents", 0, "config", "extra"), {"command": 5}),
        (("agents", 0, "config", "extra"), {"command": "x", "input": "nowhere"}),
        (("agents", 0, "config", "extra"), {"command": "x", "other": 1}),
        (("agents", 0, "config"), {"provider": "command"}),
        (("agents", 0, "config"), {"extra": {"command": "x"}}),
        (("agents", 0, "capabilities"), ["juggling"]),
        (("steps", 0, "dependencies"), [5]),
        (("policy", "verification_gates", 0, "judge"), 5),
        (("policy", "max_turns"), 0),
    ],
)
def test_refuses(
    validator: jsonschema_rs.Draft202012Validator, path: tuple[str | int, ...], value: object
) -> None:
    """What the models or a provider's options refuse, the schema refuses at the same place."""
    spec = deepcopy(SPEC)
    place: Any = spec
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert not validator.is_valid(spec)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"sequential"', '"my_patterns:run"'),
        ('"command", "extra": {"command": ["ruff"], "input": "stdin"}', '"other", "extra": {"any": 1}'),
        ('"goal_met"', '"their_kind"'),
        ('"schema", "schema"', '"schema", "schema_def"'),
        ('"schema", "schema": {"type": "object"}', '"judge", "judge": "quality"'),
        ('"schema", "schema": {"type": "object"}', '"judge", "judge": "theirs"'),
        ('["s"]', '[{"step_name": "s", "condition": "output"}]'),
    ],
)
def test_open_places(validator: jsonschema_rs.Draft202012Validator, old: str, new: str) -> None:
    """Names that other plugins may register are allowed, and so is every way to write a part."""
    import json

    text = json.dumps(SPEC)
    assert old in text
    changed = text.replace(old, new)
    load_spec_text(changed, KnownNames())
    assert validator.is_valid(json.loads(changed))


def test_offers_registered_names() -> None:
    """An editor is offered the registered names with their summaries."""
    schema = spec_json_schema(NAMES, {})
    offered = schema["$defs"]["AgentConfig"]["properties"]["provider"]["anyOf"][0]
    assert offered == {"enum": ["command", "openai"], "markdownEnumDescriptions": ["A program", "A model"]}
    assert schema["properties"]["pattern"]["anyOf"][0]["enum"] == ["sequential"]
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_options_of_the_default_provider() -> None:
    """An agent that names no provider is held to the options of the default one."""
    spec = deepcopy(SPEC)
    spec["agents"][0]["config"] = {"extra": {"seed": "x"}}
    schema = spec_json_schema(NAMES, OPTIONS)
    (error,) = jsonschema_rs.Draft202012Validator(schema).iter_errors(spec)
    assert list(error.instance_path) == ["agents", 0, "config", "extra", "seed"]


def test_schema_and_loader_agree_on_unknown_keys() -> None:
    """The loader refuses what the schema refuses: neither lets a misspelled key through."""
    with pytest.raises(SpecError, match="unknown key 'gaol'"):
        load_spec_text("gaol: x", NAMES)
