"""A run with sub-loops whose process dies at any append goes on to the same end, child runs included."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.models import EndReason

from .subloop_kit import sub


def write_loops(lab: Any) -> None:
    """Write a child with a gate that passes at its second attempt, and a loop below it."""
    gate = {"name": "second", "condition": "output is endingwith '-2'"}
    policy = {"verification_gates": [gate]}
    loops = {
        "child.yaml": loop_spec(
            "x", {"name": "y", "verification_gates": ["second"]}, sub("deep", "leaf.yaml"), policy=policy
        ),
        "leaf.yaml": loop_spec("z"),
    }
    for name, spec in loops.items():
        (lab.project / name).write_text(json.dumps(spec))


def answer(request: Any) -> AgentReply:
    """Answer with where we are."""
    place = f"{request.run_id}/{request.step}-{request.occurrence}-{request.attempt}"
    return AgentReply(place, {"total_tokens": 3}, 0.25, "reported")


def in_turn() -> dict[str, Any]:
    """One sub-loop after another, agents between them."""
    return loop_spec("a", sub("part", "child.yaml"), "b", sub("more", "leaf.yaml"))


def together() -> dict[str, Any]:
    """Three sub-loops at the same time, beside an agent."""
    each = sub("each", "child.yaml", for_each="context.items")
    policy = {"max_concurrency": 4}
    return loop_spec("a", each, pattern="parallel_fan_out", context={"items": [1, 2, 3]}, policy=policy)


@pytest.mark.parametrize("durable", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("make", [in_turn, together])
async def test_every_append_of_any_run_may_be_the_last(
    make: Any, durable: bool, lab: Any, dying: Any, killed: Any
) -> None:
    """For every n: after a death at append n and a resume all is done once, and used once."""

    class Dying(dying):  # type: ignore[misc]  # a fixture hands the class over
        """Remembers the leases of all its runs."""

        def __init__(self, at: int) -> None:
            super().__init__(lab.memory, at, durable=durable)
            self.leases: list[Any] = []

        async def create(self, *args: Any) -> Any:
            """Add a run."""
            try:
                lease = await super().create(*args)
            finally:
                if self._lease is not None:
                    self.leases.append(self._lease)
            return lease

        async def bury(self) -> None:
            """Do what time does to the leases."""
            for lease in self.leases:
                await self.inner.release(lease)

    write_loops(lab)
    spec = make()
    whole = Dying(10_000)
    agent = ScriptedAgent(agents={"worker": answer})
    undisturbed = await run_loop(lab.kernel(storage=whole, agents=agent), spec, run_id="whole")
    assert undisturbed.end.reason is EndReason.GOAL_MET, undisturbed.end
    asked = len(agent.requests)
    for at in range(1 if durable else 2, whole.appends + 1):
        top = f"run-{at}"
        storage = Dying(at)
        first = ScriptedAgent(agents={"worker": answer})
        with pytest.raises((killed, BaseExceptionGroup)):
            await run_loop(lab.kernel(storage=storage, agents=first), spec, run_id=top)
        await storage.bury()
        family = [row.run_id for row in await lab.memory.rows(prefix=top)]
        done = {
            (run, event.step, event.data["occurrence"])
            for run in family
            for event in await lab.events(run)
            if event.type in ("step.complete", "step.error")
        }
        agent = ScriptedAgent(agents={"worker": answer})
        result = await resume_loop(lab.kernel(agents=agent), top)
        assert result.end == undisturbed.end
        assert done.isdisjoint((r.run_id, r.step, r.occurrence) for r in agent.requests)
        assert (result.tokens, result.cost_usd) == (undisturbed.tokens, undisturbed.cost_usd)
        rows = await lab.memory.rows(prefix=f"{top}.")
        assert {row.status for row in rows} == {"completed"}
        answered = [
            (row.run_id, event.step, event.data["attempt"])
            for row in await lab.memory.rows(prefix=top)
            for event in await lab.events(row.run_id)
            if event.type == "agent.response"
        ]
        assert len(answered) == len(set(answered))
        for row in await lab.memory.rows(prefix=top):
            if row.run_id == top or row.run_id.startswith(f"{top}."):
                fold, _ = await lab.load(row.run_id)
                assert fold.tokens == row.tokens
    assert asked > 0
