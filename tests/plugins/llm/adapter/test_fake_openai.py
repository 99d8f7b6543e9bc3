"""The fake OpenAI-compatible service of the test kit, by plain HTTP and as a program."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
import time
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest

from loopengt.testing import FakeOpenAI

HI = {"model": "m1", "messages": [{"role": "user", "content": "hi"}]}


def post(url: str, body: Any, path: str = "/chat/completions") -> tuple[int, Any, dict[str, str]]:
    """Send one request; return status, body and headers."""
    connection = HTTPConnection(url.split("/")[2], timeout=10)
    try:
        connection.request("POST", f"/v1{path}", json.dumps(body), {"Authorization": "Bearer sk-1"})
        response = connection.getresponse()
        raw = response.read().decode()
        headers = {name.lower(): value for name, value in response.getheaders()}
        is_json = headers["content-type"] == "application/json"
        return response.status, json.loads(raw) if is_json else raw, headers
    finally:
        connection.close()


def said(url: str, body: Any = HI) -> Any:
    """Return the message of an answer, as the model says it."""
    return post(url, body)[1]["choices"][0]["message"]["content"]


def test_without_a_script_the_request_says_the_answer() -> None:
    """The echo repeats a message and a tool's result, calls a tool that must be called, and fits a schema."""
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    schema = {
        "type": "object",
        "properties": {
            "n": {"$ref": "#/$defs/n"},
            "s": {"enum": ["a", "b"]},
            "l": {"type": "array", "minItems": 1},
        },
        "required": ["n", "s", "l"],
        "$defs": {"n": {"type": "integer", "minimum": 5}},
    }
    with FakeOpenAI() as server:
        assert server.url.endswith("/v1")
        assert said(server.url) == "echo: hi"
        assert said(server.url, {"messages": [{"role": "tool", "content": "3"}]}) == "tool said: 3"
        forced = post(server.url, HI | {"tools": [tool], "tool_choice": "required"})[1]["choices"][0]
        assert forced["finish_reason"] == "tool_calls"
        assert forced["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
        wanted = {"type": "json_schema", "json_schema": {"schema": schema}}
        assert json.loads(said(server.url, HI | {"response_format": wanted})) == {
            "n": 5,
            "s": "a",
            "l": ["text"],
        }
        assert [request.path for request in server.requests] == ["/v1/chat/completions"] * 4
        assert server.requests[0].body == HI and server.requests[0].headers["authorization"] == "Bearer sk-1"


def test_a_script_gives_its_answers_in_order() -> None:
    """Answers come in their order; afterwards comes an error that says so, the last one again, or the echo."""
    with FakeOpenAI("one", {"json": {"a": 1}}) as server:
        assert [said(server.url), said(server.url)] == ["one", '{"a": 1}']
        status, body, _ = post(server.url, HI)
        assert (status, "2 answers" in body["error"]["message"]) == (400, True)
        server.answer("more")
        assert said(server.url) == "more"
    for then, last in (("repeat", "one"), ("echo", "echo: hi")):
        with FakeOpenAI("one", then=then) as server:
            assert [said(server.url), said(server.url)] == ["one", last]


def test_a_callable_gives_the_answers() -> None:
    """A callable makes answers of the request's body; None is the echo, and an error of its own is told."""

    def respond(body: dict[str, Any]) -> Any:
        return {"x": {"text": "ex"}, "hi": None}[body["messages"][-1]["content"]]

    with FakeOpenAI(respond) as server:
        assert said(server.url) == "echo: hi"
        assert said(server.url, {"messages": [{"role": "user", "content": "x"}]}) == "ex"
        status, body, _ = post(server.url, {"messages": [{"role": "user", "content": "y"}]})
        assert (status, "KeyError" in body["error"]["message"]) == (500, True)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"txt": "x"}, "txt"), ({"error": "teapot"}, "teapot"), ({"cut": "half"}, "half")],
)
def test_a_wrong_answer_is_refused_at_once(wrong: dict[str, Any], named: str) -> None:
    """An answer with an unknown field or failure is an error of whoever writes the script."""
    with pytest.raises(ValueError, match=named):
        FakeOpenAI(wrong)


