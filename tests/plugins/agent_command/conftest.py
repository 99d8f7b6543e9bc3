"""Makes ``command`` agents and the requests that they are invoked with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_agent_command.options import CommandOptions
from loopengt_agent_command.provider import CommandAgent, CommandProvider
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.models import AgentConfig, AgentRole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Bench:
    """A workspace, and agents that work in it."""

    workspace: Path
    blobs: dict[str, bytes] = field(default_factory=dict)

    def agent(self, command: list[str] | str, **options: Any) -> CommandAgent:
        """Bind an agent as a run would."""
        extra = {"command": command, **options}
        CommandOptions.model_validate(extra)
        role = AgentRole(name="worker", config=AgentConfig(provider="command", extra=extra))
        return CommandProvider().bind(role, self.workspace)

    def request(self, prompt: str = "", **values: Any) -> AgentRequest:
        """Make a request for one attempt."""
        fields: dict[str, Any] = {
            "run_id": "run-1",
            "loop": "demo",
            "step": "work",
            "occurrence": 2,
            "attempt": 3,
            "agent": AgentRole(name="worker"),
            "prompt": prompt,
            "system_prompt": "",
            "feedback": "",
            "idempotency_key": "run-1/work/2/3",
            "workspace": self.workspace,
            "context": {},
            "emit": lambda kind, data: None,
            "put_blob": self.put_blob,
        }
        return AgentRequest(**(fields | values))

    async def put_blob(self, data: bytes) -> str:
        """Keep a blob by its digest."""
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    async def invoke(self, command: list[str] | str, prompt: str = "", **options: Any) -> AgentReply:
        """Run one attempt of an agent with these options."""
        return await self.agent(command, **options).invoke(self.request(prompt))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty workspace."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return Bench(workspace)


@pytest.fixture
def script(bench: Bench) -> Callable[[str], list[str]]:
    """Turn Python source into an argument list that runs it."""
    import sys

    return lambda source: [sys.executable, "-c", source]
