"""Steps that a client's model does by sampling, while a call of the client waits."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from mcp import MCPError
from mcp.types import TextContent

from .kit import COLOUR, Office, host_loop

if TYPE_CHECKING:
    from mcp.types import CreateMessageRequestParams

MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])


def texts(params: CreateMessageRequestParams) -> list[tuple[str, str]]:
    """The conversation of a request."""
    contents = [(message.role, message.content) for message in params.messages]
    return [(role, content.text) for role, content in contents if isinstance(content, TextContent)]


@MODES
async def test_a_waiting_client_s_model_does_the_loop(office: Office, mode: str) -> None:
    """One wait_run takes a loop of two steps to its end; prompts, settings and answers go where they belong."""
    ide = await office.ide("vscode", mode=mode, answers=["hello", "bye"])
    steps = (
        {"name": "a", "prompt_template": "Say {goal}"},
        {"name": "b", "prompt_template": "More: {steps.a.output}"},
    )
    config = {"model": "small", "temperature": 0.5, "max_tokens": 99}
    run = await ide.start(host_loop(*steps, goal="hi", system_prompt="Be kind.", config=config))
    end = await ide.call("wait_run", run_id=run, wait_seconds=20)
    assert (end["reason"], end["output"]) == ("goal_met", "bye")
    assert [texts(params) for params in ide.asked] == [[("user", "Say hi")], [("user", "More: hello")]]
    params = ide.asked[0]
    assert params.system_prompt is not None
    assert params.system_prompt.startswith("Be kind.\n\n")
    assert (params.temperature, params.max_tokens) == (0.5, 99)
    assert params.model_preferences is not None
    assert [hint.name for hint in params.model_preferences.hints or ()] == ["small"]
    trace = await ide.call("inspect_trace", run_id=run, types=["approval.decision"])
    assert {event["data"]["by"] for event in trace["events"]} == {"vscode (MCP sampling, model-1)"}


async def test_a_handshake_client_s_model_works_while_run_loop_waits(office: Office) -> None:
    """Up to revision 2025-11-25 every waiting call lets the model be asked, run_loop's too."""
    ide = await office.ide(mode="legacy", answers=["red"])
    loop = json.dumps(host_loop())
    end = await ide.call("run_loop", spec=loop, wait_seconds=20)
    assert (end["reason"], end["output"]) == ("goal_met", "red")


@MODES
async def test_an_answer_that_does_not_fit_is_asked_for_again(office: Office, mode: str) -> None:
    """The model is shown its answer and what is wrong with it, and the corrected one becomes the output."""
    ide = await office.ide(mode=mode, answers=["red", '{"colour": "red"}'])
    run = await ide.start(host_loop(output_schema=COLOUR))
    end = await ide.call("wait_run", run_id=run, wait_seconds=20)
    assert end["output"] == {"colour": "red"}
    first, again = map(texts, ide.asked)
    assert again[:2] == [*first, ("assistant", "red")]
    assert "JSON is wanted" in again[2][1]
    assert json.dumps(COLOUR) in str(ide.asked[0].system_prompt)


@MODES
async def test_a_model_that_never_fits_leaves_the_task_open(office: Office, mode: str) -> None:
    """After three answers nobody is asked any more by sampling, and the task can be taken up as one."""
    ide = await office.ide(mode=mode, answers=["red"] * 9)
    run = await ide.start(host_loop(output_schema=COLOUR))
    for _ in range(2):
        state = await ide.call("wait_run", run_id=run, wait_seconds=20)
        assert (state["status"], len(state["tasks"]), len(ide.asked)) == ("paused", 1, 3)
    task = (await ide.call("next_task", run_id=run))["task"]
    await ide.call("submit_task", task_id=task["task_id"], output={"colour": "red"})
    assert (await ide.call("wait_run", run_id=run))["reason"] == "goal_met"


@MODES
async def test_work_that_needs_hands_is_never_sampled(office: Office, mode: str) -> None:
    """With ``sampling: false`` a client that could sample is told of the task instead."""
    ide = await office.ide(mode=mode, answers=[])
    run = await ide.start(host_loop(extra={"sampling": False}))
    state = await ide.call("wait_run", run_id=run, wait_seconds=20)
    assert (len(state["tasks"]), ide.asked) == (1, [])


async def test_a_refused_request_leaves_the_task_open(office: Office) -> None:
    """A person who does not let the model be asked is not asked again; the task stays for next_task."""
    ide = await office.ide(mode="legacy", answers=[None, "red"])
    run = await ide.start(host_loop())
    for _ in range(2):
        state = await ide.call("wait_run", run_id=run, wait_seconds=20)
        assert (len(state["tasks"]), len(ide.asked)) == (1, 1)
    assert (await ide.call("next_task", run_id=run))["task"]["step"] == "paint"


async def test_a_paused_run_of_another_server_is_taken_up(office: Office) -> None:
    """A run that has paused for a model goes on as soon as a client with one waits for it."""
    plain = await office.ide("plain")
    run = await plain.start(host_loop(), wait_seconds=20)
    assert (await plain.call("run_status", run_id=run))["status"] == "paused"
    ide = await office.ide(answers=["red"])
    assert (await ide.call("wait_run", run_id=run, wait_seconds=20))["output"] == "red"


@MODES
async def test_what_a_model_is_being_asked_for_is_not_given_to_others(office: Office, mode: str) -> None:
    """While one client's model thinks, another client gets no task, and waits for the run instead."""
    gate = asyncio.Event()
    ann = await office.ide("ann", mode=mode, answers=["red"], gate=gate)
    bob = await office.ide("bob", answers=["blue"])
    run = await ann.start(host_loop())
    waiting = asyncio.create_task(ann.call("wait_run", run_id=run, wait_seconds=20))
    await ann.called.wait()
    assert (await bob.call("next_task", run_id=run, wait_seconds=0.3))["task"] is None
    also = asyncio.create_task(bob.call("wait_run", run_id=run, wait_seconds=20))
    gate.set()
    ends = await asyncio.gather(waiting, also)
    assert [end["output"] for end in ends] == ["red", "red"]
    assert bob.asked == []


async def test_an_unanswered_request_leaves_the_task_to_its_client(office: Office) -> None:
    """From 2026-07-28 on nobody says that a request was refused: its client may take the task up at once."""
    ide = await office.ide(answers=[None])
    run = await ide.start(host_loop())
    with pytest.raises(MCPError, match="the person said no"):
        await ide.call("wait_run", run_id=run, wait_seconds=20)
    task = (await ide.call("next_task", run_id=run))["task"]
    await ide.call("submit_task", task_id=task["task_id"], output="red")
    assert (await ide.call("wait_run", run_id=run))["output"] == "red"
