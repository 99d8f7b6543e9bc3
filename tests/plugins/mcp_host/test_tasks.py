"""Steps that the model of an IDE takes up as tasks."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from mcp import MCPError
from mcp.types import TextResourceContents

from .kit import COLOUR, Office, host_loop, office_at

if TYPE_CHECKING:
    from pathlib import Path

ONCE: dict[str, Any] = {"policy": {"retry": {"max_retries": 0}}}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_loop_is_done_by_the_ide(office: Office, mode: str) -> None:
    """A client without sampling is told of each task, gets its prompt and place, and its texts become the outputs."""
    ide = await office.ide("cursor", mode=mode)
    steps = (
        {"name": "a", "prompt_template": "Say {goal}"},
        {"name": "b", "prompt_template": "More: {steps.a.output}"},
    )
    run = await ide.start(host_loop(*steps, goal="hi", system_prompt="Be kind."))
    state = await ide.call("wait_run", run_id=run)
    assert (state["status"], state["questions"], state["output"]) == ("paused", [], None)
    assert state["detail"] == "step 'a' waits for the model of an IDE"
    assert "call next_task" in state["next"]
    (shown,) = state["tasks"]
    assert shown == {"task_id": f"{run}/1", "step": "a", "prompt": "Say hi", "uri": f"task://{run}/1"}

    first = (await ide.call("next_task", run_id=run))["task"]
    assert (first["task_id"], first["prompt"], first["instructions"]) == (f"{run}/1", "Say hi", "Be kind.")
    assert first["workspace"] == state["workspace"]
    left = (await ide.call("submit_task", task_id=first["task_id"], output="hello"))["tasks"]
    assert first["task_id"] not in [task["task_id"] for task in left]
    second = (await ide.call("next_task", run_id=run))["task"]
    assert (second["task_id"], second["prompt"]) == (f"{run}/2", "More: hello")
    await ide.call("submit_task", task_id=second["task_id"], output="bye")
    end = await ide.call("wait_run", run_id=run)
    assert (end["status"], end["reason"], end["output"]) == ("completed", "goal_met", "bye")
    assert (end["cost_usd"], end["unknown_costs"]) == (0.0, 0)
    assert (await ide.call("next_task", run_id=run, wait_seconds=0))["task"] is None
    trace = await ide.call("inspect_trace", run_id=run, types=["approval.decision"])
    assert [event["data"]["by"] for event in trace["events"]] == ["cursor (MCP)"] * 2


async def test_a_task_can_be_read_while_it_is_open(office: Office) -> None:
    """The resource of a task is what next_task gives; of one that is closed, there is none."""
    ide = await office.ide()
    run = await ide.start(host_loop())
    task = (await ide.call("next_task", run_id=run))["task"]
    (content,) = (await ide.client.read_resource(f"task://{run}/1")).contents
    assert isinstance(content, TextResourceContents)
    assert json.loads(content.text) == task
    await ide.call("submit_task", task_id=task["task_id"], output="red")
    with pytest.raises(MCPError, match=r"is closed: ide \(MCP\) has answered it already"):
        await ide.client.read_resource(f"task://{run}/1")


async def test_an_output_that_does_not_fit_is_corrected(office: Office) -> None:
    """What does not fit the schema is refused with what is wrong, and nothing is taken until something does."""
    ide = await office.ide()
    run = await ide.start(host_loop(output_schema=COLOUR))
    task = (await ide.call("next_task", run_id=run))["task"]
    assert task["output_schema"] == COLOUR
    said = await ide.refused("submit_task", task_id=task["task_id"], output={"color": "red"})
    assert "does not fit its output_schema" in said
    assert "'colour' is a required property" in said or "colour" in said
    assert "JSON is wanted" in await ide.refused("submit_task", task_id=task["task_id"], output="just red")
    assert "is empty" in await ide.refused("submit_task", task_id=task["task_id"], output=" ")
    assert "characters" in await ide.refused("submit_task", task_id=task["task_id"], output="x" * 200_001)
    assert "either `output`" in await ide.refused("submit_task", task_id=task["task_id"])
    assert (await ide.call("run_status", run_id=run))["tasks"]
    fenced = 'Here it is:\n```json\n{"colour": "red"}\n```'
    await ide.call("submit_task", task_id=task["task_id"], output=fenced)
    assert (await ide.call("wait_run", run_id=run))["output"] == {"colour": "red"}


async def test_the_first_of_two_clients_wins(office: Office) -> None:
    """Of two clients that bring one task's output at the same time one is taken; the other is told by whom."""
    ides = [await office.ide("ann"), await office.ide("bob", mode="legacy")]
    run = await ides[0].start(host_loop())
    tasks = [(await ide.call("next_task", run_id=run))["task"] for ide in ides]
    assert tasks[0]["task_id"] == tasks[1]["task_id"]
    assert tasks[0]["taken"] == ""
    assert tasks[1]["taken"].startswith("ann, ")
    results = await asyncio.gather(
        *(
            ide.raw("submit_task", task_id=f"{run}/1", output=f"of {number}")
            for number, ide in enumerate(ides)
        )
    )
    (winner,) = [number for number, result in enumerate(results) if not result.is_error]
    name = ("ann", "bob")[winner]
    told = str(results[1 - winner].content)
    assert f"is closed: {name} (MCP) has answered it already, and that counts" in told
    end = await ides[0].call("wait_run", run_id=run)
    assert (end["reason"], end["output"]) == ("goal_met", f"of {winner}")
    assert "is closed" in await ides[winner].refused("submit_task", task_id=f"{run}/1", output="again")


