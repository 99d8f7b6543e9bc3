"""Runs as tasks (SEP-2663): begun, watched, answered, cancelled and taken up again by a client that declares them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError

from loopengt_mcp.options import McpOptions

from .kit import accept, asking, commanding, connected, waiting, write

HEADER_MISMATCH, MISSING_CAPABILITY, INVALID_PARAMS = -32020, -32021, -32602


async def shown(file: Path) -> str:
    """Wait for a file, and return what it says."""
    for _ in range(500):
        if file.exists() and file.read_text():
            return file.read_text()
        await asyncio.sleep(0.02)
    raise AssertionError(f"{file} never came")


async def test_a_run_is_a_task(project: Path) -> None:
    """run_loop is answered with a task whose id is the run's; it works, then has run_loop's result."""
    loop = write(project, "loop.json", agents=[waiting(project)])
    async with connected(project) as client:
        begun = await client.begin("run_loop", loop=loop)
        assert begun["status"] == "working"
        assert begun["ttlMs"] is None and begun["pollIntervalMs"] == 1000
        assert begun["createdAt"] <= begun["lastUpdatedAt"]
        run_id = begun["taskId"]
        assert (await client.get(run_id))["status"] == "working"
        (project / "go").touch()
        done = await client.until(run_id, "completed")
        state = done["result"]["structuredContent"]
        assert (state["run_id"], state["status"], state["output"]) == (run_id, "completed", "went")
        assert json.loads(done["result"]["content"][0]["text"]) == state
        assert not done["result"]["isError"]
        assert done["statusMessage"].startswith("goal_met")
        status = await client.client.call_tool("run_status", {"run_id": run_id})
        assert status.structured_content == state


async def test_a_run_that_has_ended_already_is_no_task(project: Path) -> None:
    """A call that has waited for the run's end is answered with its state."""
    loop = write(project, "loop.json", agents=[commanding("-S", "-c", "print('done')")])
    async with connected(project) as client:
        result = await client.client.session.call_tool(
            "run_loop", {"loop": loop, "wait_seconds": 30}, allow_claimed=True
        )
        assert result.structured_content["status"] == "completed"  # type: ignore[union-attr]  # no task


async def test_a_failed_run_is_a_completed_task(project: Path) -> None:
    """A run that does not reach its goal completes its task, with a result that is an error."""
    agent = commanding("-S", "-c", "import sys, time; time.sleep(0.3); sys.exit('no')")
    loop = write(project, "loop.json", {"name": "work", "allow_retry": False}, agents=[agent])
    async with connected(project) as client:
        begun = await client.begin("run_loop", loop=loop)
        done = await client.until(begun["taskId"], "completed")
        assert done["result"]["isError"] is True
        assert done["result"]["structuredContent"]["status"] == "failed"


async def test_clients_without_tasks(project: Path) -> None:
    """A client that does not declare the extension gets the run's state, and no task by asking for one."""
    loop = write(project, "loop.json", agents=[waiting(project)])
    async with connected(project, tasks=False) as client:
        begun = (await client.client.call_tool("run_loop", {"loop": loop})).structured_content
        assert begun is not None and begun["status"] == "running"
        for method in ("tasks/get", "tasks/cancel", "tasks/update"):
            with pytest.raises(MCPError) as refused:
                await client.request(method, taskId=begun["run_id"], inputResponses={})
            assert refused.value.error.code == MISSING_CAPABILITY
            assert "io.modelcontextprotocol/tasks" in str(refused.value.error.data)
    async with connected(project, tasks=True, mode="legacy") as client:
        begun = (await client.client.call_tool("run_loop", {"loop": loop})).structured_content
        assert begun is not None and begun["status"] == "running"


@pytest.mark.parametrize("task_id", ["nothing-like-it", "", "%", "../../secret", "x" * 10_000])
async def test_unknown_tasks(project: Path, task_id: str) -> None:
    """An id that no run has is refused as a wrong parameter, by each method."""
    async with connected(project) as client:
        for method in ("tasks/get", "tasks/cancel", "tasks/update"):
            with pytest.raises(MCPError) as refused:
                await client.request(method, taskId=task_id, inputResponses={})
            assert refused.value.error.code == INVALID_PARAMS


