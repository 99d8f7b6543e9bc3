"""The tools in runs of the engine: what they did is in the journal, and what they refuse goes back to the agent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loopengt import LoopengtError
from loopengt.journal import load_run
from loopengt.testing import loop_spec, make_kernel, run_loop

AGENT = """
async def work(request):
    calls = request.calls
    said = [[offer.name, offer.effects.value, offer.source] for offer in await calls.offers()]
    for name, arguments in {calls!r}:
        outcome = await calls.tool(name, arguments)
        said.append([outcome.is_error, outcome.text()])
    return said
"""


async def run(project: Path, tools: list[dict[str, Any]], *calls: tuple[str, Any]) -> tuple[Any, list[Any]]:
    """Run a loop of one step whose agent makes these calls; return its result and the tools' events."""
    (project / "my_agents.py").write_text(AGENT.replace("{calls!r}", repr(list(calls))))
    agent = {
        "name": "worker",
        "tools": [tool["name"] for tool in tools],
        "config": {"provider": "python", "extra": {"function": "my_agents:work"}},
    }
    kernel = make_kernel(project)
    result = await run_loop(kernel, loop_spec("work", agents=[agent], tools=tools))
    async with kernel.storage() as storage:
        _, events = await load_run(storage, result.run_id)
    return result, [event for event in events if event.type.startswith("tool.")]


def builtin(name: str, **fields: Any) -> dict[str, Any]:
    """Declare a builtin tool."""
    return {"name": name, "tool_type": "builtin", **fields}


async def test_an_agent_works_on_files_with_the_builtin_tools(project: Path) -> None:
    """Writing, editing, listing, searching, running and reading give the agent what they say, and are recorded."""
    tools = [builtin(name) for name in ("write_file", "edit_file", "list_files", "search_text", "read_file")]
    tools.append(builtin("run_command", options={"allow": ["cat"]}))
    result, events = await run(
        project,
        tools,
        ("write_file", {"path": "notes/a.txt", "content": "one\n"}),
        ("edit_file", {"path": "notes/a.txt", "old_text": "one", "new_text": "two"}),
        ("list_files", {"path": "notes"}),
        ("search_text", {"query": "t.o", "regex": True, "path": "notes"}),
        ("read_file", {"path": "notes/a.txt"}),
        ("run_command", {"command": ["cat", "notes/a.txt"]}),
    )
    assert result.end.reason == "goal_met", result.end
    calls = [event for event in events if event.type == "tool.call"]
    results = [event.data["output"] for event in events if event.type == "tool.result"]
    assert [event.data["tool"] for event in calls] == [
        *("write_file", "edit_file", "list_files", "search_text", "read_file", "run_command")
    ]
    assert results == [
        "Made notes/a.txt (4 bytes).",
        "Replaced once in notes/a.txt:\n@@ -1,1 +1,1 @@\n-one\n+two",
        "notes/a.txt",
        "notes/a.txt:1:two",
        "two\n",
        "exit code 0\n--- stdout\ntwo",
    ]
    assert (project / "notes" / "a.txt").read_text() == "two\n"


async def test_what_is_refused_goes_back_to_the_agent(project: Path) -> None:
    """Ways out, commands that are not allowed and wrong arguments are errors that the agent reads; the run goes on."""
    (project.parent / "secret.txt").write_text("hunter2")
    (project / "link").symlink_to(project.parent)
    tools = [builtin("read_file"), builtin("run_command", options={"allow": ["rm"]})]
    result, events = await run(
        project,
        tools,
        ("read_file", {"path": "../../etc/passwd"}),
        ("read_file", {"path": "link/secret.txt"}),
        ("run_command", {"command": ["rm", "-rf", "../secret.txt"]}),
        ("run_command", {"command": ["sh", "-c", "x"]}),
        ("read_file", {"file": "a"}),
        ("read_file", {"path": "my_agents.py", "limit": 1}),
    )
    assert result.end.reason == "goal_met", result.end
    errors = [event.data["error"] for event in events if event.type == "tool.error"]
    assert [error.split("\n")[0] for error in errors[:4]] == [
        "../../etc/passwd leads out of the workspace",
        "link/secret.txt leads out of the workspace",
        "the argument ../secret.txt leads out of the workspace",
        "the command sh -c x is not allowed",
    ]
    assert len(errors) == 5 and "hunter2" not in str(events)
    assert (project.parent / "secret.txt").read_text() == "hunter2"


async def test_functions_of_the_project_are_tools(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sync function with a secret and an async one that asks for the call answer; results and failures are kept."""
    monkeypatch.setenv("WEATHER", "s3cr3t-of-the-weather")
    (project / "my_tools.py").write_text(
        "from dataclasses import dataclass\n"
        "from loopengt_hookspecs.tools import ToolCall\n"
        "@dataclass\nclass Weather:\n  city: str\n  degrees: int\n"
        "def weather(city: str, auth: str) -> Weather:\n"
        "  if city == 'Atlantis': raise LookupError(f'no {city}, key {auth}')\n"
        "  return Weather(city, 20)\n"
        "async def where(call: ToolCall) -> str: return call.workspace.name\n"
        "def lies() -> Weather: return {'city': 1}\n"
    )
    tools: list[dict[str, Any]] = [
        {"name": name, "tool_type": "function", "function_ref": f"my_tools:{name}"}
        for name in ("weather", "where", "lies")
    ]
    tools[0]["auth"] = {"method": "bearer", "env_var": "WEATHER"}
    result, events = await run(
        project,
        tools,
        ("weather", {"city": "Rome"}),
        ("weather", {"city": "Atlantis"}),
        ("weather", {"town": "Rome"}),
        ("where", {}),
        ("lies", {}),
    )
    assert result.end.reason == "goal_met", result.end
    results = [event.data["output"] for event in events if event.type == "tool.result"]
    assert results == [{"city": "Rome", "degrees": 20}, project.name]
    errors = [event.data["error"] for event in events if event.type == "tool.error"]
    assert "my_tools:weather raised LookupError: no Atlantis, key [redacted]" in errors[0]
    assert "do not fit its schema" in errors[1] and "does not fit its schema" in errors[2]
    assert "s3cr3t" not in str(events)


async def test_a_loop_whose_tool_cannot_work_is_not_begun(project: Path) -> None:
    """Options that do not fit are an error of the spec, before anything runs."""
    with pytest.raises(LoopengtError, match="no command is allowed"):
        await run(project, [builtin("run_command")])
