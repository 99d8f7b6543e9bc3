"""The gate kind judge in the engine: what passes, what fails closed, and what leaves the run open."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import hookimpl
from loopengt.journal import load_run
from loopengt.testing import resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError, JudgeError, MissingRequirement, RateLimited
from loopengt_hookspecs.judges import JudgeVerdict

from .conftest import verdict

if TYPE_CHECKING:
    from loopengt_hookspecs.models import Event

    from .conftest import Bench

ASKED = {"provider": "scripted"}
ONCE = {"retry": {"max_retries": 0, "initial_delay_seconds": 0}}


def asking(**fields: Any) -> dict[str, Any]:
    """A gate whose judge asks the scripted agent."""
    return {"judge": {"kind": "quality", "agent": ASKED, **fields}}


def scripted(bench: Bench, *verdicts: Any, work: Any = "the work") -> None:
    """Have the step's agent always answer alike, and the judge's give these verdicts."""
    bench.answers(*verdicts)
    for number in range(1, 9):
        bench.agent.script("work", *[work] * number)


async def run(bench: Bench, spec: dict[str, Any]) -> tuple[Any, list[Event]]:
    """Run a loop; return the result and the events."""
    kernel = bench.kernel()
    async with kernel.storage() as storage:
        result = await run_loop(kernel, spec)
        return result, (await load_run(storage, result.run_id))[1]


def of(events: list[Event], *kinds: str) -> list[dict[str, Any]]:
    """Return the data of events of some types."""
    return [event.data for event in events if event.type in kinds]


def provide(bench: Bench, judge: Any, *, asks: bool = False) -> None:
    """Register a judge that is a function, as ``odd``."""

    class Odd:
        options = None

        def __init__(self) -> None:
            self.asks = asks

        def bind(self, spec: Any, project: Any) -> Any:
            return self

        def plan(self) -> str:
            return "be odd"

        def missing(self) -> list[Any]:
            return []

        async def judge(self, request: Any) -> Any:
            found = judge(request)
            return await found if asyncio.iscoroutine(found) else found

    @hookimpl
    def loopengt_register_judges(register: Any) -> None:
        register("odd", Odd(), summary="Made in the test")

    bench.plugins = [("odd_judge", SimpleNamespace(loopengt_register_judges=loopengt_register_judges))]


async def test_a_score_decides_and_its_words_are_feedback(bench: Bench) -> None:
    """Below the threshold the step is tried again with the judge's words; the journal has the score before the gate."""
    scripted(bench, verdict(0.79, "too dry"), verdict(0.8))
    result, events = await run(bench, bench.loop(asking()))
    assert result.end.reason == "goal_met"
    assert "too dry" in bench.agent.asked("work")[1].feedback
    kinds = [event.type for event in events if event.type.startswith(("judge", "gate"))]
    assert kinds == ["judge.score", "gate.fail", "judge.score", "gate.pass"]
    first, second = of(events, "judge.score")
    assert (first["score"], first["passed"], first["threshold"], first["attempt"]) == (0.79, False, 0.8, 1)
    assert (second["score"], second["passed"], second["gate"], second["judge"]) == (
        0.8,
        True,
        "g1",
        "quality",
    )
    [failed, passed] = of(events, "gate.fail", "gate.pass")
    for data in (failed, passed):
        assert (data["token_usage"], data["cost_usd"]) == ({"total_tokens": 10}, 0.25)
        assert "unknown_costs" not in data


async def test_what_judges_use_is_the_runs(bench: Bench) -> None:
    """Tokens and cost of all that was asked are in the run's totals, also of an answer that could not be read."""
    broken = AgentReply("no idea", {"total_tokens": 10}, cost_usd=0.25, cost_source="reported")
    scripted(bench, broken, verdict(1))
    kernel = bench.kernel()
    async with kernel.storage() as storage:
        result = await run_loop(kernel, bench.loop(asking()))
        fold = (await load_run(storage, result.run_id))[0]
    assert (fold.tokens, fold.cost_usd, fold.unknown_costs) == (20, 0.5, 0)
    assert fold.spent["work"].cost_usd == 0.5


