"""`loopengt mcp` over HTTP: known hosts, a token, limits, and clear words when it cannot listen."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import time
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from loopengt_mcp.server.http import Gate, is_loopback

from .kit import TOKEN, Caller, Program, harmless, patient
from .test_stdio import HELLO

if TYPE_CHECKING:
    from pathlib import Path

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def post(url: str, content: bytes | None = None, **headers: str) -> httpx2.Response:
    """Send a request; underscores in the headers' names are hyphens."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    base = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    body = json.dumps(PING).encode() if content is None else content
    return httpx2.post(url, content=body, headers=base | given, timeout=20)


@pytest.mark.slow
async def test_clients_of_both_eras_are_served_over_http(program: Program) -> None:
    """With the token that it shows, at the address that it shows; two clients see the same runs."""
    url, token, process = program.serve()
    assert url.startswith("http://127.0.0.1:")
    assert len(token) >= 32
    headers = {"authorization": f"Bearer {token}"}
    for mode in ("auto", "legacy"):
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode) as client,
        ):
            call = Caller(client, [])
            state = (await call("run_loop", spec=json.dumps(harmless("hi")), wait_seconds=20)).data
            assert state["output"] == "hi"
            runs = (await call("list_runs")).data["runs"]
            assert len(runs) == (1 if mode == "auto" else 2)
    process.terminate()
    process.wait(timeout=20)
    assert process.stdout is not None
    assert process.stdout.read() == ""


def test_strangers_get_no_further_than_the_gate(program: Program) -> None:
    """A missing or wrong token, a rebound name, a page of the web, and 4 MB are each refused by their own code."""
    url, _, _ = program.serve("--token", TOKEN)
    bearer = f"Bearer {TOKEN}"
    for header in ({}, {"authorization": "Bearer wrong"}, {"authorization": f"Basic {TOKEN}"}):
        refused = post(url, **header)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer ")
    assert post(url, authorization=bearer, host="evil.example").status_code == 421
    assert post(url, authorization=bearer, host="localhost.evil.example:80").status_code == 421
    assert post(url, authorization=bearer, host="localhost:80.evil.example").status_code == 421
    assert post(url, authorization=bearer, origin="https://evil.example").status_code == 403
    assert post(url, authorization=bearer, origin="null").status_code == 403
    assert post(url, b"x" * (4 * 1024 * 1024 + 1), authorization=bearer).status_code == 413
    assert post(url, b"{", authorization=bearer).status_code == 400
    assert post(url, authorization=bearer, content_type="text/plain").status_code >= 400
    known = post(url, authorization=bearer, origin="http://localhost:3000")
    assert known.status_code not in (401, 403, 421)


@pytest.mark.slow
def test_a_body_without_a_length_is_limited_too(program: Program) -> None:
    """4 MB that are sent in chunks are refused as well."""
    url, _, _ = program.serve("--token", TOKEN)
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    chunks = (b"x" * 100_000 for _ in range(50))
    refused = httpx2.post(
        url, content=chunks, headers=headers | {"authorization": f"Bearer {TOKEN}"}, timeout=20
    )
    assert refused.status_code == 413


def test_a_port_that_is_taken_is_named(program: Program, taken: int) -> None:
    """The message names the address and the way out, and the exit code is that of wrong usage."""
    process = program.start("--transport", "sse", "--port", str(taken))
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert f"127.0.0.1:{taken}" in err
    assert "--port 0" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--token", "short"), "too short"),
        (("--token-file", "missing"), "cannot be read"),
        (("--token", TOKEN, "--token-file", "token"), "exclude each other"),
        (("--host", "no such host"), "--host"),
    ],
)
def test_wrong_options_are_named(program: Program, args: tuple[str, ...], says: str) -> None:
    """Nothing is served with a token that protects nothing."""
    (program.project / "token").write_text(TOKEN)
    ended = program.run("mcp", "--transport", "streamable-http", *args)
    assert ended.returncode == 2
    assert says in ended.stderr


