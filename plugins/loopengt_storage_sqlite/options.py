"""The options of the storage ``sqlite``: the table ``[plugins.storage_sqlite]`` of config.toml."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_PATH = ".loopengt/loopengt.db"


class SqliteOptions(BaseModel):
    """Where the database lies and what an append waits for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(
        default=DEFAULT_PATH,
        min_length=1,
        description="The database file; a relative path starts at the project folder, ~ is your home.",
    )
    durability: Literal["full", "normal"] = Field(
        default="full",
        description=(
            "full: an append survives a power cut. normal: it survives a crash of the process, and a power "
            "cut may cost the last moments; about ten times quicker."
        ),
    )
