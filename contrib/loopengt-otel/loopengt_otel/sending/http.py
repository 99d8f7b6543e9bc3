"""OTLP over HTTP, in binary form."""

from __future__ import annotations

import email.utils
import gzip
import ssl
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, NoReturn

from loopengt_otel import __version__
from loopengt_otel.sending.answers import Refused, quoted, where

if TYPE_CHECKING:
    from email.message import Message

    from loopengt_otel.settings import Target

__all__ = ["HttpSender"]

_AGAIN = frozenset({408, 429, 502, 503, 504})
_UNKNOWN = frozenset({404, 405, 415, 501})
_MOST_READ = 65_536


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Headers with keys go to the address that was given, and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


class HttpSender:
    """Posts requests to one address.

    Args:
        target: Where to.

    Raises:
        Refused: A certificate or key cannot be read.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        handlers: list[Any] = [_NoRedirects()]
        if target.secure:
            handlers.append(urllib.request.HTTPSHandler(context=_tls(target)))
        self._opener = urllib.request.build_opener(*handlers)
        self._headers = {
            "content-type": "application/x-protobuf",
            "user-agent": f"loopengt-otel/{__version__}",
            **target.headers,
        }
        if target.gzip:
            self._headers["content-encoding"] = "gzip"

    def send(self, request: bytes, timeout: float) -> bytes:
        """Post a request; return the message that the receiver answers.

        Args:
            request: The encoded request.
            timeout: Seconds.

        Raises:
            Refused: It did not go through.
        """
        body = gzip.compress(request, 1) if self._target.gzip else request
        until = time.monotonic() + timeout
        post = urllib.request.Request(self._target.address, body, self._headers, method="POST")  # noqa: S310 - checked
        try:
            with self._opener.open(post, timeout=max(timeout, 0.01)) as response:
                answer = _read(response, until)
                self._check_type(response.headers, answer)
                return answer if _is_protobuf(response.headers) else b""
        except urllib.error.HTTPError as exc:
            with exc:
                self._refuse(exc, until)
        except (OSError, HTTPException) as exc:
            raise self._unreachable(exc) from exc

    def close(self) -> None:
        """Nothing stays open between requests."""

    def _check_type(self, headers: Message, answer: bytes) -> None:
        if headers.get_content_type() == "text/html" and answer:
            raise Refused(
                f"{where(self._target)} answers with a web page",
                remedy="Give the address that takes OTLP; it often ends with a port of its own, such as :4318.",
                unknown=True,
            )

    def _refuse(self, exc: urllib.error.HTTPError, until: float) -> NoReturn:
        try:
            said = _said(_read(exc, until), exc.headers)
        except (OSError, HTTPException):
            said = ""
        told = quoted(said, self._target)
        message = f"{where(self._target)} answers {exc.code}" + (f": {told}" if told else "")
        raise Refused(
            message,
            remedy=_remedy(exc.code),
            again=exc.code in _AGAIN,
            after=_after(exc.headers.get("retry-after")),
            unknown=exc.code in _UNKNOWN,
        )

    def _unreachable(self, exc: OSError | HTTPException) -> Refused:
        reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
        place = where(self._target)
        if isinstance(reason, ssl.SSLError):
            why = getattr(reason, "verify_message", "") or reason.reason or "no reason given"
            return Refused(
                f"{place} cannot be trusted, or does not speak TLS: {quoted(str(why), self._target)}",
                remedy="Set OTEL_EXPORTER_OTLP_CERTIFICATE to the file with its authority's certificate.",
            )
        if isinstance(reason, TimeoutError):
            return Refused(f"{place} does not answer in time", remedy=_START, again=True)
        if isinstance(reason, ConnectionRefusedError):
            return Refused(f"nobody listens at {place}", remedy=_START, again=True)
        if isinstance(reason, HTTPException) or isinstance(exc, ConnectionResetError):
            return Refused(
                f"{place} does not speak HTTP: {type(reason).__name__}",
                remedy='Is it the port for gRPC? Set [plugins.otel] protocol = "grpc" then.',
                again=isinstance(reason, ConnectionError),
            )
        why = quoted(getattr(reason, "strerror", None) or str(reason), self._target)
        return Refused(f"{place} cannot be reached: {why}", remedy=_START, again=True)


_START = "Start the receiver, or set [plugins.otel] endpoint to its address."


def _tls(target: Target) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=target.authority_file or None)
        if target.certificate_file:
            context.load_cert_chain(target.certificate_file, target.key_file or None)
    except (OSError, ValueError) as exc:
        files = ", ".join(filter(None, (target.authority_file, target.certificate_file, target.key_file)))
        raise Refused(
            f"the certificates for {where(target)} cannot be read: {type(exc).__name__} ({files})",
            remedy="See OTEL_EXPORTER_OTLP_CERTIFICATE, _CLIENT_CERTIFICATE and _CLIENT_KEY.",
        ) from exc
    return context


def _read(response: Any, until: float) -> bytes:
    """Read an answer, no more than we look at, and no longer than there is time."""
    pieces: list[bytes] = []
    length = 0
    while length < _MOST_READ:
        piece = (
            response.read1(_MOST_READ - length) if hasattr(response, "read1") else response.read(_MOST_READ)
        )
        if not piece:
            break
        pieces.append(piece)
        length += len(piece)
        if time.monotonic() > until:
            raise TimeoutError
    return b"".join(pieces)


def _is_protobuf(headers: Message) -> bool:
    return headers.get_content_type() == "application/x-protobuf"


def _said(body: bytes, headers: Message) -> str:
    """What an error says: the message of a ``google.rpc.Status``, or the text."""
    if _is_protobuf(headers):
        from google.protobuf.message import DecodeError
        from google.rpc.status_pb2 import Status

        try:
            return str(Status.FromString(body).message)
        except DecodeError:
            return ""
    if headers.get_content_type() == "text/html":
        return ""
    return body.decode("utf-8", "replace")


def _remedy(code: int) -> str:
    if code in (401, 403):
        return (
            'Set the header that it wants: [plugins.otel] headers = { authorization = "NAME_OF_A_VARIABLE" }.'
        )
    if code == 404:
        return "See [plugins.otel] endpoint: give the address of the receiver, without /v1/traces."
    if 300 <= code < 400:
        return "Redirects are not followed: give the address that it is moved to."
    return ""


def _after(value: str | None) -> float | None:
    """Seconds that a receiver asks us to wait."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
