"""Receivers of OTLP for tests, over HTTP and gRPC: real sockets, real messages, and every bad habit on demand."""

from __future__ import annotations

import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    import ssl


@dataclass
class Answer:
    """How a request is answered, in place of taking it."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)
    code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE


class Receiver:
    """What both kinds have in common: what they were sent, and how they answer.

    Attributes:
        answers: How the next requests are answered; when there are none left, they are taken.
        gate: Requests wait until it is set.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], int]] = []
        self.batches: list[ExportTraceServiceRequest] = []
        self.log_batches: list[ExportLogsServiceRequest] = []
        self.answers: list[Answer] = []
        self.always: Answer | None = None
        self.logs_answer: Answer | None = None
        self.rejected = 0
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Event()

    @property
    def received(self) -> list[Any]:
        """Every span, in the order in which it came, also one that came before."""
        found = [batch.resource_spans for batch in self.batches]
        return [
            span for batch in found for outer in batch for scope in outer.scope_spans for span in scope.spans
        ]

    @property
    def spans(self) -> dict[bytes, Any]:
        """The spans by id; one that came again must be the same."""
        found: dict[bytes, Any] = {}
        for span in self.received:
            assert found.setdefault(span.span_id, span) == span, f"two versions of {span.name}"
        return found

    @property
    def logs(self) -> list[Any]:
        """Every log record."""
        found = [batch.resource_logs for batch in self.log_batches]
        return [
            log
            for batch in found
            for outer in batch
            for scope in outer.scope_logs
            for log in scope.log_records
        ]

    @property
    def resource(self) -> dict[str, Any]:
        """Attributes of the resource of the last request."""
        return attributes(self.batches[-1].resource_spans[0].resource)

    def named(self, name: str) -> list[Any]:
        """The spans of that name, in the order of their beginning."""
        return sorted(
            (s for s in self.spans.values() if s.name == name), key=lambda s: s.start_time_unix_nano
        )

    def tree(self) -> list[str]:
        """All spans, indented below their parents, in the order of their beginning."""
        spans = sorted(self.spans.values(), key=lambda s: (s.start_time_unix_nano, -s.end_time_unix_nano))
        known = {span.span_id for span in spans}

        def below(parent: bytes, depth: int) -> list[str]:
            lines = []
            for span in spans:
                if span.parent_span_id == parent or (not depth and span.parent_span_id not in known):
                    lines += ["  " * depth + span.name, *below(span.span_id, depth + 1)]
            return lines

        return below(b"-", 0)

    def _take(self, signal: str, headers: dict[str, str], body: bytes) -> Answer | None:
        self.requests.append((signal, headers, len(body)))
        self.arrived.set()
        self.gate.wait(20)
        if signal == "logs" and self.logs_answer is not None:
            return self.logs_answer
        answer = self.answers.pop(0) if self.answers else self.always
        if answer is not None:
            return answer
        if signal == "traces":
            self.batches.append(ExportTraceServiceRequest.FromString(body))
        else:
            self.log_batches.append(ExportLogsServiceRequest.FromString(body))
        return None

    def _response(self, signal: str) -> bytes:
        if signal == "logs":
            return ExportLogsServiceResponse().SerializeToString()
        response = ExportTraceServiceResponse()
        if self.rejected:
            response.partial_success.rejected_spans = self.rejected
            response.partial_success.error_message = "too old"
        return response.SerializeToString()


class HttpReceiver(Receiver):
    """A receiver over HTTP."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                signal = {"/v1/traces": "traces", "/v1/logs": "logs"}.get(self.path, self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                if signal in ("traces", "logs"):
                    answer = outer._take(signal, headers, body)
                else:
                    answer = Answer(404, b"no such page")
                if answer is None:
                    answer = Answer(200, outer._response(signal), "application/x-protobuf")
                self.send_response(answer.status)
                self.send_header("content-type", answer.content_type)
                self.send_header("content-length", str(len(answer.body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            def do_GET(self) -> None:
                outer.requests.append(("GET", {name.lower(): v for name, v in self.headers.items()}, 0))
                self.send_error(404)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, *_: Any) -> None:
                pass  # a client that went away is what the test wants

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop it."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class GrpcReceiver(Receiver):
    """A receiver over gRPC."""

    def __init__(self) -> None:
        super().__init__()
        self._server = grpc.server(ThreadPoolExecutor(4))
        for signal, service in (
            ("traces", "opentelemetry.proto.collector.trace.v1.TraceService"),
            ("logs", "opentelemetry.proto.collector.logs.v1.LogsService"),
        ):
            method = grpc.unary_unary_rpc_method_handler(self._handler(signal), _same, _same)
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, {"Export": method}),)
            )
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.url = f"http://127.0.0.1:{self.port}"
        self._server.start()

    def _handler(self, signal: str) -> Any:
        def export(body: bytes, context: Any) -> bytes:
            headers = {name: str(value) for name, value in context.invocation_metadata()}
            answer = self._take(signal, headers, body)
            if answer is not None:
                context.abort(answer.code, answer.body.decode())
            return self._response(signal)

        return export

    def close(self) -> None:
        """Stop it."""
        self.gate.set()
        self._server.stop(None).wait()


def attributes(holder: Any) -> dict[str, Any]:
    """Attributes of a span, an event, a log record or a resource."""

    def value(of: Any) -> Any:
        kind = of.WhichOneof("value")
        if kind == "array_value":
            return [value(entry) for entry in of.array_value.values]
        return getattr(of, kind)

    return {entry.key: value(entry.value) for entry in holder.attributes}


def events(span: Any, name: str) -> list[dict[str, Any]]:
    """Attributes of a span's events of that name."""
    return [attributes(event) for event in span.events if event.name == name]


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _same(message: bytes) -> bytes:
    return message
