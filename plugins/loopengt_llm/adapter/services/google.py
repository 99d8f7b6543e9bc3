"""Connects to Google's Gemini API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_llm.adapter.connection import Connection

if TYPE_CHECKING:
    from loopengt_hookspecs.model_adapters import ModelSettings

__all__ = ["connect"]


def connect(settings: ModelSettings) -> Connection:
    """Connect to the Gemini API."""
    from google.genai import Client
    from google.genai.types import HttpOptions, HttpRetryOptions
    from pydantic_ai.models.google import GoogleModel, GoogleModelSettings
    from pydantic_ai.providers.google import GoogleProvider

    options = HttpOptions(
        base_url=settings.base_url or None,
        headers=dict(settings.headers),
        retry_options=HttpRetryOptions(attempts=1),
    )
    client = Client(vertexai=False, api_key=settings.api_key, http_options=options)
    model = GoogleModel(settings.model, provider=GoogleProvider(client=client))

    async def close() -> None:
        await client.aio.aclose()
        client.close()

    return Connection(
        model,
        close,
        native_schema=bool(model.profile.get("supports_json_schema_output", False)),
        setting_names=frozenset(GoogleModelSettings.__annotations__),
        prefixes=("google_",),
        open_body=False,
    )
