"""Puts a server before clients: in this process, on stdio, over HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mcp import Client, StdioServerParameters
from mcp.types import ElicitResult

from loopengt.testing import ScriptedAgent, loop_spec, make_kernel
from loopengt_mcp.server.app import make_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from mcp.server import MCPServer

    from loopengt import Kernel

TOKEN = "a-token-of-the-tests-0123456789"


@dataclass
class Answered:
    """What a tool has answered."""

    result: Any

    @property
    def data(self) -> dict[str, Any]:
        """The data of a good answer."""
        assert not self.result.is_error, self.text
        data: dict[str, Any] = self.result.structured_content
        return data

    @property
    def error(self) -> str:
        """The text of a refusal."""
        assert self.result.is_error, self.text
        return self.text

    @property
    def text(self) -> str:
        """What a model reads."""
        return "\n".join(part.text for part in self.result.content)

    @property
    def size(self) -> int:
        """Bytes of the answer on the wire."""
        return len(self.result.model_dump_json(by_alias=True, exclude_none=True).encode())


@dataclass
class Caller:
    """A connected client, and what its person answers and was asked."""

    client: Client
    asked: list[str]

    async def __call__(self, tool: str, /, **arguments: Any) -> Answered:
        """Call a tool."""
        return Answered(await self.client.call_tool(tool, arguments))

    async def until(self, run_id: str, *, status: str = "running", step: str = "") -> dict[str, Any]:
        """Ask for a run's state until it has a status, and a step is under way."""
        for _ in range(400):
            state = (await self("run_status", run_id=run_id)).data
            under_way = [each["name"] for each in state["steps"] if each["status"] == "running"]
            if state["status"] == status and (not step or step in under_way):
                return state
            await asyncio.sleep(0.02)
        raise AssertionError(f"it never was {status} {step}: {state}")


@dataclass
class Bench:
    """A project with a scripted agent, and its server."""

    project: Path
    agent: ScriptedAgent = field(default_factory=ScriptedAgent)
    config: dict[str, Any] = field(default_factory=dict)
    plugins: list[tuple[str, object]] = field(default_factory=list)
    storage: str = "memory"
    _kernel: Kernel | None = None
    _server: MCPServer[Any] | None = None

    @property
    def kernel(self) -> Kernel:
        """The project's kernel."""
        if self._kernel is None:
            self._kernel = make_kernel(
                self.project,
                agents=self.agent,
                plugins=self.plugins,
                storage=self.storage,
                config=self.config,
            )
        return self._kernel

    @property
    def server(self) -> MCPServer[Any]:
        """The server, which all clients share."""
        if self._server is None:
            self._server = make_server(self.kernel, self.kernel.plugin_options("mcp"))
        return self._server

    @asynccontextmanager
    async def client(
        self, *, mode: str = "auto", person: dict[str, Any] | str | None = None, **more: Any
    ) -> AsyncIterator[Caller]:
        """Connect a client.

        Args:
            mode: Of the protocol: auto, or legacy.
            person: What its person fills in, or ``decline``; None: it cannot ask one.
            more: Further arguments of the client.
        """
        asked: list[str] = []

        async def answer(context: Any, params: Any) -> ElicitResult:
            asked.append(params.message)
            if isinstance(person, str):
                return ElicitResult(action=person)  # type: ignore[arg-type]  # a word of the protocol
            return ElicitResult(action="accept", content=person)

        callback = {} if person is None else {"elicitation_callback": answer}
        async with Client(self.server, mode=mode, **callback, **more) as client:
            yield Caller(client, asked)

    def write(self, name: str, spec: dict[str, Any]) -> str:
        """Write a loop as a person would, and return its path."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(spec))
        return name


def harmless(*answers: Any, **fields: Any) -> dict[str, Any]:
    """Return a loop that executes nothing, and answers from the spec."""
    extra = {"answers": list(answers) or ["done"]}
    agents = [{"name": "worker", "config": {"provider": "scripted", "extra": extra}}]
    return loop_spec(agents=agents, **fields)


def commanding(command: list[str] | None = None, **fields: Any) -> dict[str, Any]:
    """Return a loop whose agent is a command."""
    extra = {"command": command or [sys.executable, "-c", "print('ran')"]}
    return loop_spec(agents=[{"name": "worker", "config": {"provider": "command", "extra": extra}}], **fields)


def patient(project: Path) -> dict[str, Any]:
    """Return a loop whose agent waits until there is a file ``go`` in the project."""
    script = (
        "import os, sys, time, pathlib\n"
        f"place = pathlib.Path({str(project)!r})\n"
        "(place / 'here').write_text(str(os.getpid()))\n"
        "while not (place / 'go').exists(): time.sleep(0.02)\n"
        "print('went')\n"
    )
    return commanding([sys.executable, "-c", script])


def environment(state: Path) -> dict[str, str]:
    """Return the environment of a program, without settings of the person who runs the tests."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("LOOPENGT_")}
    return own | {"XDG_STATE_HOME": str(state), "XDG_CONFIG_HOME": str(state)}


@dataclass
class Program:
    """``loopengt mcp`` as a program of its own."""

    project: Path
    environ: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def parameters(self, *args: str) -> StdioServerParameters:
        """Return how a client starts it on stdio."""
        return StdioServerParameters(
            command=sys.executable, args=["-m", "loopengt", "mcp", *args], cwd=self.project, env=self.environ
        )

    def start(self, *args: str, piped: bool = False) -> subprocess.Popen[str]:
        """Start it."""
        process = subprocess.Popen(
            [sys.executable, "-m", "loopengt", "mcp", *args],
            cwd=self.project,
            env=self.environ,
            stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def serve(self, *args: str) -> tuple[str, str, subprocess.Popen[str]]:
        """Start it over HTTP at a free port, and return address, token and process once it listens."""
        process = self.start("--transport", "streamable-http", "--port", "0", *args)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert line.startswith("Serving MCP at "), line + process.stderr.read()
        token = TOKEN if "--token" in args else process.stderr.readline().partition("Bearer ")[2].strip()
        return line.removeprefix("Serving MCP at ").strip(), token, process

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run a command of loopengt to its end."""
        return subprocess.run(
            [sys.executable, "-m", "loopengt", *args],
            cwd=self.project,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def close(self) -> None:
        """End what still runs."""
        for process in self.started:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with suppress(OSError):  # what was not written is lost with it
                        pipe.close()
