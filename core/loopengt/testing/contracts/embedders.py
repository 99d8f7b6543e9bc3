"""The suite that every embedder passes; an embedder's author subclasses it in a test module.

::

    from loopengt.testing import EmbedderContract

    class TestMine(EmbedderContract):
        def make(self, folder):
            return Mine()
"""

from __future__ import annotations

import asyncio
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any

from loopengt.testing.contracts.base import (
    Contract,
    caught_async,
    guarded,
    quick,
    require,
    requirements,
    rule,
    skip,
    still,
    whole_line,
)
from loopengt_hookspecs.errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.embedders import Embedder

__all__ = ["EmbedderContract"]

TEXTS = (
    "the cat sat on the mat",
    "a cat is on a mat",
    "quarterly tax report",
    "",
    "\u00e9\u4e2d\u0000 \n",
    "w " * 3000,
)


class EmbedderContract(Contract):
    """Every rule of ``loopengt_hookspecs.embedders`` as a test; override ``make(self, folder) -> Embedder``."""

    def failing(self, folder: Path) -> Any:
        """Return the embedder with a service that fails; None: it cannot fail."""
        return None

    @rule
    def test_model_and_missing_are_said_at_once(self, embedder: Embedder, folder: Path) -> None:
        """``model`` is a name, ``missing`` a list, and both touch nothing."""
        with still("model or missing()", folder), quick("model and missing()"), guarded("model or missing()"):
            model, missing = embedder.model, embedder.missing()
        whole_line(model, "model")
        requirements(missing, "missing()")

    @rule
    async def test_every_text_has_a_vector(self, embedder: Embedder, folder: Path) -> None:
        """There is one vector a text, all of finite numbers and of one length, whatever the text is."""
        vectors = await _embed(embedder, TEXTS)
        require(
            len(vectors) == len(TEXTS),
            f"{len(TEXTS)} texts gave {len(vectors)} vectors",
            "Give one for each.",
        )
        for text, vector in zip(TEXTS, vectors, strict=True):
            sound = bool(vector) and all(type(one) in (int, float) and isfinite(one) for one in vector)
            require(sound, f"the vector of {text[:40]!r} is {vector!r:.80}", "Give finite numbers.")
        sizes = {len(vector) for vector in vectors}
        require(
            len(sizes) == 1,
            f"vectors have {sorted(sizes)} numbers",
            "Give all the same number of dimensions.",
        )

    @rule
    async def test_vectors_come_in_order(self, embedder: Embedder, folder: Path) -> None:
        """A text has the same vector by itself, among others, and at another place."""
        texts = TEXTS[:3]
        forward = await _embed(embedder, texts)
        backward = await _embed(embedder, texts[::-1])
        for text, one, other in zip(texts, forward, backward[::-1], strict=True):
            alone = (await _embed(embedder, [text]))[0]
            same = _near(one, other) and _near(one, alone)
            require(same, f"{text!r} has several vectors", "Return them in the order of the texts.")

    @rule
    async def test_other_texts_have_other_vectors(self, embedder: Embedder, folder: Path) -> None:
        """Texts that have nothing in common have different vectors."""
        first, _, other = await _embed(embedder, TEXTS[:3])
        require(not _near(first, other), "two texts share a vector", "Let the vector tell of the text.")

    @rule
    async def test_no_texts_have_no_vectors(self, embedder: Embedder, folder: Path) -> None:
        """An empty list gives an empty list."""
        vectors = await _embed(embedder, [])
        require(vectors == [], f"no texts gave {vectors!r:.80}", "Return [] for [].")

    @rule
    async def test_calls_may_run_at_once(self, embedder: Embedder, folder: Path) -> None:
        """Several calls at the same time give the vectors that they give one by one."""
        alone = [(await _embed(embedder, [text]))[0] for text in TEXTS[:3]]
        together = await asyncio.gather(*(_embed(embedder, [text]) for text in TEXTS[:3]))
        same = all(_near(one, other[0]) for one, other in zip(alone, together, strict=True))
        require(same, "at once the vectors are others", "Keep nothing of a call.")

    @rule
    async def test_failures_are_agent_errors(self, embedder: Embedder, folder: Path) -> None:
        """Where the service fails, ``embed`` raises ``AgentError``."""
        broken = self.failing(folder)
        if broken is None:
            skip("override failing(), which returns the embedder with a service that fails")
        raised = await caught_async(broken.embed(["text"]))
        said = "nothing" if raised is None else f"{type(raised).__name__}: {raised}"
        require(
            isinstance(raised, AgentError),
            f"it raised {said}",
            'Raise AgentError("what happened", kind="…").',
        )


async def _embed(embedder: Embedder, texts: Sequence[str]) -> list[list[float]]:
    missing = embedder.missing()
    if missing:
        skip(f"it needs something first: {missing[0]}")
    with guarded(f"embedding {len(texts)} texts"):
        vectors = await embedder.embed(list(texts))
    sound = isinstance(vectors, list) and all(isinstance(one, list) for one in vectors)
    require(sound, f"embed() returned {vectors!r:.80}", "Return a list of lists of numbers.")
    return vectors


def _near(one: Sequence[float], other: Sequence[float]) -> bool:
    if len(one) != len(other):
        return False
    distance = sqrt(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)))
    return distance <= 1e-3 * max(1.0, sqrt(sum(a * a for a in one)))
