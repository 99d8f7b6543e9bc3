"""What agents and gates hand over, made fit for the journal: plain JSON data, and no secrets."""

from __future__ import annotations

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

    def leaving(self, event: Event) -> Event:
        """Return an event as observers may see it."""
        if self._leaving is None or not self._leaving.active:
            return event
        raw = encode_batch([event])
        cleaned = self._leaving.encoded(raw)
        return event if cleaned == raw else decode_batch(cleaned)[0]

    def put_blob(self, put_blob: PutBlob) -> PutBlob:
        """Return a ``put_blob`` that stores no secrets."""

        async def put_redacted(data: bytes) -> str:
            return await put_blob(self._redactor.encoded(data))

        return put_redacted
