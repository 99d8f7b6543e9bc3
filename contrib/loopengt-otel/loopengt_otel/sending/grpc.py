"""OTLP over gRPC."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc

from loopengt_otel import __version__
from loopengt_otel.sending.answers import Refused, quoted, where

if TYPE_CHECKING:
    from loopengt_otel.settings import Signal, Target

__all__ = ["GrpcSender"]

_METHODS = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
_AGAIN = frozenset({"CANCELLED", "DEADLINE_EXCEEDED", "ABORTED", "OUT_OF_RANGE", "UNAVAILABLE", "DATA_LOSS"})
_RETRY_INFO = "google.rpc.retryinfo-bin"


class GrpcSender:
    """Calls one method of a receiver; the connection is kept.

    Args:
        signal: Which method.
        target: Where to.

    Raises:
        Refused: A certificate or key cannot be read.
    """

    def __init__(self, signal: Signal, target: Target) -> None:
        self._target = target
        compression = grpc.Compression.Gzip if target.gzip else grpc.Compression.NoCompression
        options = [("grpc.primary_user_agent", f"loopengt-otel/{__version__}")]
        place = target.address.partition("://")[2]
        if target.secure:
            self._channel = grpc.secure_channel(place, _credentials(target), options, compression)
        else:
            self._channel = grpc.insecure_channel(place, options, compression)
        self._call = self._channel.unary_unary(_METHODS[signal], _as_it_is, _as_it_is)
        self._metadata = tuple(target.headers.items())

    def send(self, request: bytes, timeout: float) -> bytes:
        """Make a call; return the message that the receiver answers.

        Args:
            request: The encoded request.
            timeout: Seconds.

        Raises:
            Refused: It did not go through.
        """
        try:
            answer: bytes = self._call(request, timeout=max(timeout, 0.01), metadata=self._metadata)
        except grpc.RpcError as exc:
            raise self._refused(exc) from exc
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def _refused(self, exc: Any) -> Refused:
        code, place = exc.code().name, where(self._target)
        told = quoted(exc.details() or "", self._target)
        after = _after(exc.trailing_metadata())
        if code == "DEADLINE_EXCEEDED":
            return Refused(f"{place} does not answer in time", remedy=_START, again=True, after=after)
        message = f"{place} answers {code}" + (f": {told}" if told else "")
        if code == "UNAVAILABLE":
            message = f"{place} cannot be reached: {told}"
        return Refused(
            message,
            remedy=_REMEDIES.get(code, ""),
            again=code in _AGAIN or (code == "RESOURCE_EXHAUSTED" and after is not None),
            after=after,
            unknown=code == "UNIMPLEMENTED",
        )


_START = "Start the receiver, or set [plugins.otel] endpoint to its address."
_HEADERS = 'Set the header that it wants: [plugins.otel] headers = { authorization = "NAME_OF_A_VARIABLE" }.'
_REMEDIES = {
    "PERMISSION_DENIED": _HEADERS,
    "UNAUTHENTICATED": _HEADERS,
    "UNAVAILABLE": "Start the receiver; is it the port for HTTP, or does it want TLS (https://)? "
    "See [plugins.otel] endpoint and protocol.",
    "UNKNOWN": 'Is it the port for HTTP? Set [plugins.otel] protocol = "http" then.',
}


def _as_it_is(message: bytes) -> bytes:
    return message


def _credentials(target: Target) -> Any:
    def read(file: str) -> bytes | None:
        return Path(file).read_bytes() if file else None

    try:
        return grpc.ssl_channel_credentials(
            read(target.authority_file), read(target.key_file), read(target.certificate_file)
        )
    except OSError as exc:
        raise Refused(
            f"the certificates for {where(target)} cannot be read: {exc.strerror} ({exc.filename})",
            remedy="See OTEL_EXPORTER_OTLP_CERTIFICATE, _CLIENT_CERTIFICATE and _CLIENT_KEY.",
        ) from exc


def _after(metadata: Any) -> float | None:
    """Seconds that a receiver asks us to wait."""
    from google.protobuf.message import DecodeError
    from google.rpc.error_details_pb2 import RetryInfo

    for key, value in metadata or ():
        if key == _RETRY_INFO:
            try:
                delay = RetryInfo.FromString(value).retry_delay
            except DecodeError:
                return None
            return float(delay.seconds) + float(delay.nanos) / 1e9
    return None
