"""Extension point: triggers, which say when a run of a loop is due."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic import BaseModel

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import LoopTrigger
    from loopengt_hookspecs.registration import Register

__all__ = ["Trigger", "TriggerKind", "loopengt_register_triggers"]


class Trigger(Protocol):
    """A trigger, bound to the declaration of one loop.

    One method is optional. ``forget()``: what has happened up to now is no occasion any more. It is called when a run
    has ended and ``overlap`` is ``skip``, so that a trigger which looks at files does not take those that the run
    itself has changed for an occasion.
    """

    def plan(self) -> str:
        """Say in one line what it waits for, such as ``every 15m``."""

    def missing(self) -> list[MissingRequirement]:
        """Return what this machine lacks for it; each names the command that mends it."""

    def occasions(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield once for every run to start, and end when there will be no other.

        It is asked for the next occasion at once, also while runs are under way: what becomes of occasions that overlap
        is not its business. It is iterated once. Occasions that came while nobody could look, since the machine slept,
        are one.

        Yields:
            What is known of the occasion, JSON data; it becomes ``event`` in the context of the run. ``trigger`` and
            ``at`` are added to it.

        Raises:
            UsageError: It cannot wait: its port is taken, for one.
        """

    async def close(self) -> None:
        """Give back what it holds, such as a port; called once, also when ``occasions`` was never asked for."""


class TriggerKind(Protocol):
    """Makes triggers of one kind. ``trigger_type`` in a spec names it.

    The least that does it::

        class EveryHour:
            options = TriggerOptions

            def bind(self, trigger, project):
                return self

            def plan(self):
                return "every hour"

            def missing(self):
                return []

            async def occasions(self):
                while True:
                    await asyncio.sleep(3600)
                    yield {}

            async def close(self):
                pass
    """

    @property
    def options(self) -> type[BaseModel] | None:
        """The model that validates ``config`` of a declaration; None: no options are allowed.

        Derive it from ``loopengt_hookspecs.models.TriggerOptions``, which has ``overlap``.
        """

    def bind(self, trigger: LoopTrigger, project: Path) -> Trigger:
        """Make the trigger of one loop; nothing is waited for yet.

        Args:
            trigger: The declaration; its ``config`` fits the model.
            project: The project folder.

        Raises:
            UsageError: The declaration is wrong in a way that the model cannot tell.
        """


@hookspec
def loopengt_register_triggers(register: Register[TriggerKind]) -> None:
    """Register kinds of triggers.

    Called once when the plugin is loaded, before any spec is read.

    Args:
        register: ``register(name, target, summary=…)``; the name is what ``trigger_type`` says, the target
            a ``TriggerKind``.

    Raises:
        PluginError: Another plugin registers a trigger of the same name.

    Since: 0.2
    """
