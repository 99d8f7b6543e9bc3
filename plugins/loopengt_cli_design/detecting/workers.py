"""Finds the agents that can work on this machine: coding CLIs that are installed, and services with a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from loopengt import Kernel

__all__ = ["SERVICES", "Worker", "find_worker", "find_workers"]

CLIS: Final = ("claude-code", "codex", "gemini", "cursor", "opencode", "copilot", "antigravity")
"""Providers for coding CLIs, which read and change files by themselves; those first that are asked first."""

SERVICES: Final = {
    "anthropic": "claude-sonnet-4-5",
    "openai": "gpt-4o",
    "google": "gemini-2.5-pro",
    "openrouter": "anthropic/claude-sonnet-4.5",
}
"""Providers for models that a key opens, and the model that is taken where nobody names one."""


class Worker(NamedTuple):
    """A provider that this machine can use."""

    provider: str
    kind: Literal["cli", "service", "other"]
    model: str = ""
    """The model that it has to be given; empty: it has one of its own."""


def find_workers(kernel: Kernel) -> list[Worker]:
    """Return the providers that this machine can use, in the order in which they would be asked.

    That is ``[agents] auto``, else the coding CLIs and then the services.

    Args:
        kernel: The kernel of the project.
    """
    order = tuple(kernel.setting("agents", "auto")) or (*CLIS, *SERVICES)
    return [worker for name in order if (worker := find_worker(kernel, name)) is not None]


def find_worker(kernel: Kernel, provider: str) -> Worker | None:
    """Return a provider, when this machine can use it."""
    if provider not in kernel.names("agents"):
        return None
    if _is_usable(kernel, provider, ""):
        return Worker(provider, "cli" if provider in CLIS else "service" if provider in SERVICES else "other")
    model = SERVICES.get(provider, "")
    return Worker(provider, "service", model) if model and _is_usable(kernel, provider, model) else None


def _is_usable(kernel: Kernel, provider: str, model: str) -> bool:
    from loopengt_hookspecs.models import AgentConfig, AgentRole

    config = AgentConfig(provider=provider, model=model) if model else AgentConfig(provider=provider)
    try:
        agent = kernel.get("agents", provider).bind(AgentRole(name="worker", config=config), kernel.project)
        return not agent.missing()
    except Exception:  # a provider of anybody's: whatever it lacks, it cannot be used as it is
        return False
