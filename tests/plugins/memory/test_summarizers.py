"""What the summarizers keep, what they write, and how tokens are counted."""

from __future__ import annotations

import hashlib
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopengt.errors import UsageError
from loopengt.testing import make_kernel
from loopengt_hookspecs.errors import AgentError
from loopengt_memory.summarizing.abstractive import AbstractiveSummarizer
from loopengt_memory.summarizing.extractive import ExtractiveSummarizer, extract
from loopengt_memory.summarizing.tokens import counter, estimate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def fresh_counters() -> Iterator[None]:
    """Forget which tokenizer was found, before and behind the test."""
    counter.cache_clear()
    yield
    counter.cache_clear()


async def test_what_fits_stays_as_it_is() -> None:
    """Texts within the budget come back unchanged, by either summarizer, without asking anybody."""
    texts = ["one.  two", "", "two"]
    assert await ExtractiveSummarizer("estimate").summarize(texts, 100) == texts
    assert await AbstractiveSummarizer("estimate").summarize(texts, 100) == texts


async def test_first_last_and_informative_are_kept() -> None:
    """Of long texts the first and the last sentence stay, and one on their subject before one on nothing."""
    about = "The parser fails on tabs in the config file."
    texts = [
        "We look for the bug of the parser in the config file. Lunch was good. Somebody sang outside.",
        f"{about} It rained. Birds flew by and the cat slept all day long.",
        "Nothing. Now the fix of the parser for tabs has to be tested.",
    ]
    kept = await ExtractiveSummarizer("estimate").summarize(texts, 45)
    assert kept[0].startswith("We look for the bug")
    assert about in kept[1]
    assert kept[-1].endswith("has to be tested.")
    assert "Birds" not in "".join(kept)
    assert sum(map(estimate, kept)) <= 45


async def test_what_is_said_twice_is_kept_once() -> None:
    """Repetitions, also in other case and spacing, take no place."""
    kept = await ExtractiveSummarizer("estimate").summarize(
        ["Start. Again and AGAIN.  again  and again.\n" * 20 + "End."], 20
    )
    assert kept == ["Start.\nAgain and AGAIN.\nEnd."]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(max_size=300), max_size=8), st.integers(1, 120))
def test_the_budget_is_kept(texts: list[str], budget: int) -> None:
    """Whatever the texts, no more tokens come out than allowed, in the order of the texts, and nothing new."""
    kept = extract(texts, budget, estimate)
    assert sum(map(estimate, kept)) <= budget
    everything = " ".join(" ".join(texts).split())
    for text in kept:
        for line in text.splitlines():
            assert " ".join(line.split()) in everything or text in texts


def test_a_tokenizer_that_joins_is_obeyed() -> None:
    """Where the whole counts more than its parts, sentences are left out until it fits."""

    def count(text: str) -> int:
        return len(text) ** 2 // 50

    kept = extract(["First one. Second one. Third one. Fourth one."], 20, count)
    assert kept
    assert sum(map(count, kept)) <= 20


async def test_a_long_word_is_cut() -> None:
    """A text without sentences is cut to its budget."""
    [kept] = await ExtractiveSummarizer("estimate").summarize(["x" * 100_000], 3)
    assert kept == "x" * 12


async def test_an_agent_writes_the_summary() -> None:
    """The agent gets the texts, with braces as they are, and its answer is the summary."""
    prompts: list[str] = []

    async def ask(prompt: str) -> str:
        prompts.append(prompt)
        return "  short  "

    texts = ["a {text} with {words} and {braces} " * 20, "another " * 20]
    assert await AbstractiveSummarizer("estimate").summarize(texts, 50, ask=ask) == ["short"]
    [prompt] = prompts
    assert texts[0].strip() in prompt
    assert texts[1].strip() in prompt


async def test_long_texts_are_summarized_in_parts() -> None:
    """Chunks are summarized first, then their summaries; no prompt is longer than a chunk and its frame."""
    prompts: list[str] = []

    async def ask(prompt: str) -> str:
        prompts.append(prompt)
        return f"summary {len(prompts)}"

    summarizer = AbstractiveSummarizer("estimate", chunk_tokens=100)
    found = await summarizer.summarize(["word " * 400, "tail"], 20, ask=ask)
    assert len(prompts) == 7
    assert "summary 1" in prompts[-1]
    assert "summary 6" in prompts[-1]
    assert found == ["summary 7"]
    assert max(map(estimate, prompts)) < 100 + 130


async def test_a_summary_that_is_too_long() -> None:
    """It is asked for once more; what is still too long is cut to sentences of it."""
    answers = iter(["long. " * 100, "First of them. " + "middle. " * 50 + "Last."])
    asked: list[str] = []

    async def ask(prompt: str) -> str:
        asked.append(prompt)
        return next(answers)

    [found] = await AbstractiveSummarizer("estimate").summarize(["text " * 100], 10, ask=ask)
    assert len(asked) == 2
    assert found.startswith("First of them.")
    assert found.endswith("Last.")
    assert estimate(found) <= 10


async def test_an_agent_that_fails_is_an_error() -> None:
    """Its error comes through, an empty answer is one, and so is having nobody to ask."""

    async def fail(prompt: str) -> str:
        raise AgentError("broken")

    async def say_nothing(prompt: str) -> str:
        return " \n"

    summarizer = AbstractiveSummarizer("estimate")
    with pytest.raises(AgentError, match="broken"):
        await summarizer.summarize(["x" * 100], 5, ask=fail)
    with pytest.raises(AgentError, match="nothing"):
        await summarizer.summarize(["x" * 100], 5, ask=say_nothing)
    with pytest.raises(UsageError, match="no agent"):
        await summarizer.summarize(["x" * 100], 5)


def test_without_a_vocabulary_tokens_are_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_counters: None
) -> None:
    """``auto`` does not let tiktoken ask the network: without its file each 4 characters are a token."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setitem(sys.modules, "tiktoken", None)  # an import of it would fail, and be caught
    assert counter("auto") is estimate
    assert counter("tiktoken") is estimate
    assert [estimate(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]


def test_with_a_vocabulary_tiktoken_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_counters: None
) -> None:
    """Where tiktoken has its file it counts, long texts in pieces; should it fail, the estimate takes over."""
    sizes: list[int] = []

    def encode(text: str) -> list[int]:
        sizes.append(len(text))
        if "bad" in text:
            raise ValueError
        return [1] * len(text.split())

    module: Any = SimpleNamespace(get_encoding=lambda name: SimpleNamespace(encode_ordinary=encode))
    monkeypatch.setitem(sys.modules, "tiktoken", module)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    url = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    (tmp_path / hashlib.sha1(url.encode()).hexdigest()).touch()
    count = counter("auto")
    assert count("three small words") == 3
    assert count("bad one!") == 2
    assert count("x" * 10_000) == 3
    assert max(sizes) <= 4_000


def test_summarizers_of_a_project(tmp_path: Path) -> None:
    """Both are registered, say whether they need an agent, and count as the options say."""
    kernel = make_kernel(tmp_path, config={"plugins": {"memory": {"tokenizer": "estimate"}}})
    for name, needs_agent in (("extractive", False), ("abstractive", True)):
        summarizer = kernel.get("summarizers", name)
        assert summarizer.needs_agent is needs_agent
        assert summarizer.count("12345678") == 2
