"""Models over a real socket, before fakes of the services that they are reached at."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from loopengt.testing import FakeOpenAI
from loopengt.testing.fake_http import Exchange, FakeHttp
from loopengt_hookspecs.model_adapters import Message, ModelRequest, ModelSettings
from loopengt_hookspecs.tools import ToolOffer
from loopengt_llm.adapter import PydanticAiAdapter

KEY = "sk-test-0123456789"


class Wire:
    """A service in a wire format of its own: gives the answers it was told, one by one."""

    def __init__(self) -> None:
        self._answers: list[tuple[int, Any, dict[str, str]]] = []
        self._http = FakeHttp(self._respond)
        self.url = self._http.url
        self.requests = self._http.requests
        self.close = self._http.close

    def answer(self, data: Any, status: int = 200, **headers: str) -> None:
        """Add an answer: JSON data, or the lines of a stream."""
        self._answers.append(
            (status, data, {name.replace("_", "-"): value for name, value in headers.items()})
        )

    def _respond(self, exchange: Exchange) -> None:
        status, data, headers = self._answers.pop(0)
        if not isinstance(data, list):
            return exchange.send_json(status, data, headers)
        exchange.start_stream(headers)
        for event in data:
            name = f"event: {event['type']}\n" if "type" in event else ""
            exchange.write(f"{name}data: {json.dumps(event)}\n\n".encode())
        return exchange.end_stream()


class Bench:
    """Makes models and requests."""

    add = ToolOffer(
        "add",
        "Adds one",
        {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
    )

    def __init__(self) -> None:
        self.adapter = PydanticAiAdapter()
        self._models: list[Any] = []

    def model(self, url: str, provider: str = "openai-compatible", name: str = "m1", **settings: Any) -> Any:
        """Make a model that is closed when the test ends."""
        given = {"api_key": KEY, **settings}
        model = self.adapter.model(ModelSettings(provider, name, base_url=url, **given))
        self._models.append(model)
        return model

    @staticmethod
    def ask(*messages: str | Message, **fields: Any) -> ModelRequest:
        """Make a request; text is a user's message."""
        said = [Message("user", one) if isinstance(one, str) else one for one in messages or ("hi",)]
        return ModelRequest(said, **fields)

    async def close(self) -> None:
        """Close every model."""
        for model in self._models:
            await model.close()


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    """A fake OpenAI-compatible service."""
    with FakeOpenAI() as server:
        yield server


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A service in another wire format."""
    wire = Wire()
    yield wire
    wire.close()


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    """Makes models and requests."""
    bench = Bench()
    yield bench
    await bench.close()


@pytest.fixture
def model(bench: Bench, server: FakeOpenAI) -> Callable[..., Any]:
    """Makes a model of the fake OpenAI-compatible service."""
    return lambda provider="openai-compatible", **settings: bench.model(server.url, provider, **settings)


@pytest.fixture
def bench_class() -> type[Bench]:
    """The bench, for tests that run event loops of their own."""
    return Bench
