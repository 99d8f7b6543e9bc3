"""Gates, retries, dependencies and all else that a step declares hold under every pattern, with real programs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from loopengt.testing import loop_spec

from .enforcement_kit import FINITE, STEPS, Table, every_pattern


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A project without anything but a pattern in it."""
    return Table(tmp_path)


@every_pattern
def test_a_gate_that_aborts(table: Table, pattern: str) -> None:
    """``on_failure: abort`` blocks the run, and nothing follows."""
    gates = [{"name": "never", "condition": "output.passed", "on_failure": "abort"}]
    result = table.run(
        pattern, steps={"work": {"verification_gates": ["never"]}}, policy={"verification_gates": gates}
    )
    assert result.end.reason == "blocked"
    assert table.calls[-1] == "work"
    assert table.calls.count("work") == 1


@every_pattern
def test_a_gate_that_lets_go_on(table: Table, pattern: str) -> None:
    """``on_failure: continue`` goes on without another attempt, and never ends as a success."""
    gates = [{"name": "never", "condition": "output.passed", "on_failure": "continue"}]
    policy = {"verification_gates": gates, "max_turns": 8, "retry": {"max_retries": 5}}
    result = table.run(pattern, steps={"work": {"verification_gates": ["never"]}}, policy=policy)
    after = table.calls[table.calls.index("work") + 1 :]
    assert after
    assert not table.of("step.retry")
    assert result.end.reason == ("blocked" if pattern in FINITE else "exhausted")


@every_pattern
def test_a_gate_that_has_it_tried_again(table: Table, pattern: str) -> None:
    """``on_failure: retry`` has the agent called again, with the failure as feedback, as often as allowed."""
    body = 'printf "%s\\n" "$LOOPENGT_FEEDBACK" | grep -q never && touch told'
    gates = [{"name": "never", "condition": "output.passed"}]
    policy = {"verification_gates": gates, "max_turns": 7, "retry": {"max_retries": 2}}
    result = table.run(pattern, body=body, steps={"work": {"verification_gates": ["never"]}}, policy=policy)
    assert (table.project / "told").exists()
    if pattern == "repeat":  # there the next lap is the next attempt
        assert (result.end.reason, table.calls.count("work")) == ("exhausted", 2)
    else:
        assert (result.end.reason, table.calls.count("work")) == ("blocked", 3)


@every_pattern
def test_timeout_seconds_of_a_step(table: Table, pattern: str) -> None:
    """An attempt that takes too long is ended, and what its program would have done later never happens."""
    body = '[ "$LOOPENGT_STEP" != work ] || { sleep 30; touch late; }'
    began = time.monotonic()
    result = table.run(pattern, body=body, steps={"work": {"timeout_seconds": 0.2}})
    assert result.end.reason == "failed"
    assert "took longer than its 0.2 seconds" in result.end.detail
    assert time.monotonic() - began < 10
    assert not (table.project / "late").exists()


@every_pattern
def test_fail_fast(table: Table, pattern: str) -> None:
    """With it nothing follows a failed step; without it the others go on; neither is a success."""
    body = '[ "$LOOPENGT_STEP" != work ] || exit 7'
    result = table.run(pattern, body=body)
    assert (result.end.reason, result.end.reason.exit_code) == ("failed", 1)
    assert table.calls[-1] == "work"
    first = len(table.calls)
    result = table.run(pattern, body=body, policy={"fail_fast": False, "max_turns": 6})
    calls = table.calls[first:]
    assert calls[calls.index("work") + 1 :]
    assert result.end.reason in ("failed", "exhausted")


@every_pattern
def test_retries_of_errors(table: Table, pattern: str) -> None:
    """An error that is worth it is tried again, as often as ``retry.max_retries`` says; one that is not, is not."""
    body = '[ "$LOOPENGT_STEP" != work ] || exit 7'
    retry = {"max_retries": 2, "initial_delay_seconds": 0, "retryable_errors": ["AgentError"]}
    once = {"max_retries": 0 if pattern == "repeat" else 2, "retryable_errors": ["ConnectionError"]}
    assert table.run(pattern, body=body, policy={"retry": once}).end.reason == "failed"
    assert table.calls.count("work") == 1
    result = table.run(pattern, body=body, policy={"retry": retry, "max_turns": 4})
    assert result.end.reason in ("failed", "exhausted")
    attempts = [data["attempt"] for data in table.of("agent.error", "work")]
    assert attempts[:3] == [1, 2, 3]
    assert max(attempts) == 3


