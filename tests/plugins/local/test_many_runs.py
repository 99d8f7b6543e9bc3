"""Many runs of one engine at once."""

from __future__ import annotations

import asyncio
from typing import Any

from loopengt.testing import ScriptedAgent, loop_spec, run_loop, run_loop_sync
from loopengt_hookspecs.models import EndReason, LoopSpec


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
