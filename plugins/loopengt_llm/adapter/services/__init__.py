"""The services that pydantic-ai reaches: what each needs, and the module that connects to it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SERVICES", "Service"]

_HERE = "loopengt_llm.adapter.services"


@dataclass(frozen=True, slots=True)
class Service:
    """A service, by the name of its agent provider."""

    package: str
    """The package of its client."""
    connect: str
    """Reference of the function that makes a ``Connection`` of ``ModelSettings``."""
    needs_url: bool = False


SERVICES = {
    "anthropic": Service("anthropic", f"{_HERE}.anthropic:connect"),
    "google": Service("google.genai", f"{_HERE}.google:connect"),
    "huggingface": Service("openai", f"{_HERE}.openai:connect_huggingface"),
    "ollama": Service("openai", f"{_HERE}.openai:connect_ollama"),
    "openai": Service("openai", f"{_HERE}.openai:connect"),
    "openai-compatible": Service("openai", f"{_HERE}.openai:connect_compatible", needs_url=True),
    "openrouter": Service("openai", f"{_HERE}.openrouter:connect"),
}
"""Every service by the name of its agent provider."""
