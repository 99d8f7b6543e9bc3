"""The declarative models of a loop.yaml: defaults, strictness and the JSON round trip."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

import loopengt_hookspecs.models as models
from loopengt_hookspecs.models import (
    AgentConfig,
    AgentRole,
    Declarative,
    LoopSpec,
    LoopTrigger,
    Policy,
    RetryPolicy,
    StepDependency,
    StepSpec,
    StopCondition,
    ToolAuth,
    ToolSpec,
    VerificationGate,
)

SMALL: dict[str, Any] = {
    "name": "tidy",
    "goal": "A tidy project",
    "agents": [{"name": "worker"}],
    "steps": [{"name": "mend", "agent": "worker"}],
}

FULL: dict[str, Any] = {
    "name": "release",
    "version": "2.1",
    "description": "Writes, checks and releases.",
    "goal": "A released package",
    "pattern": "my_plugins_pattern",
    "trigger": {"trigger_type": "schedule", "config": {"cron": "0 4 * * *"}},
    "agents": [
        {
            "name": "writer",
            "description": "Writes",
            "system_prompt": "Be brief.",
            "capabilities": ["code_generation", "file_operations"],
            "input_schema": {"type": "object"},
            "output_schema": {"type": "string"},
            "tools": ["grep"],
            "timeout_seconds": 12.5,
            "retry": {"max_retries": 1, "backoff_seconds": 0.5, "backoff_multiplier": 1.5},
            "config": {
                "provider": "command",
                "model": "none",
                "temperature": 0,
                "max_tokens": 100,
                "extra": {"command": ["cat"]},
            },
            "metadata": {"owner": {"team": "x"}},
        }
    ],
    "tools": [
        {"name": "grep", "tool_type": "builtin", "schema_def": {"type": "object"}},
        {
            "name": "issues",
            "tool_type": "mcp",
            "mcp_server": "tracker",
            "auth": {"method": "bearer", "env_var": "TRACKER_TOKEN"},
        },
    ],
    "steps": [
        {"name": "write", "agent": "writer", "prompt_template": "Write {goal}"},
        {
            "name": "release",
            "agent": "writer",
            "prompt_engine": "minijinja",
            "dependencies": ["write", {"step_name": "write", "condition": "output.ok"}],
            "verification_gates": ["tests", "shape"],
            "timeout_seconds": 3,
            "allow_retry": False,
            "effects": "once",
        },
    ],
    "policy": {
        "max_turns": 7,
        "budget": {"max_tokens": 1000, "max_cost_usd": 0.5},
        "no_progress": {"max_repeats": 2},
        "verification_gates": [
            {"name": "tests", "kind": "command", "command": ["pytest", "-q"], "min_tests": 1},
            {"name": "shape", "kind": "schema", "schema": {"type": "object"}, "on_failure": "continue"},
            {"name": "good", "kind": "judge", "judge": "quality", "threshold": 0.9, "on_failure": "abort"},
        ],
    },
    "stop_conditions": [{"condition_type": "goal_met", "value": "true"}],
    "output_schema": {"schema_def": {"type": "object"}, "required_fields": ["url"]},
    "context": {"project": "demo"},
    "metadata": {"anything": [1, 2]},
}


def errors_of(model: type[Declarative], data: dict[str, Any]) -> list[tuple[str, str]]:
    """The (dotted location, message) pairs of the errors that the data provokes."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return [(".".join(map(str, error["loc"])), error["msg"]) for error in caught.value.errors()]


def test_loop_spec_defaults() -> None:
    """The smallest spec has the contract's defaults."""
    spec = LoopSpec.model_validate(SMALL)
    assert (spec.version, spec.description, spec.pattern) == ("1.0", "", "sequential")
    assert (spec.tools, spec.stop_conditions, spec.output_schema) == ([], [], None)
    assert (spec.trigger, spec.policy) == (LoopTrigger(), Policy())
    assert (spec.context, spec.metadata) == ({}, {})


