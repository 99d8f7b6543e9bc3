"""The options of the cassettes, ``[plugins.cassettes]`` in config.toml."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["CassetteOptions"]


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as exc:
        raise ValueError(f"{pattern!r} is not a regular expression: {exc}") from None
    return pattern


class CassetteOptions(BaseModel):
    """How requests are compared, and the folders of the middleware that config.toml switches on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ignore: list[Annotated[str, AfterValidator(_check_pattern)]] = Field(
        default_factory=list,
        description="Regular expressions; what they match in a request, recorded or made, is not compared.",
    )
    record: str = Field(
        default=".loopengt/cassettes",
        min_length=1,
        description="With the middleware record: folder, relative to the project, that gets a folder for each run.",
    )
    replay: str = Field(
        default="",
        description="With the middleware replay: folder of the recording, relative to the project.",
    )
