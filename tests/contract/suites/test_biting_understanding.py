"""Each rule for embedders, summarizers and model adapters is broken by a component that is broken so."""

from __future__ import annotations

import asyncio
import hashlib
import random
import subprocess
from pathlib import Path
from typing import Any

from loopengt.testing import EmbedderContract, ModelAdapterContract, SummarizerContract
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.model_adapters import ModelResponse

from .biting import Case, all_are_rules, bite, changed, each_rule


class Hashes:
    """Vectors that tell texts apart, and no more."""

    model: Any = "hashes"
    broken = False

    def missing(self) -> list[Any]:
        return []

    async def embed(self, texts: Any) -> Any:
        if self.broken:
            raise AgentError("it is broken")
        await asyncio.sleep(0)
        return [[one / 255 for one in hashlib.sha256(text.encode()).digest()[:8]] for text in texts]


class Broken(Hashes):
    broken = True


class BrokenBadly(Hashes):
    async def embed(self, texts: Any) -> Any:
        raise KeyError("data")


async def _sorted(self: Any, texts: Any) -> Any:
    return await Hashes.embed(self, sorted(texts))


async def _uneven(self: Any, texts: Any) -> Any:
    return [[0.5] * (1 + len(text) % 7) for text in texts]


async def _same(self: Any, texts: Any) -> Any:
    return [[1.0, 2.0] for _ in texts]


async def _one_at_least(self: Any, texts: Any) -> Any:
    return await Hashes.embed(self, texts or [""])


async def _mixes_up(self: Any, texts: Any) -> Any:
    self.texts = texts
    await asyncio.sleep(0.01)
    return await Hashes.embed(self, self.texts)


def _failing(kind: type) -> dict[str, Any]:
    return {"failing": lambda self, folder: kind()}


EMBEDDER = Case(
    EmbedderContract,
    changed(Hashes) | _failing(Broken),
    {
        "model_and_missing_are_said_at_once": changed(Hashes, model=""),
        "every_text_has_a_vector": changed(Hashes, embed=_uneven),
        "vectors_come_in_order": changed(Hashes, embed=_sorted),
        "other_texts_have_other_vectors": changed(Hashes, embed=_same),
        "no_texts_have_no_vectors": changed(Hashes, embed=_one_at_least),
        "calls_may_run_at_once": changed(Hashes, embed=_mixes_up),
        "failures_are_agent_errors": _failing(BrokenBadly),
    },
)


