"""Runs over MCP: started, waited for, watched, cancelled, stopped, resumed and forked by clients of both eras."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from loopengt.testing import loop_spec

from .kit import Bench, patient

if TYPE_CHECKING:
    from collections.abc import Callable

ERAS = pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.slow)])


def held(bench: Bench) -> tuple[str, Callable[[], None]]:
    """Write a loop of two steps whose second is answered once the returned function was called."""
    gate = asyncio.Event()

    async def answer(request: Any) -> str:
        await gate.wait()
        return "second"

    bench.agent.script("first", "first", "again", "again")
    bench.agent.script("second", answer, "resumed", "resumed")
    return bench.write("loop.yaml", loop_spec("first", "second")), gate.set


@ERAS
async def test_a_short_run_is_done_within_one_call(bench: Bench, mode: str) -> None:
    """run_loop with wait_seconds answers with the end of the run, its output, and what to do next."""
    bench.agent.script("work", "hello")
    bench.write("loops/greet.yaml", loop_spec(name="greet"))
    async with bench.client(mode=mode) as call:
        state = (await call("run_loop", loop="greet", wait_seconds=10)).data
        assert (state["status"], state["reason"], state["output"]) == ("completed", "goal_met", "hello")
        assert "inspect_trace" in state["next"]
        [run] = (await call("list_runs")).data["runs"]
        assert run["run_id"] == state["run_id"]


@pytest.mark.parametrize(("workspace", "apart"), [("copy", True), ("in_place", False)])
async def test_the_end_says_how_the_work_gets_into_the_project(
    bench: Bench, workspace: str, apart: bool
) -> None:
    """Work in a folder of its own is not in the project yet: `next` has the command that brings it there."""
    bench.agent.script("work", "done")
    bench.write("loop.yaml", loop_spec(workspace=workspace))
    async with bench.client() as call:
        state = (await call("run_loop", loop="loop.yaml", wait_seconds=10)).data
    assert state["status"] == "completed"
    assert (f"loopengt resume {state['run_id']} --merge" in state["next"]) == apart


@ERAS
async def test_a_long_run_outlasts_the_call_that_started_it(bench: Bench, mode: str) -> None:
    """run_loop answers at once with a handle; wait_run gives up after its time, and sees the end later."""
    path, go_on = held(bench)
    async with bench.client(mode=mode) as call:
        state = (await call("run_loop", loop=path)).data
        assert (state["status"], state["driven_by"]) == ("running", "this server")
        assert "wait_run" in state["next"]
        run_id = state["run_id"]
        waited = (await call("wait_run", run_id=run_id, wait_seconds=0.1)).data
        assert waited["status"] == "running"
        go_on()
        ended = (await call("wait_run", run_id=run_id, wait_seconds=20)).data
        assert (ended["reason"], ended["output"]) == ("goal_met", "second")
        assert [step["status"] for step in ended["steps"]] == ["completed", "completed"]


@ERAS
async def test_a_client_that_waits_is_told_of_every_step(bench: Bench, mode: str) -> None:
    """Progress notifications name the steps, and their number only grows."""
    path, go_on = held(bench)
    told: list[tuple[float, str]] = []

    async def progress(count: float, total: float | None, message: str | None) -> None:
        told.append((count, message or ""))
        if "'second' started" in told[-1][1]:
            go_on()

    async with bench.client(mode=mode) as call:
        run_id = (await call("run_loop", loop=path)).data["run_id"]
        arguments = {"run_id": run_id, "wait_seconds": 20}
        await call.client.call_tool("wait_run", arguments, progress_callback=progress)
    assert any("'second'" in message for _, message in told)
    counts = [count for count, _ in told]
    assert counts == sorted(set(counts))


@ERAS
async def test_cancelling_a_waiting_call_leaves_the_run_going(bench: Bench, mode: str) -> None:
    """A client that gives up waiting has not ended anything."""
    path, go_on = held(bench)
    async with bench.client(mode=mode) as call:
        with anyio.move_on_after(0.3):
            await call("run_loop", loop=path, wait_seconds=30)
        state = (await call("run_status")).data
        assert (state["status"], state["driven_by"]) == ("running", "this server")
        go_on()
        assert (await call("wait_run", wait_seconds=20)).data["reason"] == "goal_met"


@ERAS
async def test_cancelling_an_attached_call_pauses_the_run(bench: Bench, mode: str) -> None:
    """attached=true ties the run to the call: it rests, resumable, and what was completed is not done again."""
    path, _ = held(bench)
    async with bench.client(mode=mode) as call:
        with anyio.move_on_after(0.3):
            await call("run_loop", loop=path, wait_seconds=30, attached=True)
        run_id = (await call("list_runs")).data["runs"][0]["run_id"]
        state = await call.until(run_id, status="paused")
        assert "resume_loop" in state["next"]
        ended = (await call("resume_loop", run_id=run_id, wait_seconds=20)).data
        assert (ended["reason"], ended["output"]) == ("goal_met", "resumed")
    assert len(bench.agent.asked("first")) == 1


async def test_runs_pause_when_the_last_client_leaves(bench: Bench) -> None:
    """The end of the server pauses its runs; the next server goes on with them."""
    path, _ = held(bench)
    async with bench.kernel.storage():  # as a file would, it outlives the server
        async with bench.client() as call:
            run_id = (await call("run_loop", loop=path)).data["run_id"]
            await call.until(run_id, step="second")
        async with bench.client() as call:
            state = (await call("run_status", run_id=run_id)).data
            assert (state["status"], state["driven_by"]) == ("paused", "")
            assert (await call("resume_loop", run_id=run_id, wait_seconds=20)).data["reason"] == "goal_met"


async def test_a_client_that_disconnects_does_not_take_the_run_with_it(bench: Bench) -> None:
    """While another client is there, the run of the one that left goes on, and the other sees its end."""
    path, go_on = held(bench)
    async with bench.client() as other:
        async with bench.client() as call:
            run_id = (await call("run_loop", loop=path)).data["run_id"]
        assert (await other("run_status", run_id=run_id)).data["driven_by"] == "this server"
        go_on()
        assert (await other("wait_run", run_id=run_id, wait_seconds=20)).data["reason"] == "goal_met"


async def test_two_clients_wait_for_one_run(bench: Bench) -> None:
    """Both see its end, and a second resume does not drive it twice."""
    path, go_on = held(bench)
    async with bench.client() as one, bench.client(mode="legacy") as two:
        run_id = (await one("run_loop", loop=path)).data["run_id"]
        await one.until(run_id, step="second")
        assert (await two("resume_loop", run_id=run_id)).data["driven_by"] == "this server"
        asyncio.get_running_loop().call_later(0.2, go_on)
        waits = (each("wait_run", run_id=run_id, wait_seconds=20) for each in (one, two))
        states = [answered.data for answered in await asyncio.gather(*waits)]
        assert [state["reason"] for state in states] == ["goal_met", "goal_met"]
    assert len(bench.agent.asked("second")) == 1


async def test_a_run_is_stopped_and_resumed(bench: Bench) -> None:
    """stop_run ends it at once with now=true; it counts as stopped, and can go on; twice is told."""
    path, _ = held(bench)
    async with bench.client() as call:
        run_id = (await call("run_loop", loop=path)).data["run_id"]
        await call.until(run_id, step="second")
        state = (await call("stop_run", run_id=run_id, now=True, comment="enough", wait_seconds=20)).data
        assert state["reason"] == "stopped"
        assert "enough" in state["detail"]
        assert "nothing to stop" in (await call("stop_run", run_id=run_id)).error
        assert (await call("resume_loop", run_id=run_id, wait_seconds=20)).data["reason"] == "goal_met"


async def test_a_fork_goes_on_from_a_step_with_another_context(bench: Bench) -> None:
    """fork_run shares what was done before the step, and leaves the other run as it is."""
    steps = [{"name": "a"}, {"name": "b", "prompt_template": "say {word}"}]
    bench.agent.script("a", "first")
    bench.agent.script("b", lambda request: request.prompt, lambda request: request.prompt)
    path = bench.write("loop.yaml", loop_spec(*steps, context={"word": "one"}))
    async with bench.client() as call:
        first = (await call("run_loop", loop=path, wait_seconds=20)).data
        forked = await call(
            "fork_run", run_id=first["run_id"], at="b", context={"word": "two"}, wait_seconds=20
        )
        assert first["output"] == "say one"
        assert forked.data["output"] == "say two"
        assert forked.data["run_id"] != first["run_id"]
        assert "no" in (await call("fork_run", run_id=first["run_id"], at="nowhere")).error
    assert len(bench.agent.asked("a")) == 1


async def test_an_exhausted_run_goes_on_with_more(bench: Bench) -> None:
    """A run out of turns says so, and resume_loop adds to its limits."""
    bench.agent.script("work", *(str(lap) for lap in range(6)))
    gate = {"name": "far", "condition": "output == '3'"}
    spec = loop_spec(
        {"name": "work", "verification_gates": ["far"]},
        pattern="repeat",
        policy={"max_turns": 2, "verification_gates": [gate | {"on_failure": "continue"}]},
    )
    path = bench.write("loop.yaml", spec)
    async with bench.client() as call:
        state = (await call("run_loop", loop=path, wait_seconds=20)).data
        assert state["reason"] == "exhausted"
        assert "add_turns" in state["next"]
        more = await call("resume_loop", run_id=state["run_id"], add_turns=4, wait_seconds=20)
        assert more.data["reason"] == "goal_met"


async def test_a_changed_loop_is_gone_by_only_when_accepted(bench: Bench) -> None:
    """resume_loop goes on as recorded, and with accept_changes by the file as it is now."""
    path, _ = held(bench)
    async with bench.client() as call:
        run_id = (await call("run_loop", loop=path)).data["run_id"]
        await call.until(run_id, step="second")
        await call("stop_run", run_id=run_id, now=True, wait_seconds=20)
        bench.agent.script("third", "new")
        bench.write(path, loop_spec("first", "second", "third"))
        state = await call("resume_loop", run_id=run_id, accept_changes=True, wait_seconds=20)
        assert [step["name"] for step in state.data["steps"]] == ["first", "second", "third"]
        assert state.data["output"] == "new"


async def test_clients_that_listen_hear_of_changes(bench: Bench) -> None:
    """A subscription to a run's trace and to the list of runs is told when they change."""
    path, go_on = held(bench)
    async with bench.client() as call:
        run_id = (await call("run_loop", loop=path)).data["run_id"]
        uris = [f"trace://run/{run_id}", "runs://list"]
        async with call.client.listen(resource_subscriptions=uris) as heard:
            go_on()
            seen: set[str] = set()
            with anyio.fail_after(20):
                async for event in heard:
                    seen.add(str(getattr(event, "uri", "")))
                    if seen >= set(uris):
                        break
        read = await call.client.read_resource(uris[0])
        trace = json.loads(read.contents[0].text)
        assert trace["run"]["run_id"] == run_id
        assert trace["events"][-1]["event_type"] == "loop.complete"


