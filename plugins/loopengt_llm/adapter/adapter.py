"""Makes models that pydantic-ai reaches."""

from __future__ import annotations

from importlib.util import find_spec

from loopengt.redaction import keep_secret
from loopengt_hookspecs.errors import MissingRequirement, UsageError
from loopengt_hookspecs.model_adapters import ModelSettings
from loopengt_llm.adapter.model import PydanticAiModel
from loopengt_llm.adapter.services import SERVICES

__all__ = ["PydanticAiAdapter"]

_INSTALL = "pip install 'loopengt[llm]'"


class PydanticAiAdapter:
    """Reaches models through pydantic-ai and the packages of their services.

    Every client sends a request once: to try again is the engine's decision.
    """

    def missing(self, provider: str) -> list[MissingRequirement]:
        """Return the packages that are not installed; nothing is imported."""
        service = SERVICES.get(provider)
        needed = ("pydantic_ai", service.package) if service is not None else ("pydantic_ai",)
        return [
            MissingRequirement(
                f"agents of the provider {provider} need the package {package.replace('_', '-')}, "
                "which is not installed",
                remedy=f"Install it: {_INSTALL}",
            )
            for package in needed
            if not _installed(package)
        ]

    def model(self, settings: ModelSettings) -> PydanticAiModel:
        """Make a model; nothing is imported or connected before it is used.

        Raises:
            MissingRequirement: A package that it needs is not installed.
            UsageError: No such provider is known, or it needs a ``base_url`` and has none.
        """
        service = SERVICES.get(settings.provider)
        if service is None:
            raise UsageError(
                f"the adapter pydantic_ai knows no provider {settings.provider!r}",
                remedy=f"Use one of {', '.join(sorted(SERVICES))}, or openai-compatible with a base_url.",
            )
        if service.needs_url and not settings.base_url:
            raise UsageError(
                f"the provider {settings.provider} does not know where the model {settings.model} is",
                remedy="Set config.extra.base_url of the agent, such as http://localhost:8000/v1.",
            )
        if lacking := self.missing(settings.provider):
            raise lacking[0]
        keep_secret(settings.api_key)
        return PydanticAiModel(settings, service)


def _installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # its parent is absent, or blocked
        return False
