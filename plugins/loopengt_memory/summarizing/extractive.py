"""The summarizer ``extractive``: keeps sentences, and writes none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_memory.summarizing.sentences import divide, weights
from loopengt_memory.summarizing.tokens import counter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from loopengt_hookspecs.registration import PluginContext
    from loopengt_memory.summarizing.sentences import Sentence
    from loopengt_memory.summarizing.tokens import Counter

__all__ = ["ExtractiveSummarizer", "extract"]

_SEPARATOR = "\n"


class ExtractiveSummarizer:
    """Keeps the first sentence, the last one, and the most informative of the others, in their order.

    Args:
        tokenizer: How tokens are counted: ``auto``, ``tiktoken`` or ``estimate``.
    """

    needs_agent = False

    def __init__(self, tokenizer: str = "auto") -> None:
        self._tokenizer = tokenizer

    @classmethod
    def from_context(cls, context: PluginContext) -> ExtractiveSummarizer:
        """Make the summarizer of a project."""
        return cls(context.options.tokenizer)

    def count(self, text: str) -> int:
        """Return the tokens of a text; an estimate where no tokenizer is ready."""
        return counter(self._tokenizer)(text)

    async def summarize(
        self,
        texts: Sequence[str],
        max_tokens: int,
        *,
        ask: Callable[[str], Awaitable[str]] | None = None,
    ) -> list[str]:
        """Return what is kept of each text of which something is kept; see ``Summarizer.summarize``."""
        return extract(texts, max_tokens, counter(self._tokenizer))


def extract(texts: Sequence[str], max_tokens: int, count: Counter) -> list[str]:
    """Keep as much of some texts as a number of tokens allows.

    Args:
        texts: Oldest first. What fits comes back as it is.
        max_tokens: Most tokens of all together.
        count: Counts the tokens of a text.
    """
    if sum(map(count, texts)) <= max_tokens:
        return list(texts)
    sentences = _distinct(divide(texts))
    if not sentences:
        return []
    kept: set[int] = set()
    left = max_tokens
    cost = [count(sentence.text + _SEPARATOR) for sentence in sentences]
    for index in _by_importance(sentences):
        if cost[index] <= left:
            kept.add(index)
            left -= cost[index]
    if not kept:
        return _cut(sentences[-1].text, max_tokens, count)
    return _fitting(sentences, sorted(kept), max_tokens, count)


def _by_importance(sentences: Sequence[Sentence]) -> list[int]:
    """Return places: the last one's, the first one's, then those of the others, most informative first."""
    weight = weights(sentences)
    others = sorted(range(1, len(sentences) - 1), key=lambda index: (-weight[index], -index))
    return list(dict.fromkeys([len(sentences) - 1, 0, *others]))


def _distinct(sentences: Sequence[Sentence]) -> list[Sentence]:
    """Leave out what was said before, but for the last sentence, which stays where it is."""
    if not sentences:
        return []
    last = sentences[-1]
    found: dict[str, Sentence] = {}
    for sentence in sentences[:-1]:
        found.setdefault(_plain(sentence.text), sentence)
    found.pop(_plain(last.text), None)
    return [*found.values(), last]


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _fitting(sentences: Sequence[Sentence], kept: list[int], max_tokens: int, count: Counter) -> list[str]:
    """Join what is kept by text; parts may count for less than the whole, so that some has to go again."""
    while True:
        joined: dict[int, str] = {}
        for index in kept:
            entry, text = sentences[index]
            joined[entry] = f"{joined[entry]}{_SEPARATOR}{text}" if entry in joined else text
        if sum(map(count, joined.values())) <= max_tokens or not kept:
            return list(joined.values())
        del kept[len(kept) // 2]


def _cut(text: str, max_tokens: int, count: Counter) -> list[str]:
    """Return the beginning of a text, as long as it may be."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if count(text[:middle]) <= max_tokens:
            low = middle
        else:
            high = middle - 1
    while low and count(text[:low]) > max_tokens:  # of a tokenizer more text may be fewer tokens
        low -= 1
    return [text[:low]] if low else []
