"""A fake OpenAI-compatible service over a real socket, for tests that need a model and should cost nothing.

In a test::

    with FakeOpenAI("fine", {"error": "rate_limited", "retry_after": 1}) as server:
        ...  # reach it at server.url, with any key
        assert server.requests[0].body["model"] == "m1"

As a program, whose first line of output is its URL::

    python -m loopengt.testing.fake_openai --script answers.json --log requests.ndjson
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from loopengt.testing._openai_answers import ERRORS, Answer, AnswerData, Script, Scripts, scripts_of
from loopengt.testing._openai_wire import chunks, completion, echo, embeddings
from loopengt.testing.fake_http import Exchange, FakeHttp, FakeRequest

__all__ = ["FakeOpenAI", "main"]


class FakeOpenAI:
    """Serves chat completions, embeddings and the list of models, from a script or as an echo.

    An answer is text, or a mapping: ``text``, ``json``, ``tool_calls`` ([{name, arguments, id?}]), ``reasoning``,
    ``usage`` ({prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost}), ``model``,
    ``finish_reason``; or a failure: ``error`` (rate_limited, quota_exhausted, server_error, unavailable,
    unauthorized, model_not_found, context_window, bad_request, bad_json, hang_up), ``message``, ``retry_after``,
    ``retry_after_date``; and for any: ``status``, ``headers``, ``body``, ``delay_seconds``, ``cut`` (connection or
    stream), ``cut_after``. A request for a stream is answered with one, and one that asks for OpenRouter's account of
    usage as OpenRouter does.

    Without a script each request is answered from what it says: ``echo: `` and its last message, ``tool said: ``
    and a tool's result, the plainest example of a JSON Schema, a call of a tool that must be called.

    Args:
        *answers: Chat completions in their order; or one callable that makes each of a request's body (None: echo).
        then: What comes when the answers are used up: ``error`` (status 400), ``repeat`` or ``echo``; default
            ``error``, or ``echo`` without answers.
        models: Names of the models that there are; empty: every name is one.
        dimensions: Length of the embeddings, where a request does not say it.
        script: What a script file says, instead of ``answers`` and ``then``: a list of answers, whose end is an error;
            or an object with ``answers``, ``rules`` (text that occurs in a request's messages → a list of answers
            of its own) and ``then``.
        log: File to which each request is added as a line of JSON.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        *answers: AnswerData | Any,
        then: str = "",
        script: Any = None,
        log: Path | None = None,
        models: Sequence[str] = (),
        dimensions: int = 8,
        port: int = 0,
    ) -> None:
        own: Script = answers[0] if len(answers) == 1 and callable(answers[0]) else answers
        given = Scripts(own, then or ("error" if answers else "echo"))
        self._scripts = given if script is None else scripts_of(script)
        self._models = tuple(models)
        self._dimensions = dimensions
        self._number = 0
        self._lock = threading.Lock()
        self._log = log
        self._http = FakeHttp(self._respond, port=port)
        self.url = f"{self._http.url}/v1"
        """Where it is; ends in ``/v1``."""

    @property
    def requests(self) -> list[FakeRequest]:
        """Every request so far: its ``path``, ``body``, ``headers`` (names in lower case)."""
        return self._http.requests

    @property
    def peak(self) -> int:
        """Most requests that were in work at the same time."""
        return self._http.peak

    @property
    def connections(self) -> int:
        """Connections so far; a client that keeps its connections needs few."""
        return self._http.connections

    def answer(self, text: str = "", **fields: Any) -> None:
        """Add an answer to the end of the script, as text or by its fields."""
        self._scripts.add(Answer.of({"text": text, **fields}))

    def wait_for_requests(self, count: int, timeout_seconds: float = 10.0) -> None:
        """Return when so many requests have come; blocks the thread.

        Raises:
            TimeoutError: They did not come in time.
        """
        self._http.wait_for_requests(count, timeout_seconds)

    def close(self) -> None:
        """Cut every connection and end."""
        self._http.close()

    def __enter__(self) -> FakeOpenAI:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _respond(self, exchange: Exchange) -> None:
        request = exchange.request
        path = request.path.partition("?")[0]
        self._note(request)
        if request.method == "GET" and path == "/v1/models":
            data = [{"id": name, "object": "model", "owned_by": "fake"} for name in self._models or ("fake",)]
            exchange.send_json(200, {"object": "list", "data": data})
        elif request.method != "POST" or path not in ("/v1/chat/completions", "/v1/embeddings"):
            _fail(exchange, Answer(error="bad_request", status=404, message=f"There is nothing at {path}."))
        elif not isinstance(request.body, dict):
            _fail(exchange, Answer(error="bad_request", message="The body is no JSON object."))
        elif self._models and request.body.get("model") not in self._models:
            _fail(exchange, Answer(error="model_not_found"))
        elif path == "/v1/embeddings":
            exchange.send_json(200, embeddings(request.body, self._dimensions))
        else:
            answer = self._scripts.take(request.body)
            self._complete(exchange, echo(request.body) if answer is None else answer)

    def _note(self, request: FakeRequest) -> None:
        if self._log is not None:
            line = {"path": request.path, "body": request.body, "headers": dict(request.headers)}
            with self._lock, self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def _complete(self, exchange: Exchange, answer: Answer) -> None:
        with self._lock:
            self._number += 1
            number = self._number
        if answer.delay_seconds and not exchange.wait(answer.delay_seconds):
            return exchange.hang_up()
        body = exchange.request.body
        if answer.error or answer.body is not None:
            return _fail(exchange, answer)
        if body.get("stream"):
            return _stream(exchange, answer, number)
        data = json.dumps(completion(body, answer, number)).encode()
        half = len(data) // 2 if answer.cut else 0
        return exchange.send(answer.status or 200, data[: len(data) - half], answer.headers, missing=half)


