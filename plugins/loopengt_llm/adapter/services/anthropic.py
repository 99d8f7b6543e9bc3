"""Connects to Anthropic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_llm.adapter.connection import CONNECT_SECONDS, Connection

if TYPE_CHECKING:
    from loopengt_hookspecs.model_adapters import ModelSettings

__all__ = ["connect"]

_URL = "https://api.anthropic.com"


def connect(settings: ModelSettings) -> Connection:
    """Connect to Anthropic's messages."""
    from anthropic import AsyncAnthropic, Timeout
    from pydantic_ai.models.anthropic import AnthropicModel, AnthropicModelSettings
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(
        api_key=settings.api_key,
        base_url=settings.base_url or _URL,
        default_headers=dict(settings.headers),
        max_retries=0,
        timeout=Timeout(None, connect=CONNECT_SECONDS),
    )
    model = AnthropicModel(settings.model, provider=AnthropicProvider(anthropic_client=client))
    return Connection(
        model,
        client.close,
        native_schema=bool(model.profile.get("supports_json_schema_output", False)),
        setting_names=frozenset(AnthropicModelSettings.__annotations__),
        prefixes=("anthropic_",),
    )
