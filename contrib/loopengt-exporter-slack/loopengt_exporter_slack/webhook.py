"""Posts messages to an incoming webhook; its address is a secret, and in no error."""

from __future__ import annotations

import asyncio
import os
import re
import time
from contextlib import closing
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from loopengt.redaction import keep_secret
from loopengt.threads import call_in_thread

__all__ = ["NotSent", "Webhook"]

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_REMEDIES = {
    "channel_is_archived": "Unarchive the channel, or make a webhook for another one.",
    "no_service": "The webhook was removed: make a new one, and set the variable to it.",
    "no_active_hooks": "The webhook was switched off: make a new one, and set the variable to it.",
    "invalid_token": "The address is not complete: copy the whole of it.",
    "action_prohibited": "An administrator of the workspace has restricted who may post: ask them.",
}
PAUSE = 0.5
"""Seconds before the second try; each further one waits twice as long."""


class NotSent(Exception):
    """A message did not go through.

    Args:
        why: What happened; it has no part of the address.
        remedy: What to do.
        again: Whether another try may help.
        after: Seconds to wait before, when Slack names them.
    """

    def __init__(
        self, why: str, *, remedy: str = "", again: bool = False, after: float | None = None
    ) -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy
        self.again = again
        self.after = after


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow none: a message goes to the address that was given, and to no other."""


class Webhook:
    """One incoming webhook.

    Args:
        variable: Name of the environment variable that holds its address.
        timeout: Seconds that one try may take.
    """

    def __init__(self, variable: str, timeout: float) -> None:
        self._variable = variable
        self._timeout = timeout
        self._url = os.environ.get(variable, "").strip()
        if self._url:
            keep_secret(self._url)

    @property
    def problem(self) -> str:
        """Why there is nowhere to send to; empty: there is."""
        if not self._url:
            return f"the environment variable {self._variable} is not set"
        try:
            parts = urlsplit(self._url)
            host, _port = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or re.search(r"[\s\x00-\x1f\x7f]|[^\x00-\x7f]", self._url):
            return f"what {self._variable} holds is not an address"
        if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOCAL):
            return f"the address in {self._variable} does not begin with https://"
        return ""

    @property
    def host(self) -> str:
        """The host, which is no secret."""
        return (urlsplit(self._url).hostname or "") if not self.problem else ""

    async def post(self, body: bytes, patience: float) -> None:
        """Post a message, again where that may help.

        Args:
            body: The JSON.
            patience: Seconds that all tries and the waiting between them may take.

        Raises:
            NotSent: It did not go through.
        """
        until = time.monotonic() + patience
        pause = PAUSE
        while True:
            error = await self._try(body, min(self._timeout, until - time.monotonic()))
            if error is None:
                return
            wait = pause if error.after is None else error.after
            if not error.again or time.monotonic() + wait >= until:
                raise error
            await asyncio.sleep(wait)
            pause *= 2

    async def _try(self, body: bytes, timeout: float) -> NotSent | None:
        def call(_: None) -> None:
            self._post(body, max(timeout, 0.01))

        try:
            # A service that answers byte by byte gets no more time either.
            async with asyncio.timeout(max(timeout, 0.01) + 0.2):
                _, error = await call_in_thread(call, None, lambda: None)
        except TimeoutError:
            return _silent(self.host)
        if error is not None and not isinstance(error, NotSent):
            raise error
        return error

    def _post(self, body: bytes, timeout: float) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "loopengt-exporter-slack"}
        request = Request(self._url, body, headers, method="POST")  # noqa: S310 - ``problem`` checks the scheme
        try:
            # The status says that the message was taken; the text, "ok", is not waited for.
            build_opener(_NoRedirects).open(request, timeout=timeout).close()
        except HTTPError as error:
            with closing(error):
                raise self._refused(error) from None
        except (OSError, HTTPException, ValueError) as error:
            raise self._unreachable(error) from None

    def _refused(self, error: HTTPError) -> NotSent:
        try:
            told = error.read(1_000).decode("ascii", "replace").strip()
        except (OSError, HTTPException):
            told = ""
        word = told if re.fullmatch(r"[a-z_]{1,60}", told) else ""  # anything else may repeat what was sent
        why = f"{self.host} answers {error.code}" + (f": {word}" if word else "")
        remedy = _REMEDIES.get(word, "")
        if error.code == 404 and not remedy:
            remedy = f"Look at the address that {self._variable} holds."
        after = _seconds(error.headers.get("Retry-After")) if error.code in (429, 503) else None
        return NotSent(why, remedy=remedy, again=error.code in _AGAIN, after=after)

    def _unreachable(self, error: BaseException) -> NotSent:
        cause = error.reason if isinstance(error, URLError) else error
        if isinstance(cause, TimeoutError):
            return _silent(self.host)
        # Texts of other errors may hold the address.
        known = cause.strerror if isinstance(cause, OSError) and cause.strerror else type(cause).__name__
        return NotSent(f"{self.host} cannot be reached: {known}", remedy="Is there a connection?", again=True)


def _silent(host: str) -> NotSent:
    return NotSent(f"{host} does not answer in time", remedy="Try again later.", again=True)


def _seconds(told: str | None) -> float | None:
    """What ``Retry-After`` says, where it is a number of seconds, as Slack gives it."""
    return float(told) if told and re.fullmatch(r"\d{1,6}", told.strip()) else None
