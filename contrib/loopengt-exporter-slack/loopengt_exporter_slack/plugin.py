"""Registers the exporter and the observer ``slack``, and their options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tracing import Exporter, Observer, Sender

LOOPENGT_API = "1.0"


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the options."""
    register("loopengt_exporter_slack.options:SlackOptions")


@hookimpl
def loopengt_register_exporters(register: Register[Exporter | Sender]) -> None:
    """Register ``slack``."""
    register(
        "slack",
        "loopengt_exporter_slack.sender:SlackSender",
        summary="Tells a Slack channel how a run came out",
    )


@hookimpl
def loopengt_register_observers(register: Register[Observer]) -> None:
    """Register ``slack``."""
    register(
        "slack",
        "loopengt_exporter_slack.observer:SlackObserver",
        summary="Tells Slack when a run ends or asks a person",
    )
