"""Counts tokens: by tiktoken where it is ready, else by an estimate."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias

__all__ = ["Counter", "counter", "estimate"]

Counter: TypeAlias = Callable[[str], int]

_ENCODING = "o200k_base"
_URL = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
_CHARACTERS = 4
_PIECE = 4_000
"""Longer texts are counted in pieces: the time of a run of letters without a space grows with its square."""


def estimate(text: str) -> int:
    """Return a token for each 4 characters, rounded up."""
    return -(-len(text) // _CHARACTERS)


@cache
def counter(tokenizer: str) -> Counter:
    """Return what counts tokens; it never fails.

    Args:
        tokenizer: ``tiktoken``: by that package, which may download its vocabulary; ``auto``: by it when it has its
            vocabulary; ``estimate``: by the estimate. What cannot be had is replaced by the estimate.
    """
    if tokenizer == "estimate" or (tokenizer == "auto" and not _has_vocabulary()):
        return estimate
    try:
        import tiktoken

        encode = tiktoken.get_encoding(_ENCODING).encode_ordinary
    except Exception as error:
        if tokenizer == "tiktoken":
            from loopengt import get_logger

            get_logger("loopengt.memory").warning(
                "tokens are estimated: tiktoken cannot be used", why=type(error).__name__
            )
        return estimate

    def count(text: str) -> int:
        try:
            return sum(len(encode(text[start : start + _PIECE])) for start in range(0, len(text), _PIECE))
        except Exception:  # it is not ours, and a count decides nothing that a near one would not
            return estimate(text)

    return count


def _has_vocabulary() -> bool:
    """Whether tiktoken would find its file without asking the network, which may hang for minutes."""
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    if folder == "":
        return False
    place = Path(folder) if folder else Path(tempfile.gettempdir()) / "data-gym-cache"
    return (place / hashlib.sha1(_URL.encode(), usedforsecurity=False).hexdigest()).is_file()
