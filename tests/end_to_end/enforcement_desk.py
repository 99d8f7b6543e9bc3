"""A project with an agent that asks a model of a fake service, over a real socket, and tools for it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.testing import FakeOpenAI, RecordingObserver, loop_spec, make_kernel, run_loop

if TYPE_CHECKING:
    from loopengt_hookspecs.engines import RunResult

FUNCTIONS = '''
import asyncio


def price(item: str, auth: str = "") -> dict:
    """Tell what something costs."""
    with open("called", "a") as file:
        file.write(item + "\\n")
    return {"item": item, "usd": 5, "key": auth}


async def slow() -> str:
    """Take long."""
    await asyncio.sleep(30)
    return "done"
'''

SERVER = '''
import os
import sys

from mcp.server import MCPServer

server = MCPServer("where")


@server.tool()
def about(shout: bool = False) -> dict:
    """Tell how this server was started."""
    names = ("SAID", "HANDED_OVER", "KEPT_API_KEY")
    found = {name: os.environ.get(name, "") for name in names}
    return found | {"cwd": os.getcwd(), "argv": sys.argv[1:], "pid": os.getpid()}


@server.tool()
def other() -> str:
    """Do something else."""
    return "other"


server.run("stdio")
'''

PRICE = {"name": "price", "function_ref": "my_tools:price"}
"""A tool of the default type: a function of the project."""


class Desk:
    """A project folder, a fake service, and runs against it."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.server = FakeOpenAI()
        self.seen = RecordingObserver()
        self.config: dict[str, Any] = {}
        (project / "my_tools.py").write_text(FUNCTIONS)
        (project / "my_server.py").write_text(SERVER)

    def agent(
        self, name: str = "writer", *, extra: dict[str, Any] | None = None, **fields: Any
    ) -> dict[str, Any]:
        """Describe an agent that asks the service."""
        config = {"provider": "openai-compatible", "model": "m1", **fields.pop("config", {})}
        config["extra"] = {"base_url": self.server.url, **(extra or {})}
        return {"name": name, "config": config, **fields}

    def program(self, **fields: Any) -> dict[str, Any]:
        """Describe an MCP server that is a program of the project."""
        return {"command": [sys.executable, str(self.project / "my_server.py")], **fields}

    async def run(self, spec: dict[str, Any], *answers: Any) -> RunResult:
        """Run a loop with these answers of the model: texts, or fields of answers."""
        for answer in answers:
            self.server.answer(**({"text": answer} if isinstance(answer, str) else answer))
        return await run_loop(make_kernel(self.project, config=self.config), spec, observers=[self.seen])

    async def call(self, tool: dict[str, Any], arguments: dict[str, Any], **spec: Any) -> RunResult:
        """Run a loop whose agent calls a tool once; ``offers`` is the name that it is offered by."""
        name = spec.pop("offers", tool["name"])
        loop = loop_spec(agents=[self.agent(tools=[tool["name"]])], tools=[tool], **spec)
        return await self.run(loop, {"tool_calls": [{"name": name, "arguments": arguments}]}, "done")

    @property
    def bodies(self) -> list[Any]:
        """The bodies of the requests to the model."""
        return [request.body for request in self.server.requests if "messages" in (request.body or {})]

    @property
    def prompt(self) -> str:
        """What the model was asked last."""
        text: str = self.bodies[-1]["messages"][-1]["content"]
        return text

    @property
    def told(self) -> str:
        """What the model read of its last call of a tool."""
        (text,) = [each["content"] for each in self.bodies[-1]["messages"] if each["role"] == "tool"]
        return str(text)

    def offered(self) -> dict[str, Any]:
        """Return the tools that the model was offered last, by name."""
        return {each["function"]["name"]: each["function"] for each in self.bodies[-1].get("tools", ())}

    def data(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of the events of a type."""
        return [event.data for event in self.seen.of(kind)]

    @property
    def called(self) -> list[str]:
        """What the function ``price`` was called with."""
        file = self.project / "called"
        return file.read_text().split() if file.exists() else []