@every_pattern
def test_a_dependency_whose_condition_is_false(table: Table, pattern: str) -> None:
    """The step is skipped, and so is what depends on it; neither agent is called."""
    steps = {
        "more": {"dependencies": [{"step_name": "lead", "condition": "output.passed"}]},
        "last": {"dependencies": ["more"]},
    }
    table.run(pattern, next="last", steps=steps, policy={"max_turns": 8})
    assert "lead" in table.calls
    assert {"more", "last"}.isdisjoint(table.calls)
    assert table.of("step.complete", "more")[0]["skipped"] == "not lead: output.passed"
    assert table.of("step.complete", "last")[0]["skipped"] == "more skipped"


@every_pattern
def test_a_dependency_comes_first(table: Table, pattern: str) -> None:
    """A step is never taken before one that it depends on, wherever that is declared."""
    steps = {"work": {"dependencies": ["last"]}, "more": {"dependencies": [{"step_name": "work"}]}}
    result = table.run(pattern, next="more", steps=steps, policy={"max_turns": 8})
    if pattern == "custom":  # one that does not heed them is not let through
        assert (result.end.reason, table.calls) == ("failed", ["lead"])
        assert "step 'work' depends on 'last', which has not run yet" in result.end.detail
        return
    first = {name: table.calls.index(name) for name in ("last", "work", "more")}
    assert first["last"] < first["work"] < first["more"]


@every_pattern
def test_a_loop_cannot_end_well_with_an_output_that_does_not_fit(table: Table, pattern: str) -> None:
    """Whoever says that the goal is met, the loop's ``output_schema`` and ``required_fields`` have to hold."""
    stop = {"condition_type": "goal_met", "value": "run.turn >= 2"}
    schema = {"schema_def": {"properties": {"passed": {"const": True}}}, "required_fields": ["proof"]}
    result = table.run(pattern, stop_conditions=[stop], output_schema=schema)
    assert len(table.calls) == 2
    assert result.end.reason == "blocked"
    assert "$.passed" in result.end.detail
    assert "proof" in result.end.detail


@every_pattern
def test_what_a_supervisor_says_does_not_make_good_what_failed(table: Table, pattern: str) -> None:
    """An output that says done, passed and all does not outweigh a gate that fails."""
    gates = [{"name": "never", "condition": "output.proof", "on_failure": "continue"}]
    body = """printf '{"done": true, "passed": true, "score": 1}'; exit 0"""
    steps = {"lead": {"verification_gates": ["never"]}}
    result = table.run(pattern, body=body, steps=steps, policy={"verification_gates": gates, "max_turns": 6})
    assert result.end.reason in ("blocked", "exhausted")
    assert result.end.reason.exit_code == 3


@every_pattern
def test_an_approval(table: Table, pattern: str) -> None:
    """A gate that asks a person has the run wait; nothing passes in the meantime."""
    gates = [{"name": "sign-off", "kind": "approval"}]
    result = table.run(
        pattern, steps={"work": {"verification_gates": ["sign-off"]}}, policy={"verification_gates": gates}
    )
    assert (result.end.reason, result.end.reason.exit_code) == ("approval_required", 4)
    assert [question["gate"] for question in result.questions] == ["sign-off"]
    assert table.calls.count("work") == 1
    assert not table.of("gate.pass")


@every_pattern
def test_output_schema_of_an_agent(table: Table, pattern: str) -> None:
    """An answer that does not fit is not accepted, and the next attempt is told the place."""
    body = 'printf "%s" "$LOOPENGT_FEEDBACK" | grep -q "[$].passed" && touch told'
    policy = {"retry": {"max_retries": 1}, "max_turns": 5}
    schema = {"properties": {"passed": {"const": True}}}
    result = table.run(pattern, body=body, agent={"output_schema": schema}, policy=policy)
    assert result.end.reason in ("blocked", "exhausted")
    assert (table.project / "told").exists()
    assert not table.of("gate.pass")


