"""The options of the plugin: the table ``[plugins.memory]`` of config.toml."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

__all__ = ["MemoryOptions", "OpenAIOptions"]


def _check_url(url: str) -> str:
    # The messages do not repeat the address: it may hold a password.
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("base_url is not an address: write it like https://host/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("base_url must be an http:// or https:// address with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "base_url holds a user name or password: take it out, and name the key by api_key_env"
        )
    if parts.query or parts.fragment:
        raise ValueError("base_url must end with its path: no query (?) and no fragment (#)")
    return url.rstrip("/")


Url: TypeAlias = Annotated[str, AfterValidator(_check_url)]


class OpenAIOptions(BaseModel):
    """How the embedder ``openai`` reaches its service."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    base_url: Url = Field(default="https://api.openai.com/v1", description="Where the service is.")
    model: str = Field(
        default="text-embedding-3-small", min_length=1, description="Name of the embedding model."
    )
    dimensions: int | None = Field(
        default=None, ge=1, description="Length of the vectors; empty: the model's own. Not every model can."
    )
    api_key_env: str = Field(
        default="OPENAI_API_KEY",
        description='Environment variable that holds the key; "": the service takes requests without one.',
    )
    batch_size: int = Field(default=128, ge=1, le=2048, description="Most texts of one request.")
    timeout_seconds: float = Field(default=60.0, gt=0, description="Seconds to wait for one answer.")
    max_retries: int = Field(
        default=3, ge=0, description="How often a request is repeated that the service could not take."
    )


class MemoryOptions(BaseModel):
    """Where memories lie, how texts are counted, who embeds them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str = Field(
        default="",
        description="The database file; a relative path starts at the project folder, ~ is your home. Empty: the "
        "database of the runs where they are kept in SQLite, else .loopengt/memory.db.",
    )
    tokenizer: Literal["auto", "tiktoken", "estimate"] = Field(
        default="auto",
        description="How tokens are counted. tiktoken: by that package, which downloads a file of 4 MB at its first "
        "use; auto: by it where that file is on this machine, else by an estimate; estimate: a token for each 4 "
        "characters.",
    )
    openai: OpenAIOptions = Field(default_factory=OpenAIOptions, description="The embedder openai.")
