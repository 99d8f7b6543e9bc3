"""Posts one signed message, without following where the answer points."""

from __future__ import annotations

import hashlib
import hmac
import time
from contextlib import closing
from http.client import HTTPException, InvalidURL
from ssl import SSLCertVerificationError
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

__all__ = ["PostFailed", "post", "signature"]

_RETRYABLE = (408, 425, 429, 500, 502, 503, 504)


class PostFailed(Exception):
    """A message was not taken.

    Args:
        why: What happened, without the address.
        retryable: Whether another attempt may help.
    """

    def __init__(self, why: str, *, retryable: bool) -> None:
        super().__init__(why)
        self.retryable = retryable


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of ``X-Loopengt-Signature``: HMAC-SHA-256 over the timestamp, a dot and the body."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def post(url: str, body: bytes, secret: str, delivery: str, timeout: float) -> None:
    """Post a message; blocks, so call it in a thread.

    Args:
        url: Where to.
        body: UTF-8 JSON.
        secret: Signs it; empty: it is not signed.
        delivery: Its id, the same in every attempt.
        timeout: Seconds to wait for the network each time.

    Raises:
        PostFailed: It was not taken.
    """
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "loopengt",
        "X-Loopengt-Delivery": delivery,
        "X-Loopengt-Timestamp": timestamp,
    }
    if secret:
        headers["X-Loopengt-Signature"] = signature(secret, timestamp, body)
    request = Request(url, body, headers, method="POST")  # noqa: S310 - options check it
    try:
        with build_opener(_NoRedirects).open(request, timeout=timeout):
            return
    except (InvalidURL, UnicodeError):
        raise PostFailed("the address holds what must be written as %XX", retryable=False) from None
    except HTTPError as error:
        with closing(error):
            raise PostFailed(f"HTTP {error.code}", retryable=error.code in _RETRYABLE) from None
    except TimeoutError:
        raise PostFailed("no answer in time", retryable=True) from None
    except (OSError, HTTPException) as error:
        raise PostFailed(_why(error), retryable=True) from None


def _why(error: BaseException) -> str:
    """Say why the network failed, without the address."""
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        return _why(error.reason)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "the connection ended before an answer" if isinstance(error, OSError) else "its answer is not HTTP"
