"""`loopengt mcp` over HTTP: known hosts, a token, limits, and clear words when it cannot listen."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from loopengt_mcp.server.http import Gate, is_loopback

from .kit import TOKEN, Caller, Program, harmless, patient

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