def _stream(exchange: Exchange, answer: Answer, number: int) -> None:
    exchange.start_stream(answer.headers)
    for index, chunk in enumerate(chunks(exchange.request.body, answer, number)):
        if answer.cut and index >= answer.cut_after:
            break
        exchange.write(b"data: " + json.dumps(chunk).encode() + b"\n\n")
    if answer.cut == "connection":
        return exchange.hang_up()
    if not answer.cut:
        exchange.write(b"data: [DONE]\n\n")
    return exchange.end_stream()


def _fail(exchange: Exchange, answer: Answer) -> None:
    if answer.error == "hang_up":
        return exchange.hang_up()
    headers = dict(answer.headers)
    if answer.retry_after is not None:
        headers["Retry-After"] = f"{answer.retry_after:g}"
    if answer.retry_after_date is not None:
        then = datetime.now(UTC) + timedelta(seconds=answer.retry_after_date)
        headers["Retry-After"] = format_datetime(then, usegmt=True)
    if answer.body is not None or answer.error == "bad_json":
        raw = '{"id": "chatcmpl-1", "choices": [{"mess' if answer.body is None else answer.body
        return exchange.send(answer.status or 200, raw.encode(), headers)
    status, code, message = ERRORS[answer.error]
    request = exchange.request
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    model = request.body.get("model", "") if isinstance(request.body, dict) else ""
    text = (answer.message or message).replace("{key}", key).replace("{model}", str(model))
    kind = "insufficient_quota" if code == "insufficient_quota" else "invalid_request_error"
    error = {"message": text, "type": kind, "param": None, "code": code}
    return exchange.send_json(answer.status or status, {"error": error}, headers)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a fake OpenAI-compatible service until the process is ended; the first line printed is its URL."""
    parser = argparse.ArgumentParser(prog="python -m loopengt.testing.fake_openai", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument(
        "--script", type=Path, help="JSON file of answers, as FakeOpenAI's script; default: echo"
    )
    parser.add_argument("--log", type=Path, help="file to which each request is added as a line of JSON")
    parser.add_argument("--dimensions", type=int, default=8, help="length of embeddings")
    options = parser.parse_args(arguments)
    script = json.loads(options.script.read_text(encoding="utf-8")) if options.script else None
    with (
        FakeOpenAI(
            script=script, log=options.log, port=options.port, dimensions=options.dimensions
        ) as server,
        suppress(KeyboardInterrupt),
    ):
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
