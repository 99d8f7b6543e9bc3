"""What runs ask people: approved, rejected and answered by argument, and by forms at clients that have them."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt.testing import loop_spec
from loopengt_hookspecs.calls import PersonQuestion

from .kit import Bench

ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])
SIGN_OFF = {"name": "sign-off", "kind": "approval", "description": "Deploy?"}


def asking(bench: Bench) -> str:
    """Write a loop with a gate that a person decides."""
    bench.agent.script("deploy", "one", "two", "three")
    step = {"name": "deploy", "verification_gates": ["sign-off"]}
    policy = {"verification_gates": [SIGN_OFF], "retry": {"initial_delay_seconds": 0, "max_retries": 2}}
    return bench.write("loop.yaml", loop_spec(step, policy=policy))


def wondering(bench: Bench, **question: Any) -> str:
    """Write a loop whose agent asks something in words."""

    async def ask(request: Any) -> str:
        answer = await request.calls.ask(PersonQuestion("Which colour?", **question))
        return f"it is {answer.text}" if not answer.declined else "declined"

    bench.agent.script("work", *[ask] * 4)
    return bench.write("loop.yaml", loop_spec())


@ERAS
async def test_a_decision_is_given_as_an_argument(bench: Bench, mode: str) -> None:
    """A client that cannot ask gives the person's decision, and the run goes on to its end."""
    path = asking(bench)
    async with bench.client(mode=mode) as call:
        state = (await call("run_loop", loop=path, wait_seconds=20)).data
        assert (state["status"], state["reason"]) == ("paused", "approval_required")
        [question] = state["questions"]
        assert (question["text"], question["gate"], question["number"]) == ("Deploy?", "sign-off", 1)
        assert "approve" in state["next"]
        refused = (await call("approve")).error
        assert "Deploy?" in refused
        assert "decision='approve'" in refused
        done = (await call("approve", decision="approve", comment="fine", wait_seconds=20)).data
        assert done["reason"] == "goal_met"
        assert "asks nothing" in (await call("approve", decision="approve")).error
        trace = (await call("inspect_trace", types=["approval.decision"])).data["events"]
        assert trace[0]["data"]["by"].endswith("(MCP)")


@ERAS
async def test_the_person_at_the_client_decides(bench: Bench, mode: str) -> None:
    """Without an argument the client's person sees the question; a rejection is the next attempt's feedback."""
    path = asking(bench)
    async with bench.client(mode=mode, person={"approve": False, "comment": "too loud"}) as call:
        await call("run_loop", loop=path, wait_seconds=20)
        again = (await call("approve", wait_seconds=20)).data
        assert again["reason"] == "approval_required"
        assert "Deploy?" in call.asked[0]
    assert bench.agent.requests[-1].attempt == 2
    assert any("too loud" in str(each.feedback) for each in bench.agent.requests[-1:])


@ERAS
async def test_a_form_that_is_closed_decides_nothing(bench: Bench, mode: str) -> None:
    """The question stays open, and the model is told so."""
    path = asking(bench)
    async with bench.client(mode=mode, person="cancel") as call:
        await call("run_loop", loop=path, wait_seconds=20)
        assert "did not decide" in (await call("approve")).error
        assert len((await call("run_status")).data["questions"]) == 1


@ERAS
async def test_words_are_answered_in_a_form(bench: Bench, mode: str) -> None:
    """A question of an agent reaches the client's person, and the answer the agent."""
    path = wondering(bench, choices=("red", "green"))
    async with bench.client(mode=mode, person={"answer": "2"}) as call:
        state = (await call("run_loop", loop=path, wait_seconds=20)).data
        assert state["questions"][0]["choices"] == ["red", "green"]
        done = (await call("approve", wait_seconds=20)).data
        assert done["output"] == "it is green"
        assert "Which colour?" in call.asked[0]


async def test_an_answer_that_does_not_fit_is_not_written(bench: Bench) -> None:
    """It is held against the choices; the run asks on, and takes one that fits."""
    path = wondering(bench, choices=("red", "green"))
    async with bench.client() as call:
        await call("run_loop", loop=path, wait_seconds=20)
        assert "red, green" in (await call("approve", answer="blue")).error
        assert "not for declining" in (await call("approve", answer="red", decision="reject")).error
        assert (await call("approve", answer="red", wait_seconds=20)).data["output"] == "it is red"


async def test_a_question_can_be_declined(bench: Bench) -> None:
    """decision=reject of a question in words tells the agent that nobody answers."""
    path = wondering(bench)
    async with bench.client() as call:
        await call("run_loop", loop=path, wait_seconds=20)
        assert (await call("approve", decision="reject", wait_seconds=20)).data["output"] == "declined"


async def test_the_first_of_two_clients_decides(bench: Bench) -> None:
    """A second decision is told that there is nothing to decide any more."""
    path = asking(bench)
    async with bench.client() as one, bench.client(mode="legacy") as two:
        await one("run_loop", loop=path, wait_seconds=20)
        assert (await one("approve", decision="approve", wait_seconds=20)).data["reason"] == "goal_met"
        assert "asks nothing" in (await two("approve", decision="reject")).error
