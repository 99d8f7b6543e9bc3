"""Receivers that are down, slow, or answer nonsense, when a recorded run is sent."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import grpc
import pytest
from loopengt.testing import loop_spec
from loopengt_hookspecs.errors import ExportError

from .receivers import Answer, GrpcReceiver, HttpReceiver, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .lab import Lab

KEY = "key-0123456789abcdef"


@pytest.fixture
async def run_id(lab: Lab) -> str:
    """A recorded run."""
    lab.agent.script("work", "done")
    return str((await lab.run(loop_spec())).run_id)


async def refused(lab: Lab, run_id: str) -> ExportError:
    """Send a run, which fails."""
    with pytest.raises(ExportError) as raised:
        await lab.export(run_id)
    assert raised.value.message.startswith(f"run {run_id} was not sent: ")
    return raised.value


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_nobody_listens(lab: Lab, run_id: str, protocol: str) -> None:
    """A receiver that is down is named, with what to do."""
    address = f"http://127.0.0.1:{free_port()}"
    lab.options = {"endpoint": address, "protocol": protocol, "timeout_seconds": 1}
    error = await refused(lab, run_id)

    assert address in error.message
    assert "nobody listens" in error.message or "cannot be reached" in error.message
    assert "Start the receiver" in error.remedy


@pytest.mark.parametrize("kind", [HttpReceiver, GrpcReceiver])
async def test_a_slow_receiver_is_left_in_time(lab: Lab, run_id: str, kind: type) -> None:
    """A receiver that does not answer is waited for as long as the time limit says, not longer."""
    receiver = kind()
    receiver.gate.clear()
    began = time.monotonic()
    error = await refused(lab.to(receiver, timeout_seconds=0.4), run_id)

    assert "does not answer in time" in error.message
    assert time.monotonic() - began < 3
    receiver.close()


async def test_an_answer_that_never_ends_is_left_in_time(lab: Lab, run_id: str) -> None:
    """A receiver that sends its answer byte by byte does not keep us."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        with listener, listener.accept()[0] as client, pytest.MonkeyPatch.context():
            client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            while not stop.wait(0.05):
                try:
                    client.sendall(b"x")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    lab.options = {"endpoint": f"http://127.0.0.1:{listener.getsockname()[1]}", "timeout_seconds": 0.4}
    began = time.monotonic()
    error = await refused(lab, run_id)
    stop.set()
    thread.join()

    assert "does not answer in time" in error.message
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_a_refusal_is_told_and_not_tried_again(
    lab: Lab, http: HttpReceiver, run_id: str, status: int
) -> None:
    """What the receiver answers is in the message, once; no such request is sent twice."""
    http.always = Answer(status, b'{"error": "tenant \x1b[31munknown"}', "application/json")
    error = await refused(lab.to(http), run_id)

    assert f"answers {status}: " in error.message
    assert "unknown" in error.message
    assert "\x1b" not in error.message
    assert len(http.requests) == 1
    if status == 401:
        assert "headers" in error.remedy


async def test_a_receiver_that_is_busy_is_asked_again(lab: Lab, http: HttpReceiver, run_id: str) -> None:
    """503 and 429 are tried again, after the time that the receiver names."""
    http.answers = [Answer(503), Answer(429, headers={"retry-after": "0"})]
    await lab.to(http).export(run_id)

    assert len(http.requests) == 3
    assert len(http.spans) == 3


async def test_a_receiver_that_wants_an_hour_is_not_waited_for(
    lab: Lab, http: HttpReceiver, run_id: str
) -> None:
    """A wait beyond the time limit is none."""
    http.always = Answer(503, headers={"retry-after": "3600"})
    began = time.monotonic()
    await refused(lab.to(http), run_id)

    assert time.monotonic() - began < 2


async def test_grpc_refusals(lab: Lab, grpc_receiver: GrpcReceiver, run_id: str) -> None:
    """A refusal over gRPC tells code and words; one that may pass is tried again."""
    grpc_receiver.answers = [Answer(code=grpc.StatusCode.UNAVAILABLE, body=b"starting")]
    await lab.to(grpc_receiver).export(run_id)
    assert len(grpc_receiver.spans) == 3

    grpc_receiver.always = Answer(code=grpc.StatusCode.UNAUTHENTICATED, body=b"who are you")
    error = await refused(lab, run_id)
    assert "answers UNAUTHENTICATED: who are you" in error.message
    assert "headers" in error.remedy
    assert len(grpc_receiver.requests) == 3


