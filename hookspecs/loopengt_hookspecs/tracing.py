"""Extension point: tracing: observers, who watch a run live, and exporters, who write it out or send it away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from loopengt_hookspecs._markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import LoopState, TraceEvent
    from loopengt_hookspecs.registration import Register


class Observer(Protocol):
    """Watches runs live. Events come in order and never hold a run up; an exception is logged, no more.

    Runs of one process share it: ``event.run_id`` says which run it is, and the events of child runs come, too, under
    an id of their own; their ``loop.start`` names the ``parent`` in its data. docs/journal.md lists the data of every
    type of event. ``loopengt.live.LiveObserver`` sorts them into five methods to override.
    """

    def enabled(self) -> bool:
        """Whether to watch this run; asked once when it starts."""

    async def on_event(self, event: TraceEvent) -> None:
        """Take one event. Starts and tool events arrive at once, results when they are durable."""

    async def close(self) -> None:
        """Finish; called when a run has ended or paused, again for the next one. It has 5 seconds."""


class Exporter(Protocol):
    """Writes a run's trace as a document of one format.

    One that leaves something out of long runs may have a method ``complete()``, which returns an exporter that leaves
    nothing out, for ``trace --all``. One whose documents grow large may have ``parts(state, events)``, which yields the
    same document piece by piece.
    """

    def export(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Render a run.

        Args:
            state: The state folded from the journal.
            events: All events, in order, without secrets. Those of a child run stand behind the ``step.start`` event
                of its step, under the child's ``run_id``.

        Returns:
            The whole document as text, with a line break at its end.
        """


class Sender(Protocol):
    """Sends a run's trace to a service. Sending it once more adds nothing there: what is sent has stable ids.

    A service that takes no ids is told nothing twice: remember what was sent, below ``.loopengt`` of the project.
    """

    async def send(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Send a run.

        Args:
            state: The state folded from the journal.
            events: As for ``Exporter.export``.

        Returns:
            A sentence for people: what was sent, and where to.

        Raises:
            ExportError: The service cannot be reached, or refuses it.
        """


@hookspec
def loopengt_register_observers(register: Register[Observer]) -> None:
    """Register observers.

    Called once when the plugin is loaded. Those named in ``[observers] names`` of config.toml watch every run;
    commands may add one of their own.

    Args:
        register: ``register(name, target, summary=…)``; the target is an ``Observer``.

    Raises:
        PluginError: Another plugin registers an observer of the same name.

    Since: 0.2
    """


@hookspec
def loopengt_register_exporters(register: Register[Exporter | Sender]) -> None:
    """Register exporters.

    Called once when the plugin is loaded. ``loopengt export RUN --to NAME`` uses them, and ``loopengt trace RUN
    --format NAME`` those that write documents. One that is to follow runs live registers an observer, too.

    Args:
        register: ``register(name, target, summary=…)``; the target is an ``Exporter`` or a ``Sender``.

    Raises:
        PluginError: Another plugin registers an exporter of the same name.

    Since: 0.2
    """
