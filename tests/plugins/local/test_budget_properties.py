"""Whatever agents use and however many work at once: no budget is overdrawn by more than the page on budgets says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop_sync
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.models import EndReason

USES = st.lists(st.integers(0, 120), min_size=1, max_size=12)


def run(uses: list[int], limit: int, concurrency: int, config: dict[str, Any], failing: set[int]) -> Any:
    """Run a fan-out whose n-th attempt uses ``uses[n]`` tokens; return the result and the most under way at once."""
    under_way: list[int] = []
    most = 0
    taken = iter(range(10**6))

    async def work(request: AgentRequest) -> AgentReply:
        nonlocal most
        index = next(taken)
        tokens = uses[index % len(uses)]
        under_way.append(index)
        most = max(most, len(under_way))
        for _ in range(index * 7 % 5):
            await asyncio.sleep(0)
        under_way.remove(index)
        usage = {"total_tokens": tokens}
        if index in failing:
            raise AgentError("cut off", kind="TimeoutError", token_usage=usage, cost_usd=0.0)
        return AgentReply("x", usage, cost_usd=0.0)

    role = {"name": "worker", "config": {"provider": "scripted", **config}}
    spec = loop_spec(
        *[f"s{index}" for index in range(len(uses))],
        agents=[role],
        pattern="parallel_fan_out",
        policy={"allow_parallel": True, "max_concurrency": concurrency, "budget": {"max_tokens": limit}},
    )
    with TemporaryDirectory() as folder:
        kernel = make_kernel(Path(folder), agents=ScriptedAgent(agents={"worker": work}))
        return run_loop_sync(kernel, spec), most


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(USES, st.integers(1, 600), st.integers(1, 8), st.sets(st.integers(0, 8)))
def test_learned_sizes_bound_the_overdraft(
    uses: list[int], limit: int, concurrency: int, failing: set[int]
) -> None:
    """A budget is overdrawn by no more than the attempts that were under way at once could use at most."""
    result, most = run(uses, limit, concurrency, {}, failing)
    assert most <= concurrency
    assert result.tokens <= limit - 1 + most * max(uses)
    if result.tokens > limit:
        ended = result.end.reason in (EndReason.EXHAUSTED, EndReason.FAILED)
        assert ended or result.snapshot().turn == len(uses)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(USES, st.integers(1, 900), st.integers(1, 8), st.sets(st.integers(0, 8)))
def test_declared_sizes_are_never_overdrawn(
    uses: list[int], limit: int, concurrency: int, failing: set[int]
) -> None:
    """Where agents declare their max_tokens and keep to it, not a token more than the budget is used."""
    result, _ = run(uses, limit, concurrency, {"max_tokens": max(1, *uses)}, failing)
    assert result.tokens <= limit


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(USES, st.integers(1, 600), st.sets(st.integers(0, 8)))
def test_one_after_the_other_overdraws_by_one_attempt_at_most(
    uses: list[int], limit: int, failing: set[int]
) -> None:
    """In a sequence only the last attempt can go beyond the limit, and it began below it."""
    result, _ = run(uses, limit, 1, {}, failing)
    assert result.tokens < limit + max(uses) or result.tokens == 0