async def test_two_clients_are_given_different_tasks(office: Office) -> None:
    """Tasks that are open at the same time are spread over those who ask for work."""
    ann, bob = await office.ide("ann"), await office.ide("bob")
    steps = [{"name": name, "prompt_template": name} for name in ("a", "b")]
    loop = host_loop(*steps, pattern="parallel_fan_out", policy={"allow_parallel": True})
    run = await ann.start(loop)
    first, second = [await ide.call("next_task", run_id=run) for ide in (ann, bob)]
    assert (first["open_tasks"], first["task"]["step"], second["task"]["step"]) == (2, "a", "b")
    await asyncio.gather(
        ann.call("submit_task", task_id=first["task"]["task_id"], output="1"),
        bob.call("submit_task", task_id=second["task"]["task_id"], output="2"),
    )
    end = await ann.call("wait_run", run_id=run)
    assert (end["reason"], [step["status"] for step in end["steps"]]) == ("goal_met", ["completed"] * 2)


async def test_a_task_that_cannot_be_done_fails_its_step(office: Office) -> None:
    """What a model says in place of an output fails the attempt, with its words."""
    ide = await office.ide("cursor")
    run = await ide.start(host_loop(**ONCE))
    await ide.call("next_task", run_id=run)
    await ide.call("submit_task", task_id=f"{run}/1", failed="there is no paint")
    end = await ide.call("wait_run", run_id=run)
    assert end["status"] == "failed"
    assert "was declined by cursor (MCP): there is no paint" in end["detail"]


async def test_a_gate_sends_a_task_back(office: Office) -> None:
    """An output that a gate refuses becomes a new task, whose prompt says why."""
    ide = await office.ide()
    gates = [{"name": "red", "condition": "output == 'red'", "description": "It has to be red"}]
    step = {"name": "paint", "prompt_template": "Paint. {feedback}", "verification_gates": ["red"]}
    policy = {"verification_gates": gates, "retry": {"initial_delay_seconds": 0.01}}
    run = await ide.start(host_loop(step, policy=policy))
    await ide.call("next_task", run_id=run)
    await ide.call("submit_task", task_id=f"{run}/1", output="blue")
    task = (await ide.call("next_task", run_id=run))["task"]
    assert (task["task_id"], task["attempt"]) == (f"{run}/2", 2)
    assert "red" in task["prompt"]
    await ide.call("submit_task", task_id=task["task_id"], output="red")
    assert (await ide.call("wait_run", run_id=run))["reason"] == "goal_met"


