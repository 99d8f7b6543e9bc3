"""Gates are run by the engine, in order, on their own time, and fail closed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.engines import RunRequest
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.gates import GateVerdict
from loopengt_hookspecs.models import EndReason, LoopSpec


def gated(*gates: str, kind: str = "told", retries: int = 1, **fields: Any) -> dict[str, Any]:
    """A loop of one step with gates whose verdicts are told."""
    declared = [{"name": name, "kind": kind, **fields} for name in gates]
    step = {"name": "work", "verification_gates": list(gates)}
    retry = {"initial_delay_seconds": 0, "max_retries": retries}
    return loop_spec(step, policy={"verification_gates": declared, "retry": retry})


async def test_every_failed_gate_is_told(lab: Any) -> None:
    """All gates are checked at each attempt, and the next attempt hears of all that failed."""
    lab.gates.verdicts = {"one": ["not this"], "two": [True], "three": ["nor that"]}
    agent = ScriptedAgent("a", "b")
    result = await run_loop(lab.kernel(agents=agent), gated("one", "two", "three"))
    assert result.end.reason is EndReason.GOAL_MET
    assert agent.requests[1].feedback == "[one] not this\n\n[three] nor that"
    assert [name for name, _ in lab.gates.checked] == ["one", "two", "three"] * 2
    assert [request.result.output for _, request in lab.gates.checked] == ["a"] * 3 + ["b"] * 3


async def test_an_aborting_gate_ends_the_checks(lab: Any) -> None:
    """After an aborting gate no further gate is asked, and no further attempt is made."""
    lab.gates.verdicts = {"one": ["never"]}
    agent = ScriptedAgent("a", "b")
    result = await run_loop(lab.kernel(agents=agent), gated("one", "two", on_failure="abort"))
    assert result.end.reason is EndReason.BLOCKED
    assert [name for name, _ in lab.gates.checked] == ["one"]
    assert len(agent.requests) == 1


async def test_an_impure_gate_finds_the_agents_work_durable(lab: Any) -> None:
    """Before a gate that takes its time is checked, the agent's answer is in the journal."""
    written: list[list[str]] = []

    async def look(request: Any) -> bool:
        written.append(await lab.types(request.run_id))
        return True

    lab.slow_gates.verdicts = {"one": [look], "two": [look]}
    await run_loop(lab.kernel(agents=ScriptedAgent("a")), gated("one", "two", kind="told_slowly"))
    begun = ["loop.start", "step.start", "agent.invoke", "agent.response"]
    assert written == [begun, [*begun, "gate.pass"]]


async def test_a_pure_gate_costs_no_append_of_its_own(lab: Any, dying: Any) -> None:
    """With pure gates a step is written in one append, the answer, the verdicts and the completion together."""
    storage = dying(lab.memory, at=1000, durable=True)
    await run_loop(lab.kernel(storage=storage, agents=ScriptedAgent("a")), gated("one", "two"))
    assert storage.appends == 3  # the creation, the step, the end


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (ZeroDivisionError("boom"), "could not be checked: boom"),
        (KeyError(), "could not be checked: KeyError"),
        (None, "could not be checked"),
        ("", "failed without saying why"),
        (GateVerdict(1), "failed without saying why"),  # type: ignore[arg-type]  # a gate that says it wrongly
        (GateVerdict(True, proof={"seen": object()}), "could not be checked: not JSON data"),
    ],
)
async def test_a_gate_that_cannot_be_understood_has_not_passed(verdict: Any, words: str, lab: Any) -> None:
    """An exception, a verdict that is none, a truthy value or an unwritable proof are failures."""

    async def say(_: object) -> Any:
        if isinstance(verdict, Exception):
            raise verdict
        return GateVerdict(False, "") if verdict == "" else verdict

    lab.gates.verdicts = {"one": [say]}
    result = await run_loop(lab.kernel(agents=ScriptedAgent("a", "b")), gated("one", retries=0))
    assert result.end.reason is EndReason.BLOCKED
    failed = next(event for event in await lab.events(result.run_id) if event.type == "gate.fail")
    assert words in failed.data["feedback"]


