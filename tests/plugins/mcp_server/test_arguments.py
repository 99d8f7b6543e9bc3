"""Arguments that do not fit a tool are refused in words that say what it takes, for every tool that the server has."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from mcp import MCPError
from pydantic import BaseModel, field_validator

from loopengt_hookspecs.mcp_features import McpPrompt, McpTool

from .kit import Bench, harmless
from .test_features import offering, plugin


class Part(BaseModel):
    model_config = {"extra": "forbid"}

    name: str
    weight: float = 0.0


class Even(BaseModel):
    number: int

    @field_validator("number")
    @classmethod
    def even(cls, number: int) -> int:
        if number % 2:
            raise ValueError("the number has to be even")
        return number


def assemble(  # noqa: D103
    parts: list[Part],
    colour: Literal["red", "green"] | None = None,
    size: int | str = 1,
    sizes: dict[str, int] | None = None,
    even: Even | None = None,
) -> str:
    return f"{len(parts)} {colour} {size}"


WRONG: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "run_loop",
        {"loop": "loop.json", "wait_second": 5},
        ["wait_second: there is no such argument, the nearest is 'wait_seconds'"],
    ),
    (
        "run_loop",
        {"spec_path": "loop.json", "wait_seconds": "soon"},
        [
            "spec_path: there is no such argument, the nearest is 'spec'",
            'wait_seconds: "soon" does not fit; it takes a number from 0 to 50',
        ],
    ),
    (
        "run_loop",
        {"found": None},
        ["found: there is no such argument; there are attached, context, in_place, loop, spec, wait_seconds"],
    ),
    ("list_loops", {"all": True}, ["all: there is no such argument; the tool takes none"]),
    ("resume_loop", {}, ["run_id: is missing; it takes a text of 1 to 200 characters"]),
    (
        "inspect_trace",
        {"types": ["step", 2], "limit": 0},
        [
            "limit: 0 does not fit; it takes a whole number from 1 to 1000",
            "types[1]: 2 does not fit; it takes a text",
        ],
    ),
    (
        "resume_loop",
        {"run_id": "x", "unknown_outcome": "maybe", "add_turns": -1},
        [
            'unknown_outcome: "maybe" does not fit; it takes one of "ask", "done", "retry", "fail"',
            "add_turns: -1 does not fit; it takes a whole number at least 0",
        ],
    ),
    (
        "submit_task",
        {"task_id": None},
        ["task_id: null does not fit; it takes a text of at most 300 characters"],
    ),
    (
        "assemble",
        {"parts": [{"name": "a"}, {"nam": "b", "weight": "heavy"}]},
        [
            "parts[1].name: is missing; it takes a text",
            'parts[1].weight: "heavy" does not fit; it takes a number',
            "parts[1].nam: there is no such argument, the nearest is 'name'",
        ],
    ),
    (
        "assemble",
        {"parts": 1, "colour": "blue", "size": [], "sizes": {"a": "b"}, "even": {"number": 3}},
        [
            "parts: 1 does not fit; it takes a list, each item an object with name, weight",
            'colour: "blue" does not fit; it takes one of "red", "green", or null',
            "size: [] does not fit; it takes a whole number, or a text",
            'sizes.a: "b" does not fit; it takes a whole number',
            "even.number: the number has to be even; it takes a whole number",
        ],
    ),
]
INSIDE = ("pydantic", "http", "input_value", "type=", "Arguments", "validation error", "Part", "Even")


def equipped(bench: Bench) -> Bench:
    """Add the tool and the prompt of a plugin."""
    prompt = McpPrompt("greet", "Say hello.", lambda who: f"Hello {who}")
    bench.plugins = [plugin(offering(McpTool("assemble", "Assemble parts.", assemble), prompt))]
    bench.write("loop.json", harmless("hi"))
    return bench


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_each_argument_that_does_not_fit_has_its_line(bench: Bench, mode: str) -> None:
    """A line says what is wrong with it and what it takes, with no word of the inside, and nothing is called."""
    async with equipped(bench).client(mode=mode) as call:
        for tool, arguments, lines in WRONG:
            said = (await call(tool, **arguments)).error
            first, *listed = said.split("\n")
            assert first.endswith(f"{tool} was not called, since its arguments do not fit:")
            assert sorted(listed) == sorted(f"- {line}" for line in lines)
            assert not [word for word in INSIDE if word in said]
        assert (await call("list_runs")).data["runs"] == []


async def test_no_schema_of_a_tool_leaves_other_arguments_open(bench: Bench) -> None:
    """Every tool, of ours and of plugins, declares that it takes no other arguments; good ones are taken as ever."""
    async with equipped(bench).client() as call:
        tools = (await call.client.list_tools()).tools
        assert {"run_loop", "next_task", "assemble"} <= {tool.name for tool in tools}
        assert [
            tool.name for tool in tools if tool.input_schema.get("additionalProperties") is not False
        ] == []
        good = await call("assemble", parts=[{"name": "a"}], colour="red", sizes='{"a": 1}')
        assert good.data == {"result": "1 red 1"}


async def test_many_and_long_wrong_arguments_are_told_briefly(bench: Bench) -> None:
    """Megabytes of arguments do not come back as megabytes."""
    async with bench.client() as call:
        many = {f"x{number}" * 100: "y" * 1_000 for number in range(1_000)}
        said = await call("run_status", **many, run_id="z" * 1_000_000)
        assert "and 981 more" in said.error
        long = await call("run_status", run_id="z" * 1_000_000)
        assert "a text of 1,000,000 characters does not fit" in long.error
        assert max(said.size, long.size) < 10_000


async def test_what_is_wrongly_named_is_answered_with_the_nearest_name(bench: Bench) -> None:
    """Tools and prompts that there are not, and arguments of prompts; each is a refusal and no fault of the server."""
    async with equipped(bench).client() as call:
        assert "'list_run', the nearest is 'list_runs'" in (await call("list_run")).error
        for name, arguments, says in (
            ("desing", {}, "the nearest is 'design'"),
            ("design", {}, "goal: is missing"),
            ("greet", {"who": "you", "whom": "me"}, "whom: there is no such argument, the nearest is 'who'"),
        ):
            with pytest.raises(MCPError, match=says) as refused:
                await call.client.get_prompt(name, arguments)
            assert refused.value.error.code == -32602
