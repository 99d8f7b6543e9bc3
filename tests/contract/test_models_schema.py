"""The JSON Schema of a spec, as YAML editors use it."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from loopengt_hookspecs.models import AgentCapability, LoopSpec, OnFailure, PatternName

SCHEMA: dict[str, Any] = LoopSpec.model_json_schema()

SPEC: dict[str, Any] = {
    "name": "tidy",
    "goal": "A tidy project",
    "agents": [{"name": "worker", "capabilities": ["planning"]}],
    "steps": [
        {"name": "plan", "agent": "worker"},
        {"name": "mend", "agent": "worker", "dependencies": ["plan", {"step_name": "plan"}]},
    ],
    "policy": {"verification_gates": [{"name": "shape", "kind": "schema", "schema": {"type": "object"}}]},
    "stop_conditions": [{"condition_type": "goal_met", "value": "true"}],
}


def objects() -> dict[str, dict[str, Any]]:
    """The schema of every object in a spec, by the model's name."""
    parts = {"LoopSpec": SCHEMA, **SCHEMA["$defs"]}
    return {name: part for name, part in parts.items() if part.get("type") == "object"}


def test_every_key_is_described() -> None:
    """An editor can explain every object and every key."""
    silent = [
        f"{name}.{key}"
        for name, part in objects().items()
        for key, field in {"": part, **part["properties"]}.items()
        if not field.get("description")
    ]
    assert silent == []
    assert len(objects()) >= 12


def test_no_object_takes_unknown_keys() -> None:
    """An editor marks a misspelled key in any object of the spec."""
    assert {name for name, part in objects().items() if part["additionalProperties"] is not False} == set()


def test_closed_sets_are_enums() -> None:
    """An editor can complete the values of closed sets, and suggest those of open ones."""
    assert SCHEMA["$defs"]["AgentCapability"]["enum"] == [value.value for value in AgentCapability]
    assert SCHEMA["$defs"]["OnFailure"]["enum"] == [value.value for value in OnFailure]
    assert SCHEMA["properties"]["pattern"]["examples"] == [value.value for value in PatternName]


def test_schema_accepts_what_the_model_accepts() -> None:
    """A spec with short dependencies and a schema gate is valid by the schema and by the model."""
    jsonschema_rs.Draft202012Validator(SCHEMA).validate(SPEC)
    assert LoopSpec.model_validate(SPEC).steps[1].dependencies[0].step_name == "plan"


@pytest.mark.parametrize(
    "change",
    [
        {"goal": ""},
        {"agents": []},
        {"steps": [{"name": "s", "agent": "worker", "dependencies": [3]}]},
        {"steps": [{"name": "s", "agent": "worker", "effects": "twice"}]},
        {"policy": {"max_turns": 0}},
        {"unknown": 1},
    ],
)
def test_schema_refuses_what_the_model_refuses(change: dict[str, Any]) -> None:
    """A wrong shape is invalid by the schema already, in the editor."""
    assert not jsonschema_rs.Draft202012Validator(SCHEMA).is_valid({**SPEC, **change})
