"""`loopengt mcp` on stdio: ready soon, quiet on stdout, and its runs rest when it ends, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from .kit import Caller, Program, harmless, patient

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "1"},
    },
}


def send(process: subprocess.Popen[str], *messages: dict[str, Any]) -> None:
    """Write messages to its stdin."""
    assert process.stdin is not None
    process.stdin.write("".join(json.dumps(message) + "\n" for message in messages))
    process.stdin.flush()


def answer(process: subprocess.Popen[str], number: int) -> dict[str, Any]:
    """Read from its stdout, of which every line has to be a message, up to the answer of a request."""
    assert process.stdout is not None
    while True:
        message: dict[str, Any] = json.loads(process.stdout.readline())
        if message.get("id") == number:
            return message


def call(number: int, tool: str, **arguments: Any) -> dict[str, Any]:
    """Make a call of a tool."""
    return {
        "jsonrpc": "2.0",
        "id": number,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }


def greeted(program: Program) -> subprocess.Popen[str]:
    """Start it, and say hello as a client of the handshake era."""
    process = program.start(piped=True)
    send(process, HELLO)
    assert answer(process, 1)["result"]["serverInfo"]["name"] == "loopengt"
    send(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    return process


def driving(program: Program) -> tuple[subprocess.Popen[str], int]:
    """Start it with a run under way, and return it with the pid of the run's agent."""
    (program.project / "loop.yaml").write_text(json.dumps(patient(program.project)))
    process = greeted(program)
    send(process, call(2, "run_loop", loop="loop.yaml"))
    assert answer(process, 2)["result"]["structuredContent"]["status"] == "running"
    here = program.project / "here"
    until = time.monotonic() + 20
    while not (here.exists() and here.read_text()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return process, int(here.read_text())


def rows(program: Program) -> list[dict[str, Any]]:
    """List the runs as a person would."""
    listed: list[dict[str, Any]] = json.loads(program.run("runs", "--json").stdout)
    return listed


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.slow)])
async def test_a_project_is_served(program: Program, mode: str) -> None:
    """A client starts it, runs a loop with it, and its state outlives the server; nothing is set up unasked."""
    async with Client(program.parameters(), mode=mode) as client:
        caller = Caller(client, [])
        assert (await caller("list_runs")).data["runs"] == []
        assert list(program.project.iterdir()) == []
        state = (await caller("run_loop", spec=json.dumps(harmless("hi")), wait_seconds=20)).data
        assert state["output"] == "hi"
    assert [row["reason"] for row in rows(program)] == ["goal_met"]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["closed", "SIGTERM", "SIGINT"])
def test_runs_rest_when_the_server_ends(program: Program, ending: str) -> None:
    """Whether the client leaves or a signal comes: agents are ended, the run is paused, and resume goes on with it."""
    process, pid = driving(program)
    if ending == "closed":
        assert process.stdin is not None
        process.stdin.close()
    else:
        process.send_signal(getattr(signal, ending))
    code = process.wait(timeout=30)
    assert code == (0 if ending == "closed" else 128 + getattr(signal, ending))
    assert [row["status"] for row in rows(program)] == ["paused"]
    assert gone(pid)
    (program.project / "go").touch()
    resumed = program.run("resume", "latest", "--quiet")
    assert resumed.returncode == 0, resumed.stderr


@pytest.mark.slow
def test_a_client_that_never_reads_holds_no_run_up(program: Program) -> None:
    """Answers that nobody takes fill the pipe; the run goes on to its end all the same."""
    process, _ = driving(program)
    big = call(3, "inspect_trace", full=True)
    send(process, *({**big, "id": 100 + number} for number in range(100)))
    (program.project / "go").touch()
    until = time.monotonic() + 20
    while (found := rows(program))[0]["status"] == "running":
        assert time.monotonic() < until, found
    assert found[0]["reason"] == "goal_met"
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


