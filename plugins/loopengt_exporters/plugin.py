"""Registers the exporters json, jsonl, markdown and tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs import hookimpl

if TYPE_CHECKING:
    from loopengt_hookspecs.registration import Register
    from loopengt_hookspecs.tracing import Exporter


@hookimpl
def loopengt_register_exporters(register: Register[Exporter]) -> None:
    """Register json, jsonl, markdown and tree."""
    register("json", "loopengt_exporters.events:JsonExporter", summary="One JSON array of all events")
    register("jsonl", "loopengt_exporters.events:JsonLinesExporter", summary="One JSON object a line")
    register("markdown", "loopengt_exporters.markdown:MarkdownExporter", summary="A report to read and share")
    register("tree", "loopengt_exporters.tree:TreeExporter", summary="Steps, attempts, gates as a text tree")
