"""The exporter ``slack``: one message about a recorded run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from loopengt import get_logger
from loopengt_hookspecs.errors import ExportError

from loopengt_exporter_slack.ledger import Ledger
from loopengt_exporter_slack.message import Report, encode
from loopengt_exporter_slack.webhook import NotSent, Webhook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.models import LoopState, TraceEvent
    from loopengt_hookspecs.registration import PluginContext

    from loopengt_exporter_slack.options import SlackOptions

__all__ = ["SlackSender"]


class SlackSender:
    """Tells how a run came out, or where it stands.

    Args:
        options: Where to, and how.
        project: The project, which remembers what was told.
    """

    def __init__(self, options: SlackOptions, project: Path) -> None:
        self._options = options
        self._ledger = Ledger(project / ".loopengt" / "slack-sent.json")

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        """Make it as ``[plugins.exporter_slack]`` says."""
        return cls(context.options, context.project)

    async def send(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Send a message, unless the same one was sent from this project.

        Raises:
            ExportError: There is no address, Slack cannot be reached, or refuses the message.
        """
        webhook = Webhook(self._options.url_env, self._options.timeout_seconds)
        if webhook.problem:
            remedy = f"Make an incoming webhook, and type: export {self._options.url_env}=https://hooks.slack.com/…"
            raise ExportError(f"nothing was sent to Slack: {webhook.problem}", remedy=remedy)
        body = encode(_report(state, events), details=self._options.include_details)
        digest = self._ledger.digest(body)
        if self._ledger.has(digest):
            return f"Slack has been told of run {state.run_id} as it is; nothing was sent."
        try:
            await webhook.post(body, self._options.patience_seconds)
        except NotSent as error:
            message = f"run {state.run_id} was not told to Slack: {error.why}"
            raise ExportError(message, remedy=error.remedy) from error
        try:
            self._ledger.add(digest)
        except OSError as error:
            get_logger("loopengt.slack").warning("what was sent is not remembered", why=error.strerror)
        return f"Told Slack, {webhook.host}, of run {state.run_id}: {_outcome(state).replace('_', ' ')}."


def _outcome(state: LoopState) -> str:
    return state.reason or state.status.value


def _report(state: LoopState, events: Sequence[TraceEvent]) -> Report:
    done = [step.status.value for step in state.step_states.values()].count("completed")
    facts = {"Steps": f"{done} of {len(state.step_states)}", "Turns": str(state.turn)}
    if state.completed_at is not None:
        facts["Seconds"] = f"{max(0.0, (state.completed_at - state.started_at).total_seconds()):.0f}"
    last = next((event for event in reversed(events) if event.run_id == state.run_id and _ends(event)), None)
    told = last.data.get("detail") if last else None
    details = state.error or (told if isinstance(told, str) else "")
    return Report(state.run_id, state.loop_name, _outcome(state), facts, details)


def _ends(event: TraceEvent) -> bool:
    return event.event_type.value in ("loop.complete", "loop.error", "loop.pause")
