"""The observer ``slack``: a message when a run ends, rests or asks a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from loopengt import get_logger
from loopengt.live import LiveObserver

from loopengt_exporter_slack.message import Report, encode
from loopengt_exporter_slack.webhook import NotSent, Webhook

if TYPE_CHECKING:
    from loopengt_hookspecs.models import TraceEvent
    from loopengt_hookspecs.registration import PluginContext

    from loopengt_exporter_slack.options import SlackOptions

__all__ = ["SlackObserver"]

PATIENCE = 4.0
"""Seconds that one message may take: at the end of a run the engine gives observers 5."""

_MOST_RUNS = 1_000


class SlackObserver(LiveObserver):
    """Tells of runs that stand by themselves; sub-loops are part of theirs.

    A message that does not go through is logged, and no run waits for it or fails.

    Args:
        options: Where to, and when.
    """

    def __init__(self, options: SlackOptions) -> None:
        self._options = options
        self._webhook = Webhook(options.url_env, min(options.timeout_seconds, PATIENCE))
        self._loops: dict[str, str] = {}
        """Names of loops by run."""
        self._questions: dict[str, str] = {}
        """What was asked last, by run."""

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        """Make it as ``[plugins.exporter_slack]`` says."""
        return cls(context.options)

    def enabled(self) -> bool:
        """Watch, when it is known where to send."""
        if self._webhook.problem:
            get_logger("loopengt.slack").warning("slack is off", why=self._webhook.problem)
        return not self._webhook.problem

    async def on_event(self, event: TraceEvent) -> None:
        """Remember what a run asks; all else as ``LiveObserver`` does."""
        if event.event_type.value == "approval.request" and event.run_id in self._loops:
            self._questions[event.run_id] = _text(event.data.get("question"))
        await super().on_event(event)

    async def on_loop_start(self, event: TraceEvent) -> None:
        """Remember the loop's name."""
        if event.data.get("parent"):
            return
        while len(self._loops) >= _MOST_RUNS:
            self._forget(next(iter(self._loops)))
        self._loops[event.run_id] = _text(getattr(event, "loop_name", "") or event.data.get("loop"))
        self._questions.pop(event.run_id, None)

    async def on_loop_complete(self, event: TraceEvent) -> None:
        """Tell that a run is complete, or rests."""
        await self._tell(event, "pause" if event.event_type.value == "loop.pause" else "complete")

    async def on_error(self, event: TraceEvent) -> None:
        """Tell that a run ended short of its goal; a step that failed is not the end."""
        if event.event_type.value == "loop.error":
            await self._tell(event, "error")

    async def _tell(self, event: TraceEvent, occasion: str) -> None:
        loop = self._loops.get(event.run_id)
        question = self._questions.get(event.run_id, "")
        self._forget(event.run_id)
        if loop is None or occasion not in self._options.tell:
            return
        reason = _text(event.data.get("reason")) or event.event_type.value
        details = question if reason == "approval_required" and question else _text(event.data.get("detail"))
        facts = {"Turns": "" if event.turn is None else str(event.turn)}
        if reason == "approval_required":
            facts["Answer"] = f"loopengt approve {event.run_id}, reject or answer"
        body = encode(
            Report(event.run_id, loop, reason, facts, details), details=self._options.include_details
        )
        try:
            await self._webhook.post(body, min(self._options.patience_seconds, PATIENCE))
        except NotSent as error:
            get_logger("loopengt.slack").warning("slack was not told", run=event.run_id, why=error.why)

    def _forget(self, run_id: str) -> None:
        self._loops.pop(run_id, None)
        self._questions.pop(run_id, None)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
