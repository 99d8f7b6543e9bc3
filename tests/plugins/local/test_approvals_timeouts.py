"""Approvals that nobody answers in time, whatever the clock does meanwhile."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.approvals import Answer, answer_by_timeout, decide, seconds_left
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest

MINUTE = 60.0


class Clock:
    """The wall clock as approvals see it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A wall clock that the test sets."""
    clock = Clock()
    monkeypatch.setattr("loopengt.approvals.time", clock)
    monkeypatch.setattr("loopengt_local.approvals.time", clock)
    return clock


def spec(**gate: Any) -> dict[str, Any]:
    """A step that a person is asked about, and has a minute for that."""
    sign_off = {"name": "sign-off", "kind": "approval", "timeout_seconds": MINUTE, **gate}
    step = {"name": "deploy", "verification_gates": ["sign-off"]}
    retry = {"initial_delay_seconds": 0, "max_retries": 1}
    return loop_spec(step, policy={"verification_gates": [sign_off], "retry": retry})


async def decisions(lab: Any, run_id: str) -> list[tuple[str, str]]:
    """What was decided in a run, and by whom."""
    found = [event.data for event in await lab.events(run_id) if event.type == "approval.decision"]
    return [(data["decision"], data["by"]) for data in found]


async def test_silence_rejects(lab: Any, clock: Clock) -> None:
    """Without another word in the spec, the time without an answer is a rejection, and the agent is told so."""
    lab.agent = ScriptedAgent("first", "second")
    paused = await run_loop(lab.kernel(), spec())
    assert paused.questions[0]["on_timeout"] == "reject"
    clock.ahead = MINUTE - 5
    early = await resume_loop(lab.kernel(), paused.run_id)
    assert early.end.reason is EndReason.APPROVAL_REQUIRED
    clock.ahead = MINUTE + 5
    late = await resume_loop(lab.kernel(), paused.run_id)
    assert late.end.reason is EndReason.APPROVAL_REQUIRED, "its new work is asked about"
    assert "nobody answered within 60 seconds" in lab.agent.requests[1].prompt
    assert await decisions(lab, paused.run_id) == [("rejected", "timeout")]


async def test_silence_approves_only_where_the_spec_says_so(lab: Any, clock: Clock) -> None:
    """With ``on_timeout: approve`` the run goes on, and its journal says that it was nobody's approval."""
    lab.agent = ScriptedAgent("work")
    paused = await run_loop(lab.kernel(), spec(on_timeout="approve"))
    clock.ahead = MINUTE + 5
    ended = await resume_loop(lab.kernel(), paused.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    assert await decisions(lab, paused.run_id) == [("approved", "timeout")]


async def test_without_a_timeout_it_waits_for_ever(lab: Any, clock: Clock) -> None:
    """The timeout that other gates have by default decides nothing, even where silence would approve."""
    lab.agent = ScriptedAgent("work")
    endless = spec(on_timeout="approve")
    del endless["policy"]["verification_gates"][0]["timeout_seconds"]
    paused = await run_loop(lab.kernel(), endless)
    clock.ahead = 1e9
    again = await resume_loop(lab.kernel(), paused.run_id)
    assert again.end.reason is EndReason.APPROVAL_REQUIRED
    assert await decisions(lab, paused.run_id) == []


async def test_an_answer_after_the_time_comes_too_late(lab: Any, clock: Clock) -> None:
    """A person who approves afterwards is told that the timeout has decided."""
    lab.agent = ScriptedAgent("work")
    paused = await run_loop(lab.kernel(), spec())
    clock.ahead = MINUTE + 5
    said = await decide(lab.memory, paused.run_id, paused.questions[0]["id"], Answer(True, "ann@home"))
    assert (said.ours, said.decision["decision"], said.decision["by"]) == (False, "rejected", "timeout")
    assert await decisions(lab, paused.run_id) == [("rejected", "timeout")]


async def test_the_time_runs_while_other_branches_work(lab: Any) -> None:
    """The step goes on by itself when its time is over; the run does not pause, nor does the gate's deadline strike."""

    async def works(request: AgentRequest) -> str:
        async with asyncio.timeout(20):
            while True:
                if await decisions(lab, request.run_id):
                    return "done"
                await asyncio.sleep(0.01)

    lab.agent = ScriptedAgent(steps={"deploy": ["work"], "works": [works]})
    declared = spec(timeout_seconds=0.2, on_timeout="approve")
    declared["steps"].append({"name": "works", "agent": "worker"})
    ended = await run_loop(lab.kernel(), declared | {"pattern": "parallel_fan_out"})
    assert ended.end.reason is EndReason.GOAL_MET
    assert "loop.pause" not in await lab.types(ended.run_id)


async def test_a_clock_that_is_set_back_neither_approves_early_nor_waits_for_ever(
    lab: Any, clock: Clock
) -> None:
    """The time begins anew by the new clock: the run waits for one more minute, not until the old one has come."""
    lab.agent = ScriptedAgent("work")
    paused = await run_loop(lab.kernel(), spec(on_timeout="approve"))
    clock.ahead = -1e6
    back = await resume_loop(lab.kernel(), paused.run_id)
    assert back.end.reason is EndReason.APPROVAL_REQUIRED
    (question,) = back.questions
    assert question["expires_at"] < paused.questions[0]["expires_at"] - 9e5
    clock.ahead = -1e6 + MINUTE + 5
    ended = await resume_loop(lab.kernel(), paused.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    assert await decisions(lab, paused.run_id) == [("approved", "timeout")]


def test_the_time_left_is_never_more_than_the_whole() -> None:
    """Seconds left count down to nothing, and a clock that is set back does not make them more than there were."""
    question = {"expires_at": 1060.0, "timeout_seconds": 60.0, "on_timeout": "approve"}
    assert [seconds_left(question, now) for now in (0.0, 1000.0, 1050.0, 1060.0, 2000.0)] == [
        60,
        60,
        10,
        0,
        0,
    ]
    assert seconds_left({"id": "q"}, 1e12) is None
    assert answer_by_timeout(question, 1059.0) is None
    answer = answer_by_timeout(question, 1060.0)
    assert answer is not None
    assert (answer.approved, answer.by) == (True, "timeout")