@pytest.mark.slow
def test_nonsense_on_stdin_is_survived(program: Program) -> None:
    """Junk, wrong types, ids that are none and 10 MB of text are refused; the next call is answered."""
    process = greeted(program)
    assert process.stdin is not None
    process.stdin.write(
        'junk\n{"a": \n[1, 2]\n"text"\n' + "\x00\n" + '{"a":' * 10_000 + "\n" + "[" * 10_000 + "\n"
    )
    for impossible in ([1], {"a": 1}, None, 1.5, True):
        cancelled = {"method": "notifications/cancelled", "params": {"requestId": impossible}}
        send(process, {"jsonrpc": "2.0"} | cancelled, {"jsonrpc": "2.0", "id": impossible, "result": {}})
    send(process, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": 7}})
    assert "error" in answer(process, 2)
    send(process, call(3, "validate_loop", spec="x" * 4_200_000))
    assert "longer than" in answer(process, 3)["result"]["content"][0]["text"]
    send(process, call(30, "run_status", run_id="x" * 10_000_000))
    assert "10,000,000 characters" in answer(process, 30)["result"]["content"][0]["text"]
    send(process, call(4, "no_such_tool"))
    refused = answer(process, 4)
    assert "error" in refused or refused["result"]["isError"]
    send(process, call(5, "list_runs"))
    assert answer(process, 5)["result"]["structuredContent"]["runs"] == []
    process.stdin.close()
    assert process.wait(timeout=30) == 0


@pytest.mark.slow
async def test_it_is_ready_soon_and_answers_fast(program: Program) -> None:
    """Ready within 1.3 s, a call within 5 ms, with room for a machine that is busy."""
    ready, calls = [], []
    for _ in range(3):
        began = time.perf_counter()
        async with Client(program.parameters()) as client:
            ready.append(time.perf_counter() - began)
            for _ in range(50):
                began = time.perf_counter()
                await client.call_tool("list_runs", {})
                calls.append(time.perf_counter() - began)
    assert min(ready) < 1.3 * 2
    assert sorted(calls)[len(calls) // 2] < 0.005 * 2


@pytest.mark.slow
async def test_many_calls_at_once_are_answered(program: Program) -> None:
    """Ten callers on one connection get each their own answer."""
    async with Client(program.parameters()) as client:
        answers: dict[int, str] = {}

        async def ask(number: int) -> None:
            for _ in range(5):
                result = await client.call_tool("run_status", {"run_id": f"none-{number}"})
                answers[number] = result.content[0].text

        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                for number in range(10):
                    tasks.start_soon(ask, number)
    assert all(f"none-{number}" in text for number, text in answers.items())
    assert len(answers) == 10


def test_it_says_what_is_wrong_before_it_serves(program: Program, tmp_path: Path) -> None:
    """A config that is not usable ends it at once, with exit code 2, and a word on stderr alone."""
    (program.project / ".loopengt").mkdir()
    (program.project / ".loopengt" / "config.toml").write_text("[mcp]\nallow_run = 'perhaps'\n")
    process = program.start()
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert "allow_run" in err


@pytest.mark.slow
def test_requests_that_are_not_read_wait_outside(program: Program) -> None:
    """A client that only writes is held up after some hundred requests; once it reads, each of them is answered."""
    process = greeted(program)
    assert process.stdin is not None
    pipe = process.stdin.fileno()
    os.set_blocking(pipe, False)
    sent, left, blocked_since = 0, b"", time.monotonic()
    while time.monotonic() - blocked_since < 2:  # nothing more was taken for so long
        if not left:
            sent += 1
            request = {"jsonrpc": "2.0", "id": 1_000 + sent, "method": "tools/list"}
            left = json.dumps(request).encode() + b"\n"
        try:
            left = left[os.write(pipe, left) :]
            blocked_since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
        assert sent < 20_000, "nothing holds it up"
    os.set_blocking(pipe, True)
    for number in range(1, sent):  # the last one is cut in half
        answer(process, 1_000 + number)
    os.write(pipe, left)
    answer(process, 1_000 + sent)


STUCK = """\
import asyncio, os
from loopengt_mcp.server.signals import Signals

async def main():
    with Signals() as signals:
        filling = os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK)
        try:
            while True:
                os.write(filling, b"x" * 512)
        except BlockingIOError:
            print("full", flush=True)
        os.write(2, b"a line of a log")
        print(await signals.caught, flush=True)

asyncio.run(main())
"""


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="fills a pipe by a way that only Linux has")
def test_logs_that_nobody_reads_do_not_keep_a_server() -> None:
    """With stderr full to the brim, and the server in the midst of writing to it, a signal is noticed all the same."""
    with subprocess.Popen(
        [sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "full\n"
        process.send_signal(signal.SIGTERM)
        try:
            assert process.stdout.readline() == f"{int(signal.SIGTERM)}\n"
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()
