"""Makes agents of coding CLIs that run stand-ins, and the requests that they are invoked with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import StandInCli
from loopengt_coding_clis import provider
from loopengt_coding_clis.agent import CliAgent
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.models import AgentConfig, AgentRole

if TYPE_CHECKING:
    from pathlib import Path

PROVIDERS: dict[str, type[provider.CliProvider]] = {
    "claude-code": provider.ClaudeCode,
    "codex": provider.Codex,
    "gemini": provider.Gemini,
    "antigravity": provider.Antigravity,
    "cursor": provider.Cursor,
    "opencode": provider.OpenCode,
    "copilot": provider.Copilot,
}


@dataclass
class Bench:
    """A workspace, a folder with stand-ins on ``PATH``, and agents that run them."""

    workspace: Path
    bin: Path
    blobs: dict[str, bytes] = field(default_factory=dict)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    names: tuple[str, ...] = tuple(PROVIDERS)

    def cli(self, name: str, *turns: dict[str, Any]) -> StandInCli:
        """Put a stand-in on ``PATH``."""
        return StandInCli(self.bin, name, *turns)

    def role(self, name: str, *, system_prompt: str = "", schema: Any = None, **options: Any) -> AgentRole:
        """Declare an agent of a CLI; a ``model`` among the options is the role's."""
        # The default level would be refused for the one that has no flag for it.
        extra = ({"permissions": "full"} if name == "cursor" else {}) | options
        model = {"model": extra.pop("model")} if "model" in extra else {}
        config = AgentConfig(provider=name, extra=extra, **model)
        return AgentRole(name="worker", system_prompt=system_prompt, output_schema=schema, config=config)

    def agent(self, name: str, **options: Any) -> CliAgent:
        """Bind an agent as a run would."""
        return PROVIDERS[name]().bind(self.role(name, **options), self.workspace)

    def request(self, prompt: str, **values: Any) -> AgentRequest:
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
            "emit": lambda kind, data: self.events.append((kind, data)),
            "put_blob": self.put_blob,
        }
        return AgentRequest(**(fields | values))

    async def put_blob(self, data: bytes) -> str:
        """Keep a blob by its digest."""
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    async def invoke(
        self, name: str, prompt: str = "Fix it.", *, request: Any = None, **options: Any
    ) -> AgentReply:
        """Run one attempt; ``request`` has fields of the request."""
        role = self.role(name, **options)
        values = {"agent": role, "system_prompt": role.system_prompt} | (request or {})
        return await PROVIDERS[name]().bind(role, self.workspace).invoke(self.request(prompt, **values))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty workspace, and an empty folder in front on ``PATH``."""
    workspace, programs = tmp_path / "workspace", tmp_path / "bin"
    workspace.mkdir()
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    for key in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    return Bench(workspace, programs)