GATED: dict[str, Any] = {
    "verification_gates": [{"name": "sign-off", "kind": "approval", "on_failure": "abort"}]
}


def gated(project: Path) -> str:
    """Write a loop with an approval."""
    agent = commanding("-S", "-c", "print('made')")
    step = {"name": "make", "verification_gates": ["sign-off"]}
    return write(project, "loop.json", step, agents=[agent], policy=GATED)


async def test_an_approval(project: Path) -> None:
    """An approval is a form; with the answer the run goes on, and who answered stands in the journal."""
    loop = gated(project)
    async with connected(project) as client:
        run_id = (await client.begin("run_loop", loop=loop))["taskId"]
        asking = await client.until(run_id, "input_required")
        ((key, request),) = asking["inputRequests"].items()
        assert request["method"] == "elicitation/create"
        assert "sign-off" in request["params"]["message"]
        assert request["params"]["requestedSchema"]["required"] == ["approve"]
        await client.update(run_id, **{key: accept(approve=True, comment="fine"), "another": accept(x=1)})
        done = await client.until(run_id, "completed")
        assert done["result"]["isError"] is False
        trace = await client.client.call_tool("inspect_trace", {"run_id": run_id})
        (decided,) = [
            event
            for event in trace.structured_content["events"]  # type: ignore[index]
            if event["event_type"] == "approval.decision"
        ]
        assert decided["data"]["comment"] == "fine"
        assert decided["data"]["by"].endswith("over MCP")


async def test_a_declined_approval(project: Path) -> None:
    """A form that is declined rejects; one that is put away changes nothing; an answer that does not fit is refused."""
    loop = gated(project)
    async with connected(project) as client:
        run_id = (await client.begin("run_loop", loop=loop))["taskId"]
        (key,) = (await client.until(run_id, "input_required"))["inputRequests"]
        for unfit in (
            accept(approve="yes"),
            accept(),
            {"action": "dance"},
            "yes",
            None,
            [],
            {"approve": True},
        ):
            with pytest.raises(MCPError) as refused:
                await client.update(run_id, **{key: unfit})
            assert refused.value.error.code == INVALID_PARAMS
        await client.update(run_id, **{key: {"action": "cancel"}})
        assert [*(await client.get(run_id))["inputRequests"]] == [key]
        await client.update(run_id, **{key: {"action": "decline"}})
        done = await client.until(run_id, "completed")
        assert done["result"]["structuredContent"]["reason"] == "blocked"


async def test_clients_without_forms(project: Path) -> None:
    """A client that can show no form sees a working task that says which tool takes the answer."""
    loop = gated(project)
    async with connected(project, forms=False) as client:
        run_id = (await client.begin("run_loop", loop=loop))["taskId"]
        state = (
            await client.client.call_tool("wait_run", {"run_id": run_id, "wait_seconds": 20})
        ).structured_content
        assert state is not None and state["questions"]
        task = await client.get(run_id)
        assert task["status"] == "working" and "approve" in task["statusMessage"]
        assert "inputRequests" not in task


