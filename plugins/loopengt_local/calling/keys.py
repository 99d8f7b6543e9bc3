"""Names the calls of an attempt, so that the same call finds its recorded result."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from loopengt_hookspecs.model_adapters import ModelRequest

__all__ = ["Conversation", "digest_of"]

_encoder = msgspec.json.Encoder(order="sorted")


def digest_of(*values: Any) -> str:
    """Return 16 hexadecimal digits that tell JSON data apart."""
    try:
        raw = _encoder.encode(values)
    except UnicodeEncodeError:  # lone surrogates, as undecodable bytes of a command line become
        raw = json.dumps(msgspec.to_builtins(values), sort_keys=True).encode()
    return hashlib.sha256(raw).hexdigest()[:16]


class Conversation:
    """The conversation of an attempt as far as it was sent, in one digest.

    Each request repeats the messages of those before it; only what is new is digested.
    """

    def __init__(self) -> None:
        self._sent = 0
        self._digest = ""

    def digest(self, request: ModelRequest) -> str:
        """Return the digest of the next request: that of all before it, and what is new."""
        if len(request.messages) < self._sent:  # another conversation
            self._sent, self._digest = 0, ""
        new = request.messages[self._sent :]
        self._sent = len(request.messages)
        settings = {
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "tool_choice": request.tool_choice,
            "settings": dict(request.settings),
        }
        tools = [offer.name for offer in request.tools]
        self._digest = digest_of(self._digest, new, tools, request.output_schema, settings)
        return self._digest
