"""The gate kind ``approval``."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt_gates.approval import ApprovalGates
from loopengt_hookspecs.models import VerificationGate

Bench = Any


def gate(bench: Bench, **fields: Any) -> Any:
    """Bind an approval gate as a run would."""
    declared = VerificationGate.model_validate({"name": "sign-off", "kind": "approval", **fields})
    return ApprovalGates().bind(declared, bench.workspace)


async def test_it_asks_what_its_description_says(bench: Bench) -> None:
    """The description is the question, on one line; until it is answered the gate has not passed."""
    verdict = await gate(bench, description="Deploy\n  to production?").check(bench.request())
    assert verdict.passed is False
    assert verdict.question.text == "Deploy to production?"


async def test_without_a_description_it_names_step_and_gate(bench: Bench) -> None:
    """A person can tell from the question alone what it is about."""
    verdict = await gate(bench).check(bench.request())
    assert verdict.question.text == "Is the work of step 'work' approved? (gate 'sign-off')"


@pytest.mark.parametrize(
    ("fields", "timeout", "approves"),
    [
        ({}, None, False),
        ({"on_timeout": "approve"}, None, True),
        ({"timeout_seconds": 60}, 60.0, False),
        ({"timeout_seconds": 60, "on_timeout": "reject"}, 60.0, False),
        ({"timeout_seconds": 60, "on_timeout": "approve"}, 60.0, True),
    ],
)
async def test_only_a_declared_timeout_counts(
    bench: Bench, fields: dict[str, Any], timeout: float | None, approves: bool
) -> None:
    """The default timeout of other gates is none of an approval's; no answer approves only where it is declared."""
    question = (await gate(bench, **fields).check(bench.request())).question
    assert (question.timeout_seconds, question.approve_on_timeout) == (timeout, approves)


def test_its_plan_says_what_is_asked_and_what_silence_means(bench: Bench) -> None:
    """A dry run shows the question, and what follows without an answer."""
    assert gate(bench).plan() == "ask a person for approval"
    told = gate(bench, description="Deploy?", timeout_seconds=90, on_timeout="approve").plan()
    assert told == "ask a person: Deploy? (approved after 90 seconds without an answer)"
    assert gate(bench, timeout_seconds=90).plan().endswith("(rejected after 90 seconds without an answer)")
    assert gate(bench).missing() == []
