"""Registers the exporter html."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tracing import Exporter, Sender


@hookimpl
def loopengt_register_exporters(register: Register[Exporter | Sender]) -> None:
    """Register html."""
    register(
        "html", "loopengt_html.exporter:HtmlExporter", summary="One page to look at, offline and on a phone"
    )
