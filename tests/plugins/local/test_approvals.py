"""Gates that ask a person: the run pauses, the answer is the verdict, and nothing is done twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from loopengt.approvals import Answer, Answered, decide
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.models import EndReason

SIGN_OFF = {"name": "sign-off", "kind": "approval", "description": "Deploy?"}


def deploy(*gates: str, **fields: Any) -> dict[str, Any]:
    """A step with the approval gate behind some others."""
    return {"name": "deploy", "verification_gates": [*gates, "sign-off"], **fields}


def policy(*gates: dict[str, Any], sign_off: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A policy with the approval gate and others."""
    retry = {"initial_delay_seconds": 0, "max_retries": 2}
    return {"retry": retry, "verification_gates": [*gates, SIGN_OFF | (sign_off or {})], **fields}


def questions(result: Any) -> list[str]:
    """The ids of what a run asks."""
    return [str(question["id"]) for question in result.questions]


async def answer(lab: Any, result: Any, approved: bool = True, comment: str = "", index: int = 0) -> Answered:
    """Answer a question of a paused run, as another process would."""
    said = Answer(approved, "ann@home", comment)
    return await decide(lab.memory, result.run_id, questions(result)[index], said)


async def types(lab: Any, run_id: str, *kinds: str) -> list[str]:
    """The types of a run's events that are among some."""
    return [kind for kind in await lab.types(run_id) if kind in kinds]


async def test_a_run_pauses_and_goes_on_at_the_gate(lab: Any) -> None:
    """Exit code 4 with the question; after the answer neither the agent nor the gate before is asked again."""
    lab.agent = ScriptedAgent("built")
    spec = loop_spec(deploy("ran"), policy=policy({"name": "ran", "kind": "told_slowly"}))
    paused = await run_loop(lab.kernel(), spec)
    assert (paused.end.reason, paused.end.reason.exit_code) == (EndReason.APPROVAL_REQUIRED, 4)
    assert paused.end.detail == "gate 'sign-off' of step 'deploy' asks: Deploy?"
    (asked,) = paused.questions
    facts = {"kind": "gate", "step": "deploy", "gate": "sign-off", "attempt": 1, "question": "Deploy?"}
    assert facts.items() <= asked.items()
    assert "expires_at" not in asked
    again = await resume_loop(lab.kernel(), paused.run_id)
    assert again.end == paused.end, "it pauses again for as long as nobody answers"
    assert (await answer(lab, paused, comment="fine")).ours
    ended = await resume_loop(lab.kernel(), paused.run_id)
    assert (ended.end.reason, ended.questions) == (EndReason.GOAL_MET, ())
    assert len(lab.agent.requests) == len(lab.slow_gates.checked) == 1
    assert await types(lab, paused.run_id, "approval.request") == ["approval.request"]
    (verdict,) = (
        e for e in await lab.events(paused.run_id) if e.data.get("gate") == "sign-off" and "proof" in e.data
    )
    assert verdict.type == "gate.pass"
    assert {"decision": "approved", "by": "ann@home", "comment": "fine"}.items() <= verdict.data[
        "proof"
    ].items()


async def test_a_rejection_is_the_feedback_of_the_next_attempt(lab: Any) -> None:
    """The comment reaches the agent, and its new work is asked about anew."""
    lab.agent = ScriptedAgent("first", "second")
    paused = await run_loop(lab.kernel(), loop_spec(deploy(), policy=policy()))
    await answer(lab, paused, approved=False, comment="mind the typo")
    asked = await resume_loop(lab.kernel(), paused.run_id)
    assert asked.end.reason is EndReason.APPROVAL_REQUIRED
    assert "mind the typo" in lab.agent.requests[1].prompt
    assert questions(asked) != questions(paused)
    await answer(lab, asked)
    ended = await resume_loop(lab.kernel(), paused.run_id)
    assert (ended.end.reason, ended.output) == (EndReason.GOAL_MET, "second")


@pytest.mark.parametrize(("on_failure", "retries"), [("abort", 2), ("retry", 0), ("continue", 2)])
async def test_a_rejected_run_never_ends_well(lab: Any, on_failure: str, retries: int) -> None:
    """Whatever follows a rejection, it is no approval: the run ends blocked by the gate."""
    lab.agent = ScriptedAgent("work", "more work")
    rules = policy(sign_off={"on_failure": on_failure}) | {"retry": {"max_retries": retries}}
    paused = await run_loop(lab.kernel(), loop_spec(deploy(), policy=rules))
    await answer(lab, paused, approved=False)
    ended = await resume_loop(lab.kernel(), paused.run_id)
    assert ended.end.reason is EndReason.BLOCKED
    assert "sign-off" in ended.end.detail
    assert len(lab.agent.requests) == 1