async def test_a_partly_taken_batch_is_an_error(lab: Lab, http: HttpReceiver, run_id: str) -> None:
    """Spans that a receiver says it has dropped are not told to be sent."""
    http.rejected = 2
    error = await refused(lab.to(http), run_id)

    assert "rejects 2 spans: too old" in error.message


async def test_http_to_the_port_of_grpc(lab: Lab, grpc_receiver: GrpcReceiver, run_id: str) -> None:
    """The wrong protocol is suspected, with the option that changes it."""
    lab.to(grpc_receiver)
    lab.options["protocol"] = "http"
    error = await refused(lab, run_id)

    assert "does not speak HTTP" in error.message
    assert 'protocol = "grpc"' in error.remedy


async def test_grpc_to_the_port_of_http(lab: Lab, http: HttpReceiver, run_id: str) -> None:
    """The other way round, too."""
    lab.to(http, protocol="grpc", timeout_seconds=2)
    error = await refused(lab, run_id)

    assert "(gRPC)" in error.message
    assert "protocol" in error.remedy


async def test_a_web_page_is_no_receiver(lab: Lab, http: HttpReceiver, run_id: str) -> None:
    """A server that answers everything with its web page, and 200, has taken nothing."""
    http.always = Answer(200, b"<html>hello</html>", "text/html")
    error = await refused(lab.to(http), run_id)

    assert "answers with a web page" in error.message


async def test_an_answer_in_other_bytes_is_no_receiver(lab: Lab, http: HttpReceiver, run_id: str) -> None:
    """An answer that says it is OTLP and is not is an error."""
    http.always = Answer(200, b"\xff\xff\xff", "application/x-protobuf")
    error = await refused(lab.to(http), run_id)

    assert "something else than OTLP" in error.message


async def test_no_redirect_is_followed(
    lab: Lab, http: HttpReceiver, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect is an error: the header with the key goes nowhere else."""
    monkeypatch.setenv("MY_KEY", KEY)
    other = HttpReceiver()
    http.always = Answer(302, headers={"location": f"{other.url}/v1/traces"})
    error = await refused(lab.to(http, headers={"x-api-key": "MY_KEY"}), run_id)

    assert "answers 302" in error.message
    assert not other.requests
    other.close()


@pytest.mark.parametrize("kind", [HttpReceiver, GrpcReceiver])
async def test_headers_are_sent_and_never_shown(
    lab: Lab, run_id: str, kind: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key in a header reaches the receiver, and no message, also when the receiver says it back."""
    monkeypatch.setenv("MY_AUTH", f"Bearer {KEY}")
    receiver = kind()
    receiver.always = Answer(
        400, f"bad key {KEY} in Bearer {KEY}".encode(), code=grpc.StatusCode.INVALID_ARGUMENT
    )
    error = await refused(lab.to(receiver, headers={"Authorization": "MY_AUTH"}), run_id)

    assert receiver.requests[0][1]["authorization"] == f"Bearer {KEY}"
    told = f"{error!r} {error.message} {error.remedy} {error.__cause__!r}"
    assert KEY not in told
    assert "bad key [redacted]" in told
    receiver.close()


async def test_a_self_made_certificate_is_refused_and_can_be_trusted(
    lab: Lab, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS is checked: an unknown authority is refused, and accepted when it is named."""
    receiver = HttpReceiver(certificate(tmp_path))
    error = await refused(lab.to(receiver), run_id)
    assert "cannot be trusted" in error.message
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in error.remedy
    assert not receiver.requests

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(tmp_path / "cert.pem"))
    await lab.export(run_id)
    assert len(receiver.spans) == 3
    receiver.close()


async def test_a_missing_certificate_is_named(lab: Lab, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not there is an error that names it."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem")
    for protocol in ("http", "grpc"):
        lab.options = {"endpoint": "https://127.0.0.1:1", "protocol": protocol}
        error = await refused(lab, run_id)
        assert "/nowhere/ca.pem" in error.message


async def test_tls_to_a_port_without(lab: Lab, http: HttpReceiver, run_id: str) -> None:
    """An address with https of a receiver that speaks none is an error."""
    lab.options = {"endpoint": http.url.replace("http:", "https:")}
    error = await refused(lab, run_id)

    assert "does not speak TLS" in error.message


def certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate for 127.0.0.1, which nobody has signed but itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(secret)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Receivers on this machine are reached directly."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    return