async def test_a_gate_that_takes_too_long_is_ended(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine enforces timeout_seconds of a gate that does not, and the attempt fails."""
    monkeypatch.setattr("loopengt_local.gating.GRACE_SECONDS", 0.0)

    async def hang(_: object) -> bool:
        await asyncio.Event().wait()
        return True

    lab.gates.verdicts = {"one": [hang]}
    agent = ScriptedAgent("a", "b")
    result = await run_loop(lab.kernel(agents=agent), gated("one", timeout_seconds=0.05))
    assert result.end.reason is EndReason.GOAL_MET
    assert agent.requests[1].feedback == "[one] the gate took longer than its 0.05 seconds"


async def test_a_missing_program_is_checked_again_after_it_was_mended(lab: Any) -> None:
    """The answer is kept: resume checks it without asking the agent again."""
    lab.slow_gates.verdicts = {"one": [MissingRequirement("no frob", remedy="pip install frob"), True]}
    agent = ScriptedAgent("a")
    spec = gated("one", kind="told_slowly")
    failed = await run_loop(lab.kernel(agents=agent), spec)
    assert failed.end.reason is EndReason.FAILED
    assert "pip install frob" in failed.end.detail
    ended = await resume_loop(lab.kernel(agents=agent), failed.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    assert len(agent.requests) == 1


async def test_verdicts_that_are_recorded_are_not_asked_for_again(lab: Any, dying: Any, killed: Any) -> None:
    """After a crash between two impure gates only the second is checked."""
    storage = dying(lab.memory, at=3, durable=True)  # the creation, the answer, the first verdict
    spec = gated("one", "two", kind="told_slowly")
    with pytest.raises(killed):
        await run_loop(lab.kernel(storage=storage, agents=ScriptedAgent("a")), spec, run_id="r")
    await storage.bury()
    assert [name for name, _ in lab.slow_gates.checked] == ["one"]
    agent = ScriptedAgent()
    assert (await resume_loop(lab.kernel(agents=agent), "r")).end.reason is EndReason.GOAL_MET
    assert [name for name, _ in lab.slow_gates.checked] == ["one", "two"]
    assert agent.requests == []


async def test_expressions_see_the_step_the_lap_and_the_run(lab: Any) -> None:
    """A gate's condition can use output, result, steps, context, lap and run, of this very turn."""
    condition = (
        "output.n == 1 and result.error is none and steps.first.output == 'f' and context.limit == 5 "
        "and lap == 1 and run.turn == 2 and run.tokens == 0"
    )
    step = {"name": "second", "verification_gates": ["all"]}
    spec = loop_spec(
        "first",
        step,
        context={"limit": 5},
        policy={"verification_gates": [{"name": "all", "condition": condition}]},
    )
    result = await run_loop(lab.kernel(agents=ScriptedAgent("f", {"n": 1})), spec)
    assert result.end.reason is EndReason.GOAL_MET, result.end.detail


async def test_long_feedback_reaches_the_next_attempt_whole_and_the_journal_as_a_blob(lab: Any) -> None:
    """A gate that says 200 KB is heard in full, live and after a crash, and the journal stays small."""
    words = "word " * 40_000
    lab.gates.verdicts = {"one": [words]}
    agent = ScriptedAgent("a", MissingRequirement("no frob"), "b")
    failed = await run_loop(lab.kernel(agents=agent), gated("one"))
    raw = [batch.payload async for batch in lab.memory.read(failed.run_id)]
    assert sum(map(len, raw)) < 10_000
    await resume_loop(lab.kernel(agents=agent), failed.run_id)
    assert [request.feedback for request in agent.requests] == ["", f"[one] {words}", f"[one] {words}"]


async def test_the_plan_says_what_would_be_executed_and_what_is_missing(lab: Any) -> None:
    """A plan names step, agent, provider and gates with their commands, and executes nothing."""
    kernel = lab.kernel()
    command = {"name": "lint", "kind": "command", "command": ["no-such-program-anywhere", "check"]}
    step = {"name": "work", "verification_gates": ["lint"]}
    spec = LoopSpec.model_validate(loop_spec(step, policy={"verification_gates": [command]}))
    plan = kernel.engine().plan(RunRequest(spec))
    assert [(part.step, part.agent, part.provider, part.executes) for part in plan] == [
        ("work", "worker", "scripted", "answer from a script")
    ]
    assert plan[0].gates == ["lint: no-such-program-anywhere check"]
    assert "no-such-program-anywhere" in plan[0].missing[0]
    assert lab.agent.requests == []


async def test_gates_of_another_kind_are_bound_once_for_a_loop(lab: Any) -> None:
    """A kind binds its gate when the loop is bound, not at each check."""
    bound = []

    class Counting:
        def bind(self, gate: Any, project: Any) -> Any:
            bound.append(gate.name)

            async def check(_: object) -> GateVerdict:
                return GateVerdict(len(bound) == 1)

            return SimpleNamespace(pure=True, plan=str, missing=list, check=check)

    lab.gates = Counting()
    spec = gated("one")
    spec["steps"].append({"name": "more", "agent": "worker", "verification_gates": ["one"]})
    result = await run_loop(lab.kernel(agents=ScriptedAgent("a", "b")), spec)
    assert result.end.reason is EndReason.GOAL_MET
    assert bound == ["one"]
