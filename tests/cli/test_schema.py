"""The command ``schema``: the JSON Schema of loop.yaml, with what plugins add."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site

PLUGIN = """
@hookimpl
def loopengt_register_agents(register):
    register("parrot", "demo_parts:Parrot", summary="Says it again")

@hookimpl
def loopengt_register_gates(register):
    register("sniff", "demo_parts:Parrot", summary="Smells the result")

@hookimpl
def loopengt_register_patterns(register):
    register("spiral", "demo_parts:Parrot", summary="Round and round")

@hookimpl
def loopengt_register_stop_conditions(register):
    register("sundown", "demo_parts:Parrot", summary="Ends in the evening")
"""

PARTS = """
from pydantic import BaseModel, ConfigDict

class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    times: int

class Parrot:
    options = Options
"""


def spec(provider: str, extra: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Make a loop of one agent and one step, as data."""
    agent = {"name": "a", "config": {"provider": provider, "extra": extra}}
    return {
        "name": "demo",
        "goal": "Do it.",
        "agents": [agent],
        "steps": [{"name": "s", "agent": "a"}],
    } | parts


def test_the_schema_accepts_a_sound_spec_and_refuses_a_wrong_one(site: Site, project: Path) -> None:
    """It is a JSON Schema that tells a sound spec from one with an unknown key or option."""
    done = site.run("schema", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    validator = jsonschema_rs.validator_for(schema)
    assert validator.is_valid(spec("command", {"command": ["cat"]}))
    assert not validator.is_valid(spec("command", {"command": ["cat"]}, gaol="Do it."))
    assert not validator.is_valid(spec("command", {"comand": ["cat"]}))


def test_what_plugins_add_is_in_the_schema(site: Site, project: Path) -> None:
    """Names of providers, gate kinds, patterns and stop conditions are offered, and options are checked."""
    site.install("demo", {"demo": "demo_plugin"}, {"demo_plugin": PLUGIN, "demo_parts": PARTS})
    schema = json.loads(site.run("schema", cwd=project).stdout)
    parts = schema["$defs"]
    offered = (
        (schema, "pattern", "spiral", "repeat"),
        (parts["AgentConfig"], "provider", "parrot", "command"),
        (parts["VerificationGate"], "kind", "sniff", "command"),
        (parts["StopCondition"], "condition_type", "sundown", "max_turns"),
    )
    for part, key, name, built_in in offered:
        names = part["properties"][key]["anyOf"][0]["enum"]
        assert {name, built_in} <= set(names)
    validator = jsonschema_rs.validator_for(schema)
    assert validator.is_valid(spec("parrot", {"times": 3}, pattern="spiral"))
    assert not validator.is_valid(spec("parrot", {"times": "often"}))
    assert not validator.is_valid(spec("parrot", {}))


def test_a_disabled_plugin_adds_nothing(site: Site, project: Path) -> None:
    """What is switched off is not offered."""
    site.install("demo", {"demo": "demo_plugin"}, {"demo_plugin": PLUGIN, "demo_parts": PARTS})
    assert "spiral" not in site.run("-p", "no:demo", "schema", cwd=project).stdout


@pytest.mark.slow
def test_the_schema_can_be_written_to_a_file(site: Site, project: Path) -> None:
    """With -o the file gets what is otherwise printed, and nothing is printed."""
    printed = site.run("schema", cwd=project).stdout
    done = site.run("schema", "-o", "schema.json", cwd=project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (project / "schema.json").read_text() == printed


def test_a_file_that_cannot_be_written_is_named(site: Site, project: Path) -> None:
    """A folder that does not exist is a usage error, not a traceback."""
    done = site.run("schema", "-o", "absent/schema.json", cwd=project)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Error: absent/schema.json cannot be written: No such file or directory",
        "name a file in a folder that exists",
    ]
