"""Spans and log events as messages of OTLP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from loopengt_otel import __version__
from loopengt_otel.conventions import SCHEMA_URL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from loopengt_otel.telling.spans import Attributes, Log, Span

__all__ = ["LARGEST", "log_requests", "span_requests"]

LARGEST = 3 * 1024 * 1024
"""Bytes of one request, of which more than one span make no more: gRPC servers take 4 MiB."""

_SCOPE = "loopengt"
_LARGEST_INT = 2**63 - 1
_INFO = 9
"""Severity of a log event, by its number in OTLP."""


def span_requests(
    spans: Sequence[Span], resource: Mapping[str, str], most: int
) -> Iterator[tuple[int, bytes]]:
    """Put spans into requests; each with the number of spans in it.

    Args:
        spans: The spans.
        resource: Attributes of what they come from.
        most: Most spans of a request.
    """
    yield from _requests(spans, _add_span, ExportTraceServiceRequest, "resource_spans", resource, most)


def log_requests(logs: Sequence[Log], resource: Mapping[str, str], most: int) -> Iterator[tuple[int, bytes]]:
    """Put log events into requests, as ``span_requests`` does."""
    yield from _requests(logs, _add_log, ExportLogsServiceRequest, "resource_logs", resource, most)


def _requests(
    items: Iterable[Any], add: Any, message: Any, field: str, resource: Mapping[str, str], most: int
) -> Iterator[tuple[int, bytes]]:
    request, scope, count, size = None, None, 0, 0
    for item in items:
        if request is None or count >= most or size >= LARGEST:
            if request is not None:
                yield count, request.SerializeToString()
            request, scope = _empty(message, field, resource)
            count = size = 0
        size += add(scope, item)
        count += 1
    if request is not None:
        yield count, request.SerializeToString()


def _empty(message: Any, field: str, resource: Mapping[str, str]) -> tuple[Any, Any]:
    request = message()
    outer = getattr(request, field).add()
    _attributes(outer.resource.attributes, dict(resource))
    outer.schema_url = SCHEMA_URL
    inner = (outer.scope_spans if field == "resource_spans" else outer.scope_logs).add()
    inner.scope.name = _SCOPE
    inner.scope.version = __version__
    inner.schema_url = SCHEMA_URL
    return request, inner


def _add_span(scope: Any, span: Span) -> int:
    told = scope.spans.add(
        trace_id=span.trace_id,
        span_id=span.span_id,
        name=span.name,
        kind=int(span.kind),
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        flags=0x101,  # sampled; and it is known that the parent is not remote
    )
    if span.parent_id is not None:
        told.parent_span_id = span.parent_id
    _attributes(told.attributes, span.attributes)
    for event in span.events:
        entry = told.events.add(name=event.name, time_unix_nano=event.at)
        _attributes(entry.attributes, event.attributes)
    if span.dropped_events:
        told.dropped_events_count = span.dropped_events
    if span.error is not None:
        told.status.code = Status.STATUS_CODE_ERROR
        told.status.message = span.error
    return int(told.ByteSize())


def _add_log(scope: Any, log: Log) -> int:
    told = scope.log_records.add(
        trace_id=log.trace_id,
        span_id=log.span_id,
        event_name=log.name,
        time_unix_nano=log.at,
        observed_time_unix_nano=log.at,
        severity_number=_INFO,
        flags=1,
    )
    _attributes(told.attributes, log.attributes)
    return int(told.ByteSize())


def _attributes(into: Any, attributes: Attributes | Mapping[str, str]) -> None:
    for key, value in attributes.items():
        entry = into.add(key=key)
        if isinstance(value, str):
            entry.value.string_value = value
        elif isinstance(value, bool):
            entry.value.bool_value = value
        elif isinstance(value, int):
            if -_LARGEST_INT <= value <= _LARGEST_INT:
                entry.value.int_value = value
            else:
                entry.value.string_value = f"{value:.6g}" if abs(value) < 1e300 else "too large"
        elif isinstance(value, float):
            entry.value.double_value = value
        else:
            for text in value:
                entry.value.array_value.values.add(string_value=text)
