"""Registers the agent providers for large language models, and the adapter that reaches them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentProvider
    from loopengt_hookspecs.model_adapters import ModelAdapter
    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register


@hookimpl
def loopengt_register_agents(register: Register[AgentProvider]) -> None:
    """Register a provider for each service that large language models are reached at."""
    providers = "loopengt_llm.providers"
    register("openai", f"{providers}:OpenAIProvider", summary="Asks a model of OpenAI")
    register(
        "openai-compatible",
        f"{providers}:OpenAICompatibleProvider",
        summary="Asks a model of any service that speaks OpenAI's protocol, at its base_url",
    )
    register("anthropic", f"{providers}:AnthropicProvider", summary="Asks a model of Anthropic")
    register("google", f"{providers}:GoogleProvider", summary="Asks a Gemini model of Google")
    register("huggingface", f"{providers}:HuggingFaceProvider", summary="Asks a model at Hugging Face")
    register("ollama", f"{providers}:OllamaProvider", summary="Asks a local model that Ollama serves")
    register("openrouter", f"{providers}:OpenRouterProvider", summary="Asks a model through OpenRouter")


@hookimpl
def loopengt_register_model_adapters(register: Register[ModelAdapter]) -> None:
    """Register the adapter ``pydantic_ai``."""
    register(
        "pydantic_ai",
        "loopengt_llm.adapter:PydanticAiAdapter",
        summary="Reaches models by pydantic-ai (pip install 'loopengt[llm]')",
    )


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the options of ``[plugins.llm]``."""
    register("loopengt_llm.options:LLMOptions")
