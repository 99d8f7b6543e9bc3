"""Extension point: triggers, which start runs without a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.models import LoopTrigger
    from loopengt_hookspecs.registration import Register


class Trigger(Protocol):
    """Says when a loop is due."""

    def occasions(self, trigger: LoopTrigger) -> AsyncIterator[Mapping[str, Any]]:
        """Yield once for every run to start: names to add to its context."""


@hookspec
def loopengt_register_triggers(register: Register[Trigger]) -> None:
    """Register triggers.

    Called once when the plugin is loaded.

    Args:
        register: ``register(name, target, summary=…)``; the name is what ``trigger_type`` says, the target
            a ``Trigger``.

    Raises:
        PluginError: Another plugin registers a trigger of the same name.

    Since: 0.2
    """