@every_pattern
def test_input_schema_of_an_agent(table: Table, pattern: str) -> None:
    """An agent that would be given what does not fit is not called."""
    schema = {"required": ["ticket"], "properties": {"ticket": {"type": "integer"}}}
    result = table.run(pattern, agent={"input_schema": schema}, context={"ticket": "seven"})
    assert result.end.reason == "failed"
    assert table.calls == []
    result = table.run(
        pattern, agent={"input_schema": schema}, context={"ticket": 7}, policy={"max_turns": 2}
    )
    assert len(table.calls) == 2


@every_pattern
def test_for_each(table: Table, pattern: str) -> None:
    """Every item is worked on once, and each takes a turn."""
    steps = {"work": {"for_each": "context.numbers"}}
    table.run(pattern, steps=steps, context={"numbers": [1, 2, 3]}, policy={"max_turns": 6})
    assert len(table.calls) == 6
    first = table.calls[: table.calls.index("work[2]") + 1]
    assert [name for name in first if name.startswith("work")] == ["work[0]", "work[1]", "work[2]"]
    assert table.of("step.complete", "work")[0]["items"] == ["work[0]", "work[1]", "work[2]"]


@every_pattern
def test_a_step_that_may_happen_once(table: Table, pattern: str) -> None:
    """Neither an error nor a failed gate has a step with ``effects: once`` executed again."""
    gates = [{"name": "never", "condition": "output.proof"}]
    policy = {
        "verification_gates": gates,
        "retry": {"max_retries": 0 if pattern == "repeat" else 3, "initial_delay_seconds": 0},
    }
    once = {"effects": "once", "verification_gates": ["never"]}
    result = table.run(pattern, steps={"work": once}, policy={**policy, "max_turns": 4})
    assert result.end.reason in ("blocked", "exhausted")
    assert table.calls.count("work") == 1
    policy["retry"] = {**policy["retry"], "retryable_errors": ["AgentError"]}
    result = table.run(pattern, body="exit 3", steps={"lead": {"effects": "once"}}, policy=policy)
    assert result.end.reason == "failed"
    assert table.of("agent.error", "lead")[-1]["attempt"] == 1
    assert not table.of("step.retry")


@every_pattern
def test_allow_retry(table: Table, pattern: str) -> None:
    """``allow_retry: false`` means one attempt, whatever the policy says."""
    policy = {"retry": {"max_retries": 3, "initial_delay_seconds": 0, "retryable_errors": ["AgentError"]}}
    steps = {name: {"allow_retry": False} for name in STEPS}
    result = table.run(pattern, body="exit 3", steps=steps, policy={**policy, "max_turns": 2})
    assert result.end.reason in ("failed", "exhausted")
    assert {data["attempt"] for data in table.of("agent.error")} == {1}


@every_pattern
def test_checkpoint(table: Table, pattern: str) -> None:
    """A step that asks for it leaves a checkpoint each time that it is completed."""
    table.run(pattern, steps={"work": {"checkpoint": True}}, policy={"max_turns": 4})
    assert len(table.of("checkpoint.save")) == table.calls.count("work") > 0


@every_pattern
def test_a_step_that_is_a_loop(table: Table, pattern: str) -> None:
    """The child's turns are its own, its end decides; a handoff takes agents only, and says so."""
    gate = {"name": "never", "condition": "false", "on_failure": "abort"}
    program = {"command": "echo inner | tee -a .loopengt/calls"}
    child = loop_spec(
        {"name": "inner", "verification_gates": ["never"]},
        agents=[{"name": "worker", "config": {"provider": "command", "extra": program}}],
        policy={"verification_gates": [gate]},
    )
    (table.project / "child.yaml").write_text(json.dumps(child))
    result = table.run(pattern, steps={"work": {"loop": "child.yaml"}})
    if pattern.startswith("handoff"):
        assert "only agents hand work to each other" in result.end.detail
        assert table.calls == []
    else:
        assert result.end.reason == "failed"
        assert table.calls == ["lead", "inner"]
