"""The embedder ``openai``: the embeddings of OpenAI, or of any service that speaks its protocol."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from loopengt.redaction import keep_secret
from loopengt_hookspecs.errors import AgentError, MissingRequirement
from loopengt_memory.options import MemoryOptions, OpenAIOptions
from loopengt_memory.posting import Refused, post

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.registration import PluginContext

__all__ = ["OpenAIEmbedder"]

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0


class OpenAIEmbedder:
    """Sends texts to ``/embeddings``, some at a time, and waits when the service says so.

    Args:
        options: Where the service is, and which model.
    """

    def __init__(self, options: OpenAIOptions | None = None) -> None:
        self._options = options or OpenAIOptions()

    @classmethod
    def from_context(cls, context: PluginContext) -> OpenAIEmbedder:
        """Make the embedder of a project, from ``[plugins.memory.openai]``."""
        options: MemoryOptions = context.options or MemoryOptions()
        return cls(options.openai)

    @property
    def model(self) -> str:
        """The model's name, with the number of dimensions where that was chosen."""
        options = self._options
        return options.model if options.dimensions is None else f"{options.model}@{options.dimensions}"

    def missing(self) -> list[MissingRequirement]:
        """Return what this machine lacks: the key."""
        try:
            self._key()
        except MissingRequirement as error:
            return [error]
        return []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one vector a text, in order.

        Raises:
            MissingRequirement: There is no key.
            AgentError: The service refused, could not be reached, or answered nonsense.
        """
        size = self._options.batch_size
        found: list[list[float]] = []
        for start in range(0, len(texts), size):
            found += await self._batch(list(texts[start : start + size]))
        if len({len(vector) for vector in found}) > 1:
            raise self._nonsense("vectors of different lengths")
        return found

    async def _batch(self, texts: list[str]) -> list[list[float]]:
        # A service refuses texts without a character.
        body: dict[str, Any] = {"model": self._options.model, "input": [text or " " for text in texts]}
        if self._options.dimensions is not None:
            body["dimensions"] = self._options.dimensions
        answer = await self._post(body)
        return self._vectors(answer, len(texts))

    async def _post(self, body: dict[str, Any]) -> Any:
        options, key = self._options, self._key()
        pause = _FIRST_PAUSE
        for tries_left in range(options.max_retries, -1, -1):
            try:
                return await asyncio.to_thread(
                    post, f"{options.base_url}/embeddings", body, key, options.timeout_seconds
                )
            except Refused as error:
                wait = pause if error.retry_after is None else error.retry_after
                if not error.retryable or not tries_left or wait > _LONGEST_PAUSE:
                    raise AgentError(
                        f"the embedder 'openai' got no embeddings: {error}",
                        remedy=error.remedy,
                        kind=error.kind,
                        retry_after=error.retry_after,
                    ) from error
                await asyncio.sleep(wait)
                pause = min(2 * pause, _LONGEST_PAUSE)
        raise AssertionError("the last try returns or raises")

    def _vectors(self, answer: Any, expected: int) -> list[list[float]]:
        try:
            items = sorted(answer["data"], key=lambda item: item["index"])
            places = [item["index"] for item in items]
            vectors = [[float(number) for number in item["embedding"]] for item in items]
        except (KeyError, TypeError, ValueError):
            raise self._nonsense("something else than embeddings") from None
        if places != list(range(expected)) or not all(vectors):
            raise self._nonsense(f"{len(places)} embeddings for {expected} texts")
        return vectors

    def _nonsense(self, what: str) -> AgentError:
        return AgentError(
            f"the embedder 'openai' got {what} from its service",
            remedy="Check base_url and model under [plugins.memory.openai] in config.toml.",
        )

    def _key(self) -> str:
        name = self._options.api_key_env
        if not name:
            return ""
        key = os.environ.get(name, "").strip()
        if not key:
            raise MissingRequirement(
                f"the embedder 'openai' needs the environment variable {name}", remedy=f"export {name}=..."
            )
        keep_secret(key)
        if not key.isascii() or not key.isprintable():
            raise MissingRequirement(
                f"the key in {name} has characters that HTTP does not allow, such as a line break",
                remedy="Set it to the key alone.",
            )
        return key
