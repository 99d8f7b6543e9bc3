"""The gate kind ``expression``."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt.errors import ExpressionError

Bench = Any


async def check(bench: Bench, condition: str, **scope: Any) -> Any:
    """Check a condition once."""
    return await bench.gate("expression", condition=condition).check(bench.request(scope=scope))


async def test_a_true_condition_passes(bench: Bench) -> None:
    """A condition that holds passes, without feedback, and is its own proof."""
    verdict = await check(
        bench, "output.score >= 0.8 and 'ok' in output.note", output={"score": 0.9, "note": "ok!"}
    )
    assert (verdict.passed, verdict.feedback) == (True, "")
    assert verdict.proof == {"expression": "output.score >= 0.8 and 'ok' in output.note", "value": True}


async def test_a_false_condition_shows_what_it_saw(bench: Bench) -> None:
    """The feedback has the condition and each value in it, so that the next attempt can do better."""
    verdict = await check(
        bench,
        "output.score > context.least and steps['my step'].attempts == 1",
        output={"score": 0.2, "unused": "x"},
        context={"least": 0.5},
        steps={"my step": {"attempts": 3}},
    )
    assert verdict.passed is False
    assert verdict.proof["value"] is False
    assert verdict.feedback.splitlines() == [
        "The condition is not met: output.score > context.least and steps['my step'].attempts == 1",
        "  output.score = 0.2",
        "  context.least = 0.5",
        "  steps['my step'].attempts = 3",
    ]


async def test_long_values_are_shortened(bench: Bench) -> None:
    """A large output does not flood the next prompt."""
    verdict = await check(bench, "output == 'x'", output="y" * 1_000_000)
    assert len(verdict.feedback) < 400
    assert "1,000,002 characters" in verdict.feedback


async def test_a_condition_without_a_value_fails(bench: Bench) -> None:
    """A field that is not there is a failed check with the reason, never a pass."""
    verdict = await check(bench, "output.score > 0.5", output="just text")
    assert verdict.passed is False
    assert "has no value" in verdict.feedback
    assert verdict.feedback.endswith('\n  output = "just text"')
    assert "error" in verdict.proof


def test_a_bad_condition_is_refused_at_once(bench: Bench) -> None:
    """What is no expression cannot be bound, and so never judged."""
    with pytest.raises(ExpressionError):
        bench.gate("expression", condition="output ==")


def test_it_is_pure_and_needs_nothing(bench: Bench) -> None:
    """The engine may repeat it freely; a dry run shows the condition on one line."""
    gate = bench.gate("expression", condition="output\n  == 1")
    assert (gate.pure, gate.missing(), gate.plan()) == (True, [], "check that output == 1")
