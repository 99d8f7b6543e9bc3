"""Registers the built-in triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.triggers import TriggerKind


@hookimpl
def loopengt_register_triggers(register: Register[TriggerKind]) -> None:
    """Register manual, schedule, webhook and event."""
    register("manual", "loopengt_triggers.manual:ManualKind", summary="One run, at once")
    register(
        "schedule",
        "loopengt_triggers.schedule:ScheduleKind",
        summary="At intervals, or at times of a cron line",
    )
    register(
        "webhook", "loopengt_triggers.webhook:WebhookKind", summary="When JSON is posted to a local address"
    )
    register("event", "loopengt_triggers.event:EventKind", summary="When files of the project change")