async def test_an_unknown_cost_is_told(bench: Bench) -> None:
    """A judge's agent that does not say what it costs is counted among the unknown costs."""
    scripted(bench, AgentReply(verdict(1).output, {"total_tokens": 4}))
    bench.agent.reports_cost = False
    _, events = await run(bench, bench.loop(asking()))
    [passed] = of(events, "gate.pass")
    assert (passed["token_usage"], passed["cost_usd"], passed["unknown_costs"]) == (
        {"total_tokens": 4},
        0.0,
        1,
    )


@pytest.mark.parametrize(
    "answer",
    ["nonsense", verdict("0.9"), verdict(1.2), verdict(float("nan")), AgentError("it broke", kind="Odd")],
    ids=["nonsense", "text", "too high", "nan", "error"],
)
async def test_no_verdict_is_no_pass(answer: Any, bench: Bench) -> None:
    """Whatever keeps the judge from a verdict fails the gate, which says that it could not be checked."""
    scripted(bench, answer)
    result, events = await run(bench, bench.loop(asking(), policy=ONCE))
    assert result.end.reason != "goal_met"
    [failed] = of(events, "gate.fail")
    assert "could not be checked" in failed["feedback"]
    assert not of(events, "judge.score")


async def _hang(request: Any) -> Any:
    await asyncio.sleep(60)


async def _stubborn(request: Any) -> Any:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return JudgeVerdict(1.0)


def _raises(request: Any) -> Any:
    raise ZeroDivisionError("a slip")


ODD: dict[str, Any] = {
    "raises": _raises,
    "hangs": _hang,
    "answers late": _stubborn,
    "none": lambda request: None,
    "a bare number": lambda request: 1.0,
    "nan": lambda request: JudgeVerdict(float("nan")),
    "too high": lambda request: JudgeVerdict(1.0000001),
    "true": lambda request: JudgeVerdict(True),
    "a text": lambda request: JudgeVerdict("1"),  # type: ignore[arg-type]  # a judge that says it wrongly
    "a criterion": lambda request: JudgeVerdict(1.0, criteria={"a": 5.0}),
    "passed is a word": lambda request: JudgeVerdict(1.0, passed="no"),  # type: ignore[arg-type]  # likewise
    "reasoning is none": lambda request: JudgeVerdict(1.0, None),  # type: ignore[arg-type]  # likewise
    "details": lambda request: JudgeVerdict(1.0, details={"seen": object()}),
    "asks without saying so": lambda request: request.ask("?"),
    "judge error": lambda request: (_ for _ in ()).throw(JudgeError("nothing to go by")),
}


@pytest.mark.parametrize("name", ODD)
async def test_a_judge_that_is_broken_is_no_pass(name: str, bench: Bench) -> None:
    """A judge that raises, hangs, or returns what is no verdict fails the gate as one that could not be checked."""
    provide(bench, ODD[name])
    scripted(bench)
    spec = bench.loop({"judge": {"kind": "odd", "timeout_seconds": 0.2}}, policy=ONCE)
    result, events = await run(bench, spec)
    assert result.end.reason != "goal_met"
    [failed] = of(events, "gate.fail")
    assert "could not be checked: " in failed["feedback"]
    assert "judge 'odd'" in failed["feedback"]
    assert not of(events, "judge.score")


@pytest.mark.parametrize("kind", ["RateLimited", "OverloadedError", "ConnectionError"])
async def test_what_passes_by_itself_is_asked_again(kind: str, bench: Bench) -> None:
    """A rate limit or an overload is waited out; the step's attempts are not touched."""
    trouble = (RateLimited if kind == "RateLimited" else AgentError)("later", kind=kind, retry_after=0.01)
    scripted(bench, trouble, trouble, verdict(1))
    result, events = await run(bench, bench.loop(asking(), policy=ONCE))
    assert result.end.reason == "goal_met"
    assert len(bench.agent.asked("work")) == 1
    assert [data["call"] for data in of(events, "model.request")] == ["gate g1/other 1/model 1"] * 3
    assert len(of(events, "model.error")) == 2


LACKING = {
    "a key": MissingRequirement("no key", remedy="export KEY=…"),
    "quota": MissingRequirement("no credit", kind="QuotaExceeded"),
    "a long limit": RateLimited("come back", retry_after=3600.0),
}


