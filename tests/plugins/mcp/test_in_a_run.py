"""Servers in a run that the engine drives: what is in the journal, and what is left afterwards."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.journal import read_events
from loopengt.testing import loop_spec, make_kernel, run_loop
from loopengt_hookspecs.agents import AgentReply

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.agents import AgentRequest

BAD = [sys.executable, "-S", str(Path(__file__).parent / "bad_server.py")]


class Caller:
    """An agent that calls the tools it is told to, and answers with what came of it."""

    options = None
    free = True
    takes_tools = True

    def __init__(self, *names: str) -> None:
        self.names = names

    def bind(self, role: Any, project: Path) -> Caller:
        """Return itself."""
        return self

    def plan(self) -> str:
        """Say what it does."""
        return "call tools"

    def missing(self) -> list[Any]:
        """Nothing is missing."""
        return []

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Call the tools, one after the other."""
        await request.calls.offers()
        outcomes = [await request.calls.tool(name, {"text": "hi"}) for name in self.names]
        return AgentReply([[outcome.content, outcome.is_error] for outcome in outcomes], cost_usd=0.0)


async def test_calls_are_in_the_journal_and_nothing_is_left(
    tmp_path: Path, ends: Callable[[int], None]
) -> None:
    """A run calls a spec's server, outlives its death, journals who offered what, and closes it at its end."""
    kernel = make_kernel(tmp_path, agents=Caller("t_echo", "t_wipe", "t_pid"))
    tool = {"name": "t", "tool_type": "mcp", "mcp_server": "mine", "mcp_tools": ["echo", "wipe", "pid"]}
    spec = loop_spec({"name": "work", "tools": ["t"]}, tools=[tool], mcp_servers={"mine": {"command": BAD}})
    async with kernel.storage() as storage:
        result = await run_loop(kernel, spec)
        events = [event async for batch in read_events(storage, result.run_id) for event in batch]
    echoed, wiped, pid = result.output
    assert echoed == ["hi", False]
    assert wiped[1] and "may or may not have been done" in wiped[0]
    ends(int(pid[0]))
    assert "mcp:mine" in str([event.data for event in events])
