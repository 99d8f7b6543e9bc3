"""Metrics of turns, steps and what happened within them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.evaluating import measure, read_recorded
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop
from loopengt_hookspecs.models import EvalMetrics

from .journal_kit import Told, done, end, figures, reply, start, step

if TYPE_CHECKING:
    from pathlib import Path

UNITS = {"", "seconds", "tokens", "usd", "share"}


def test_all_of_the_contract_are_there_and_say_what_they_are(tmp_path: Path) -> None:
    """Every figure of EvalMetrics is a registered metric, and each metric has a known unit and direction."""
    kernel = make_kernel(tmp_path)
    names = kernel.names("metrics")
    assert set(EvalMetrics.model_fields) <= set(names)
    for name in names:
        metric = kernel.get("metrics", name)
        assert metric.unit in UNITS
        assert metric.better in ("higher", "lower", None)


def test_a_run_that_has_just_begun_has_all_metrics(tmp_path: Path) -> None:
    """Of a run with nothing but its start, every metric gives a value of its own kind, and none fails."""
    found = figures(tmp_path, start("a"))
    figures_of_contract = EvalMetrics.model_validate({name: found[name] for name in EvalMetrics.model_fields})
    assert figures_of_contract.run_status == "running"
    assert figures_of_contract.total_steps == 1
    nothing = {name for name, value in found.items() if value is None}
    assert nothing == {"gate_pass_rate", "step_latency_p50", "step_latency_p95", "time_to_goal"}


def test_a_step_that_never_began_counts_as_one_that_was_not_completed(tmp_path: Path) -> None:
    """The items of a for_each that were completed do not hide a step that was declared and never came to its turn."""
    items = [told for name in ("a[0]", "a[1]") for told in (step(1, name), reply(2, name), done(3, name))]
    gathered = done(4, "a", items=["a[0]", "a[1]"])
    found = figures(tmp_path, start("a", "b"), *items, gathered, end(5, "stopped"))
    assert (found["total_steps"], found["completed_steps"]) == (4, 3)
    assert found["success_rate"] == 0.75


def test_skipped_and_failed_steps_are_not_completed(tmp_path: Path) -> None:
    """A skipped step counts among all, not among the completed or the failed ones."""
    failed = (5.0, "step.error", "c", {"turn": 3, "occurrence": 1, "attempt": 1, "error": "no"})
    found = figures(
        tmp_path,
        start("a", "b", "c"),
        *(step(1, "a"), reply(2, "a"), done(3, "a")),
        done(4, "b", 2, skipped="not wanted"),
        *(step(4, "c", 3), failed, end(6, "failed")),
    )
    assert [found[name] for name in ("total_steps", "completed_steps", "failed_steps")] == [3, 1, 1]
    assert found["total_turns"] == 3
    assert found["success_rate"] == 1 / 3
    assert found["run_status"] == "failed"


def test_waiting_for_a_rate_limit_is_no_retry(tmp_path: Path) -> None:
    """Attempts after an error and after a gate are retries; the same attempt after a rate limit is none."""
    retries: list[Told] = [
        (at, "step.retry", "a", {"attempt": attempt, "reason": reason, "delay": 0.0})
        for at, attempt, reason in ((2.0, 1, "rate_limit"), (3.0, 2, "error"), (4.0, 3, "gate"))
    ]
    assert figures(tmp_path, start("a"), step(1, "a"), *retries)["retries"] == 2


def test_gates_calls_and_requests_are_counted(tmp_path: Path) -> None:
    """The pass rate is that of all verdicts; calls of tools and requests to models count when they are made."""
    within: list[Told] = [
        (2.0, "model.request", "a", {"attempt": 1, "call": "model 1"}),
        (2.1, "model.error", "a", {"attempt": 1, "call": "model 1", "error": "overloaded"}),
        (2.2, "model.request", "a", {"attempt": 1, "call": "model 1"}),
        (2.3, "tool.call", "a", {"tool": "grep"}),
        (2.4, "tool.error", "a", {"tool": "grep", "error": "no"}),
    ]
    verdicts: list[Told] = [
        (4.0, kind, "a", {"gate": gate, "attempt": 1})
        for kind, gate in (("gate.pass", "x"), ("gate.fail", "y"), ("gate.pass", "z"))
    ]
    found = figures(tmp_path, start("a"), step(1, "a"), *within, reply(3, "a"), *verdicts)
    assert found["gate_pass_rate"] == 2 / 3
    assert (found["model_requests"], found["tool_calls"]) == (2, 1)


async def test_a_real_run_with_a_failing_gate(tmp_path: Path) -> None:
    """A run of the engine, whose gate refuses the first attempt, has one retry and half of its verdicts good."""
    kernel = make_kernel(tmp_path, agents=ScriptedAgent("bad", "good"))
    gates = [{"name": "good", "condition": "output == 'good'"}]
    spec = loop_spec({"name": "work", "verification_gates": ["good"]}, policy={"verification_gates": gates})
    async with kernel.storage() as storage:
        result = await run_loop(kernel, spec)
        run = await read_recorded(storage, result.run_id)
    found = measure(kernel, run)
    assert not found.errors
    assert (found["retries"], found["gate_pass_rate"], found["success_rate"]) == (1, 0.5, 1.0)
    assert found["time_to_goal"] == found["driven_seconds"]
    assert run.spec is not None
    assert run.spec.name == "demo"
