"""The options of the jsonl storage, ``[plugins.storage_jsonl]`` in config.toml."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["JsonlOptions"]


class JsonlOptions(BaseModel):
    """Where the files lie and how safe an append is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: str = Field(
        default=".loopengt/runs-jsonl",
        min_length=1,
        description="Folder of the files, relative to the project folder.",
    )
    durability: Literal["full", "normal"] = Field(
        default="full",
        description="What an append survives: full, also a loss of power; normal, a crash of the process.",
    )
