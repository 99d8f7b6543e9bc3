"""The exporter ``otel``: sends a recorded run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from loopengt.threads import call_in_thread
from loopengt_hookspecs.errors import ExportError

from loopengt_otel.making import settings_of, texts_of
from loopengt_otel.sending.answers import Refused, where
from loopengt_otel.sending.delivery import Delivery
from loopengt_otel.settings import is_disabled
from loopengt_otel.telling.family import Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt import PluginContext
    from loopengt_hookspecs.models import LoopState, TraceEvent

    from loopengt_otel.sending.answers import Sent
    from loopengt_otel.settings import Settings
    from loopengt_otel.telling.spans import Item

__all__ = ["OtelSender"]


class OtelSender:
    """Sends what has ended of a run; what is open follows when the run has ended and is sent again.

    Args:
        settings: Where and how.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        """Make it as ``[plugins.otel]`` and the environment say."""
        return cls(settings_of(context))

    async def send(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Send a run; see ``Sender``.

        Raises:
            ExportError: The receiver cannot be reached or refuses it, or the run is a part of another.
        """
        switch = is_disabled(os.environ)
        if switch:
            raise ExportError(f"nothing is sent, since {switch}", remedy="Unset it to send runs.")
        if not events:
            raise ExportError(f"run {state.run_id} has no events", remedy="Run `loopengt doctor`.")
        parent = events[0].data.get("parent")
        if parent:
            raise ExportError(
                f"run {state.run_id} does a step of run {parent}, and its spans belong to that one's trace",
                remedy=f"Send that one: loopengt export {parent} --to otel",
            )
        family = Family(events[0].run_id, texts_of(self._settings))
        delivery = Delivery(self._settings)

        def work(_: None) -> Sent:
            try:
                items: list[Item] = [item for event in events for item in family.take(event)]
                return delivery.send([*items, *family.release()])
            finally:
                delivery.close()

        sent, error = await call_in_thread(work, None, delivery.hurry)
        if isinstance(error, Refused):
            done = f", after {error.sent.spans} spans had gone through" if error.sent.spans else ""
            raise ExportError(
                f"run {state.run_id} was not sent: {error.message}{done}", remedy=error.remedy
            ) from error
        if error is not None:
            raise error
        return self._sentence(state, sent, family)

    def _sentence(self, state: LoopState, sent: Sent, family: Family) -> str:
        spans = f"{sent.spans} span{'' if sent.spans == 1 else 's'}"
        logs = f" and {sent.logs} log event{'' if sent.logs == 1 else 's'}" if sent.logs else ""
        trace = next(iter(family.runs.values())).scope.trace_id.hex()
        text = f"Sent {spans}{logs} of run {state.run_id} to {where(self._settings.traces)}, trace {trace}."
        if sent.logs_unknown:
            text += " It takes no log events; scores are told by span events there."
        if family.open_spans:
            text += (
                f" The run is {state.status.value}: {family.open_spans} spans are still open, its own among them; "
                "send it again when it has ended."
            )
        return text
