"""An embedder: counts groups of three letters, so that texts with common words are near. It needs no model."""

import math
import zlib
from collections.abc import Sequence

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.embedders import Embedder
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.registration import Register

DIMENSIONS = 512


class Trigrams:
    model = f"trigrams-{DIMENSIONS}"

    def missing(self) -> list[MissingRequirement]:
        return []

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [_vector(" ".join(text.casefold().split())) for text in texts]


def _vector(text: str) -> list[float]:
    vector = [0.0] * DIMENSIONS
    for start in range(len(text)):
        vector[zlib.crc32(text[start : start + 3].encode("utf-8", "replace")) % DIMENSIONS] += 1.0
    length = math.hypot(*vector) or 1.0
    return [value / length for value in vector]


@hookimpl
def loopengt_register_embedders(register: Register[Embedder]) -> None:
    register("trigrams", Trigrams, summary="Counts groups of three letters, without a model")
