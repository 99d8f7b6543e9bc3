"""The limits and stop rules of a run hold under every pattern, with real programs as agents."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from .enforcement_kit import FINITE, STEPS, Table, every_pattern


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A project without anything but a pattern in it."""
    return Table(tmp_path)


@every_pattern
def test_max_turns(table: Table, pattern: str) -> None:
    """Not a turn more than ``policy.max_turns`` is taken."""
    result = table.run(pattern, policy={"max_turns": 3})
    assert (result.end.reason, result.end.detail) == ("exhausted", "max_turns: 3 turns were taken")
    assert len(table.calls) == 3


@every_pattern
def test_max_turns_of_the_budget(table: Table, pattern: str) -> None:
    """Nor than ``policy.budget.max_turns``."""
    result = table.run(pattern, policy={"budget": {"max_turns": 2}})
    assert result.end.reason == "exhausted"
    assert len(table.calls) == 2


@every_pattern
def test_max_total_time_seconds(table: Table, pattern: str) -> None:
    """When the time is over, the run ends, and the program that is under way with it."""
    began = time.monotonic()
    result = table.run(pattern, body="sleep 30; touch late", policy={"max_total_time_seconds": 0.2})
    assert (result.end.reason, result.end.detail) == ("exhausted", "time limit: 0.2 seconds are over")
    assert time.monotonic() - began < 10
    assert not (table.project / "late").exists()
    assert len(table.calls) <= 1  # on a slow machine the time may be over before it has begun


@every_pattern
def test_max_tokens(table: Table, pattern: str) -> None:
    """Attempts begin as long as tokens are left, and then none."""
    result = table.run(pattern, policy={"budget": {"max_tokens": 250}})
    assert result.end.reason == "exhausted"
    assert "max_tokens" in result.end.detail
    assert len(table.calls) == 3


@every_pattern
def test_max_cost_usd(table: Table, pattern: str) -> None:
    """Attempts begin as long as money is left, and then none."""
    price = {"per_call_usd": 0.1}
    result = table.run(pattern, agent={"price": price}, policy={"budget": {"max_cost_usd": 0.2}})
    assert result.end.reason == "exhausted"
    assert "max_cost_usd" in result.end.detail
    assert len(table.calls) == 2


@every_pattern
def test_budget_of_an_agent_and_of_a_step(table: Table, pattern: str) -> None:
    """An agent's budget bounds all its steps together; a step's budget bounds that step alone."""
    result = table.run(pattern, agent={"budget": {"max_tokens": 150}})
    assert (result.end.reason, len(table.calls)) == ("exhausted", 2)
    assert "agent 'worker'" in result.end.detail
    steps = {"work": {"budget": {"max_tokens": 50}}}
    result = table.run(pattern, steps=steps, policy={"max_turns": 9})
    taken = Counter(table.calls[2:])
    assert taken["work"] == 1
    if pattern in FINITE:
        assert set(taken) == set(STEPS)
    else:
        assert (result.end.reason, "step 'work'" in result.end.detail) == ("exhausted", True)


@every_pattern
@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"condition_type": "max_turns", "value": 2}, "exhausted"),
        ({"condition_type": "custom", "value": "run.turn >= 2"}, "stopped"),
        ({"condition_type": "goal_met", "value": "run.turn >= 2"}, "goal_met"),
        ({"condition_type": "quality_threshold", "value": 2}, "goal_met"),
        ({"condition_type": "manual", "value": "please-stop"}, "stopped"),
    ],
    ids=lambda value: value["condition_type"] if isinstance(value, dict) else "",
)
def test_stop_conditions(table: Table, pattern: str, condition: dict[str, Any], reason: str) -> None:
    """Each kind is asked before every turn, and the end names it."""
    body = '[ "$(wc -l < .loopengt/calls)" -lt 2 ] || touch please-stop'
    more = ', "score": \'"$(wc -l < .loopengt/calls | tr -d " ")"\''
    # The score of evaluator_optimizer's judge would end it by itself, but passed goes before it.
    result = table.run(pattern, body=body, more=more, stop_conditions=[condition])
    assert result.end.reason == reason
    assert condition["condition_type"] in result.end.detail
    assert len(table.calls) == 2


@every_pattern
def test_stop_condition_timeout(table: Table, pattern: str) -> None:
    """``timeout`` ends the run in the midst of a turn."""
    stop = {"condition_type": "timeout", "value": 0.2}
    result = table.run(pattern, body="sleep 30", stop_conditions=[stop])
    assert result.end.reason == "exhausted"
    assert "stop condition timeout" in result.end.detail
    assert len(table.calls) <= 1  # on a slow machine the time may be over before it has begun


@every_pattern
def test_no_progress(table: Table, pattern: str) -> None:
    """An answer that is refused over and over for the same reason ends the run."""
    gates = [{"name": "never", "condition": "output.passed"}]
    policy = {"no_progress": {"max_repeats": 2}, "verification_gates": gates, "retry": {"max_retries": 50}}
    steps = {"work": {"verification_gates": ["never"]}}
    result = table.run(pattern, steps=steps, policy=policy | {"max_turns": 60})
    assert result.end.reason == "no_progress"
    assert "max_repeats: 2" in result.end.detail
    assert table.calls.count("work") in (3, 4)
