"""Budgets of runs, agents and steps hold: in every unit, one after the other and side by side."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop_sync
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.engines import RunResult
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.models import EndReason

TOKENS, USD = 100, 0.5
"""What a call of the spending agent uses."""


def spend(_: object) -> AgentReply:
    """Answer at a price."""
    return AgentReply(
        "x", {"prompt_tokens": 60, "completion_tokens": 40}, cost_usd=USD, cost_source="reported"
    )


def spender() -> ScriptedAgent:
    """An agent that uses the same at every call."""
    return ScriptedAgent(agents={"worker": spend})


def budgeted(scope: str, budget: dict[str, float], **fields: Any) -> dict[str, Any]:
    """A loop that repeats its one step for ever, with a budget of a run, an agent or a step."""
    step: dict[str, Any] = {"name": "work"}
    role: dict[str, Any] = {"name": "worker", "config": {"provider": "scripted"}}
    policy: dict[str, Any] = {"max_turns": 50}
    {"run": policy, "agent": role, "step": step}[scope]["budget"] = budget
    return loop_spec(step, agents=[role], pattern="repeat", policy=policy, **fields)


def fan_out(count: int, concurrency: int, **fields: Any) -> dict[str, Any]:
    """A loop of independent steps that run side by side."""
    policy = {"allow_parallel": True, "max_concurrency": concurrency, **fields.pop("policy", {})}
    return loop_spec(
        *[f"s{index}" for index in range(count)], pattern="parallel_fan_out", policy=policy, **fields
    )


def run(tmp_path: Path, agent: ScriptedAgent, spec: dict[str, Any]) -> RunResult:
    """Run a spec."""
    return run_loop_sync(make_kernel(tmp_path, agents=agent), spec)


class TestScopesAndUnits:
    """Each of run, agent and step, with each unit."""

    @pytest.mark.parametrize("scope", ["run", "agent", "step"])
    @pytest.mark.parametrize(
        ("budget", "calls"),
        [
            ({"max_turns": 3}, 3),
            ({"max_tokens": 250}, 3),
            ({"max_tokens": 300}, 3),
            ({"max_cost_usd": 1.0}, 2),
        ],
    )
    def test_a_budget_ends_the_run_by_its_name(
        self, scope: str, budget: dict[str, float], calls: int, tmp_path: Path
    ) -> None:
        """No attempt is made once the budget is used up, and the end names it and its scope."""
        agent = spender()
        result = run(tmp_path, agent, budgeted(scope, budget))
        assert result.end.reason is EndReason.EXHAUSTED
        assert len(agent.requests) == calls
        assert next(iter(budget)) in result.end.detail
        named = {"run": "", "agent": "agent 'worker'", "step": "step 'work'"}[scope]
        assert named in result.end.detail

    @pytest.mark.parametrize("scope", ["run", "agent", "step"])
    def test_seconds_end_the_run_in_the_midst_of_an_attempt(self, scope: str, tmp_path: Path) -> None:
        """An attempt is cut off when the seconds are over, and that is no timeout to be retried."""

        async def hang(_: object) -> str:
            await asyncio.Event().wait()
            return ""

        agent = ScriptedAgent(hang, "again")
        result = run(tmp_path, agent, budgeted(scope, {"max_seconds": 0.1}))
        assert result.end.reason is EndReason.EXHAUSTED
        assert "0.1" in result.end.detail
        assert len(agent.requests) == 1

    def test_seconds_are_shared_by_concurrent_attempts(self, tmp_path: Path) -> None:
        """Two attempts of one agent use up its seconds together: 0.4 are over after 0.2."""

        async def hang(_: object) -> str:
            await asyncio.Event().wait()
            return ""

        role = {"name": "worker", "config": {"provider": "scripted"}, "budget": {"max_seconds": 0.4}}
        result = run(tmp_path, ScriptedAgent(agents={"worker": hang}), fan_out(2, 2, agents=[role]))
        assert result.end.reason is EndReason.EXHAUSTED
        assert "agent 'worker'" in result.end.detail
        assert 0.15 < result.elapsed < 0.39

    def test_items_take_turns_of_their_step(self, tmp_path: Path) -> None:
        """Each item of a for_each counts against the turns of the declared step."""
        step = {"name": "each", "for_each": "[1, 2, 3, 4]", "budget": {"max_turns": 3}}
        agent = spender()
        result = run(tmp_path, agent, loop_spec(step))
        assert result.end.reason is EndReason.EXHAUSTED
        assert "budget.max_turns of step 'each'" in result.end.detail
        assert len(agent.requests) == 3

    def test_a_retry_takes_no_turn(self, tmp_path: Path) -> None:
        """Attempts of one execution share its turn, and each pays for itself."""
        agent = ScriptedAgent(TimeoutError("slow"), TimeoutError("slow"), spend)
        role = {"name": "worker", "config": {"provider": "scripted"}, "budget": {"max_turns": 1}}
        assert run(tmp_path, agent, loop_spec(agents=[role])).end.reason is EndReason.GOAL_MET

    def test_the_smaller_of_two_limits_counts(self, tmp_path: Path) -> None:
        """policy.max_turns and policy.budget.max_turns: the smaller ends the run."""
        for first, second in ((2, 5), (5, 2)):
            agent = spender()
            policy = {"max_turns": first, "budget": {"max_turns": second}}
            run(tmp_path, agent, loop_spec(pattern="repeat", policy=policy))
            assert len(agent.requests) == 2

    def test_an_agent_is_told_what_is_left(self, tmp_path: Path) -> None:
        """tokens_left and cost_left_usd are the least that any budget leaves; None where there is none."""
        spec = budgeted("run", {"max_tokens": 250, "max_cost_usd": 1.2})
        spec["agents"][0]["budget"] = {"max_tokens": 220}
        agent = spender()
        run(tmp_path, agent, spec)
        assert [request.tokens_left for request in agent.requests] == [220, 120, 20]
        assert [request.cost_left_usd for request in agent.requests] == [
            pytest.approx(amount) for amount in (1.2, 0.7, 0.2)
        ]
        free = spender()
        run(tmp_path, free, loop_spec())
        assert (free.requests[0].tokens_left, free.requests[0].cost_left_usd) == (None, None)


class TestSizes:
    """What an attempt reserves."""

    def test_a_declared_size_that_does_not_fit_is_refused(self, tmp_path: Path) -> None:
        """With config.max_tokens nothing is started that could overdraw the budget."""
        spec = budgeted("run", {"max_tokens": 250})
        spec["agents"][0]["config"]["max_tokens"] = 95
        agent = spender()
        result = run(tmp_path, agent, spec)
        assert len(agent.requests) == 2
        assert result.tokens == 200
        assert "50 of 250 are left" in result.end.detail

    def test_a_declared_price_bounds_money_exactly(self, tmp_path: Path) -> None:
        """A price for each call is reserved before the call: the third of 0.5 does not begin within 1.2."""
        spec = budgeted("run", {"max_cost_usd": 1.2})
        spec["agents"][0]["price"] = {"per_call_usd": USD}
        agent = ScriptedAgent(agents={"worker": lambda _: AgentReply("x")})
        result = run(tmp_path, agent, spec)
        assert len(agent.requests) == 2
        assert result.cost_usd == pytest.approx(1.0)


class TestConcurrency:
    """Reservations of attempts that run side by side."""

    async def work(self, request: AgentRequest) -> AgentReply:
        """Give way a few times, as work does."""
        for _ in range(len(request.step) + 3):
            await asyncio.sleep(0)
        return spend(request)

    @pytest.mark.parametrize("concurrency", [1, 4, 20])
    @pytest.mark.parametrize("declared", [False, True])
    def test_a_fan_out_never_overdraws(self, concurrency: int, declared: bool, tmp_path: Path) -> None:
        """Twenty attempts of 100 tokens make five within 500, however many may run at once."""
        role: dict[str, Any] = {"name": "worker", "config": {"provider": "scripted"}}
        limit = 500
        if declared:
            role["config"]["max_tokens"] = 90
            limit = 5 * 100 + 40  # what is reserved is at most 95: the prompt is short
        agent = ScriptedAgent(agents={"worker": self.work})
        spec = fan_out(20, concurrency, agents=[role], policy={"budget": {"max_tokens": limit}})
        result = run(tmp_path, agent, spec)
        assert result.end.reason is EndReason.EXHAUSTED
        assert "budget.max_tokens" in result.end.detail
        assert result.tokens == 500
        assert len(agent.requests) == 5

    def test_what_is_under_way_is_not_lost_to_another_that_does_not_fit(self, tmp_path: Path) -> None:
        """The run ends when nothing is under way any more: every answer that was paid for is kept."""
        agent = ScriptedAgent(agents={"worker": self.work})
        result = run(tmp_path, agent, fan_out(20, 20, policy={"budget": {"max_tokens": 500}}))
        kept = [state for state in result.snapshot().step_states.values() if state.status == "completed"]
        assert len(kept) == 5

    def test_the_size_is_learned_from_the_first(self, tmp_path: Path) -> None:
        """While nothing is known of an agent its first attempt runs alone; then as many as fit run together."""
        under_way, most = 0, []

        async def work(request: AgentRequest) -> AgentReply:
            nonlocal under_way
            under_way += 1
            most.append(under_way)
            for _ in range(20):
                await asyncio.sleep(0)
            under_way -= 1
            return spend(request)

        agent = ScriptedAgent(agents={"worker": work})
        result = run(tmp_path, agent, fan_out(6, 6, policy={"budget": {"max_tokens": 401}}))
        assert most[0] == 1
        assert most[1:4] == [1, 2, 3]
        assert result.tokens == 500  # one attempt begins with a single token left

    def test_another_agents_budget_does_not_hold_back(self, tmp_path: Path) -> None:
        """Who waits at one budget is overtaken by those that only other budgets bear on."""
        order: list[str] = []
        gate = asyncio.Event()

        async def slow(request: AgentRequest) -> AgentReply:
            order.append(request.step)
            await gate.wait()
            return spend(request)

        async def quick(request: AgentRequest) -> AgentReply:
            order.append(request.step)
            gate.set()
            return spend(request)

        config = {"provider": "scripted"}
        roles = [
            {"name": "a", "config": config, "budget": {"max_tokens": 200}},
            {"name": "b", "config": config, "budget": {"max_tokens": 200}},
        ]
        steps = [{"name": "a1", "agent": "a"}, {"name": "a2", "agent": "a"}, {"name": "b1", "agent": "b"}]
        spec = loop_spec(*steps, agents=roles, pattern="parallel_fan_out", policy={"allow_parallel": True})
        result = run(tmp_path, ScriptedAgent(agents={"a": slow, "b": quick}), spec)
        assert result.end.reason is EndReason.GOAL_MET
        assert order == ["a1", "b1", "a2"]


class TestFailures:
    """Attempts that fail."""

    def test_what_a_failed_attempt_has_used_counts(self, tmp_path: Path) -> None:
        """Tokens and cost of an error are recorded, debited, and stop the next attempt."""
        error = AgentError("cut off", kind="TimeoutError", token_usage={"total_tokens": 120}, cost_usd=0.25)
        agent = ScriptedAgent(error, error, "done")
        result = run(tmp_path, agent, loop_spec(policy={"budget": {"max_tokens": 200}}))
        assert result.end.reason is EndReason.EXHAUSTED
        assert (result.tokens, result.cost_usd) == (240, 0.5)
        assert len(agent.requests) == 2

    def test_an_answer_that_cannot_be_kept_is_paid_for(self, tmp_path: Path) -> None:
        """Tokens and cost of an answer that is no JSON data count as any other's."""
        agent = ScriptedAgent(AgentReply({1, 2}, {"total_tokens": 70}, cost_usd=0.1))
        result = run(tmp_path, agent, loop_spec())
        assert result.end.reason is EndReason.FAILED
        assert (result.tokens, result.cost_usd) == (70, 0.1)

    def test_a_failed_attempt_that_does_not_say_what_it_cost_counts_as_what_was_reserved(
        self, tmp_path: Path
    ) -> None:
        """After a call of 0.5 a timeout counts as 0.5, too, and a budget of 1 is spent."""
        agent = ScriptedAgent(spend, TimeoutError("slow"), spend)
        result = run(tmp_path, agent, budgeted("run", {"max_cost_usd": 1.0}))
        assert result.end.reason is EndReason.EXHAUSTED
        assert result.cost_usd == pytest.approx(1.0)
        assert len(agent.requests) == 2

    def test_a_failed_attempt_of_unknown_size_cannot_be_held(self, tmp_path: Path) -> None:
        """When the very first call fails without a word about its cost, no other is made."""
        agent = ScriptedAgent(TimeoutError("slow"), spend)
        result = run(tmp_path, agent, budgeted("run", {"max_cost_usd": 1.0}))
        assert result.end.reason is EndReason.EXHAUSTED
        assert "cannot be held" in result.end.detail
        assert (len(agent.requests), result.unknown_costs) == (1, 1)
