"""Steps for an IDE's model across processes: a terminal, servers on stdio, and servers that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CreateMessageResult, TextContent

from .kit import Ide, host_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_SERVER = (
    "import os, pathlib, runpy, sys; pathlib.Path('server.pid').write_text(str(os.getpid())); "
    "sys.argv = ['loopengt', 'mcp']; runpy.run_module('loopengt', run_name='__main__')"
)


@dataclass
class Place:
    """A project on which programs work."""

    folder: Path
    environ: dict[str, str]

    def write(self, loop: dict[str, Any]) -> None:
        """Write the loop, as a person would."""
        (self.folder / "loop.json").write_text(json.dumps(loop))

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run loopengt as a person at a terminal would."""
        argv = [sys.executable, "-m", "loopengt", *args]
        return subprocess.run(
            argv, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=60, check=False
        )

    @asynccontextmanager
    async def ide(self, **more: Any) -> AsyncIterator[Ide]:
        """Start a server on stdio, and connect to it."""
        target = StdioServerParameters(
            command=sys.executable, args=["-c", _SERVER], cwd=self.folder, env=self.environ
        )
        async with Client(target, **more) as client:
            yield Ide(client)

    def kill_server(self) -> None:
        """Kill the server that was started last, at once."""
        os.kill(int((self.folder / "server.pid").read_text()), signal.SIGKILL)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A project, and an environment without settings of the person who runs the tests."""
    folder = tmp_path / "project"
    folder.mkdir()
    own = {key: value for key, value in os.environ.items() if not key.startswith("LOOPENGT_")}
    state = str(tmp_path / "state")
    return Place(folder, own | {"XDG_STATE_HOME": state, "XDG_CONFIG_HOME": state})


def test_a_run_in_a_terminal_pauses_for_an_ide(place: Place) -> None:
    """Without an IDE the run pauses with exit code 4 and says who can take the step up; a person may answer it."""
    place.write(host_loop({"name": "paint", "prompt_template": "Which colour?"}))
    paused = place.run("run", "loop.json")
    said = paused.stdout + paused.stderr
    assert paused.returncode == 4, said
    assert "step 'paint' waits for the model of an IDE" in said
    assert "in an IDE: let its model call next_task" in said
    assert "loopengt answer" in said
    answered = place.run("answer", "latest", "red", "--resume")
    assert answered.returncode == 0, answered.stdout + answered.stderr


async def test_a_task_outlives_its_server(place: Place) -> None:
    """A server that is killed leaves the task in the journal: the next one takes its output, and the run goes on."""
    place.write(host_loop({"name": "paint", "prompt_template": "Which colour?"}, "second"))
    async with place.ide() as ide:
        run = (await ide.call("run_loop", loop="loop.json"))["run_id"]
        task = (await ide.call("next_task", run_id=run))["task"]
        place.kill_server()
    async with place.ide() as ide:
        assert (await ide.call("next_task", run_id=run))["task"] == task
        await ide.call("submit_task", task_id=task["task_id"], output="red")
        second = (await ide.call("next_task", run_id=run))["task"]
        assert (second["step"], second["task_id"]) == ("second", f"{run}/2")
        await ide.call("submit_task", task_id=second["task_id"], output="done")
        end = await ide.call("wait_run", run_id=run)
        assert (end["reason"], end["turn"], end["output"]) == ("goal_met", 2, "done")


@pytest.mark.slow
async def test_a_run_that_lost_its_server_goes_on_with_the_output(place: Place) -> None:
    """A server that is killed while another step is under way leaves a crashed run, which the output takes up."""
    waits = "import pathlib, time\nwhile not pathlib.Path(r'{go}').exists(): time.sleep(0.02)\nprint('went')"
    command = [sys.executable, "-c", waits.replace("{go}", str(place.folder / "go"))]
    roles = [
        {"name": "ide", "config": {"provider": "host"}},
        {"name": "other", "config": {"provider": "command", "extra": {"command": command}}},
    ]
    steps = ({"name": "a", "agent": "ide"}, {"name": "b", "agent": "other"})
    loop = host_loop(*steps, pattern="parallel_fan_out", policy={"allow_parallel": True})
    place.write(loop | {"agents": roles})
    async with place.ide() as ide:
        run = (await ide.call("run_loop", loop="loop.json"))["run_id"]
        task = (await ide.call("next_task", run_id=run))["task"]
        assert (await ide.call("run_status", run_id=run))["driven_by"] == "this server"
        place.kill_server()
    async with place.ide() as ide:
        state = await ide.call("run_status", run_id=run)
        assert (state["status"], len(state["tasks"])) == ("crashed", 1)
        assert (await ide.call("submit_task", task_id=task["task_id"], output="red"))[
            "driven_by"
        ] == "this server"
        (place.folder / "go").touch()
        assert (await ide.call("wait_run", run_id=run))["reason"] == "goal_met"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_model_is_sampled_over_stdio(place: Place, mode: str) -> None:
    """A client on stdio lends its model to a whole run, in both eras of the protocol."""
    place.write(host_loop("a", "b", "c"))
    asked = 0

    async def sample(context: Any, params: Any) -> CreateMessageResult:
        nonlocal asked
        asked += 1
        content = TextContent(type="text", text=f"answer {asked}")
        return CreateMessageResult(role="assistant", content=content, model="m")

    async with place.ide(mode=mode, sampling_callback=sample) as ide:
        run = (await ide.call("run_loop", loop="loop.json"))["run_id"]
        end = await ide.call("wait_run", run_id=run, wait_seconds=30)
    assert (end["reason"], end["output"], asked) == ("goal_met", "answer 3", 3)
