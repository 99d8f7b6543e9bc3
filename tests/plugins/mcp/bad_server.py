"""An MCP server of 2025 written out by hand, which misbehaves as its tools and its first argument say."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

MODE = sys.argv[1] if len(sys.argv) > 1 else ""
EMPTY = {"type": "object"}
WAITING: list[dict[str, Any]] = []
TOOLS: dict[str, dict[str, Any]] = {
    "echo": {"annotations": {"readOnlyHint": True}},
    "die": {},
    "die_once": {"annotations": {"idempotentHint": True}},
    "wipe": {"annotations": {"destructiveHint": True}},
    "hang": {},
    "flood": {},
    "huge": {},
    "junk": {},
    "invalid": {},
    "misfit": {"outputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    "slow_pattern": {
        "outputSchema": {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    },
    "elsewhere": {"outputSchema": {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/a"}}}},
    "unkept": {"outputSchema": {"type": "object"}},
    "long": {},
    "long_data": {"outputSchema": {"type": "object"}},
    "picture": {},
    "ask": {},
    "change": {},
    "steer": {},
    "pid": {},
    "environment": {},
}


def send(message: dict[str, Any]) -> None:
    """Write a message on one line."""
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def receive() -> dict[str, Any]:
    """Return the next message, one that has come during a question first."""
    return WAITING.pop(0) if WAITING else read()


def read() -> dict[str, Any]:
    """Read a message; the end of the input ends the server."""
    line = sys.stdin.readline()
    if not line:
        if MODE == "stubborn":
            time.sleep(600)
        sys.exit(0)
    found: dict[str, Any] = json.loads(line)
    return found


def text(value: str) -> dict[str, Any]:
    """Return a result of one text."""
    return {"content": [{"type": "text", "text": value}]}


def counted() -> int:
    """Count the calls that were ever made in this folder."""
    with Path("calls").open("a") as file:
        file.write("x")
    return Path("calls").stat().st_size


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Do what a tool is there for."""
    if name == "die" or (name == "die_once" and counted() == 1):
        print("out of luck", file=sys.stderr, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "wipe":
        counted()
        os.kill(os.getpid(), signal.SIGKILL)
    if name == "hang":
        time.sleep(600)
    while name == "flood":
        send({"method": "notifications/message", "params": {"level": "info", "data": "x" * 100}})
    while name == "huge":
        sys.stdout.write("x" * 1_000_000)
    if name == "junk":
        for _ in range(100):
            print("this is no message", flush=True)
    if name == "invalid":
        return {"content": "no list"}
    if name == "misfit":
        return {**text("?"), "structuredContent": {"n": "no number"}}
    if name in ("slow_pattern", "elsewhere"):
        return {**text("?"), "structuredContent": {"a": "a" * 60 + "!"}}
    if name == "long":
        return text("é" * 200_000)
    if name == "long_data":
        return {**text("…"), "structuredContent": {"rows": ["x" * 100] * 4000}}
    if name == "picture":
        image = {"type": "image", "data": "AAEC", "mimeType": "image/png"}
        link = {"type": "resource_link", "uri": "file:///a", "name": "a"}
        return {"content": [{"type": "text", "text": "see"}, image, link]}
    if name == "ask":
        return ask()
    if name == "steer":
        return text("\x1b]52;c;eA==\x07two\nlines")
    if name == "change":
        TOOLS["born"] = {}
        TOOLS.pop("junk", None)
        send({"method": "notifications/tools/list_changed"})
    if name == "pid":
        return text(str(os.getpid()))
    if name == "environment":
        return text(json.dumps({"env": dict(os.environ), "cwd": os.getcwd(), "argv": sys.argv[1:]}))
    return text(str(arguments.get("text", "done")))


def ask() -> dict[str, Any]:
    """Ask the person behind the client, and return what came of it."""
    schema = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}
    send(
        {
            "id": 900,
            "method": "elicitation/create",
            "params": {"message": "Which?", "requestedSchema": schema},
        }
    )
    while (answer := read()).get("id") != 900:
        WAITING.append(answer)
    return text(json.dumps(answer.get("result", answer.get("error"))))


def answer(request: dict[str, Any]) -> None:
    """Answer one request."""
    method, params = request.get("method"), request.get("params") or {}
    if method == "initialize":
        capabilities = {"tools": {"listChanged": MODE != "silent"}}
        info = {"name": "bad", "version": "1"}
        result: dict[str, Any] = {
            "protocolVersion": "2025-06-18",
            "capabilities": capabilities,
            "serverInfo": info,
        }
    elif method == "tools/list":
        with Path("lists").open("a") as file:
            file.write("x")
        result = {"tools": [{"name": name, "inputSchema": EMPTY, **facts} for name, facts in TOOLS.items()]}
        if MODE == "endless":
            result["nextCursor"] = "more"
    elif method == "tools/call" and params["name"] in TOOLS:
        result = call(params["name"], params.get("arguments") or {})
    else:
        send({"id": request["id"], "error": {"code": -32601, "message": f"no {method}"}})
        return
    send({"id": request["id"], "result": result})


def main() -> None:
    """Serve until the input ends, unless the mode says otherwise."""
    if MODE == "exit":
        sys.exit("cannot find my database")
    if MODE == "mute":
        time.sleep(600)
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        request = receive()
        if "id" in request and "method" in request:
            answer(request)


if __name__ == "__main__":
    main()