async def test_questions_at_once(project: Path) -> None:
    """Questions are answered one by one: what is answered is asked no more, and the last answer lets the run go on."""
    flat = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    deep = {"type": "object", "properties": {"cats": {"type": "array", "items": {"type": "string"}}}}
    agents = [
        asking(name="one", extra={"choices": ["red", "blue"]}),
        asking(name="two", output_schema=flat),
        asking(name="three", output_schema=deep),
        asking(name="four"),
    ]
    steps = [{"name": agent["name"], "agent": agent["name"]} for agent in agents]
    loop = write(
        project,
        "loop.json",
        *steps,
        agents=agents,
        pattern="parallel_fan_out",
        policy={"allow_parallel": True},
    )
    async with connected(project) as client:
        run_id = (await client.begin("run_loop", loop=loop))["taskId"]
        asked = (await client.until(run_id, "input_required"))["inputRequests"]
        while len(asked) < 4:
            asked = (await client.get(run_id))["inputRequests"]
        keys = {key.split("/")[1]: key for key in asked}
        schemas = {step: asked[key]["params"]["requestedSchema"]["properties"] for step, key in keys.items()}
        assert schemas["one"]["answer"]["enum"] == ["red", "blue"]
        assert schemas["two"] == flat["properties"]
        assert schemas["three"]["answer"]["type"] == schemas["four"]["answer"]["type"] == "string"
        for step, unfit in (("one", "green"), ("three", '{"cats": 3}'), ("three", "{"), ("four", " ")):
            with pytest.raises(MCPError):
                await client.update(run_id, **{keys[step]: accept(answer=unfit)})
        with pytest.raises(MCPError):
            await client.update(run_id, **{keys["two"]: accept(age="old"), keys["one"]: accept(answer="red")})
        assert len((await client.get(run_id))["inputRequests"]) == 4
        await client.update(run_id, **{keys["one"]: accept(answer="red"), keys["two"]: accept(age=7)})
        left = await client.get(run_id)
        assert left["status"] == "input_required"
        assert {*left["inputRequests"]} == {keys["three"], keys["four"]}
        await client.update(run_id, **{keys["three"]: accept(answer='{"cats": ["Tom"]}')})
        await client.update(run_id, **{keys["four"]: accept(answer="whatever")})
        done = await client.until(run_id, "completed")
        outputs = (await client.client.call_tool("inspect_trace", {"run_id": run_id})).structured_content
        assert not done["result"]["isError"]
        assert '"Tom"' in json.dumps(outputs)


async def test_cancel(project: Path) -> None:
    """A cancelled task ends its run at once, and again changes nothing."""
    loop = write(project, "loop.json", agents=[waiting(project)])
    async with connected(project) as client:
        run_id = (await client.begin("run_loop", loop=loop))["taskId"]
        await shown(project / "here")
        await client.cancel(run_id)
        ended = await client.until(run_id, "cancelled")
        assert "result" not in ended and "error" not in ended
        await client.cancel(run_id)
        assert (await client.get(run_id))["status"] == "cancelled"


async def test_cancel_what_rests(project: Path) -> None:
    """A task that waits for a person is cancelled without being driven; resume_loop can still go on with it."""
    loop = gated(project)
    async with connected(project) as client:
        run_id = (await client.begin("run_loop", loop=loop))["taskId"]
        await client.until(run_id, "input_required")
        before = (await client.client.call_tool("run_status", {"run_id": run_id})).structured_content
        await client.cancel(run_id)
        assert (await client.get(run_id))["status"] == "cancelled"
        after = (await client.client.call_tool("run_status", {"run_id": run_id})).structured_content
        assert before is not None and after is not None
        assert (after["status"], after["reason"]) == ("cancelled", "stopped")
        assert after["elapsed_seconds"] == before["elapsed_seconds"]
        task = await client.begin("resume_loop", run_id=run_id)
        assert task["taskId"] == run_id
        (key,) = (await client.until(run_id, "input_required"))["inputRequests"]
        await client.update(run_id, **{key: accept(approve=True)})
        assert (await client.until(run_id, "completed"))["result"]["isError"] is False