@pytest.mark.slow
def test_the_token_may_come_from_a_file_or_the_environment(program: Program, tmp_path: Path) -> None:
    """It is then neither shown nor on any command line."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    process = program.start("--transport", "streamable-http", "--port", "0", "--token-file", str(file))
    assert process.stderr is not None
    url = process.stderr.readline().removeprefix("Serving MCP at ").strip()
    assert post(url).status_code == 401
    assert post(url, authorization=f"Bearer {TOKEN}").status_code != 401
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert TOKEN not in err


@pytest.mark.slow
async def test_a_listening_address_is_no_longer_taken_afterwards(program: Program) -> None:
    """SIGTERM ends it soon, also while a client is connected, and frees the port."""
    url, token, process = program.serve()
    headers = {"authorization": f"Bearer {token}"}
    http = httpx2.AsyncClient(headers=headers, timeout=30)
    async with http, http.stream("POST", url, json=PING):
        process.terminate()
        process.wait(timeout=20)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", int(url.rsplit(":", 1)[1].partition("/")[0])))


@pytest.mark.slow
async def test_runs_rest_when_the_server_over_http_ends(program: Program) -> None:
    """SIGTERM pauses what it drives before it goes, also while a client waits for it."""
    (program.project / "loop.yaml").write_text(json.dumps(patient(program.project)))
    url, token, process = program.serve()
    headers = {"authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        state = (await Caller(client, [])("run_loop", loop="loop.yaml")).data
        assert state["status"] == "running"
    process.terminate()
    process.wait(timeout=30)
    [row] = json.loads(program.run("runs", "--json").stdout)
    assert (row["run_id"], row["status"]) == (state["run_id"], "paused")


def hanging(url: str, head: dict[str, str]) -> list[socket.socket]:
    """Open connections that never finish what they say: some in their head, some in their body."""
    host, port = "127.0.0.1", int(url.rsplit(":", 1)[1].partition("/")[0])
    lines = [
        f"POST /mcp HTTP/1.1\r\nHost: {host}:{port}",
        *(f"{name}: {value}" for name, value in head.items()),
    ]
    whole = "\r\n".join([*lines, "Content-Length: 1000", "", "{"]).encode()
    opened = []
    for number in range(20):
        opened.append(socket.create_connection((host, port)))
        opened[-1].sendall(whole if number % 2 else whole[:20])
    return opened


def data_of(response: httpx2.Response) -> dict[str, Any]:
    """Return the data of a tool's answer, the one event of a stream; of a call that came too late, that."""
    if response.status_code == 503:
        return {"status": "too late"}
    line = next(line for line in response.text.splitlines() if line.startswith("data: {"))
    data: dict[str, Any] = json.loads(line.removeprefix("data: "))["result"]["structuredContent"]
    return data


@pytest.mark.slow
async def test_many_that_hang_do_not_hold_the_end_up(program: Program) -> None:
    """With 50 calls that wait, 20 requests that never end and a run under way, SIGTERM ends it within 3 s: the calls
    are answered, the run is paused and goes on later, nothing is logged, and the exit code is the signal's.
    """
    (program.project / "loop.yaml").write_text(json.dumps(patient(program.project)))
    url, token, process = program.serve()
    head = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
    }
    limits = httpx2.Limits(max_connections=100)
    async with httpx2.AsyncClient(headers=head, timeout=60, limits=limits) as http:

        async def call(number: int, tool: str, **arguments: Any) -> dict[str, Any]:
            params = {"name": tool, "arguments": arguments}
            message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
            return data_of(await http.post(url, json=message))

        http.headers["mcp-session-id"] = (await http.post(url, json=HELLO)).headers["mcp-session-id"]
        await http.post(url, json={"jsonrpc": "2.0", "method": "notifications/initialized"})
        run_id = (await call(2, "run_loop", loop="loop.yaml"))["run_id"]
        waiting = [
            asyncio.create_task(call(100 + number, "wait_run", run_id=run_id, wait_seconds=50))
            for number in range(50)
        ]
        opened = hanging(url, head)
        while not (program.project / "here").exists():  # noqa: ASYNC110  # another process makes it
            await asyncio.sleep(0.02)
        await call(3, "list_runs")
        began = time.monotonic()
        process.terminate()
        answers = await asyncio.gather(*waiting)
        code = await asyncio.to_thread(process.wait, 20)
        took = time.monotonic() - began
    for each in opened:
        each.close()
    statuses = [answer["status"] for answer in answers]
    assert set(statuses) <= {"paused", "too late"}
    assert statuses.count("paused") > 25
    assert (code, took < 3.0) == (128 + signal.SIGTERM, True), took
    assert process.stderr is not None
    assert process.stderr.read() == ""
    (program.project / "go").touch()
    assert program.run("resume", run_id, "--quiet").returncode == 0


@pytest.mark.slow
async def test_a_closed_terminal_pauses_what_it_drives(program: Program) -> None:
    """SIGHUP is an end as any other signal is, also when another one follows at once: the run is paused."""
    (program.project / "loop.yaml").write_text(json.dumps(patient(program.project)))
    url, token, process = program.serve()
    async with (
        httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        call = Caller(client, [])
        await call.until((await call("run_loop", loop="loop.yaml")).data["run_id"], step="work")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=20) == 128 + signal.SIGHUP
    [row] = json.loads(program.run("runs", "--json").stdout)
    assert row["status"] == "paused"


async def test_a_request_with_two_hosts_or_tokens_is_refused() -> None:
    """What a proxy and a server could read differently is read as neither."""
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("it went through")

    async def send(message: Any) -> None:
        sent.append(message)

    gate = Gate(app, token=TOKEN, hosts=["localhost:*"], origins=[])
    bearer = (b"authorization", f"Bearer {TOKEN}".encode())
    host = (b"host", b"localhost:1")
    for headers, code in (([host, host, bearer], 421), ([bearer], 421), ([host, bearer, bearer], 401)):
        sent.clear()
        await gate({"type": "http", "headers": headers}, app, send)
        assert sent[0]["status"] == code


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("example.org", False)],
)
def test_loopback_is_known(host: str, loopback: bool) -> None:
    """What only this machine reaches is told apart, since anything else is warned of."""
    assert is_loopback(host) is loopback