def test_failures_have_their_status_and_headers() -> None:
    """A failure has the status and the code of the real one; 401 echoes the key."""
    with FakeOpenAI({"error": "rate_limited", "retry_after": 3}, {"error": "unauthorized"}) as server:
        status, body, headers = post(server.url, HI)
        assert (status, body["error"]["code"], headers["retry-after"]) == (429, "rate_limit_exceeded", "3")
        status, body, _ = post(server.url, HI)
        assert (status, "sk-1" in body["error"]["message"]) == (401, True)
        assert post(server.url, HI, "/nowhere")[0] == 404
        assert post(server.url, "hi")[0] == 400


def test_a_stream_is_whole_or_cut() -> None:
    """A stream ends with [DONE] and, where asked for, its usage; a cut one ends without, or breaks off."""
    streamed = HI | {"stream": True, "stream_options": {"include_usage": True}}
    with FakeOpenAI("a b", *({"text": "a b", "cut": cut} for cut in ("stream", "connection"))) as server:
        events = post(server.url, streamed)[1].split("\n\n")
        chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
        assert events[-2:] == ["data: [DONE]", ""]
        assert [c["choices"][0]["delta"].get("content") for c in chunks[:-1]] == ["a ", "b", None]
        assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 3)
        assert "DONE" not in post(server.url, streamed)[1]
        with pytest.raises(IncompleteRead):
            post(server.url, streamed)


def test_a_slow_answer_ends_with_its_client() -> None:
    """A delay ends when the client goes, and closing the server waits for nobody."""
    with FakeOpenAI({"delay_seconds": 600}, {"delay_seconds": 600}, {"error": "hang_up"}) as server:
        for _ in range(2):
            connection = HTTPConnection(server.url.split("/")[2], timeout=0.1)
            connection.request("POST", "/v1/chat/completions", json.dumps(HI))
            with pytest.raises(TimeoutError):
                connection.getresponse()
            connection.close()
        with pytest.raises(RemoteDisconnected):
            post(server.url, HI)
        server.wait_for_requests(3)
        started = time.monotonic()
    assert time.monotonic() - started < 5


def test_embeddings_are_near_where_words_are_shared() -> None:
    """Vectors are the same every time, of the length asked for, and nearer for texts that share words."""
    with FakeOpenAI(dimensions=64) as server:
        body = {"model": "e", "input": ["the red fox", "the red dog", "blue seas"]}
        first, second = (post(server.url, body, "/embeddings")[1] for _ in range(2))
        assert first == second
        near, far = (
            sum(
                a * b
                for a, b in zip(first["data"][0]["embedding"], first["data"][n]["embedding"], strict=True)
            )
            for n in (1, 2)
        )
        assert near > far and len(first["data"][0]["embedding"]) == 64
        short = post(server.url, {"input": "x", "dimensions": 3, "encoding_format": "base64"}, "/embeddings")[
            1
        ]
        vector = struct.unpack("<3f", base64.b64decode(short["data"][0]["embedding"]))
        assert sum(value * value for value in vector) == pytest.approx(1.0, abs=1e-5)


def test_as_a_program_it_prints_its_url_and_keeps_a_log(tmp_path: Path) -> None:
    """In a process of its own it answers by a script file, rules included, and logs each request as it comes."""
    script, log = tmp_path / "script.json", tmp_path / "log.ndjson"
    script.write_text(
        json.dumps({"answers": ["one"], "rules": {'the "judge"': [{"json": {"score": 1}}]}, "then": "repeat"})
    )
    command = [
        sys.executable,
        "-m",
        "loopengt.testing.fake_openai",
        "--script",
        str(script),
        "--log",
        str(log),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            judged = {"messages": [{"role": "system", "content": 'You are the "judge".'}]}
            assert [said(url), said(url, judged), said(url)] == ["one", '{"score": 1}', "one"]
            logged = [json.loads(line) for line in log.read_text().splitlines()]
            assert [line["body"] for line in logged] == [HI, judged, HI]
        finally:
            process.terminate()


@pytest.mark.parametrize("wrong", ["text", {"answer": []}, {"answers": "one"}])
def test_a_script_of_another_shape_is_refused(wrong: Any) -> None:
    """A script file that is no list and no object of the known keys is an error."""
    with pytest.raises((TypeError, ValueError), match="script"):
        FakeOpenAI(script=wrong)
