"""The options of the observers desktop and webhook, ``[plugins.adapters]`` in config.toml."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["AdaptersOptions", "LiveCall", "WebhookOptions", "is_address"]

LiveCall = Literal["on_loop_start", "on_step_start", "on_step_complete", "on_loop_complete", "on_error"]


def is_address(url: str) -> bool:
    """Whether posts can go to an address."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


class WebhookOptions(BaseModel):
    """Where the observer ``webhook`` posts to."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str = Field(
        default="", description="Address, https or http; it may hold a key, so it is never shown."
    )
    url_env: str = Field(
        default="", description="Environment variable that holds the address, in place of url."
    )
    secret_env: str = Field(
        default="", description="Environment variable with the secret that signs each post."
    )
    events: tuple[LiveCall, ...] = Field(
        default=("on_loop_start", "on_step_complete", "on_loop_complete", "on_error"),
        description="Which calls are posted.",
    )
    timeout_seconds: float = Field(default=5.0, gt=0, le=60, description="Seconds that one post may take.")
    retries: int = Field(default=2, ge=0, le=10, description="Further attempts when a post fails.")

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if url and not is_address(url):
            raise ValueError(
                "it is not an address that begins with https:// or http://, without user name and password"
            )
        return url


class AdaptersOptions(BaseModel):
    """The options of the plugin."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    webhook: WebhookOptions = Field(default_factory=WebhookOptions, description="Of the observer webhook.")