async def test_nobody_is_asked_about_refused_work(lab: Any) -> None:
    """While a gate before the approval refuses an attempt, the run does not pause."""
    lab.agent = ScriptedAgent("first", "second")
    lab.gates.verdicts["ran"] = ["tests fail"]
    spec = loop_spec(deploy("ran"), policy=policy({"name": "ran", "kind": "told"}))
    paused = await run_loop(lab.kernel(), spec)
    assert [question["attempt"] for question in paused.questions] == [2]
    assert len(lab.agent.requests) == 2


async def test_each_lap_asks_anew(lab: Any) -> None:
    """An approval of the first lap is none of the second, under ``repeat``."""
    lab.agent = ScriptedAgent(1, 2)
    spec = loop_spec(
        deploy("second"),
        pattern="repeat",
        policy=policy({"name": "second", "condition": "output == 2", "on_failure": "continue"}),
    )
    first = await run_loop(lab.kernel(), spec)
    await answer(lab, first)
    second = await resume_loop(lab.kernel(), first.run_id)
    assert second.end.reason is EndReason.APPROVAL_REQUIRED
    assert questions(second) != questions(first)
    assert len(lab.agent.requests) == 2
    await answer(lab, second)
    assert (await resume_loop(lab.kernel(), first.run_id)).end.reason is EndReason.GOAL_MET


async def test_the_first_answer_counts(lab: Any) -> None:
    """Of two people who answer at once one is told that the other was quicker; a later one is, too."""
    lab.agent = ScriptedAgent("work")
    paused = await run_loop(lab.kernel(), loop_spec(deploy(), policy=policy()))
    both = await asyncio.gather(answer(lab, paused), answer(lab, paused, approved=False))
    assert sorted(said.ours for said in both) == [False, True]
    assert both[0].decision == both[1].decision
    late = await answer(lab, paused, approved=False)
    assert (late.ours, late.decision) == (False, both[0].decision)
    assert await types(lab, paused.run_id, "approval.decision") == ["approval.decision"]


async def test_a_pause_is_no_driven_time(lab: Any) -> None:
    """The time until an answer, which stands in the journal behind the pause, does not count as the run's."""
    lab.agent = ScriptedAgent("work")
    paused = await run_loop(lab.kernel(), loop_spec(deploy(), policy=policy()))
    await asyncio.sleep(0.5)
    await answer(lab, paused)
    ended = await resume_loop(lab.kernel(), paused.run_id)
    assert ended.elapsed < paused.elapsed + 0.4


class Crashing:
    """A run on a storage that dies once; whenever it asks, attempt 1 is rejected and attempt 2 approved."""

    def __init__(self, lab: Any, storage: Any, killed: type[BaseException], run_id: str) -> None:
        self.lab = lab
        self.storage = storage
        self.died = False
        self._killed = killed
        self._run_id = run_id

    async def to_its_end(self, spec: dict[str, Any]) -> Any:
        """Go on after the crash and after each question, until the run has ended."""
        while True:
            try:
                result = await self._go_on(spec)
                if result.end.reason is not EndReason.APPROVAL_REQUIRED:
                    return result
                (asked,) = result.questions
                said = Answer(asked["attempt"] == 2, "ann@home", "not yet")
                await decide(self.storage, self._run_id, asked["id"], said)
            except self._killed:
                assert not self.died
                self.died = True
                await self.storage.bury()
                self.storage = self.lab.memory

    async def _go_on(self, spec: dict[str, Any]) -> Any:
        kernel = self.lab.kernel(storage=self.storage)
        if await self.lab.memory.rows(prefix=self._run_id):
            return await resume_loop(kernel, self._run_id)
        return await run_loop(kernel, spec, run_id=self._run_id)


@pytest.mark.slow
@pytest.mark.parametrize("durable", [True, False])
async def test_a_crash_anywhere_loses_and_doubles_nothing(
    lab: Any, dying: Any, killed: Any, durable: bool
) -> None:
    """Wherever the process dies, also in the midst of an answer, each question has one answer and one verdict."""
    lab.agent = ScriptedAgent(agents={"worker": lambda request: request.attempt})
    spec = loop_spec("plan", deploy(), "after", policy=policy())
    for at in range(1, 40):
        run = Crashing(lab, dying(lab.memory, at, durable=durable), killed, f"{at:02}-run")
        result = await run.to_its_end(spec)
        assert (result.end.reason, result.questions) == (EndReason.GOAL_MET, ())
        events = await lab.events(result.run_id)
        decided = [event.data["decision"] for event in events if event.type == "approval.decision"]
        assert decided == ["rejected", "approved"]
        verdicts = [event.type for event in events if event.type in ("gate.pass", "gate.fail")]
        assert verdicts == ["gate.fail", "gate.pass"]
        if not run.died:
            break
    assert at > 10, "it died at more places than these"
    assert not run.died
