"""Extension point: judges, who score a result or a whole run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.models import JudgeResult
    from loopengt_hookspecs.registration import Register


@dataclass(slots=True)
class JudgeRequest:
    """What a judge is asked to score."""

    goal: str
    """The loop's goal."""
    output: Any
    """What is judged: a step's output, or the run's."""
    expected: Any = None
    """The reference to compare with, where there is one."""
    threshold: float = 0.8
    """Score, 0..1, from which the result counts as passed."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The judge's options as declared in the spec."""


class Judge(Protocol):
    """Scores a result."""

    async def judge(self, request: JudgeRequest) -> JudgeResult:
        """Score one result.

        Judges fail closed: an exception or an unreadable verdict is an error, never a score.
        """


@hookspec
def loopengt_register_judges(register: Register[Judge]) -> None:
    """Register judges.

    Called once when the plugin is loaded.

    Args:
        register: ``register(name, target, summary=…)``; the target is a ``Judge``.

    Raises:
        PluginError: Another plugin registers a judge of the same name.

    Since: 0.2
    """