@pytest.mark.parametrize("name", LACKING)
async def test_what_only_a_person_can_mend_leaves_the_run_open(name: str, bench: Bench) -> None:
    """A missing key, no quota, or a long limit ends the run, the step open; resumed, only the judge is asked again."""
    scripted(bench, LACKING[name], verdict(1))
    kernel = bench.kernel()
    async with kernel.storage():
        result = await run_loop(kernel, bench.loop(asking()))
        assert result.end.reason == "failed"
        assert LACKING[name].message in result.end.detail
        assert len(bench.agent.asked("work")) == 1
        again = await resume_loop(kernel, result.run_id)
    assert again.end.reason == "goal_met"
    assert len(bench.agent.asked("work")) == 1
    assert len(bench.agent.requests) == 3


async def test_a_judge_that_swallows_the_end_of_the_run_does_not_pass(bench: Bench) -> None:
    """A judge that catches what ends the run, and gives a score all the same, is not believed."""

    async def swallow(request: Any) -> JudgeVerdict:
        try:
            await request.ask("?")
        except MissingRequirement:
            return JudgeVerdict(1.0)
        raise AssertionError("the agent lacks its key")

    provide(bench, swallow, asks=True)
    scripted(bench, MissingRequirement("no key"))
    result, events = await run(bench, bench.loop({"judge": {"kind": "odd", "agent": ASKED}}))
    assert (result.end.reason, "no key" in result.end.detail) == ("failed", True)
    assert not of(events, "gate.pass")


async def test_a_budget_that_judges_use_up(bench: Bench) -> None:
    """What judges cost counts: once they have used a budget up, the run ends before its next attempt."""
    scripted(bench, verdict(0.1), verdict(0.1), verdict(1))
    spec = bench.loop(asking(), policy={"budget": {"max_cost_usd": 0.2}, "retry": {"max_retries": 5}})
    result, _ = await run(bench, spec)
    assert result.end.reason == "exhausted"
    assert "max_cost_usd" in result.end.detail
    assert len(bench.agent.asked("work")) == 1


async def test_spending_of_a_failed_ask_is_debited(bench: Bench) -> None:
    """What an agent has used before it failed is in the gate's event, too."""
    failed = AgentError("it broke", kind="Odd", token_usage={"total_tokens": 7}, cost_usd=0.5)
    scripted(bench, failed)
    _, events = await run(bench, bench.loop(asking(), policy=ONCE))
    [data] = of(events, "gate.fail")
    assert (data["token_usage"], data["cost_usd"]) == ({"total_tokens": 7}, 0.5)


async def test_the_agent_of_the_loop_can_judge(bench: Bench) -> None:
    """``agent`` can be the name of an agent of the loop, whose provider and model are asked."""
    scripted(bench, verdict(1))
    role = {"name": "critic", "config": {"provider": "scripted", "model": "m-7"}}
    worker = {"name": "worker", "config": {"provider": "scripted"}}
    spec = bench.loop({"judge": {"kind": "quality", "agent": "critic"}}, agents=[worker, role])
    result, _ = await run(bench, spec)
    assert result.end.reason == "goal_met"
    assert bench.agent.requests[-1].agent.config.model == "m-7"


async def test_the_judge_sees_the_run(bench: Bench) -> None:
    """Expressions of a judge see the steps, the context and the goal; files are those of the workspace."""
    scripted(bench, verdict(1), work="the work")
    (bench.project / "made.txt").write_text("made by hand")
    gates = [
        {"judge": {"kind": "exact", "options": {"against": "context.wanted"}}},
        {"judge": {"kind": "expression", "options": {"expression": "goal is containing 'works'"}}},
        asking(options={"files": ["made.txt"], "inputs": True}),
    ]
    gates[1]["judge"]["options"]["expression"] = "'works' in goal and steps.work.attempts == 1"
    result, _ = await run(bench, bench.loop(*gates, context={"wanted": "the work"}, policy=ONCE))
    assert result.end.reason == "goal_met"
    assert "made by hand" in bench.prompts[-1]
    assert "wanted" in bench.prompts[-1]


async def test_secrets_in_a_verdict_are_not_kept(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret that an agent repeats in its reasons is taken out of score, gate and recorded answer."""
    scripted(bench, verdict(0.1, "it holds sk-verysecretkey1234567890"))
    monkeypatch.setenv("SOME_API_KEY", "sk-verysecretkey1234567890")
    kernel = bench.kernel()
    async with kernel.storage() as storage:
        result = await run_loop(kernel, bench.loop(asking(), policy=ONCE))
        events = (await load_run(storage, result.run_id))[1]
    for event in events:
        assert "verysecret" not in str(event.data)