@pytest.mark.slow
async def test_a_run_of_another_process_is_waited_for(bench: Bench, tmp_path: Any) -> None:
    """wait_run sees the end of a run that a person drives in a terminal."""
    import sys

    from .kit import environment

    bench.storage = "sqlite"
    bench.write("loop.yaml", patient(bench.project))
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loopengt", "run", "loop.yaml", "--quiet",
        cwd=bench.project, env=environment(tmp_path), stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with anyio.fail_after(20):
            while not (bench.project / "here").exists():  # noqa: ASYNC110  # another process makes it
                await anyio.sleep(0.02)
        async with bench.client() as call:
            state = (await call("run_status")).data
            assert state["driven_by"] == "another process"
            asyncio.get_running_loop().call_later(0.1, (bench.project / "go").touch)
            ended = (await call("wait_run", wait_seconds=20)).data
            assert (ended["reason"], ended["driven_by"]) == ("goal_met", "")
    finally:
        await program.wait()


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("run_status", {"run_id": "nothing"}, "there is no run"),
    ("wait_run", {"wait_seconds": 51}, "51 does not fit; it takes a number from 0 to 50"),
    ("run_loop", {}, "either `loop`"),
    ("run_loop", {"loop": "gret"}, "the nearest is 'greet'"),
    ("inspect_trace", {"cursor": "x"}, "there are no runs yet"),
    ("resume_loop", {"run_id": "x", "unknown_outcome": "perhaps"}, 'one of "ask", "done", "retry", "fail"'),
    ("create_loop", {"spec": 7}, "spec: 7 does not fit; it takes a text"),
    ("approve", {"run_id": ["a"]}, 'run_id: ["a"] does not fit'),
]


async def test_wrong_calls_are_answered_with_what_is_wrong(bench: Bench) -> None:
    """A model reads the fact, and what to do instead; nothing is left running."""
    bench.write("loops/greet.yaml", loop_spec(name="greet"))
    async with bench.client() as call:
        for tool, arguments, says in WRONG:
            assert says in (await call(tool, **arguments)).error
        assert (await call("list_runs")).data["runs"] == []
