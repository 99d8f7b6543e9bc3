"""What the tests of questions share: a loop whose agent asks and calls tools, and a terminal to answer on."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Any

from .conftest import environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .conftest import Bench

WORK = """
import asyncio, json, os, pathlib
from loopengt_hookspecs.calls import PersonQuestion

MARKS = pathlib.Path(%r)

async def colour(request):
    said = await request.calls.ask(PersonQuestion("Which colour?\\nOne that lasts.", choices=("red", "blue", "2")))
    return {"said": said.text, "declined": said.declined}

async def size(request):
    schema = {"type": "object", "properties": {"metres": {"type": "number"}}, "required": ["metres"]}
    said = await request.calls.ask(PersonQuestion("How long?", schema=schema))
    return said.text

async def free(request):
    said = await request.calls.ask(PersonQuestion("What now?"))
    return {"said": said.text, "declined": said.declined}

async def both(request):
    said, sent = await asyncio.gather(
        request.calls.ask(PersonQuestion("What now?")), request.calls.tool("send", {"to": "bob"})
    )
    return [said.text, sent.text()]

async def mail(request):
    names = ("ann", "bob", "cid")
    return [sent.text() for sent in await asyncio.gather(
        *(request.calls.tool("send", {"to": name, "body": "x" * 500}) for name in names)
    )]

async def plain(request):
    request.calls.progress("one moment\\nwriting the ")
    request.calls.progress("last line")
    (MARKS / "written").touch()
    while (MARKS / "hold").exists():
        await asyncio.sleep(0.02)
    sent = await request.calls.tool("send", {"to": "bob"})
    lost = await request.calls.tool("send", {"to": ""})
    return [sent.text(), lost.is_error]

async def busy(request):
    for number in range(30):
        await request.calls.tool("send", {"to": str(number)})
    return "done"

def send(to: str, body: str = "") -> str:
    "Send a message."
    if not to:
        raise ValueError("to whom?")
    with (MARKS / "sent").open("a") as sent:
        sent.write(to + "\\n")
    return "sent to " + to
"""


def people(bench: Bench, *functions: str, approval: bool = True, **changes: Any) -> dict[str, Any]:
    """Write a loop with a step for each of some functions of ``WORK``; by default its tool needs approval."""
    bench.write("work.py", WORK % str(bench.marks))
    tool = {
        "name": "send",
        "tool_type": "function",
        "function_ref": "work.send",
        "require_approval": approval,
    }
    agents = [
        {
            "name": f"{name}-agent",
            "tools": ["send"],
            "config": {"provider": "python", "extra": {"function": f"work:{name}"}},
        }
        for name in functions
    ]
    spec = {
        "name": "demo",
        "goal": "Ask people.",
        "pattern": "parallel_fan_out",
        "agents": agents,
        "tools": [tool],
        "steps": [{"name": name, "agent": f"{name}-agent"} for name in functions],
        **changes,
    }
    bench.write("loop.yaml", json.dumps(spec))
    return spec


def sent(bench: Bench) -> list[str]:
    """Return to whom the tool has sent something."""
    path = bench.marks / "sent"
    return path.read_text().split() if path.exists() else []


def data_of(bench: Bench, *kinds: str) -> list[dict[str, Any]]:
    """Return the data of the newest run's events of some types."""
    found = map(json.loads, bench.run("trace", "latest", "-f", "jsonl").stdout.splitlines())
    return [event["data"] for event in found if event["event_type"] in kinds]


def outputs(bench: Bench) -> list[Any]:
    """Return what the agents of the newest run have answered."""
    return [data["output"] for data in data_of(bench, "agent.response")]


class Terminal:
    """``loopengt`` with its stdin and stderr on a terminal of its own, which a test reads and types on."""

    def __init__(self, bench: Bench, *words: str, **environ: str) -> None:
        self.mine, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "loopengt", *words],
            cwd=bench.project,
            env=environment() | {"TERM": "dumb"} | environ,
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(theirs)
        self.shown = ""
        self._seen = 0

    def __enter__(self) -> Terminal:
        """Use it."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """End what is still there."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
        os.close(self.mine)

    def until(self, text: str) -> None:
        """Read until a text appears behind what was waited for before."""
        deadline = time.monotonic() + 30
        while text not in self.shown[self._seen :]:
            assert self._read(deadline), f"it ended without {text!r}: {self.shown}"
        self._seen = self.shown.index(text, self._seen) + len(text)

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self.mine, text.encode())

    def answers(self, answers: Mapping[str, str]) -> None:
        """Wait for each prompt in turn and type what belongs to it."""
        for shown, typed in answers.items():
            self.until(shown)
            self.type(typed)

    def ends(self) -> int:
        """Read to the end and return the exit code."""
        deadline = time.monotonic() + 30
        while self._read(deadline):
            pass
        return self.process.wait(30)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self.mine], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"nothing more came: {self.shown}"
        try:
            read = os.read(self.mine, 65_536)
        except OSError:  # nobody has the other end any more
            return False
        self.shown += read.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(read)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
