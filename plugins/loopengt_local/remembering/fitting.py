"""Brings what a prompt takes from the run under the number of tokens that its step declares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt.prompts import prompt_text
from loopengt_hookspecs.errors import UsageError

if TYPE_CHECKING:
    from loopengt.prompts import Prompt
    from loopengt_hookspecs.models import LoopSpec, StepSpec
    from loopengt_hookspecs.registration import Components
    from loopengt_hookspecs.summarizers import Summarizer

__all__ = ["FitRule", "Fitted"]

_OWN = frozenset({"goal", "lap"})
"""Names that are never shortened."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was shortened."""

    texts: Mapping[tuple[str | int, ...], str]
    """The texts to insert in place of what the prompt looks up, by path."""
    before: int
    """Tokens that it took."""
    after: int


@dataclass(slots=True)
class FitRule:
    """Who shortens, and to how much."""

    summarizer: Summarizer
    max_tokens: int
    agent: str = ""
    """The agent of the loop that writes summaries; empty: none does."""

    @classmethod
    def of(cls, step: StepSpec, spec: LoopSpec, components: Components) -> FitRule | None:
        """Make the rule of a step; None: it declares no limit.

        Raises:
            UsageError: Its summarizer needs an agent, and is none.
            ComponentNotFound: There is no such summarizer.
        """
        if step.context_tokens is None:
            return None
        if any(role.name == step.summarizer for role in spec.agents):
            return cls(components.get("summarizers", "abstractive"), step.context_tokens, step.summarizer)
        summarizer = components.get("summarizers", step.summarizer)
        if summarizer.needs_agent:
            raise UsageError(
                f"step {step.name!r}: the summarizer {step.summarizer!r} has an agent write, and none is named",
                remedy="Give summarizer the name of an agent of the loop.",
            )
        return cls(summarizer, step.context_tokens)

    async def fit(
        self, prompt: Prompt, scope: Mapping[str, Any], ask: Callable[[str], Awaitable[str]]
    ) -> Fitted | None:
        """Shorten what a prompt takes from the run; None: it fits as it is.

        Args:
            prompt: The step's prompt.
            scope: What it sees.
            ask: Has the agent write.

        Raises:
            AgentError: The agent failed.
        """
        taken = {
            path: prompt_text(value)
            for path, value in prompt.taken(scope).items()
            if path[0] not in _OWN and isinstance(value, str | dict | list)
        }
        before = sum(map(self.summarizer.count, taken.values()))
        if before <= self.max_tokens:
            return None
        made = await self.summarizer.summarize(
            list(taken.values()), self.max_tokens, ask=ask if self.agent else None
        )
        texts = {path: text for (path, whole), text in zip(taken.items(), made, strict=True) if text != whole}
        return Fitted(texts, before, sum(map(self.summarizer.count, made)))