async def test_a_server_that_ends(project: Path) -> None:
    """A server that ends pauses its runs; the next one knows the tasks by their ids, and asks whether to go on."""
    loop = write(project, "loop.json", agents=[waiting(project)])
    async with connected(project) as client:
        runs = [(await client.begin("run_loop", loop=loop))["taskId"] for _ in range(2)]
        await shown(project / "here")
    (project / "go").touch()
    async with connected(project) as client:
        for run_id in runs:
            asked = await client.get(run_id)
            assert asked["status"] == "input_required"
        (key,) = (await client.get(runs[0]))["inputRequests"]
        with pytest.raises(MCPError):
            await client.update(runs[0], **{key: accept(resume="perhaps")})
        await client.update(runs[0], **{key: {"action": "cancel"}})
        assert [*(await client.get(runs[0]))["inputRequests"]] == [key]
        await client.update(runs[0], **{key: accept(resume=True)})
        done = await client.until(runs[0], "completed")
        assert done["result"]["structuredContent"]["output"] == "went"
        (key,) = (await client.get(runs[1]))["inputRequests"]
        await client.update(runs[1], **{key: {"action": "decline"}})
        assert (await client.get(runs[1]))["status"] == "cancelled"


async def test_never(project: Path) -> None:
    """Where clients may not run loops, no answer to a task lets a run go on either."""
    loop = gated(project)
    async with connected(project) as client:
        run_id = (await client.begin("run_loop", loop=loop))["taskId"]
        (key,) = (await client.until(run_id, "input_required"))["inputRequests"]
    async with connected(project, options=McpOptions(allow_run="never")) as client:
        with pytest.raises(MCPError, match="allow_run"):
            await client.update(run_id, **{key: accept(approve=True)})
        assert (await client.get(run_id))["status"] == "input_required"


async def test_a_damaged_journal(project: Path) -> None:
    """A run whose journal makes no sense is a failed task, with an error that says so."""
    from loopengt.kernel import Kernel
    from loopengt_hookspecs.storage import RunRow

    async with Kernel(project).storage() as storage:
        row = RunRow("20260101-000000-abc", "demo", "running", started_at=1.0)
        await storage.release(await storage.create(row, "x", 1.0, b'[[1,"loop.start",1.0,null,{}]]', 1))
    async with connected(project) as client:
        task = await client.get("20260101-000000-abc")
        assert task["status"] == "failed" and "result" not in task
        assert task["error"]["code"] == -32603 and "cannot be read" in task["error"]["message"]


async def test_a_run_of_another_process(project: Path, elsewhere: Any) -> None:
    """A run that another process drives is a task, too: it works there, and is cancelled there."""
    loop = write(project, "loop.json", agents=[waiting(project)])
    process = elsewhere("run", loop)
    await shown(project / "here")
    async with connected(project) as client:
        listed = (await client.client.call_tool("list_runs", {})).structured_content
        assert listed is not None
        run_id = listed["runs"][0]["run_id"]
        assert (await client.get(run_id))["status"] == "working"
        await client.cancel(run_id)
        await client.until(run_id, "cancelled")
    assert await asyncio.to_thread(process.wait, 20) == 3


async def test_a_crash_with_an_unknown_outcome(project: Path, elsewhere: Any) -> None:
    """After a crash the task asks whether to go on, then how the step ended that must not be done twice."""
    step = {"name": "work", "effects": "once"}
    loop = write(project, "loop.json", step, agents=[waiting(project)])
    process = elsewhere("run", loop)
    await shown(project / "here")
    process.kill()
    process.wait()
    async with connected(project) as client:
        listed = (await client.client.call_tool("list_runs", {})).structured_content
        assert listed is not None
        run_id = listed["runs"][0]["run_id"]
        (key,) = (await client.until(run_id, "input_required"))["inputRequests"]
        assert key.startswith("resume/")
        await client.update(run_id, **{key: accept(resume=True)})
        while True:
            asked = (await client.until(run_id, "input_required"))["inputRequests"]
            if key not in asked:
                break
        ((outcome, request),) = asked.items()
        assert request["params"]["requestedSchema"]["properties"]["outcome"]["enum"] == [
            "done",
            "retry",
            "fail",
        ]
        with pytest.raises(MCPError):
            await client.update(run_id, **{outcome: accept(outcome="perhaps")})
        await client.update(run_id, **{outcome: accept(outcome="done")})
        done = await client.until(run_id, "completed")
        assert done["result"]["isError"] is False
    (project / "go").touch()  # the agent that the crash has left behind ends, too
