"""The observer ``webhook``: posts what runs do to an address, signed, as JSON."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from loopengt import get_logger
from loopengt.live import LIVE_CALLS, LiveObserver
from loopengt.redaction import keep_secret, process_redactor
from loopengt.threads import call_in_thread
from loopengt_adapters.observers.posting import PostFailed, post
from loopengt_adapters.options import is_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt import PluginContext
    from loopengt_adapters.options import WebhookOptions
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["WebhookObserver"]

_PAUSE = 0.5
"""Seconds before the second attempt; each further one waits twice as long."""

_ENDS = ("loop.complete", "loop.error")

_GRACE = 0.5
"""Seconds by which the whole of an attempt may be longer than what its parts may take."""

_LARGEST = 64_000
"""Bytes of a message; of a larger one only what happened is sent, without its data."""


class WebhookObserver(LiveObserver):
    """Posts each chosen call as ``{"call": …, "event": …}``.

    When a message could not be delivered, its run's further steps are not tried any more; what happens to the run as a
    whole is. Nothing waits for it but the end of the process, and that no longer than the engine lets observers take.

    Args:
        options: Where to, and how.
    """

    def __init__(self, options: WebhookOptions) -> None:
        self._options = options
        self._url = options.url or os.environ.get(options.url_env, "")
        self._secret = os.environ.get(options.secret_env, "") if options.secret_env else ""
        self._given_up: set[str] = set()
        for secret in (self._url, self._secret):
            keep_secret(secret)

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        """Make it as ``[plugins.adapters.webhook]`` says."""
        return cls(context.options.webhook)

    def enabled(self) -> bool:
        """Watch, when it is known where to post, and every message can be signed that is to be."""
        missing = ""
        if not is_address(self._url):
            missing = self._options.url_env or "plugins.adapters.webhook.url"
        elif self._options.secret_env and not self._secret:
            missing = self._options.secret_env
        if missing:
            get_logger("loopengt.adapters").warning("webhook is off", missing=missing)
        return not missing

    async def on_event(self, event: TraceEvent) -> None:
        """Post an event whose call is chosen."""
        call = LIVE_CALLS.get(event.event_type.value)
        is_whole = event.event_type.family == "loop"
        if call not in self._options.events or (event.run_id in self._given_up and not is_whole):
            return
        try:
            await self._deliver(_body(call, event), event.event_id)
        except PostFailed as error:
            self._given_up.add(event.run_id)
            host = urlsplit(self._url).hostname
            get_logger("loopengt.adapters").warning(
                "webhook not delivered", host=host, call=call, why=str(error)
            )
        else:
            self._given_up.discard(event.run_id)
        if event.event_type.value in _ENDS:
            self._given_up.discard(event.run_id)

    async def _deliver(self, body: bytes, delivery: str) -> None:
        options = self._options

        def attempt(_: None) -> None:
            post(self._url, body, self._secret, delivery, options.timeout_seconds)

        for number in range(options.retries + 1):
            error = await self._outcome(attempt)
            if error is None:
                return
            if not isinstance(error, PostFailed):
                raise error
            if not error.retryable or number == options.retries:
                raise error
            await asyncio.sleep(_PAUSE * 2**number)

    async def _outcome(self, attempt: Callable[[None], None]) -> BaseException | None:
        """Return what came of an attempt; a service that answers byte by byte, or never, gets no more time either."""
        try:
            async with asyncio.timeout(self._options.timeout_seconds + _GRACE):
                return (await call_in_thread(attempt, None, lambda: None))[1]
        except TimeoutError:
            return PostFailed("no answer in time", retryable=True)


def _body(call: str | None, event: TraceEvent) -> bytes:
    told: dict[str, Any] = {"call": call, "event": event.model_dump(mode="json")}
    body = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
    if len(body) > _LARGEST:
        slim = event.model_dump(mode="json", exclude={"data", "output", "metadata"})
        body = json.dumps({"call": call, "event": slim, "truncated": True}).encode()
    return process_redactor().encoded(body)
