"""The agent providers: one for each service, which differ in nothing but the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from loopengt_llm.options import AgentOptions, LLMOptions
from loopengt_llm.services import SERVICES, Service

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.models import AgentRole
    from loopengt_hookspecs.registration import Components, PluginContext
    from loopengt_llm.agent import LLMAgent

__all__ = [
    "AnthropicProvider",
    "GoogleProvider",
    "HuggingFaceProvider",
    "LLMProvider",
    "OllamaProvider",
    "OpenAICompatibleProvider",
    "OpenAIProvider",
    "OpenRouterProvider",
]


class LLMProvider:
    """Makes agents that ask the models of one service.

    Args:
        components: Where the model adapter is found.
        config: The plugin's options.
    """

    service: ClassVar[Service]
    options = AgentOptions

    def __init__(self, components: Components, config: LLMOptions) -> None:
        self._components = components
        self._config = config

    @classmethod
    def from_context(cls, context: PluginContext) -> LLMProvider:
        """Make the provider with the plugin's options."""
        return cls(context.components, context.options or LLMOptions())

    def bind(self, role: AgentRole, project: Path) -> LLMAgent:
        """Make the agent of one role."""
        from loopengt_llm.agent import LLMAgent
        from loopengt_llm.targets import Target

        options = AgentOptions.model_validate(role.config.extra)
        target = Target.of(self.service, role, options, self._config, project)
        name = self._config.adapter
        return LLMAgent(role, options, target, lambda: self._components.get("model_adapters", name))


class OpenAIProvider(LLMProvider):
    """OpenAI."""

    service = SERVICES["openai"]


class OpenAICompatibleProvider(LLMProvider):
    """Any service that speaks OpenAI's protocol."""

    service = SERVICES["openai-compatible"]


class AnthropicProvider(LLMProvider):
    """Anthropic."""

    service = SERVICES["anthropic"]


class GoogleProvider(LLMProvider):
    """Google."""

    service = SERVICES["google"]


class HuggingFaceProvider(LLMProvider):
    """Hugging Face."""

    service = SERVICES["huggingface"]


class OllamaProvider(LLMProvider):
    """Ollama."""

    service = SERVICES["ollama"]


class OpenRouterProvider(LLMProvider):
    """OpenRouter."""

    service = SERVICES["openrouter"]
