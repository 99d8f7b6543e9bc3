"""The embedder ``openai`` against services over a socket, good and bad ones; and memories that use it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import FakeOpenAI, make_kernel
from loopengt.testing.fake_http import Exchange, FakeHttp
from loopengt_hookspecs.errors import AgentError, MissingRequirement
from loopengt_hookspecs.models import MemoryEntry, MemoryScope
from loopengt_memory.openai_embedder import OpenAIEmbedder
from loopengt_memory.options import OpenAIOptions
from loopengt_memory.store import SqliteMemoryStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY = "sk-very-secret-0123456789"

Answer = tuple[int, Any, dict[str, str]]


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve() -> Iterator[Callable[..., FakeHttp]]:
    """Return a function that starts a service giving these answers, the last one for ever."""
    started: list[FakeHttp] = []

    def start(*answers: Answer) -> FakeHttp:
        waiting = list(answers)

        def respond(exchange: Exchange) -> None:
            status, data, headers = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            exchange.send_json(status, data, headers)

        started.append(FakeHttp(respond))
        return started[-1]

    yield start
    for server in started:
        server.close()


def good(*vectors: list[float]) -> Answer:
    """Return an answer with vectors, in the wrong order."""
    rows = [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return 200, {"data": rows[::-1]}, {}


def embedder_of(server: FakeHttp | FakeOpenAI, **options: Any) -> OpenAIEmbedder:
    """Return an embedder that asks a service."""
    url = server.url if server.url.endswith("/v1") else f"{server.url}/v1"
    return OpenAIEmbedder(OpenAIOptions(base_url=url, **options))


async def test_texts_become_vectors() -> None:
    """Each text gets its vector, in order, in requests of the batch size, with model, dimensions and key."""
    with FakeOpenAI(dimensions=8) as server:
        embedder = embedder_of(server, model="m1", dimensions=4, batch_size=2)
        vectors = await embedder.embed(["a", "b", "a", "", "b"])
        assert [len(vector) for vector in vectors] == [4] * 5
        assert vectors[0] == vectors[2]
        assert vectors[1] == vectors[4] != vectors[0]
        assert [request.body["input"] for request in server.requests] == [["a", "b"], ["a", " "], ["b"]]
        assert server.requests[0].body["model"] == "m1"
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert await embedder.embed([]) == []
        assert (embedder.model, embedder.missing()) == ("m1@4", [])


async def test_order_is_that_of_the_index(serve: Callable[..., FakeHttp]) -> None:
    """An answer in another order is put right."""
    server = serve(good([1.0], [2.0], [3.0]))
    assert await embedder_of(server).embed(["a", "b", "c"]) == [[1.0], [2.0], [3.0]]


async def test_a_busy_service_is_asked_again(serve: Callable[..., FakeHttp]) -> None:
    """429 and 5xx are repeated after the time that the service names, as seconds or as a date that is over."""
    server = serve(
        (429, {}, {"Retry-After": "0"}),
        (503, {}, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        good([1.0]),
    )
    assert await embedder_of(server).embed(["a"]) == [[1.0]]
    assert len(server.requests) == 3


async def test_a_service_that_stays_busy_is_an_error(serve: Callable[..., FakeHttp]) -> None:
    """After the last retry the error names the status and the wait; one that is too long is not waited for."""
    server = serve((429, {}, {"Retry-After": "0"}))
    with pytest.raises(AgentError, match="429") as caught:
        await embedder_of(server, max_retries=2).embed(["a"])
    assert len(server.requests) == 3
    assert (caught.value.kind, caught.value.retry_after) == ("HTTP429", 0.0)
    slow = serve((429, {}, {"Retry-After": "3600"}))
    with pytest.raises(AgentError) as caught:
        await embedder_of(slow).embed(["a"])
    assert (len(slow.requests), caught.value.retry_after) == (1, 3600.0)


async def test_what_cannot_succeed_is_not_repeated(serve: Callable[..., FakeHttp]) -> None:
    """A refusal comes at once, with the service's words, but without the key, though it be echoed."""
    server = serve((401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}, {}))
    with pytest.raises(AgentError, match=r"401.*Incorrect API key") as caught:
        await embedder_of(server).embed(["a"])
    assert len(server.requests) == 1
    assert KEY not in str(caught.value)


async def test_the_key_does_not_follow_redirects(serve: Callable[..., FakeHttp]) -> None:
    """A service that points elsewhere is an error, and nothing is sent there."""
    other = serve(good([1.0]))
    server = serve((307, {}, {"Location": f"{other.url}/v1/embeddings"}))
    with pytest.raises(AgentError, match="307"):
        await embedder_of(server).embed(["a"])
    assert other.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"data": None},
        {"data": [{"index": 0}]},
        {"data": [{"index": 0, "embedding": ["x"]}]},
        {"data": [{"index": 0, "embedding": []}]},
        {"data": [{"index": 1, "embedding": [1.0]}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}]},
    ],
)
async def test_nonsense_is_an_error(serve: Callable[..., FakeHttp], answer: Any) -> None:
    """An answer without a vector for each text is never taken for one."""
    with pytest.raises(AgentError, match="embedder 'openai' got"):
        await embedder_of(serve((200, answer, {}))).embed(["a"])


