"""Registers the exporter ``otel``, the observer ``otel``, and their options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.options import RegisterOptions
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tracing import Exporter, Observer, Sender


@hookimpl
def loopengt_register_exporters(register: Register[Exporter | Sender]) -> None:
    """Register ``otel``, which sends a recorded run."""
    register(
        "otel", "loopengt_otel.sender:OtelSender", summary="Send a run to an OpenTelemetry receiver, by OTLP"
    )


@hookimpl
def loopengt_register_observers(register: Register[Observer]) -> None:
    """Register ``otel``, which sends runs while they are driven."""
    register(
        "otel",
        "loopengt_otel.observer:OtelObserver",
        summary="Send runs to OpenTelemetry while they are driven",
    )


@hookimpl
def loopengt_register_options(register: RegisterOptions) -> None:
    """Register the table ``[plugins.otel]``."""
    register("loopengt_otel.options:OtelOptions")
