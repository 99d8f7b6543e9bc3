"""What an attempt has cost, who says so, and what becomes of budgets that nobody could hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from loopengt import SpecError
from loopengt.prices import list_price
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.models import EndReason
from loopengt_local.budgeting.pricing import split_usage

USAGE = {"prompt_tokens": 2_000_000, "completion_tokens": 1_000_000}


def unpriced(*answers: Any, **more: Any) -> ScriptedAgent:
    """An agent that does not promise to say what it costs."""
    agent = ScriptedAgent(*answers, **more)
    agent.reports_cost = False
    return agent


def priced(price: dict[str, float] | None = None, model: str = "", **budget: Any) -> dict[str, Any]:
    """A loop of one step, with a price or a model, and a budget of the run."""
    role: dict[str, Any] = {"name": "worker", "config": {"provider": "scripted"}}
    if price is not None:
        role["price"] = price
    if model:
        role["config"]["model"] = model
    return loop_spec(agents=[role], policy={"budget": budget})


async def cost(lab: Any, agent: ScriptedAgent, spec: dict[str, Any]) -> tuple[Any, Any]:
    """Run a loop and return the cost of its first answer, and its source."""
    result = await run_loop(lab.kernel(agents=agent), spec)
    data = next(e.data for e in await lab.events(result.run_id) if e.type == "agent.response")
    return data.get("cost_usd"), data["cost_source"]


class TestSources:
    """Reported, estimated or unknown."""

    async def test_what_the_agent_reports_goes_before_its_price(self, lab: Any) -> None:
        """A declared price is for those that say nothing."""
        agent = ScriptedAgent(AgentReply("x", USAGE, cost_usd=0.3))
        assert await cost(lab, agent, priced({"per_call_usd": 9})) == (0.3, "reported")

    async def test_a_declared_price_estimates(self, lab: Any) -> None:
        """Each call, and a million tokens of each kind, have their price."""
        price = {"per_call_usd": 0.5, "input_usd_per_million": 1, "output_usd_per_million": 10}
        assert await cost(lab, unpriced(AgentReply("x", USAGE)), priced(price)) == (12.5, "estimated")

    async def test_a_price_by_token_needs_tokens(self, lab: Any) -> None:
        """Nobody knows what a call costs whose tokens nobody has counted."""
        price = {"input_usd_per_million": 1}
        assert await cost(lab, unpriced(AgentReply("x")), priced(price)) == (None, "unknown")

    async def test_a_model_named_in_the_spec_has_its_list_price(self, lab: Any) -> None:
        """The tokens reported are counted at the model's price, alone or behind its provider's name."""
        pytest.importorskip("genai_prices")
        usage = {"prompt_tokens": 1000, "completion_tokens": 100}
        for model in ("gpt-4o", "openai/gpt-4o", "openai:gpt-4o"):
            found, source = await cost(lab, unpriced(AgentReply("x", usage)), priced(model=model))
            assert (found, source) == (pytest.approx(0.0035), "estimated")

    async def test_a_model_that_nobody_named_has_none(self, lab: Any) -> None:
        """The default model of the specification is no statement about the agent."""
        assert await cost(lab, unpriced(AgentReply("x", USAGE)), priced()) == (None, "unknown")

    def test_an_unknown_model_has_no_list_price(self) -> None:
        """No guess is made from a name that resembles none."""
        assert list_price("no-such-model-anywhere", 1, 1) is None
        assert list_price("nobody/gpt-4o", 1, 1) is None

    def test_without_the_package_no_model_has_a_list_price(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """genai-prices may be missing; then nothing is estimated from it, and nothing breaks."""
        monkeypatch.setitem(sys.modules, "genai_prices", None)
        assert list_price("gpt-4.1-nano", 1000, 1000) is None

    @pytest.mark.parametrize(
        ("usage", "split"),
        [
            ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4)),
            ({"input_tokens": 3, "output_tokens": 4}, (3, 4)),
            ({"total_tokens": 10}, (0, 10)),
            ({"total_tokens": 10, "prompt_tokens": 4}, (4, 6)),
            ({}, (0, 0)),
        ],
    )
    def test_what_is_neither_prompt_nor_completion_counts_as_the_dearer(
        self, usage: dict[str, int], split: tuple[int, int]
    ) -> None:
        """Tokens without a kind are not taken for cheap ones."""
        assert split_usage(usage) == split


class TestRefusal:
    """Budgets in US dollars over agents of unknown price."""

    @pytest.mark.parametrize("scope", ["run", "agent", "step"])
    def test_they_are_refused_when_the_loop_is_loaded(self, scope: str, tmp_path: Path) -> None:
        """The problem stands at the budget, and names every such agent and the ways out."""
        config = {"provider": "scripted"}
        roles: list[dict[str, Any]] = [{"name": "a", "config": config}, {"name": "b", "config": config}]
        steps: list[dict[str, Any]] = [{"name": "one", "agent": "a"}, {"name": "two", "agent": "b"}]
        policy: dict[str, Any] = {}
        {"run": policy, "agent": roles[0], "step": steps[0]}[scope]["budget"] = {"max_cost_usd": 1}
        spec = loop_spec(*steps, agents=roles, policy=policy)
        with pytest.raises(SpecError) as caught:
            make_kernel(tmp_path, agents=unpriced()).load_spec(_written(tmp_path, spec))
        (problem,) = caught.value.problems
        assert "'a'" in problem.message
        assert ("'b'" in problem.message) is (scope == "run")
        assert "on_unknown_cost" in problem.hint
        assert "price" in problem.hint

    def test_a_price_or_a_model_or_a_report_is_enough(self, tmp_path: Path) -> None:
        """Each of the ways out that the problem names is one."""
        kernel = make_kernel(tmp_path, agents=unpriced())
        kernel.load_spec(_written(tmp_path, priced({"per_call_usd": 0.1}, max_cost_usd=1)))
        for mode in ("estimate", "ignore"):
            kernel.load_spec(_written(tmp_path, priced(max_cost_usd=1, on_unknown_cost=mode)))
        kernel.load_spec(_written(tmp_path, priced(max_cost_usd=1, max_tokens=10, on_unknown_cost="tokens")))
        make_kernel(tmp_path, agents=ScriptedAgent()).load_spec(_written(tmp_path, priced(max_cost_usd=1)))
        pytest.importorskip("genai_prices")
        kernel.load_spec(_written(tmp_path, priced(model="gpt-4o", max_cost_usd=1)))

    def test_counting_tokens_instead_needs_a_limit_of_tokens(self, tmp_path: Path) -> None:
        """on_unknown_cost: tokens without max_tokens would bound nothing."""
        kernel = make_kernel(tmp_path, agents=unpriced())
        with pytest.raises(SpecError, match="needs a limit of tokens"):
            kernel.load_spec(_written(tmp_path, priced(max_cost_usd=1, on_unknown_cost="tokens")))

    async def test_a_call_that_turns_out_unknown_ends_the_run(self, lab: Any) -> None:
        """An agent that breaks its promise to report its cost ends the run; its answer is kept."""
        spec = priced(max_cost_usd=1)
        spec["pattern"] = "repeat"
        agent = ScriptedAgent(AgentReply("one", cost_usd=0.1), AgentReply("two"), "three")
        result = await run_loop(lab.kernel(agents=agent), spec, run_id="r")
        assert result.end.reason is EndReason.EXHAUSTED
        assert "budget.max_cost_usd cannot be held" in result.end.detail
        assert (len(agent.requests), result.unknown_costs) == (2, 1)
        again = ScriptedAgent("more")
        more = await resume_loop(lab.kernel(agents=again), "r", add_budget={"cost_usd": 5})
        assert more.end.reason is EndReason.EXHAUSTED
        assert again.requests == []


class TestUnknown:
    """What on_unknown_cost says instead."""

    async def test_estimate_counts_as_a_large_model(self, lab: Any) -> None:
        """Reported tokens, or else the texts' length at four characters a token, cost as those of a large model."""
        spec = priced(max_cost_usd=1000, on_unknown_cost="estimate")
        assert await cost(lab, unpriced(AgentReply("x", USAGE)), spec) == (105.0, "estimated")
        found, source = await cost(lab, unpriced(AgentReply("x" * 4000)), spec)
        assert source == "estimated"
        assert found == pytest.approx(1000 * 75e-6, rel=0.05)

    async def test_tokens_are_guessed_where_nobody_counts_them(self, lab: Any) -> None:
        """With on_unknown_cost: tokens a budget of tokens holds agents that report neither cost nor tokens."""
        spec = priced(max_cost_usd=1, max_tokens=2500, on_unknown_cost="tokens")
        spec["pattern"] = "repeat"
        agent = unpriced(agents={"worker": lambda _: AgentReply("x" * 4000)})
        result = await run_loop(lab.kernel(agents=agent), spec)
        assert result.end.reason is EndReason.EXHAUSTED
        assert "max_tokens" in result.end.detail
        assert (len(agent.requests), result.unknown_costs) == (3, 3)

    async def test_ignore_counts_nothing(self, lab: Any) -> None:
        """An ignored cost stays unknown and is said to be."""
        spec = priced(max_cost_usd=0.01, on_unknown_cost="ignore")
        result = await run_loop(lab.kernel(agents=unpriced(AgentReply("x", USAGE))), spec)
        assert result.end.reason is EndReason.GOAL_MET
        assert (result.cost_usd, result.unknown_costs) == (0.0, 1)


def _written(folder: Path, spec: dict[str, Any]) -> Path:
    import json

    file = folder / "loop.json"
    file.write_text(json.dumps(spec))
    return file
