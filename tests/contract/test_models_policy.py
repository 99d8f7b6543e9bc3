"""Retry delays and verification gates."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from loopengt_hookspecs.models import BackoffKind, JudgeSpec, OnFailure, RetryPolicy, VerificationGate


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        (BackoffKind.CONSTANT, [1.5, 1.5, 1.5, 1.5, 1.5]),
        (BackoffKind.LINEAR, [1.5, 3.0, 4.5, 6.0, 7.0]),
        (BackoffKind.EXPONENTIAL, [1.5, 3.0, 6.0, 7.0, 7.0]),
    ],
)
def test_compute_delay(backoff: BackoffKind, delays: list[float]) -> None:
    """The delay grows as its kind says, from attempt 0, up to the cap."""
    policy = RetryPolicy(initial_delay_seconds=1.5, backoff=backoff, max_delay_seconds=7.0)
    assert [policy.compute_delay(attempt) for attempt in range(5)] == delays


def test_first_delay_is_capped_too() -> None:
    """An initial delay above the cap is the cap."""
    policy = RetryPolicy(initial_delay_seconds=9, backoff=BackoffKind.CONSTANT, max_delay_seconds=2)
    assert policy.compute_delay(0) == 2.0


def test_delay_of_a_huge_attempt_is_the_cap() -> None:
    """Exponential growth beyond what a float can hold ends at the cap, not in an error."""
    assert RetryPolicy().compute_delay(100_000) == 60.0


def test_negative_attempt_is_an_error() -> None:
    """Attempts are counted from 0."""
    with pytest.raises(ValueError, match="counted from 0"):
        RetryPolicy().compute_delay(-1)


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ({}, "has no condition"),
        ({"condition": "  "}, "has no condition"),
        ({"command": "pytest"}, "kind: command"),
        ({"kind": "command"}, "has no command"),
        ({"kind": "command", "command": []}, "has no command"),
        ({"kind": "command", "command": ["", "-q"]}, "has no command"),
        ({"kind": "command", "command": "  "}, "has no command"),
        ({"kind": "schema"}, "has no schema"),
        ({"kind": "schema", "schema": {}}, "has no schema"),
        ({"kind": "judge"}, "names no judge"),
    ],
)
def test_gate_without_what_its_kind_needs(gate: dict[str, Any], message: str) -> None:
    """A gate that could check nothing is refused, by its name, with what to add."""
    with pytest.raises(ValidationError, match=message) as caught:
        VerificationGate.model_validate({"name": "proof", **gate})
    assert "'proof'" in str(caught.value)


@pytest.mark.parametrize(
    "gate",
    [
        {"condition": "output.ok"},
        {"kind": "command", "command": "make test"},
        {"kind": "command", "command": ["make", "test"], "output_pattern": r"\d+ passed", "min_tests": 0},
        {"kind": "schema", "schema": {"type": "object"}},
        {"kind": "judge", "judge": {"kind": "quality", "repeat": 3}, "threshold": 1},
        {"kind": "approval"},
        {"kind": "a_plugins_kind", "metadata": {"any": "thing"}},
    ],
)
def test_gate_with_what_its_kind_needs(gate: dict[str, Any]) -> None:
    """Each kind is content with its own option, and a registered kind with none."""
    parsed = VerificationGate.model_validate({"name": "proof", **gate})
    assert parsed.model_dump(by_alias=True, exclude_unset=True) == {"name": "proof", **gate}


def test_the_name_of_a_judge_stands_for_a_declaration() -> None:
    """A judge may be named alone; it is then declared with nothing but its kind."""
    named = VerificationGate.model_validate({"name": "proof", "kind": "judge", "judge": "quality"})
    assert named.judge == JudgeSpec(kind="quality")


@pytest.mark.parametrize("key", ["schema", "schema_def"])
def test_gate_schema_by_either_key(key: str) -> None:
    """The schema is read by its YAML key and by its attribute's name."""
    gate = VerificationGate.model_validate({"name": "g", "kind": "schema", key: {"type": "object"}})
    assert gate.schema_def == {"type": "object"}


def test_gate_schema_twice_is_an_error() -> None:
    """A gate with both keys is ambiguous and refused."""
    both = {"name": "g", "kind": "schema", "schema": {"type": "object"}, "schema_def": {"type": "string"}}
    with pytest.raises(ValidationError, match="Extra inputs"):
        VerificationGate.model_validate(both)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("output_pattern", "(unclosed"),
        ("output_pattern", "a{99999999999999999999}"),
        ("min_tests", -1),
        ("threshold", 1.01),
        ("timeout_seconds", 0),
        ("on_failure", "ignore"),
        ("command", [1]),
    ],
)
def test_gate_option_out_of_bounds(option: str, value: object) -> None:
    """An option that the gate could not use is an error at its key."""
    with pytest.raises(ValidationError) as caught:
        VerificationGate.model_validate({"name": "g", "condition": "output", option: value})
    assert {error["loc"][0] for error in caught.value.errors()} == {option}


def test_gate_failure_reactions() -> None:
    """A failing gate retries, aborts or continues."""
    assert [reaction.value for reaction in OnFailure] == ["retry", "abort", "continue"]
