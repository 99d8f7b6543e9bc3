"""Traces and figures over MCP: paged, below 200 KB, and the same as the journal's."""

from __future__ import annotations

import json
import time
from typing import Any

from loopengt.journal import Fold, Journal
from loopengt.ownership import current_owner
from loopengt.testing import loop_spec
from loopengt_hookspecs.storage import RunRow

from .kit import Bench

MOST = 200_000


async def long_journal(bench: Bench, run_id: str, turns: int) -> int:
    """Write the journal of a run with many turns, as the engine would have; return the number of events."""
    async with bench.kernel.storage() as storage:
        fold = Fold(history=False)
        journal = Journal(storage, fold)
        header = {
            "run_id": run_id,
            "loop": "long",
            "pattern": "repeat",
            "goal": "g",
            "steps": ["work"],
            "context": {},
        }
        journal.note("loop.start", None, header)
        row = RunRow(run_id, "long", "running", started_at=time.time())
        await journal.create(row, current_owner(), 60)
        for turn in range(1, turns + 1):
            journal.note(
                "step.start", "work", {"turn": turn, "attempt": 1, "occurrence": turn, "agent": "worker"}
            )
            journal.note("agent.invoke", "work", {"prompt": "p" * 300})
            journal.note("agent.response", "work", {"output": 'é"\n' * 200, "duration": 0.1})
            journal.note(
                "step.complete", "work", {"turn": turn, "occurrence": turn, "attempt": 1, "duration": 0.1}
            )
            if turn % 100 == 0:
                await journal.commit()
        journal.note("loop.complete", None, {"reason": "goal_met", "detail": "done"})
        row.status, row.completed_at = "completed", time.time()
        await journal.commit(row, release=True)
        return fold.seq


async def test_ten_thousand_events_are_paged(bench: Bench) -> None:
    """Every page stays below 200 KB on the wire, and together they hold each event once, in order."""
    bench.storage = "sqlite"
    count = await long_journal(bench, "long-run", 2_500)
    assert count > 10_000
    seen: list[str] = []
    async with bench.client() as call:
        cursor: str | None = ""
        while cursor is not None:
            answered = await call("inspect_trace", run_id="long-run", cursor=cursor, limit=1_000)
            assert answered.size < MOST
            page = answered.data
            seen += [event["event_id"] for event in page["events"]]
            cursor = page["next_cursor"]
            if len(seen) > 1_500:  # the rest is alike: on to its end
                position = str(count - 3) if cursor and int(cursor) < count - 3 else cursor
                cursor = position
        assert seen[:1_500] == [f"long-run:{seq}" for seq in range(1, 1_501)]
        assert seen[-1] == f"long-run:{count}"
        full = await call("inspect_trace", run_id="long-run", limit=1_000, full=True)
        assert full.size < MOST
        tail = await call.client.read_resource("trace://run/long-run")
        text = tail.contents[0].text
        assert len(text.encode()) < MOST
        assert json.loads(text)["events"][-1]["event_id"] == f"long-run:{count}"
        figures = (await call("evaluate_run", run_id="long-run")).data
        assert (figures["total_turns"], figures["run_status"]) == (2_500, "completed")


async def test_a_huge_output_is_cut(bench: Bench) -> None:
    """A step that returns megabytes does not come back as megabytes, in any tool."""
    huge = {"text": "x" * 3_000_000, "list": list(range(100_000)), "deep": [[[["é" * 50_000] * 50] * 20]]}
    bench.agent.script("work", huge)
    path = bench.write("loop.yaml", loop_spec())
    async with bench.client() as call:
        answers = [await call("run_loop", loop=path, wait_seconds=20)]
        answers += [await call(tool) for tool in ("run_status", "inspect_trace", "evaluate_run")]
        answers.append(await call("inspect_trace", full=True))
        assert max(answered.size for answered in answers) < MOST
        assert "more characters" in answers[0].text


async def test_a_trace_is_chosen_from(bench: Bench) -> None:
    """By step and by type; a cursor goes on behind what was seen; figures count what happened."""
    bench.agent.script("a", "bad", "good")
    bench.agent.script("b", "fine")
    gate = {"name": "good", "condition": "output == 'good'"}
    steps = ({"name": "a", "verification_gates": ["good"]}, "b")
    path = bench.write("loop.yaml", loop_spec(*steps, policy={"verification_gates": [gate]}))
    async with bench.client() as call:
        await call("run_loop", loop=path, wait_seconds=20)

        async def types(**arguments: Any) -> list[str]:
            return [
                event["event_type"] for event in (await call("inspect_trace", **arguments)).data["events"]
            ]

        assert await types(types=["gate"]) == ["gate.fail", "gate.pass"]
        assert set(await types(step="b")) >= {"step.start", "agent.response", "step.complete"}
        assert "gate.fail" not in await types(step="b")
        whole = await types()
        first = (await call("inspect_trace", limit=3)).data
        assert first["more"]
        assert [event["event_type"] for event in first["events"]] + await types(
            cursor=first["next_cursor"]
        ) == whole
        figures = (await call("evaluate_run")).data
        assert (figures["total_steps"], figures["completed_steps"], figures["success_rate"]) == (2, 2, 1.0)
        assert (figures["gates_passed"], figures["gates_failed"], figures["retries"]) == (1, 1, 1)


async def test_judges_score_a_run(bench: Bench) -> None:
    """Verdicts come with reasons and stand in the journal; a judge without one is a failure, and no file is read."""
    bench.agent.script("work", "42")
    path = bench.write("loop.yaml", loop_spec())
    async with bench.client() as call:
        await call("run_loop", loop=path, wait_seconds=20)
        good = (await call("judge_run", judges=["exact"], expected="42")).data
        assert (good["passed"], good["recorded"], good["verdicts"][0]["score"]) == (True, True, 1.0)
        bad = (await call("judge_run", judges=["exact"])).data
        assert not bad["passed"]
        assert "expected" in bad["failures"]["exact"]
        seen = (await call("inspect_trace", types=["judge.score"])).data["events"]
        assert [event["data"]["judge"] for event in seen] == ["exact"]
        figures = (await call("evaluate_run", metrics=["gate_pass_rate", "tokens"])).data
        assert figures["metrics"] == {"gate_pass_rate": None, "tokens": 0}
        for name in ("exakt", path, "../judge.yaml"):
            assert "there is no judge" in (await call("judge_run", judges=[name])).text


async def test_secrets_that_became_known_later_are_not_shown(bench: Bench) -> None:
    """A token that an agent printed, of a shape that is a secret, is shown by no tool and no resource."""
    token = "ghp_" + "a1B2c3D4e5" * 4
    bench.agent.script("work", f"the token is {token}")
    path = bench.write("loop.yaml", loop_spec())
    async with bench.client() as call:
        ran = await call("run_loop", loop=path, wait_seconds=20)
        answers = [ran, await call("run_status"), await call("inspect_trace", full=True)]
        assert not any(token in answered.text for answered in answers)
        read = await call.client.read_resource(f"trace://run/{ran.data['run_id']}")
        assert token not in read.contents[0].text
        assert "[redacted]" in read.contents[0].text