@pytest.mark.parametrize("key", ["name", "goal", "agents", "steps"])
def test_loop_spec_requires(key: str) -> None:
    """Name, goal, agents and steps may be neither missing nor empty."""
    missing = {other: value for other, value in SMALL.items() if other != key}
    assert [place for place, _ in errors_of(LoopSpec, missing)] == [key]
    assert [place for place, _ in errors_of(LoopSpec, {**SMALL, key: type(SMALL[key])()})] == [key]


def test_full_spec_round_trips_through_json() -> None:
    """A spec that uses every part is equal after it was written as JSON and read again, by either key."""
    spec = LoopSpec.model_validate(FULL)
    assert LoopSpec.model_validate_json(spec.model_dump_json()) == spec
    written = spec.model_dump_json(by_alias=True, exclude_unset=True)
    assert LoopSpec.model_validate_json(written) == spec
    assert '"schema":{"type":"object"}' in written


def test_declared_models_are_frozen() -> None:
    """No attribute of a spec, or of a part of it, can be set."""
    spec = LoopSpec.model_validate(FULL)
    for part in (spec, spec.policy, spec.policy.budget, spec.agents[0].config, spec.steps[1].dependencies[0]):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, next(iter(type(part).model_fields)), None)


def test_unknown_keys_are_errors_at_their_place() -> None:
    """Every misspelled key is reported, each with its own location, all at once."""
    data = {
        **SMALL,
        "polcy": {},
        "policy": {"max_turn": 3},
        "agents": [{"name": "a", "config": {"modl": "x"}}],
    }
    found = errors_of(LoopSpec, data)
    assert sorted(place for place, _ in found) == ["agents.0.config.modl", "polcy", "policy.max_turn"]
    assert {message for _, message in found} == {"Extra inputs are not permitted"}


def test_known_keys_are_those_written_in_yaml() -> None:
    """known_keys names a field as a person writes it, so the schema gate's key is schema."""
    assert LoopSpec.known_keys()[:4] == ("name", "version", "description", "goal")
    assert "schema" in VerificationGate.known_keys()
    assert "schema_def" not in VerificationGate.known_keys()


@pytest.mark.parametrize("name", ["", " ", "x" * 129, "two\nlines", "\x1b[31mred", 7])
def test_bad_names_are_refused(name: object) -> None:
    """A name is text of 1 to 128 visible characters."""
    assert [place for place, _ in errors_of(StepSpec, {"name": name, "agent": "a"})] == ["name"]


@pytest.mark.parametrize("name", ["x" * 128, "a step", "überprüfen", "lint/fix: 1"])
def test_names_may_have_any_visible_characters(name: str) -> None:
    """Spaces, punctuation and letters of any script are part of a name."""
    assert StepSpec(name=name, agent="a").name == name


@pytest.mark.parametrize(
    ("model", "data", "place"),
    [
        (LoopSpec, {**SMALL, "description": "x" * 4097}, "description"),
        (AgentRole, {"name": "a", "description": "x" * 2049}, "description"),
        (AgentRole, {"name": "a", "capabilities": ["flying"]}, "capabilities.0"),
        (AgentConfig, {"temperature": 2.1}, "temperature"),
        (AgentConfig, {"max_tokens": 0}, "max_tokens"),
        (StepSpec, {"name": "s", "agent": "a", "timeout_seconds": 0}, "timeout_seconds"),
        (StepSpec, {"name": "s", "agent": "a", "timeout_seconds": float("inf")}, "timeout_seconds"),
        (StepSpec, {"name": "s", "agent": "a", "effects": "twice"}, "effects"),
        (StepSpec, {"name": "s", "agent": "a", "prompt_engine": "mako"}, "prompt_engine"),
        (Policy, {"max_turns": 0}, "max_turns"),
        (Policy, {"max_total_time_seconds": 0}, "max_total_time_seconds"),
        (Policy, {"max_concurrency": 0}, "max_concurrency"),
        (Policy, {"budget": {"max_tokens": 0}}, "budget.max_tokens"),
        (Policy, {"no_progress": {"max_repeats": 0}}, "no_progress.max_repeats"),
        (RetryPolicy, {"backoff": "fibonacci"}, "backoff"),
        (ToolAuth, {"method": "password"}, "method"),
    ],
)
def test_values_out_of_bounds_are_refused(model: type[Declarative], data: dict[str, Any], place: str) -> None:
    """A value outside its bounds or its closed set is an error at its place."""
    assert [found for found, _ in errors_of(model, data)] == [place]


