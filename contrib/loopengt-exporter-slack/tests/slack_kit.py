"""A service that takes messages as Slack's incoming webhooks do, and refuses what those refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from loopengt.testing.fake_http import Exchange, FakeHttp

SECRET = "T00000000/B00000000/aVerySecretPartOfTheAddress"
VARIABLE = "SLACK_WEBHOOK_URL"

Answer = Callable[[Exchange], None]


def problems_of(message: Any) -> list[str]:
    """Say what Slack would refuse of a message, by its documented limits."""
    if not isinstance(message, dict) or not message.get("text"):
        return ["no_text"]
    found = []
    blocks = message.get("blocks", [])
    if not 1 <= len(blocks) <= 50:
        found.append(f"{len(blocks)} blocks")
    for block in blocks:
        texts: list[tuple[Any, int]] = []
        if block["type"] == "header":
            texts = [(block["text"], 150)]
            if block["text"]["type"] != "plain_text":
                found.append("a header is plain text")
        elif block["type"] == "section":
            texts = [(block["text"], 3_000)] if "text" in block else []
            fields = block.get("fields", [])
            texts += [(field, 2_000) for field in fields]
            if not texts or len(fields) > 10:
                found.append(f"a section with {len(fields)} fields")
        elif block["type"] == "context":
            texts = [(element, 3_000) for element in block["elements"]]
        else:
            found.append(f"a block of type {block['type']}")
        found += [
            f"a text of {len(text['text'])}" for text, most in texts if not 1 <= len(text["text"]) <= most
        ]
    return found


class FakeSlack:
    """Takes messages.

    Args:
        *answers: What to answer first, one after the other: an HTTP status with its text, or a function; then ``ok``.
    """

    def __init__(self, *answers: tuple[int, str] | tuple[int, str, dict[str, str]] | Answer) -> None:
        self._answers = list(answers)
        self.messages: list[Any] = []
        """Messages that were taken."""
        self.http = FakeHttp(self._respond)
        self.url = f"{self.http.url}/services/{SECRET}"

    def _respond(self, exchange: Exchange) -> None:
        if self._answers:
            answer = self._answers.pop(0)
            if callable(answer):
                answer(exchange)
            else:
                status, text, *headers = answer
                exchange.send(status, text.encode(), *headers)
            return
        found = problems_of(exchange.request.body)
        if found or int(exchange.request.headers["content-length"]) > 40_000:
            exchange.send(400, b"invalid_blocks")
            return
        self.messages.append(exchange.request.body)
        exchange.send(200, b"ok", {"Content-Type": "text/html"})

    def close(self) -> None:
        """End it."""
        self.http.close()


@contextmanager
def slack(*answers: Any) -> Iterator[FakeSlack]:
    """Serve until the end of the block."""
    served = FakeSlack(*answers)
    try:
        yield served
    finally:
        served.close()


def texts_of(message: Any) -> list[tuple[str, str]]:
    """Return type and text of every text of a message."""
    found = []
    for block in message["blocks"]:
        every = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        found += [(text["type"], text["text"]) for text in every if text]
    return found