async def test_a_task_that_nobody_does_in_time_fails_its_step(office: Office) -> None:
    """When its time is over a task is handed to nobody, an output is refused, and the attempt fails as timed out."""
    ide = await office.ide()
    run = await ide.start(host_loop(extra={"timeout_seconds": 0.3}, **ONCE), wait_seconds=5)
    task = (await ide.call("run_status", run_id=run))["tasks"][0]
    await asyncio.sleep(0.35)  # what is tested is that this time has passed
    said = await ide.refused("submit_task", task_id=task["task_id"], output="too late")
    assert "is closed: its time is over" in said
    end = await ide.call("wait_run", run_id=run)
    assert end["status"] == "failed"
    assert "nobody answered within 0.3 seconds" in end["detail"]


async def test_asking_for_work_ends_a_task_whose_time_is_over(office: Office) -> None:
    """next_task gives nothing whose time is over, and lets the run take notice of that."""
    ide = await office.ide()
    run = await ide.start(host_loop(extra={"timeout_seconds": 0.2}, **ONCE), wait_seconds=5)
    await asyncio.sleep(0.25)  # what is tested is that this time has passed
    found = await ide.call("next_task", run_id=run, wait_seconds=5)
    assert (found["task"], found["run"]["status"]) == (None, "failed")


async def test_a_task_that_is_none_is_refused(office: Office) -> None:
    """Ids that no task has are refused with words, whatever they look like."""
    ide = await office.ide()
    run = await ide.start(host_loop())
    for task_id in ("", "nonsense", "a/b", f"{run}/99", f"{run}/-1", "../../secret/1", f"{run}/٣"):
        said = await ide.refused("submit_task", task_id=task_id, output="x")
        assert "no id of a task" in said or "there is no" in said, task_id


async def test_the_task_of_a_sub_loop_is_done_through_its_parent(office: Office) -> None:
    """A child run's task appears in the parent run with the same prompt and schema, and is done there."""
    child = host_loop({"name": "mix", "prompt_template": "Mix it"}, output_schema=COLOUR, name="child")
    (office.project / "child.json").write_text(json.dumps(child))
    parent = host_loop({"name": "all", "loop": "child.json"})
    (office.project / "parent.json").write_text(json.dumps(parent))
    ide = await office.ide()
    run = (await ide.call("run_loop", loop="parent.json"))["run_id"]
    task = (await ide.call("next_task", run_id=run))["task"]
    assert (task["run_id"], task["prompt"], task["output_schema"]) == (run, "Mix it", COLOUR)
    await ide.call("submit_task", task_id=task["task_id"], output={"colour": "red"})
    assert (await ide.call("wait_run", run_id=run))["reason"] == "goal_met"


async def test_where_clients_may_run_nothing_the_output_is_kept(tmp_path: Path, office: Office) -> None:
    """With allow_run = never an output is taken into the journal, and the run waits for whoever may go on with it."""
    ide = await office.ide()
    run = await ide.start(host_loop())
    await ide.call("wait_run", run_id=run)
    strict = office_at(tmp_path, allow_run="never")
    other = await strict.ide()
    state = await other.call("submit_task", task_id=f"{run}/1", output="red")
    assert (state["status"], state["tasks"], state["driven_by"]) == ("paused", [], "")
    await strict.close()
    assert (await ide.call("resume_loop", run_id=run, wait_seconds=10))["output"] == "red"


async def test_a_person_s_question_is_not_a_task(office: Office) -> None:
    """What a run asks a person stays a question for the person, beside the model's tasks, and cannot be submitted."""
    roles = [
        {"name": "ide", "config": {"provider": "host"}},
        {"name": "ann", "config": {"provider": "human"}},
    ]
    loop = host_loop({"name": "a", "agent": "ide"}, {"name": "b", "agent": "ann"}, pattern="parallel_fan_out")
    loop |= {"agents": roles, "policy": {"allow_parallel": True}}
    ide = await office.ide()
    run = await ide.start(loop, wait_seconds=10)
    state = await ide.call("run_status", run_id=run)
    assert [task["step"] for task in state["tasks"]] == ["a"]
    (question,) = state["questions"]
    assert question["step"] == "b"
    assert "Show the question to the person" in state["next"]
    said = await ide.refused("submit_task", task_id=f"{run}/{question['number']}", output="x")
    assert "there is no task" in said
    await ide.call("approve", run_id=run, question=question["number"], answer="blue")
    await ide.call("submit_task", task_id=state["tasks"][0]["task_id"], output="red")
    assert (await ide.call("wait_run", run_id=run))["reason"] == "goal_met"
