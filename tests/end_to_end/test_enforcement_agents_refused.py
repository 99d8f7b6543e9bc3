"""What a spec declares of tools, MCP servers, memory and sessions in vain: it is refused, with its place."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt.errors import LoopRefused, SpecError, UsageError
from loopengt.testing import loop_spec, make_kernel, run_loop
from loopengt_hookspecs.models import LoopSpec

from .enforcement_desk import PRICE, Desk


def refused(desk: Desk, spec: dict[str, Any]) -> list[tuple[tuple[str | int, ...], str]]:
    """Return what the engine refuses of a spec, with its places, and see that a run does not begin."""
    kernel = make_kernel(desk.project, config=desk.config)
    loop = LoopSpec.model_validate(spec)
    with pytest.raises(LoopRefused) as caught:
        kernel.engine().check(loop)
    return [(place, error.message) for place, error in caught.value.refusals]


MCP = {"name": "t", "tool_type": "mcp", "mcp_server": "where", "mcp_tools": ["about"]}
READ = {"name": "read_file", "tool_type": "builtin"}
KEY = {"method": "bearer", "env_var": "KEY"}


@pytest.mark.parametrize(
    ("tool", "key", "words"),
    [
        ({**PRICE, "mcp_server": "where"}, "mcp_server", "is of type function"),
        ({**READ, "function_ref": "a:b"}, "function_ref", "is of type builtin"),
        ({**MCP, "schema_def": {"type": "object"}}, "schema_def", "has mcp_tools"),
        ({**PRICE, "auth": {"extra": {"scope": "x"}}}, "auth", "no type of tool reads"),
        ({**MCP, "auth": {"env_var": "KEY"}}, "auth", "says no auth.method"),
        ({**READ, "auth": KEY}, "", "takes no auth"),
        ({**PRICE, "auth": {**KEY, "header_name": "X-Key"}}, "", "a function is sent no header"),
        ({**MCP, "auth": {**KEY, "header_name": "X-Key"}}, "", "a program is sent no header"),
        ({**MCP, "auth": {"method": "oauth"}}, "", "names no variable"),
        ({**MCP, "mcp_server": "were"}, "", "the nearest is 'where'"),
        ({"name": "read_fil", "tool_type": "builtin"}, "", "there is no builtin tool 'read_fil'"),
        ({**READ, "options": {"x": 1}}, "", "there is no such option"),
        ({**PRICE, "function_ref": "../x.py"}, "", "is not the dotted path"),
        ({**PRICE, "return_schema": {"type": "strin"}}, "", "return_schema of tool 'price'"),
    ],
)
async def test_what_nobody_would_read_of_a_tool_is_refused(
    desk: Desk, tool: dict[str, Any], key: str, words: str
) -> None:
    """A declaration that its type does not read, or that cannot work, is an error before the run, with its place."""
    spec = loop_spec(agents=[desk.agent()], tools=[tool], mcp_servers={"where": desk.program()})
    ((place, message),) = refused(desk, spec)
    assert place[:2] == ("tools", 0) and place[2:3] == ((key,) if key else ())
    assert words in message
    with pytest.raises(UsageError):
        await desk.run(spec)
    assert desk.bodies == []


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"summarizer": "extractiv", "context_tokens": 5}, "the nearest is 'extractive'"),
        ({"summarizer": "abstractive", "context_tokens": 5}, "has an agent write, and none is named"),
        ({"summarizer": "writer"}, "declares no context_tokens"),
        ({"session": "continue"}, "keeps no sessions"),
        ({"tools": ["price"]}, "may call none"),
        ({"memory": {"read": {"mode": "keyword"}}}, "has no query"),
        ({"memory": {"read": {"query": "x", "mode": "vector"}}}, "no embedder is configured"),
        ({"agent": None, "loop": "x.yaml", "tools": ["price"]}, "runs a loop with tools of its own"),
        ({"agent": None, "loop": "x.yaml", "session": "continue"}, "runs a loop, that begins afresh"),
        ({"agent": "both"}, "'t' and 't_about' of step 'work' both offer 't_about'"),
        ({"agent": "shell", "tools": ["price"]}, "which calls no tools of the loop"),
    ],
)
async def test_what_a_step_asks_for_in_vain_is_refused(desk: Desk, step: dict[str, Any], words: str) -> None:
    """What its agent cannot do, and what nobody would read, is an error before the run, at the step."""
    command = {"provider": "command", "extra": {"command": ["cat"]}}
    spec = loop_spec(
        {key: value for key, value in {"name": "work", "agent": "writer", **step}.items() if value},
        agents=[
            desk.agent(tools=["read_file"]),
            desk.agent("both", tools=["t", "t_about"]),
            {"name": "shell", "config": command},
        ],
        tools=[PRICE, READ, MCP, {**PRICE, "name": "t_about"}],
        mcp_servers={"where": desk.program()},
    )
    ((place, message),) = refused(desk, spec)
    assert place[:2] == ("steps", 0)
    assert words in message


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"url": "http://localhost/mcp", "auth": {"env_var": "KEY"}}, "says nothing of its method"),
        (
            {"url": "http://localhost/mcp", "auth": {**KEY, "extra": {"a": 1}}},
            "extra of auth is read by nobody",
        ),
        ({"command": "x", "auth": {"env_var": "KEY"}}, "go with a url"),
    ],
)
async def test_an_auth_that_a_server_would_not_read_is_refused(
    desk: Desk, server: dict[str, Any], words: str
) -> None:
    """Half of an authorisation is an error of the spec."""
    with pytest.raises(SpecError, match=words):
        await desk.run(loop_spec(agents=[desk.agent()], mcp_servers={"where": server}))


async def test_names_that_memory_cannot_have_are_refused(desk: Desk) -> None:
    """Query and content see what a prompt sees; of the output only the content does."""
    memory = {
        "read": {"query": "{output}"},
        "write": {"content": "{output} {memory} {gaol}", "condition": "("},
    }
    with pytest.raises(SpecError) as caught:
        await run_loop(make_kernel(desk.project), loop_spec({"name": "work", "memory": memory}))
    assert [problem.message.partition(":")[0] for problem in caught.value.problems] == [
        "unknown placeholder {output}",
        "unknown placeholder {gaol}",
        "bad expression",
    ]
