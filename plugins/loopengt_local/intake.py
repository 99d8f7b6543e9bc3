"""What agents and gates hand over, made fit for the journal: plain JSON data, and no secrets."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from loopengt.journal import clean_text, decode_batch, decode_value, encode_batch, encode_value, to_json_data
from loopengt.redaction import Redactor

if TYPE_CHECKING:
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.registration import Components

__all__ = ["Intake"]

PutBlob = Callable[[bytes], Awaitable[str]]


class Intake:
    """Takes data in.

    What is redacted here is redacted everywhere: state, later prompts, journal and trace hold the same, so that a
    replay sees what the run saw.

    Args:
        redactor: Knows the secrets.
        leaving: Knows also what is no secret within the project, but is not shown; None: there is nothing of that.
    """

    def __init__(self, redactor: Redactor, leaving: Redactor | None = None) -> None:
        self._redactor = redactor
        self._leaving = leaving

    @classmethod
    def of_project(cls, components: Components) -> Intake:
        """Make the one of a project, which knows the secrets of this process's environment.

        Raises:
            ConfigError: ``[redaction]`` of the settings is not usable.
        """
        return cls(
            Redactor.of_project(components, os.environ),
            Redactor.of_project(components, os.environ, leaving=True),
        )

    def data(self, value: Any) -> tuple[Any, int]:
        """Return a value as JSON data that nobody else holds, and its size in bytes.

        Raises:
            TypeError: It is no JSON data.
        """
        data, size = to_json_data(value)
        if not self._redactor.active:
            return data, size
        raw = encode_value(data)
        redacted = self._redactor.encoded(raw)
        return (data, size) if redacted == raw else (decode_value(redacted), len(redacted))

    def text(self, text: str) -> str:
        """Return a text that can be stored."""
        text = clean_text(text)
        return self._redactor.text(text) if self._redactor.active else text

    async def leaving(self, events: list[Event]) -> list[Event]:
        """Return events as observers may see them; many at once cost little more than one."""
        redactor = self._leaving
        if redactor is None or not redactor.active:
            return events
        raw = [encode_batch([event]) for event in events]
        if redactor.has_patterns:  # another process searches, and the run does not wait for it
            cleaned = await asyncio.to_thread(redactor.all_encoded, raw)
        else:
            cleaned = redactor.all_encoded(raw)
        return [
            event if after == before else decode_batch(after)[0]
            for event, before, after in zip(events, raw, cleaned, strict=True)
        ]

    def put_blob(self, put_blob: PutBlob) -> PutBlob:
        """Return a ``put_blob`` that stores no secrets."""

        async def put_redacted(data: bytes) -> str:
            return await put_blob(self._redactor.encoded(data))

        return put_redacted
