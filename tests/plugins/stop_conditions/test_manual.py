"""The manual condition: a file that a person makes ends the runs of a loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import LoopengtError
from loopengt.journal import load_run
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, resume_loop, run_loop, run_loop_sync
from loopengt_hookspecs.models import EndReason, LoopSpec

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest

DETAIL = "stop condition manual: the file {} is there; runs go on when it is removed"


def spec(value: Any = None, *steps: Any, **fields: Any) -> dict[str, Any]:
    """A repeating loop with a stop file."""
    stop = {"condition_type": "manual"} | ({} if value is None else {"value": value})
    policy = {"max_turns": 5}
    return loop_spec(*steps, **{"pattern": "repeat", "policy": policy, "stop_conditions": [stop], **fields})


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (None, ".loopengt/stop"),
        ("STOP", "STOP"),
        ("a/b/halt", "a/b/halt"),
        ("./halt", "halt"),
        ("a//x", "a/x"),
    ],
)
@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_a_run_that_begins_while_the_file_is_there(
    tmp_path: Path, value: str | None, path: str, kind: str
) -> None:
    """It takes no turn, ends as stopped, says which file and why, and leaves the file to the person."""
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    {"file": file.touch, "folder": file.mkdir, "dangling link": lambda: file.symlink_to("nowhere")}[kind]()
    agent = ScriptedAgent()
    result = run_loop_sync(make_kernel(tmp_path, agents=agent), spec(value))
    assert result.end == (EndReason.STOPPED, DETAIL.format(path))
    assert (result.end.reason.exit_code, agent.requests, file.is_symlink() or file.exists()) == (3, [], True)


def test_it_is_looked_for_before_every_turn(tmp_path: Path) -> None:
    """A file that comes during a turn ends the run before the next one."""

    def work(request: AgentRequest) -> str:
        if request.occurrence == 3:
            (tmp_path / "STOP").touch()
        return "done"

    agent = ScriptedAgent(agents={"worker": work})
    result = run_loop_sync(make_kernel(tmp_path, agents=agent), spec("STOP"))
    assert result.end.reason is EndReason.STOPPED
    assert len(agent.requests) == 3


async def test_it_is_noticed_in_the_midst_of_a_turn(tmp_path: Path) -> None:
    """Once noticed, the stop is durable and stands, though the file is gone when the turn ends."""
    file = tmp_path / "STOP"

    async def work(request: AgentRequest) -> str:
        file.touch()
        async with asyncio.timeout(30):
            while True:
                if (await load_run(storage, "r"))[0].stop is not None:
                    break
                await asyncio.sleep(0.01)
        file.unlink()
        return "finished"

    agent = ScriptedAgent(agents={"worker": work})
    kernel = make_kernel(tmp_path, agents=agent, config={"plugins": {"local": {"poll_seconds": 0.02}}})
    async with kernel.storage() as storage:
        result = await run_loop(kernel, spec("STOP"), run_id="r")
        assert result.end == (EndReason.STOPPED, DETAIL.format("STOP"))
        assert result.output == "finished"
        _, events = await load_run(storage, "r")
    assert [event.type for event in events].count("loop.stop") == 1
    assert len(agent.requests) == 1


async def test_a_resume_heeds_it(tmp_path: Path) -> None:
    """A run that is resumed while the file is there ends at once, also in the midst of a step; later it goes on."""
    kernel = make_kernel(tmp_path)
    agent = kernel.get("agents", "scripted")
    async with kernel.storage():
        running = asyncio.create_task(run_loop(kernel, spec("STOP", pattern="sequential"), run_id="r"))
        begun, go = asyncio.Event(), asyncio.Event()

        async def wait(_: AgentRequest) -> str:
            begun.set()
            await go.wait()
            return "done"

        agent.script("work", wait, wait)
        await begun.wait()
        kernel.engine().interrupt("r")
        assert (await running).end.reason is EndReason.INTERRUPTED
        (tmp_path / "STOP").touch()
        assert (await resume_loop(kernel, "r")).end == (EndReason.STOPPED, DETAIL.format("STOP"))
        assert len(agent.requests) == 1
        (tmp_path / "STOP").unlink()
        go.set()
        assert (await resume_loop(kernel, "r")).end.reason is EndReason.GOAL_MET


def test_a_loop_that_does_not_declare_it_is_not_concerned(tmp_path: Path) -> None:
    """Other loops of the project do not care about the file."""
    (tmp_path / ".loopengt").mkdir()
    (tmp_path / ".loopengt" / "stop").touch()
    agent = ScriptedAgent("done")
    assert run_loop_sync(make_kernel(tmp_path, agents=agent)).end.reason is EndReason.GOAL_MET


@pytest.mark.parametrize(
    "value",
    ["/tmp/stop", "../stop", "a/../../stop", "a/..", "..", ".", "", "/", "a\0b", 3, True, ["stop"], {}],
)
@pytest.mark.parametrize("loaded", [True, False], ids=["loaded", "made"])
def test_a_path_that_leads_out_of_the_project_is_refused(tmp_path: Path, value: Any, loaded: bool) -> None:
    """Also one that is none; nothing is executed, and the error shows how a path looks."""
    agent = ScriptedAgent()
    declared: Any = spec(value)
    with pytest.raises(LoopengtError, match=r"Give the path of a file below the project folder|NUL|control"):
        run_loop_sync(
            make_kernel(tmp_path, agents=agent), declared if loaded else LoopSpec.model_validate(declared)
        )
    assert agent.requests == []
