"""Connects to OpenAI, and to services that speak its chat completions: Ollama, Hugging Face, any base_url."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopengt_llm.adapter.connection import CONNECT_SECONDS, Connection

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile

    from loopengt_hookspecs.model_adapters import ModelSettings

__all__ = [
    "connect",
    "connect_compatible",
    "connect_huggingface",
    "connect_ollama",
    "connection",
    "openai_client",
]

_URL = "https://api.openai.com/v1"
_HUGGINGFACE_URL = "https://router.huggingface.co/v1"
_OLLAMA_URL = "http://localhost:11434/v1"


def connect(settings: ModelSettings) -> Connection:
    """Connect to OpenAI's chat completions."""
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    client = openai_client(settings, settings.base_url or _URL, own=True)
    model = OpenAIChatModel(settings.model, provider=OpenAIProvider(openai_client=client))
    return connection(model, client, settings)


def connect_compatible(settings: ModelSettings) -> Connection:
    """Connect to a service that speaks OpenAI's protocol."""
    return _compatible(settings, settings.base_url)


def connect_huggingface(settings: ModelSettings) -> Connection:
    """Connect to the router of Hugging Face's inference providers, or to an endpoint of one's own.

    It speaks OpenAI's protocol, which, unlike Hugging Face's own client, tells the usage of streamed answers. Not
    every provider behind it holds answers to a schema.
    """
    return replace(_compatible(settings, settings.base_url or _HUGGINGFACE_URL), native_schema=False)


def connect_ollama(settings: ModelSettings) -> Connection:
    """Connect to Ollama, on this machine unless a base_url says otherwise."""
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.providers.ollama import OllamaProvider

    client = openai_client(settings, settings.base_url or _OLLAMA_URL)
    provider = OllamaProvider(openai_client=client)
    return connection(
        OllamaModel(settings.model, provider=provider, profile=_older_names()), client, settings
    )


def _compatible(settings: ModelSettings, base_url: str) -> Connection:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    client = openai_client(settings, base_url)
    provider = OpenAICompatibleProvider(settings.provider, openai_client=client)
    return connection(
        OpenAIChatModel(settings.model, provider=provider, profile=_older_names()), client, settings
    )


def _older_names() -> ModelProfile:
    """Return what differs for services other than OpenAI: all of them know max_tokens, few its newer name."""
    from pydantic_ai.profiles.openai import OpenAIModelProfile

    return OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)


def openai_client(settings: ModelSettings, base_url: str, *, own: bool = False) -> AsyncOpenAI:
    """Make a client that sends each request once.

    Args:
        settings: Key and headers.
        base_url: Where the service is.
        own: Whether it is OpenAI's own: what the environment says of OpenAI is nobody else's business.
    """
    from openai import AsyncOpenAI, Omit, Timeout

    headers: dict[str, Any] = {}
    if not own:
        headers = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
    return AsyncOpenAI(
        # Without a key the client would take that of the environment; this one is never sent.
        api_key=settings.api_key or "none",
        base_url=base_url,
        default_headers=headers | dict(settings.headers),
        max_retries=0,
        timeout=Timeout(None, connect=CONNECT_SECONDS),
    )


def connection(model: Model[Any], client: AsyncOpenAI, settings: ModelSettings) -> Connection:
    """Return the connection of a model that speaks OpenAI's chat completions."""
    from openai import Omit
    from pydantic_ai.models.openai import OpenAIChatModelSettings

    return Connection(
        model,
        client.close,
        native_schema=bool(model.profile.get("supports_json_schema_output", False)),
        setting_names=frozenset(OpenAIChatModelSettings.__annotations__),
        prefixes=("openai_",),
        # The client insists on a key unless each request says that it goes without.
        preset={} if settings.api_key else {"extra_headers": {"Authorization": Omit()}},
    )
