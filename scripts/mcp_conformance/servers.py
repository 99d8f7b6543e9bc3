"""Starts the servers that are tested: the real one, and one with the suite's fixtures in addition."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = [
    "FIXTURE",
    "Server",
    "fixture_server",
    "make_project",
    "real_server",
    "stdio_command",
    "stdio_project",
]

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = ROOT / "tests" / "plugins" / "mcp_server_peers" / "fixture_server.py"

_START_SECONDS = 40.0
_STOP_SECONDS = 25.0

_LOOP = """\
name: greet
description: Greets whoever it is told.
goal: Greet somebody.
agents:
  - {name: greeter, config: {provider: command, extra: {command: [cat], input: stdin}}}
steps:
  - {name: greet, agent: greeter, prompt_template: 'Hello, {who}!'}
context: {who: world}
"""


_SLOW_LOOP = _LOOP.replace("[cat]", "[sh, -c, sleep 1 && cat]").replace(
    "name: greet\n", "name: greet-slowly\n", 1
)


@dataclass(frozen=True)
class Server:
    """A server that listens."""

    url: str
    token: str
    log: Path


def make_project(folder: Path) -> Path:
    """Make a project with two loops, and return its folder."""
    (folder / "loop.yaml").write_text(_LOOP)
    (folder / "slow.yaml").write_text(_SLOW_LOOP)
    (folder / ".loopengt").mkdir()
    return folder


def stdio_command(project: Path) -> list[str]:
    """Return the command that serves a project on stdio."""
    return [sys.executable, "-m", "loopengt", "-C", str(project), "mcp"]


@contextmanager
def real_server() -> Iterator[Server]:
    """Serve a project over HTTP, as ``loopengt mcp`` does."""
    with TemporaryDirectory() as name, _listening([*stdio_command(make_project(Path(name)))]) as server:
        yield server


@contextmanager
def stdio_project() -> Iterator[list[str]]:
    """Yield the command that serves a project on stdio."""
    with TemporaryDirectory() as name:
        yield stdio_command(make_project(Path(name)))


@contextmanager
def fixture_server() -> Iterator[Server]:
    """Serve what the suite asks for by name, from the same parts and behind the same door."""
    with TemporaryDirectory() as name:
        project = make_project(Path(name))
        with _listening([sys.executable, str(FIXTURE), str(project)]) as server:
            yield server


@contextmanager
def _listening(argv: list[str]) -> Iterator[Server]:
    port, token = _free_port(), secrets.token_urlsafe(24)
    argv = [*argv, "--transport", "streamable-http", "--port", str(port), "--token", token]
    with TemporaryDirectory() as name:
        log = Path(name) / "server.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=_environ(), start_new_session=True
            )
        try:
            _wait(process, port, log)
            yield Server(f"http://127.0.0.1:{port}/mcp", token, log)
        finally:
            _end(process)


def _environ() -> dict[str, str]:
    return os.environ | {"PYTHONUNBUFFERED": "1"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None or time.monotonic() > until:
            tail = log.read_text(errors="replace")[-2000:]
            raise RuntimeError(f"the server does not listen on port {port}:\n{tail}")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the server as its user would; what it leaves behind goes with its process group."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise RuntimeError("the server did not end on SIGTERM") from None
