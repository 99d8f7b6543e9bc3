"""The suite that every summarizer passes; its author subclasses it in a test module.

::

    from loopengt.testing import SummarizerContract

    class TestMine(SummarizerContract):
        def make(self, folder):
            return Mine()
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from loopengt.testing.contracts.base import Contract, caught_async, guarded, quick, require, rule, skip, still
from loopengt_hookspecs.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.summarizers import Summarizer

__all__ = ["SummarizerContract"]

LONG = tuple(
    f"Entry {n}. The pump {n} failed at night. It was mended by noon. Nobody was hurt. " * 6 for n in range(8)
)
ODD = ("", " \n ", "\u4e2d\u6587\u3002" * 200, "x" * 5000, "control\x00\x1b[31m " * 50, "no end " * 500)


class SummarizerContract(Contract):
    """Every rule of ``loopengt_hookspecs.summarizers`` as a test; override ``make(self, folder) -> Summarizer``."""

    @rule
    def test_tokens_are_counted(self, summarizer: Summarizer, folder: Path) -> None:
        """``count`` is a whole number, 0 for no text, more for more text, and the same again; it touches nothing."""
        summarizer.count("warm up")
        with still("count()", folder), quick("count()"), guarded("count()"):
            counts = [summarizer.count(text) for text in ("", "word", "word " * 100, "word " * 1000)]
            again = summarizer.count("word " * 1000)
            odd = [summarizer.count(text) for text in ODD]
        whole = all(type(one) is int and one >= 0 for one in [*counts, *odd])
        rising = counts[0] == 0 < counts[1] < counts[2] < counts[3] == again
        require(whole and rising, f"the counts are {counts}, then {again}", "Count tokens, or estimate them.")

    @rule
    def test_it_says_whether_it_needs_an_agent(self, summarizer: Summarizer, folder: Path) -> None:
        """``needs_agent`` is a bool, and one that says no asks nobody."""
        require(
            isinstance(summarizer.needs_agent, bool),
            f"it is {summarizer.needs_agent!r}",
            "Say True or False.",
        )
        asked: list[str] = []

        async def ask(prompt: str) -> str:
            asked.append(prompt)
            return "short"

        asyncio.run(_shortened(summarizer, LONG, 60, ask))
        sound = summarizer.needs_agent or not asked
        require(sound, "needs_agent is False, and it asked an agent", "Set needs_agent = True.")

    @rule
    async def test_the_result_fits(self, summarizer: Summarizer, folder: Path) -> None:
        """However small the budget is, down to one token, the texts have at most that many tokens together."""
        for texts in (LONG, ODD, LONG[:1]):
            for most in (1, 2, 7, 60, 400):
                found = await _shortened(summarizer, texts, most)
                total = sum(map(summarizer.count, found))
                fact = f"{len(texts)} texts for {most} tokens came to {total}"
                require(total <= most, fact, "Count what you return, and cut it.")

    @rule
    async def test_what_fits_comes_back_as_it_is(self, summarizer: Summarizer, folder: Path) -> None:
        """Texts that are within the budget are returned unchanged."""
        texts = ["one entry", "another entry", "one entry"]
        room = sum(map(summarizer.count, texts))
        for most in (room, room + 1000):
            found = await _shortened(summarizer, texts, most)
            require(found == texts, f"{texts} came back as {found}", "Return them when they fit.")
        require(await _shortened(summarizer, [], 5) == [], "no texts came back as some", "Return [] for [].")

    @rule
    async def test_an_agent_that_says_too_much_is_cut(self, summarizer: Summarizer, folder: Path) -> None:
        """Whatever the agent answers, nothing or far too much, the result fits the budget."""
        for answer in ("", "far too much " * 2000, "\x00"):

            async def ask(prompt: str, answer: str = answer) -> str:
                return answer

            try:
                found = await _shortened(summarizer, LONG, 50, ask)
            except AgentError:  # the answer cannot be used
                continue
            total = sum(map(summarizer.count, found))
            require(total <= 50, f"{total} tokens came back for 50", "Cut what the agent says.")

    @rule
    async def test_what_is_kept_stays_in_order(self, summarizer: Summarizer, folder: Path) -> None:
        """What is left of the texts is in the order in which they were given, and the texts stay as they are."""
        given = list(LONG)
        found = await _shortened(summarizer, given, 120)
        require(given == list(LONG), "it changed the list of texts", "Copy what you change.")
        places = [
            n for text in found for n in range(len(LONG)) if f"pump {n} " in text or f"Entry {n}." in text
        ]
        require(places == sorted(places), f"the entries came back in the order {places}", "Keep their order.")

    @rule
    async def test_the_same_texts_give_the_same(self, summarizer: Summarizer, folder: Path) -> None:
        """With an agent that says the same, the result is the same, also for several at once."""
        alone = await _shortened(summarizer, LONG, 60)
        together = await asyncio.gather(*(_shortened(summarizer, LONG, 60) for _ in range(3)))
        same = all(one == alone for one in together)
        require(same, "the same texts gave different results", "Use neither chance nor the clock.")

    @rule
    async def test_an_agent_that_fails_is_an_error(self, summarizer: Summarizer, folder: Path) -> None:
        """Where the agent fails, its ``AgentError`` passes."""
        if not summarizer.needs_agent:
            skip("it needs no agent")
        error = AgentError("it is not there")

        async def ask(prompt: str) -> str:
            raise error

        raised = await caught_async(summarizer.summarize(LONG, 60, ask=ask))
        require(raised is error, f"the agent failed, and {raised!r} came out", "Let the AgentError pass.")


async def _says_little(prompt: str) -> str:
    return "Pumps failed and were mended."


async def _shortened(
    summarizer: Summarizer, texts: Sequence[str], most: int, ask: object = _says_little
) -> list[str]:
    with guarded(f"summarizing {len(texts)} texts to {most} tokens", AgentError):
        found = await summarizer.summarize(texts, most, ask=ask)  # type: ignore[arg-type] # any of the stand-ins
    sound = isinstance(found, list) and all(isinstance(one, str) for one in found)
    require(sound, f"summarize() returned {found!r:.80}", "Return a list of texts.")
    return found
