"""Posts JSON to a service with the standard library, and says what went wrong without repeating secrets."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from loopengt.display import one_line
from loopengt.redaction import process_redactor

if TYPE_CHECKING:
    from email.message import Message

__all__ = ["Refused", "post"]

_RETRYABLE = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_LARGEST = 256 << 20
_EXCERPT = 2_000


class Refused(Exception):
    """A request was not answered as it should be.

    Args:
        message: Why.
        kind: Name of the kind of error.
        retryable: Whether the same request may be taken another time.
        retry_after: Seconds that the service asks to wait.
        remedy: What to do.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        retryable: bool,
        retry_after: float | None = None,
        remedy: str = "Check base_url under [plugins.memory.openai] in config.toml, and the network.",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.retryable = retryable
        self.retry_after = retry_after
        self.remedy = remedy


class _NoRedirects(HTTPRedirectHandler):
    # The key would go along to wherever the answer points.
    def redirect_request(self, *_: Any) -> None:
        return None


def post(url: str, body: dict[str, Any], key: str, timeout: float) -> Any:
    """Post JSON and return the answer's; blocks, so call it in a thread.

    Args:
        url: Where to.
        body: What.
        key: Sent as bearer; empty: none is sent.
        timeout: Seconds to wait for the network each time.

    Raises:
        Refused: There is no usable answer.
    """
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "loopengt"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = Request(url, json.dumps(body).encode(), headers, method="POST")  # noqa: S310 - options check it
    try:
        with build_opener(_NoRedirects).open(request, timeout=timeout) as response:
            data = response.read(_LARGEST)
    except HTTPError as error:
        with closing(error):
            raise _of_status(error) from None
    except TimeoutError:
        raise Refused("the service did not answer in time", kind="TimeoutError", retryable=True) from None
    except URLError as error:
        raise _of_reason(error.reason) from None
    except (OSError, HTTPException) as error:
        raise _of_reason(error) from None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Refused("the service's answer is not JSON", kind="InvalidAnswer", retryable=True) from None


def _of_status(error: HTTPError) -> Refused:
    try:
        told = error.read(_EXCERPT).decode("utf-8", "replace")
    except (OSError, HTTPException):
        told = ""
    shown = one_line(process_redactor().text(told), 200)
    return Refused(
        f"HTTP {error.code}{': ' if shown else ''}{shown}",
        kind=f"HTTP{error.code}",
        retryable=error.code in _RETRYABLE,
        retry_after=_retry_after(error.headers),
        remedy="Check the key, base_url and model under [plugins.memory.openai] in config.toml."
        if error.code < 429
        else "Wait, then try again.",
    )


def _of_reason(reason: object) -> Refused:
    late = isinstance(reason, TimeoutError)
    what = "did not answer in time" if late else f"cannot be reached ({type(reason).__name__})"
    return Refused(f"the service {what}", kind=type(reason).__name__, retryable=True)


def _retry_after(headers: Message) -> float | None:
    value = headers.get("Retry-After")
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
