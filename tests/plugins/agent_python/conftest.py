"""Makes ``python`` agents of a project folder and the requests that they are invoked with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_agent_python.provider import PythonAgent, PythonProvider
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.models import AgentConfig, AgentRole

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Bench:
    """A project folder, and agents that call its functions."""

    project: Path
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def agent(self, function: str = "agents:fix") -> PythonAgent:
        """Bind an agent as a run would."""
        config = AgentConfig(provider="python", extra={"function": function})
        return PythonProvider().bind(AgentRole(name="worker", config=config), self.project)

    def request(self) -> AgentRequest:
        """Make a request for one attempt."""
        return AgentRequest(
            run_id="run-1",
            loop="demo",
            step="work",
            occurrence=1,
            attempt=1,
            agent=AgentRole(name="worker"),
            prompt="hi",
            system_prompt="",
            feedback="",
            idempotency_key="run-1/work/1/1",
            workspace=self.project,
            context={},
            emit=lambda kind, data: self.events.append((kind, data)),
            put_blob=self.put_blob,
        )

    async def put_blob(self, data: bytes) -> str:
        """No agent of these tests stores anything."""
        raise AssertionError(f"{len(data)} bytes were stored")

    async def invoke(self, function: str = "agents:fix") -> AgentReply:
        """Bind the function and call it once."""
        return await self.agent(function).invoke(self.request())

    async def call(self, source: str, function: str = "agents:fix") -> AgentReply:
        """Write agents.py and call a function once."""
        self.write("agents.py", source)
        return await self.invoke(function)

    def write(self, name: str, text: str) -> Path:
        """Put a file into the project folder."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty project folder."""
    return Bench(tmp_path)
