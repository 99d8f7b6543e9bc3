"""Connects to OpenRouter, which says of each answer what it has cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from loopengt_llm.adapter.services.openai import connection, openai_client

if TYPE_CHECKING:
    from loopengt_hookspecs.model_adapters import ModelSettings
    from loopengt_llm.adapter.connection import Connection

__all__ = ["connect"]

_URL = "https://openrouter.ai/api/v1"


def connect(settings: ModelSettings) -> Connection:
    """Connect to OpenRouter and ask for its account of usage."""
    from pydantic_ai.models.openrouter import OpenRouterModel, OpenRouterModelSettings
    from pydantic_ai.providers.openrouter import OpenRouterProvider

    client = openai_client(settings, settings.base_url or _URL)
    model = OpenRouterModel(settings.model, provider=OpenRouterProvider(openai_client=client))
    plain = connection(model, client, settings)
    return replace(
        plain,
        setting_names=plain.setting_names | frozenset(OpenRouterModelSettings.__annotations__),
        prefixes=("openrouter_", *plain.prefixes),
        preset={**plain.preset, "openrouter_usage": {"include": True}},
    )
