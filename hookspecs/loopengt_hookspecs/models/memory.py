"""An entry of a memory, which agents write and search."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import Field, model_validator

from loopengt_hookspecs.models._base import Declarative, OpenDict, UtcDatetime, utc_now
from loopengt_hookspecs.models.enums import MemoryScope

__all__ = ["MemoryEntry", "MemoryRead", "MemoryWrite", "StepMemory", "content_id"]


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


class MemoryRead(Declarative):
    """What a step reads from memory before it begins; its prompt sees it as {memory}."""

    query: str = Field(
        default="",
        description="What to look for, with {variable} placeholders; empty: the entries that were added last.",
    )
    top_k: int = Field(default=5, ge=1, description="Most entries to read.")
    scope: MemoryScope = Field(default=MemoryScope.LOOP, description="Whose memory: run, loop or project.")
    mode: Literal["hybrid", "keyword", "vector"] = Field(
        default="hybrid", description="Whether entries are found by their words, by nearness, or by both."
    )
    metadata_filter: OpenDict = Field(
        default_factory=dict, description="Keys of the metadata, and the values that they must have."
    )


class MemoryWrite(Declarative):
    """What a step writes to memory when it is completed."""

    content: str = Field(
        default="{output}",
        min_length=1,
        description="The text, with {variable} placeholders, {output} among them.",
    )
    scope: MemoryScope = Field(default=MemoryScope.LOOP, description="Whose memory: run, loop or project.")
    metadata: OpenDict = Field(default_factory=dict, description="What a search can filter by.")
    condition: str | None = Field(
        default=None, description="Expression on the step's result; nothing is written when it is falsy."
    )


class StepMemory(Declarative):
    """What a step reads from memory, and what it writes to it."""

    read: MemoryRead | None = Field(default=None, description="What is read before; null: nothing.")
    write: MemoryWrite | None = Field(default=None, description="What is written after; null: nothing.")
