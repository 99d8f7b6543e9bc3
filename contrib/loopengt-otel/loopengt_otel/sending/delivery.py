"""Sends spans and log events in batches, and tries again what may go through later."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from loopengt_otel.sending.answers import Refused, Sent, quoted, where
from loopengt_otel.telling.spans import Log, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_otel.settings import Settings, Signal, Target
    from loopengt_otel.telling.spans import Item

__all__ = ["Delivery"]

_PAUSE = 0.4
"""Seconds before the second try; each further one waits twice as long."""
_TRIES = 4


class _Sender(Protocol):
    def send(self, request: bytes, timeout: float) -> bytes: ...
    def close(self) -> None: ...


class Delivery:
    """Connections to where the settings say; one thread uses it at a time.

    Args:
        settings: Where and how.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._senders: dict[Signal, _Sender] = {}
        self._no_logs = settings.logs is None
        self._hurry = threading.Event()

    def send(self, items: Sequence[Item], *, tries: int = _TRIES) -> Sent:
        """Send spans and logs.

        Args:
            items: Both.
            tries: How often a request is tried at most.

        Raises:
            Refused: Some did not go through; ``sent`` of it says what did before.
        """
        from loopengt_otel.sending.encoding import log_requests, span_requests

        settings, sent = self._settings, Sent()
        spans = [item for item in items if isinstance(item, Span)]
        logs = [item for item in items if isinstance(item, Log)]
        try:
            for count, request in span_requests(spans, settings.resource, settings.batch_size):
                self._deliver("traces", settings.traces, request, tries)
                sent.spans += count
            if settings.logs is not None and not self._no_logs:
                for count, request in log_requests(logs, settings.resource, settings.batch_size):
                    self._deliver("logs", settings.logs, request, tries)
                    sent.logs += count
        except Refused as exc:
            if sent.spans < len(spans) or not exc.unknown:
                exc.sent = sent
                raise
            self._no_logs = True
        sent.logs_unknown = bool(logs) and settings.logs is not None and self._no_logs
        return sent

    def hurry(self) -> None:
        """Wait before no further try."""
        self._hurry.set()

    def close(self) -> None:
        """Close what is open; a later ``send`` opens it again."""
        senders, self._senders = self._senders, {}
        for sender in senders.values():
            sender.close()

    def _deliver(self, signal: Signal, target: Target, request: bytes, tries: int) -> None:
        until = time.monotonic() + target.timeout
        for number in range(tries):
            try:
                answer = self._sender(signal, target).send(request, until - time.monotonic())
                break
            except Refused as exc:
                pause = _PAUSE * 2**number if exc.after is None else exc.after
                late = time.monotonic() + pause >= until
                if not exc.again or late or number == tries - 1 or self._hurry.wait(pause):
                    raise
        _check(signal, target, answer)

    def _sender(self, signal: Signal, target: Target) -> _Sender:
        sender = self._senders.get(signal)
        if sender is None:
            sender = self._senders[signal] = _open(signal, target)
        return sender


def _open(signal: Signal, target: Target) -> _Sender:
    if target.protocol == "grpc":
        from loopengt_otel.sending.grpc import GrpcSender

        return GrpcSender(signal, target)
    from loopengt_otel.sending.http import HttpSender

    return HttpSender(target)


def _check(signal: Signal, target: Target, answer: bytes) -> None:
    """Look for what the receiver has taken only a part of.

    Raises:
        Refused: It rejects some, or answers something else than OTLP.
    """
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    kinds: dict[str, Any] = {"traces": ExportTraceServiceResponse, "logs": ExportLogsServiceResponse}
    try:
        partial = kinds[signal].FromString(answer).partial_success
    except DecodeError as exc:
        raise Refused(
            f"{where(target)} answers something else than OTLP", remedy="See [plugins.otel] endpoint."
        ) from exc
    rejected = partial.rejected_spans if signal == "traces" else partial.rejected_log_records
    if rejected:
        what = "spans" if signal == "traces" else "log events"
        told = quoted(partial.error_message, target)
        raise Refused(f"{where(target)} rejects {rejected} {what}" + (f": {told}" if told else ""))