def test_numeric_version_asks_for_quotes() -> None:
    """A version that YAML read as a number is refused with the text to type instead."""
    [(place, message)] = errors_of(LoopSpec, {**SMALL, "version": 1.1})
    assert place == "version"
    assert 'version: "1.1"' in message


def test_dependency_may_be_a_name_alone() -> None:
    """A string in dependencies is short for {step_name: …}; another type is an error at its place."""
    step = StepSpec.model_validate({"name": "s", "agent": "a", "dependencies": ["x", {"step_name": "y"}]})
    assert step.dependencies == [StepDependency(step_name="x"), StepDependency(step_name="y")]
    found = errors_of(StepSpec, {"name": "s", "agent": "a", "dependencies": [3]})
    assert [place for place, _ in found] == ["dependencies.0"]


@pytest.mark.parametrize("value", ["true", True, 1, 1.0, 0.8, None, {"a": [1]}, ["x"]])
def test_stop_condition_keeps_the_type_of_its_value(value: Any) -> None:
    """What a stop condition compares with is neither parsed nor converted."""
    kept = StopCondition(condition_type="goal_met", value=value).value
    assert kept == value
    assert type(kept) is type(value)


def test_tools_name_their_source() -> None:
    """An mcp tool needs a server and a function tool a function; each says so by the tool's name."""
    [(_, message)] = errors_of(ToolSpec, {"name": "t", "tool_type": "mcp"})
    assert "'t'" in message
    assert "mcp_server" in message
    [(_, message)] = errors_of(ToolSpec, {"name": "t"})
    assert "function_ref" in message


@pytest.mark.parametrize("kind", ["mcp", "function", "builtin"])
def test_tool_kind_predicates(kind: str) -> None:
    """Exactly one of is_mcp, is_function and is_builtin holds."""
    tool = ToolSpec.model_validate({"name": "t", "tool_type": kind, "mcp_server": "s", "function_ref": "a.b"})
    held = {"mcp": tool.is_mcp(), "function": tool.is_function(), "builtin": tool.is_builtin()}
    assert [name for name, holds in held.items() if holds] == [kind]


def test_pasted_secret_is_not_echoed() -> None:
    """A secret written in place of its variable's name is refused without being shown, at every level."""
    auth = {"env_var": "sk-1234-abcd"}
    tool = {"name": "t", "function_ref": "a.b", "auth": auth}
    for model, data in ((ToolAuth, auth), (ToolSpec, tool), (LoopSpec, {**SMALL, "tools": [tool]})):
        with pytest.raises(ValidationError) as caught:
            model.model_validate(data)
        assert "environment variable" in str(caught.value)
        assert "sk-1234" not in str(caught.value)


def test_exported_names_are_sorted_and_all_importable() -> None:
    """Every name in __all__ can be had from the package, and no other."""
    assert models.__all__ == sorted(set(models.__all__), key=lambda name: (not name.isupper(), name))
    for name in models.__all__:
        known = getattr(models, name)
        assert not isinstance(known, type) or known.__name__ == name
    with pytest.raises(AttributeError, match="NoSuchModel"):
        _ = models.NoSuchModel


def test_enums_come_without_pydantic() -> None:
    """A command can use run states and exit codes without paying for pydantic."""
    code = "import sys; from loopengt_hookspecs.models import EndReason; sys.exit('pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
