"""Binds tools of MCP servers as a loop would, and calls them."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import loop_spec, make_kernel
from loopengt_hookspecs.calls import PersonAnswer, PersonQuestion
from loopengt_hookspecs.models import LoopSpec, ToolSpec
from loopengt_hookspecs.tools import ToolCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from loopengt_hookspecs.tools import BoundTool, ToolType

HERE = Path(__file__).parent
BAD = [sys.executable, "-S", str(HERE / "bad_server.py")]


@dataclass
class Bench:
    """A project with servers, and the tools that its loops take from them."""

    project: Path
    servers: dict[str, dict[str, Any]] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    questions: list[PersonQuestion] = field(default_factory=list)
    answer: PersonAnswer | Exception = field(default_factory=lambda: PersonAnswer('{"colour": "red"}'))
    _type: ToolType | None = None
    _bound: list[tuple[BoundTool, Path]] = field(default_factory=list)

    def tool(
        self, server: str, *, workspace: Path | None = None, spec: dict[str, Any] | None = None, **fields: Any
    ) -> Used:
        """Bind a tool; without further fields it offers all that the server has, as ``t_NAME``."""
        if self._type is None:
            config = {"mcp": {"servers": self.servers, **self.options}}
            self._type = make_kernel(self.project, config=config).get("tool_types", "mcp")
        wanted = {"name": "t", "mcp_tools": ["*"], "tool_type": "mcp", "mcp_server": server, **fields}
        loop = LoopSpec.model_validate(loop_spec(**(spec or {})))
        bound = self._type.bind(ToolSpec.model_validate(wanted), self.project, loop)
        used = Used(self, bound, workspace or self.project)
        self._bound.append((bound, used.workspace))
        return used

    def bad(self, mode: str = "", **fields: Any) -> Used:
        """Bind all that the misbehaving server has, in one of its modes."""
        self.servers.setdefault("bad", {"command": [*BAD, mode]})
        return self.tool("bad", **fields)

    async def close(self) -> None:
        """Release everything, as the engine does when runs end."""
        for bound, workspace in self._bound:
            await bound.release(workspace)

    async def put_blob(self, data: bytes) -> str:
        """Keep a blob by its digest."""
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    async def ask(self, question: PersonQuestion) -> PersonAnswer:
        """Answer as the test says."""
        self.questions.append(question)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Used:
    """A bound tool in a workspace."""

    bench: Bench
    bound: BoundTool
    workspace: Path

    async def offers(self) -> dict[str, Any]:
        """Return what it offers, by name."""
        return {offer.name: offer for offer in await self.bound.offers(self.workspace)}

    async def call(self, name: str, /, **arguments: Any) -> Any:
        """Call a tool."""
        ask, put_blob = self.bench.ask, self.bench.put_blob
        call = ToolCall(name, arguments, self.workspace, "run-1", "work", "run-1/work/1", ask, put_blob)
        return await self.bound.call(call)

    async def release(self) -> None:
        """Say that no run works in the workspace any more."""
        await self.bound.release(self.workspace)


@dataclass
class WebServer:
    """A server over HTTP, which can be killed and started again at its address."""

    port: int
    environ: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/mcp"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        argv = [sys.executable, str(HERE / "http_server.py"), str(self.port)]
        self.process = subprocess.Popen(argv, env=os.environ | self.environ)
        self.wait()

    def wait(self) -> None:
        """Wait until somebody listens at its address."""
        until(lambda: _listens(self.port))

    def kill(self) -> None:
        """Kill it, at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def until(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def is_gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A project without servers; what is connected in the end is released."""
    made = Bench(tmp_path)
    yield made
    await made.close()


@pytest.fixture
def web() -> Iterator[WebServer]:
    """A server over HTTP, not yet started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    made = WebServer(port)
    yield made
    made.kill()


@pytest.fixture
def ends() -> Callable[[int], None]:
    """Wait until a process has ended."""
    return lambda pid: until(lambda: is_gone(pid))


@pytest.fixture
def kill() -> Callable[[int], None]:
    """Kill a process, at once."""
    return lambda pid: os.kill(pid, signal.SIGKILL)
