"""Many runs of one engine at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from loopengt.journal import load_run
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop, run_loop_sync
from loopengt_hookspecs.models import EndReason, LoopSpec


@pytest.mark.slow
async def test_a_thousand_runs_at_once(lab: Any) -> None:
    """Each has its own id, state and end, and none disturbs another."""

    async def answer(request: Any) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"run": request.run_id, "number": request.context["number"]}

    spec = LoopSpec.model_validate(loop_spec(*(f"s{number}" for number in range(4))))
    kernel = lab.kernel(agents=ScriptedAgent(agents={"worker": answer}))
    async with kernel.storage():
        runs = (run_loop(kernel, spec, context={"number": number}) for number in range(1000))
        results = await asyncio.gather(*runs)
    assert len({result.run_id for result in results}) == 1000
    assert {result.end.reason for result in results} == {EndReason.GOAL_MET}
    assert [result.output for result in results] == [
        {"run": result.run_id, "number": number} for number, result in enumerate(results)
    ]
    rows = await lab.memory.rows()
    assert {(row.status, row.turn, row.owner) for row in rows} == {("completed", 4, None)}


def mixed() -> dict[str, tuple[dict[str, Any], int]]:
    """Return loops of several patterns, each with the turns that it takes."""
    fan = ["begin", *({"name": f"b{number}", "dependencies": ["begin"]} for number in range(4))]
    gate = {"name": "last", "condition": "run.turn >= 6"}
    gated = {"name": "look", "verification_gates": ["last"]}
    each = {"name": "each", "for_each": "[1, 2, 3, 4, 5]"}
    judge = {"name": "judge"}
    return {
        "sequential": (loop_spec("a", "b", "c", "d"), 4),
        "parallel_fan_out": (loop_spec(*fan, pattern="parallel_fan_out"), 5),
        "items": (loop_spec(each, "end", pattern="parallel_fan_out"), 6),
        "repeat": (loop_spec("do", gated, pattern="repeat", policy={"verification_gates": [gate]}), 6),
        "evaluator_optimizer": (loop_spec(judge, "improve", pattern="evaluator_optimizer"), 5),
        "supervisor_worker": (loop_spec("lead", "x", "y", pattern="supervisor_worker"), 5),
        "handoff": (loop_spec("a", "b", "c", pattern="handoff"), 3),
    }


@pytest.mark.slow
@pytest.mark.parametrize("storage", ["sqlite", "jsonl"])
async def test_a_thousand_durable_runs_of_all_patterns(tmp_path: Path, storage: str) -> None:
    """Each reaches its goal, each journal holds that run's events alone, and nobody owns a run any more."""

    async def answer(request: Any) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"run": request.run_id, "step": request.step, "score": request.occurrence / 3}

    kernel = make_kernel(tmp_path, agents=ScriptedAgent(agents={"worker": answer}), storage=storage)
    loops = [(LoopSpec.model_validate(spec), turns) for spec, turns in mixed().values()]
    turns = {}
    async with kernel.storage() as store:
        runs = (run_loop(kernel, loops[number % len(loops)][0]) for number in range(1000))
        for number, result in enumerate(await asyncio.gather(*runs)):
            assert result.end.reason is EndReason.GOAL_MET, (number, result.end)
            turns[result.run_id] = loops[number % len(loops)][1]
        rows = await store.rows()
        assert {row.run_id: row.turn for row in rows} == turns
        assert {(row.status, row.owner) for row in rows} == {("completed", None)}
        for run_id, expected in turns.items():
            fold, events = await load_run(store, run_id)
            answers = [event.data["output"] for event in events if event.type == "agent.response"]
            assert {output["run"] for output in answers} == {run_id} and len(answers) == expected
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            assert fold.run_id == run_id and fold.turn == expected
        assert await store.check() == []


async def test_all_of_them_can_be_paused_at_once(lab: Any) -> None:
    """interrupt() without an id pauses every run of the engine, one with an id only that one."""

    async def hang(_: object) -> str:
        asked.release()
        await asyncio.Event().wait()
        return ""

    asked = asyncio.Semaphore(0)
    kernel = lab.kernel(agents=ScriptedAgent(agents={"worker": hang}))
    async with kernel.storage():
        runs = {
            name: asyncio.create_task(run_loop(kernel, loop_spec(), run_id=name)) for name in ("a", "b", "c")
        }
        for _ in runs:
            await asked.acquire()
        kernel.engine().interrupt("b")
        assert (await runs.pop("b")).end.reason is EndReason.INTERRUPTED
        assert not any(task.done() for task in runs.values())
        kernel.engine().interrupt()
        ends = [(await task).end.reason for task in runs.values()]
    assert ends == [EndReason.INTERRUPTED] * 2


def test_an_engine_serves_one_event_loop_after_another(lab: Any) -> None:
    """A kernel that was used in one event loop works in the next."""
    kernel = lab.kernel(agents=ScriptedAgent("1", "2"))
    assert run_loop_sync(kernel, loop_spec()).output == "1"
    assert run_loop_sync(kernel, loop_spec()).output == "2"
