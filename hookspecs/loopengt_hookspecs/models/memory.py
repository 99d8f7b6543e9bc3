"""An entry of a memory, which agents write and search."""

from __future__ import annotations

import hashlib
from typing import Any

from pydantic import Field, model_validator

from loopengt_hookspecs.models._base import Declarative, OpenDict, UtcDatetime, utc_now

__all__ = ["MemoryEntry", "content_id"]


def content_id(content: str) -> str:
    """The id of an entry that was given none: the SHA-256 of its content, 64 hexadecimal digits."""
    return hashlib.sha256(content.encode()).hexdigest()


class MemoryEntry(Declarative):
    """One piece of text that a memory keeps."""

    entry_id: str = Field(default="", description="Id of the entry; when empty, the content's hash.")
    content: str = Field(description="The text.")
    metadata: OpenDict = Field(default_factory=dict, description="What a search can filter by.")
    embedding: list[float] | None = Field(default=None, description="Vector of the text; null: not embedded.")
    score: float = Field(default=0.0, description="How well the entry answers a search; 0 outside of one.")
    created_at: UtcDatetime = Field(default_factory=utc_now, description="When the entry was added.")

    @model_validator(mode="before")
    @classmethod
    def _give_an_id(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("entry_id") and isinstance(data.get("content"), str):
            return {**data, "entry_id": content_id(data["content"])}
        return data
