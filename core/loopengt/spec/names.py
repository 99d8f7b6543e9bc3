"""What a spec may refer to beyond itself: the names that plugins register and that the caller gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["KnownNames", "OptionProblem", "ValidateOptions"]

OptionProblem: TypeAlias = tuple[tuple[str | int, ...], str]
"""Where in the options of a provider, a judge or a trigger one is wrong, and why."""

ValidateOptions: TypeAlias = Callable[[str, Mapping[str, Any]], Sequence[OptionProblem]]
"""Validates ``config.extra``, a judge's ``options`` or a trigger's ``config``: takes the component's name and these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """Names that a spec is checked against: name to summary; None: names of that kind are not checked."""

    patterns: Mapping[str, str] | None = None
    providers: Mapping[str, str] | None = None
    gate_kinds: Mapping[str, str] | None = None
    stop_conditions: Mapping[str, str] | None = None
    judges: Mapping[str, str] | None = None
    tool_types: Mapping[str, str] | None = None
    triggers: Mapping[str, str] | None = None
    extra_context: frozenset[str] = frozenset()
    """Names of the context that the caller gives beside the spec's own, as ``--set`` does."""
    validate_provider_options: ValidateOptions | None = None
    """Checks an agent's ``config.extra``; None: options are not checked."""
    validate_judge_options: ValidateOptions | None = None
    """Checks a judge's ``options``; None: they are not checked."""
    validate_trigger_options: ValidateOptions | None = None
    """Checks a trigger's ``config``; None: it is not checked."""
    asks_agent: Callable[[str], bool] | None = None
    """Whether a judge asks an agent; None: that is not checked."""
    default_provider: str | None = "openai"
    """The provider of an agent that names none; None: such an agent is not checked."""
