"""What a spec may refer to beyond itself: the names that plugins register and that the caller gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["KnownNames", "OptionProblem", "ValidateOptions"]

OptionProblem: TypeAlias = tuple[tuple[str | int, ...], str]
"""Where in ``config.extra`` a provider's option is wrong, and why."""

ValidateOptions: TypeAlias = Callable[[str, Mapping[str, Any]], Sequence[OptionProblem]]
"""Validates ``config.extra``: takes the provider's name and the options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """Names that a spec is checked against: name to summary; None: names of that kind are not checked."""

    patterns: Mapping[str, str] | None = None
    providers: Mapping[str, str] | None = None
    gate_kinds: Mapping[str, str] | None = None
    stop_conditions: Mapping[str, str] | None = None
    judges: Mapping[str, str] | None = None
    extra_context: frozenset[str] = frozenset()
    """Names of the context that the caller gives beside the spec's own, as ``--set`` does."""
    validate_provider_options: ValidateOptions | None = None
    """Checks an agent's ``config.extra``; None: options are not checked."""
    default_provider: str | None = "openai"
    """The provider of an agent that names none; None: such an agent is not checked."""
