"""Servers that ask a person in the midst of a call."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from loopengt_hookspecs.calls import PersonAnswer

MODERN = [sys.executable, str(Path(__file__).parent / "modern_server.py")]


async def test_the_answer_reaches_the_server(bench: Any) -> None:
    """A question comes with its schema, and the JSON that answers it is accepted by the server."""
    assert json.loads(await bench.bad().call("t_ask")) == {"action": "accept", "content": {"colour": "red"}}
    (question,) = bench.questions
    assert question.text == "The MCP server 'bad' asks: Which?"
    assert question.schema["required"] == ["colour"]


async def test_a_declined_question_is_declined(bench: Any) -> None:
    """A person who does not answer declines, and the tool goes on with that."""
    bench.answer = PersonAnswer("nobody is there", declined=True)
    assert json.loads(await bench.bad().call("t_ask")) == {"action": "decline"}


@pytest.mark.parametrize("text", ["red", "[1]", '{"colour": {"deep": 1}}'])
async def test_an_answer_that_does_not_fit_is_dismissed(bench: Any, text: str) -> None:
    """What is no object of plain values is never handed on as an answer."""
    bench.answer = PersonAnswer(text)
    assert json.loads(await bench.bad().call("t_ask")) == {"action": "cancel"}


async def test_what_asking_raises_ends_the_call(bench: Any) -> None:
    """An engine that pauses the run raises out of the question: that reaches the caller, and no server."""
    bench.answer = RuntimeError("the run pauses")
    tool = bench.bad()
    pid = await tool.call("t_pid")
    with pytest.raises(RuntimeError, match="the run pauses"):
        await tool.call("t_ask")
    assert await tool.call("t_pid") == pid


async def test_time_to_answer_is_not_the_calls_time(bench: Any) -> None:
    """A person may take longer than the call may."""

    async def think(question: Any) -> PersonAnswer:
        await asyncio.sleep(0.6)
        return PersonAnswer('{"colour": "blue"}')

    bench.ask = think
    assert "blue" in await bench.bad(timeout_seconds=0.3).call("t_ask")


async def test_a_question_that_may_belong_to_either_call_is_refused(bench: Any) -> None:
    """With two calls under way on a server of before 2026 nobody can tell who is asked: nobody is."""
    tool = bench.bad()
    both = await asyncio.gather(tool.call("t_ask"), tool.call("t_echo", text="x"))
    assert [json.loads(both[0]), both[1]] == [{"action": "decline"}, "x"]
    assert bench.questions == []


async def test_questions_of_parallel_calls_are_told_apart(bench: Any) -> None:
    """A server of 2026 asks within each call, so that each caller gets its own question."""
    bench.servers["modern"] = {"command": MODERN}
    tool = bench.tool("modern")
    await tool.offers()
    both = await asyncio.gather(tool.call("t_paint", wall="north"), tool.call("t_paint", wall="south"))
    assert [each["result"] for each in both] == ["north: red", "south: red"]
    assert {question.text for question in bench.questions} == {
        f"The MCP server 'modern' asks: Which colour for the {wall}?" for wall in ("north", "south")
    }


async def test_tools_of_a_modern_server_are_read_each_time(bench: Any) -> None:
    """A server of 2026 tells of changes only those who subscribe, so its tools are read at each attempt."""
    bench.servers["modern"] = {"command": MODERN}
    tool = bench.tool("modern")
    await tool.offers()
    await tool.call("t_grow")
    assert "t_born" in await tool.offers()
    assert await tool.call("t_born") == {"result": "new"}
