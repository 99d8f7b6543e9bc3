"""The services that models are reached at: what each is called, and where its key is looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["SERVICES", "Service", "ServiceName"]

ServiceName: TypeAlias = Literal[
    "openai", "openai-compatible", "anthropic", "google", "huggingface", "ollama", "openrouter"
]
"""What the agent provider of a service is called."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service, by the name of its agent provider."""

    name: ServiceName
    url: str
    """Where it is, for people; empty: the spec or the config must say it."""
    key_variables: tuple[str, ...] = ()
    """Environment variables that may hold its key, the first that is set counts."""
    url_variable: str = ""
    """Environment variable that its own libraries read its address from."""
    needs_key: bool = True
    default_model: str = ""
    """The model that is meant when nobody names one; empty: one must be named."""
    free: bool = False
    """Whether it costs nothing, unless an agent's option ``cost`` says otherwise."""
    reports_cost: bool = False
    """Whether each of its answers says what it has cost."""


SERVICES: dict[str, Service] = {
    str(service.name): service
    for service in (
        # The contract's own default: an agent without config is openai with gpt-4o.
        Service(
            "openai",
            "https://api.openai.com/v1",
            ("OPENAI_API_KEY",),
            "OPENAI_BASE_URL",
            default_model="gpt-4o",
        ),
        # No variable by default: the key of one service must not go to whatever another base_url names.
        Service("openai-compatible", "", needs_key=False),
        Service("anthropic", "https://api.anthropic.com", ("ANTHROPIC_API_KEY",), "ANTHROPIC_BASE_URL"),
        Service("google", "https://generativelanguage.googleapis.com", ("GEMINI_API_KEY", "GOOGLE_API_KEY")),
        Service("huggingface", "https://router.huggingface.co/v1", ("HF_TOKEN",)),
        Service("ollama", "http://localhost:11434/v1", needs_key=False, free=True),
        Service("openrouter", "https://openrouter.ai/api/v1", ("OPENROUTER_API_KEY",), reports_cost=True),
    )
}
"""Every service by its name."""