class Cuts:
    """Takes texts from the start until the budget is used up."""

    needs_agent: Any = False

    def count(self, text: str) -> int:
        return -(-len(text) // 4)

    async def summarize(self, texts: Any, max_tokens: int, *, ask: Any = None) -> Any:
        if sum(map(self.count, texts)) <= max_tokens:
            return list(texts)
        kept: list[str] = []
        for text in texts:
            room = max_tokens - sum(map(self.count, kept))
            kept.append(text[: room * 4])
        return [text for text in kept if text]


class Asks(Cuts):
    needs_agent = True

    async def summarize(self, texts: Any, max_tokens: int, *, ask: Any = None) -> Any:
        if sum(map(self.count, texts)) <= max_tokens:
            return list(texts)
        return [(await ask("shorten"))[: max_tokens * 4]]


async def _keeps_all(self: Any, texts: Any, max_tokens: int, *, ask: Any = None) -> Any:
    return list(texts)


async def _strips(self: Any, texts: Any, max_tokens: int, *, ask: Any = None) -> Any:
    return await Cuts.summarize(self, [text[:1] for text in texts], max_tokens)


async def _asks_in_secret(self: Any, texts: Any, max_tokens: int, *, ask: Any = None) -> Any:
    await ask("shorten")
    return []


async def _believes(self: Any, texts: Any, max_tokens: int, *, ask: Any = None) -> Any:
    return [await ask("shorten")]


async def _turns(self: Any, texts: Any, max_tokens: int, *, ask: Any = None) -> Any:
    found = [text[:9] for text in texts][::-1]
    return found if len(texts) > 1 else texts


async def _gambles(self: Any, texts: Any, max_tokens: int, *, ask: Any = None) -> Any:
    return [str(random.random())[:12]]


async def _hushes(self: Any, texts: Any, max_tokens: int, *, ask: Any = None) -> Any:
    try:
        return [await ask("shorten")]
    except AgentError:
        return []


SUMMARIZER_RULES: dict[str, Any] = {
    "tokens_are_counted": changed(Cuts, count=lambda self, text: len(text) / 4),
    "it_says_whether_it_needs_an_agent": changed(Cuts, summarize=_asks_in_secret),
    "the_result_fits": changed(Cuts, summarize=_keeps_all),
    "what_fits_comes_back_as_it_is": changed(Cuts, summarize=_strips),
    "an_agent_that_says_too_much_is_cut": changed(Asks, summarize=_believes),
    "what_is_kept_stays_in_order": changed(Cuts, summarize=_turns),
    "the_same_texts_give_the_same": changed(Cuts, summarize=_gambles),
    "an_agent_that_fails_is_an_error": changed(Asks, summarize=_hushes),
}
SUMMARIZER = Case(SummarizerContract, changed(Asks), SUMMARIZER_RULES)


class Parrot:
    """A model that says the last message again."""

    native_schema: Any = False

    def __init__(self, settings: Any) -> None:
        self.dead = "127.0.0.1:1" in settings.base_url
        self.key = settings.api_key

    async def request(self, request: Any) -> Any:
        if self.dead:
            raise AgentError("nobody is there", kind="ConnectionError")
        text = request.messages[-1].text
        if request.on_text is not None:
            request.on_text(text)
        return ModelResponse(text, token_usage={"prompt_tokens": 3}, finish_reason="stop")

    async def close(self) -> None:
        await asyncio.sleep(0)


class Parrots:
    kind: Any = Parrot

    def missing(self, provider: str) -> Any:
        return []

    def model(self, settings: Any) -> Any:
        return self.kind(settings)


def _parrot(**attributes: Any) -> dict[str, Any]:
    return changed(Parrots, kind=type("Broken", (Parrot,), attributes))


async def _odd_finish(self: Any, request: Any) -> Any:
    return ModelResponse("x", finish_reason="done_and_dusted")


async def _only_users(self: Any, request: Any) -> Any:
    assert_known = {"system": 1, "user": 1}
    return ModelResponse(str([assert_known[message.role] for message in request.messages]))


async def _streams_half(self: Any, request: Any) -> Any:
    if request.on_text is not None:
        request.on_text("He")
    return ModelResponse("Hello")


RESPONSE = ModelResponse("x")


async def _shares(self: Any, request: Any) -> Any:
    return RESPONSE


async def _closes_once(self: Any) -> None:
    del self.dead


async def _tells_the_key(self: Any, request: Any) -> Any:
    raise AgentError(f"refused: key {self.key}")


async def _clings(self: Any, request: Any) -> Any:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return RESPONSE


def _looks_by_running(self: Any, provider: str) -> Any:
    subprocess.run(["true"], check=True)
    return []


MODEL = Case(
    ModelAdapterContract,
    changed(Parrots),
    {
        "missing_is_said_at_once": changed(Parrots, missing=_looks_by_running),
        "a_request_is_answered": _parrot(request=_odd_finish),
        "a_conversation_with_tools_is_taken": _parrot(request=_only_users),
        "text_is_streamed": _parrot(request=_streams_half),
        "requests_may_run_at_once": _parrot(request=_shares),
        "closing_twice_is_closing_once": _parrot(close=_closes_once),
        "it_says_whether_schemas_are_native": _parrot(native_schema="yes"),
        "failures_are_agent_errors_without_the_key": _parrot(request=_tells_the_key),
        "it_is_cancelled_in_time": _parrot(request=_clings),
    },
)


CASES = [EMBEDDER, SUMMARIZER, MODEL]


@each_rule(CASES)
def test_a_broken_component_breaks_the_rule(case: Case, rule: str, tmp_path: Path) -> None:
    """A sound component keeps the rule; one that is broken in this way fails it, with a fact and a remedy."""
    bite(case, rule, tmp_path)


def test_nothing_is_broken_for_no_rule() -> None:
    """Every rule has its broken component, and says in a sentence what it is."""
    all_are_rules(CASES)
