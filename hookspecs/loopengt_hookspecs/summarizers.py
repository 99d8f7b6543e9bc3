"""Extension point: summarizers, which bring texts under a number of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from loopengt_hookspecs.registration import Register

__all__ = ["Summarizer", "loopengt_register_summarizers"]


class Summarizer(Protocol):
    """Brings entries of text under a budget of tokens."""

    needs_agent: bool
    """Whether it has an agent write (``ask``); else it chooses from what is there."""

    def count(self, text: str) -> int:
        """Return the tokens of a text: counted by a tokenizer where one is installed, else estimated."""

    async def summarize(
        self,
        texts: Sequence[str],
        max_tokens: int,
        *,
        ask: Callable[[str], Awaitable[str]] | None = None,
    ) -> list[str]:
        """Return texts that have at most ``max_tokens`` together, in the order of those given.

        Args:
            texts: The entries, oldest first. What already fits comes back as it is.
            max_tokens: Most tokens of all of them, from 1.
            ask: Sends a prompt to an agent and returns its answer, for those with ``needs_agent``.

        Raises:
            AgentError: The agent failed.
        """


@hookspec
def loopengt_register_summarizers(register: Register[Summarizer]) -> None:
    """Register summarizers.

    Called once when the plugin is loaded. A step names one in ``summarizer``; it is used when what the step's prompt
    takes from the run exceeds its ``context_tokens``.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``Summarizer``.

    Raises:
        PluginError: Another plugin registers a summarizer of the same name.

    Since: 0.2
    """