async def test_a_service_that_is_not_there() -> None:
    """Nobody at the address, and no JSON from it, are errors that say so."""

    def respond(exchange: Exchange) -> None:
        exchange.send(200, b"<html>")

    server = FakeHttp(respond)
    with pytest.raises(AgentError, match="not JSON"):
        await embedder_of(server, max_retries=0).embed(["a"])
    server.close()
    with pytest.raises(AgentError, match="cannot be reached"):
        await embedder_of(server, max_retries=0).embed(["a"])


async def test_a_slow_service_is_given_up() -> None:
    """An answer that takes longer than ``timeout_seconds`` is an error."""

    def respond(exchange: Exchange) -> None:
        exchange.wait(30)

    server = FakeHttp(respond)
    with pytest.raises(AgentError, match="in time"):
        await embedder_of(server, max_retries=0, timeout_seconds=0.2).embed(["a"])
    server.close()


async def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the key nothing is sent; a service that needs none can be told so."""
    monkeypatch.delenv("OPENAI_API_KEY")
    with FakeOpenAI() as server:
        embedder = embedder_of(server)
        assert ["OPENAI_API_KEY" in str(error) for error in embedder.missing()] == [True]
        with pytest.raises(MissingRequirement, match="OPENAI_API_KEY"):
            await embedder.embed(["a"])
        assert server.requests == []
        assert await embedder_of(server, api_key_env="").embed(["a"])
        assert "authorization" not in server.requests[0].headers
        monkeypatch.setenv("OPENAI_API_KEY", "two\nlines-of-a-key")
        with pytest.raises(MissingRequirement, match="HTTP"):
            await embedder.embed(["a"])


@pytest.mark.parametrize(
    "url", ["ftp://x/v1", "nothing", "https://me:secret@host/v1", "http://h/v1?k=1", "http://h:x"]
)
def test_addresses_are_checked(url: str) -> None:
    """An address that is none, or that holds a password, is refused without repeating it."""
    with pytest.raises(ValueError, match="base_url") as caught:
        OpenAIOptions(base_url=url)
    assert "secret" not in str(caught.value)


async def test_a_memory_embeds_what_it_keeps_and_what_it_looks_for(tmp_path: Path) -> None:
    """With a configured embedder entries are found by nearness without a word of ours, one request for many."""
    with FakeOpenAI(dimensions=64) as server:
        url = server.url if server.url.endswith("/v1") else f"{server.url}/v1"
        config = {"memory": {"embedder": "openai"}, "plugins": {"memory": {"openai": {"base_url": url}}}}
        kernel = make_kernel(tmp_path, config=config)
        store = kernel.get("memories", "sqlite")
        memory = store.memory(MemoryScope.LOOP, "demo")
        assert await memory.retrieve("anything") == []
        assert server.requests == []  # there is nothing to compare it with
        await memory.add_many([MemoryEntry(content="red apples"), MemoryEntry(content="green cars")])
        assert len(server.requests) == 1
        found = await memory.retrieve("apples", keyword_weight=0.0, vector_weight=1.0)
        assert [entry.content for entry in found] == ["red apples", "green cars"]
        assert len(server.requests) == 2
        await memory.retrieve("apples", vector_weight=0.0)
        assert len(server.requests) == 2
        await store.close()


class Made:
    """An embedder that counts letters, under any name."""

    def __init__(self, model: str, size: int) -> None:
        self.model = model
        self.size = size
        self.broken = False

    def missing(self) -> list[Any]:
        """Nothing."""
        return []

    async def embed(self, texts: Any) -> list[list[float]]:
        """Return the lengths of the texts, or fail."""
        if self.broken:
            raise AgentError("no embeddings today")
        return [[float(len(text))] + [1.0] * (self.size - 1) for text in texts]


async def test_models_are_never_compared(tmp_path: Path) -> None:
    """What another model has embedded, of whatever dimensions, is found by words and not by nearness."""
    used = [Made("old", 3)]
    store = SqliteMemoryStore(tmp_path / "memory.db", embedder=lambda: used[-1])
    memory = store.memory(MemoryScope.PROJECT)
    await memory.add("of the old one")
    used.append(Made("new", 5))
    await memory.add("of the new one")
    near = await memory.vector_search([1.0] * 5)
    assert [entry.content for entry in near] == ["of the new one"]
    assert len(await memory.search("one")) == 2
    assert len(await memory.retrieve("one")) == 2
    await store.close()


async def test_a_failing_embedder_keeps_nothing(tmp_path: Path) -> None:
    """Its error comes through, and no entry stands there half."""
    embedder = Made("m", 2)
    embedder.broken = True
    store = SqliteMemoryStore(tmp_path / "memory.db", embedder=lambda: embedder)
    memory = store.memory(MemoryScope.PROJECT)
    with pytest.raises(AgentError, match="today"):
        await memory.add("x")
    assert await memory.count() == 0
    await memory.add("y", embedding=[1.0, 0.0])  # needs no embedder
    with pytest.raises(AgentError, match="today"):
        await memory.retrieve("y")
    assert json.dumps([entry.content for entry in await memory.search("y")]) == '["y"]'
    await store.close()
