"""A summarizer: shortens every text by the same share, from its end."""

from collections.abc import Awaitable, Callable, Sequence

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.registration import Register
from loopengt_hookspecs.summarizers import Summarizer


class Shares:
    needs_agent = False

    def count(self, text: str) -> int:
        """Four bytes a token is what tokenizers come to with English."""
        return -(-len(text.encode("utf-8", "replace")) // 4)

    async def summarize(
        self,
        texts: Sequence[str],
        max_tokens: int,
        *,
        ask: Callable[[str], Awaitable[str]] | None = None,
    ) -> list[str]:
        tokens = [self.count(text) for text in texts]
        whole = sum(tokens)
        if whole <= max_tokens:
            return list(texts)
        return [self._cut(text, own * max_tokens // whole) for text, own in zip(texts, tokens, strict=True)]

    def _cut(self, text: str, tokens: int) -> str:
        return text.encode("utf-8", "replace")[: tokens * 4].decode("utf-8", "ignore")


@hookimpl
def loopengt_register_summarizers(register: Register[Summarizer]) -> None:
    register("shares", Shares, summary="Cuts every text by the same share")
