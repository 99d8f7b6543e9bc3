"""What agents and gates hand over, made fit for the journal: plain JSON data, and no secrets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from loopengt.journal import clean_text, decode_value, encode_value, to_json_data
from loopengt.redaction import Redactor

__all__ = ["Intake"]

PutBlob = Callable[[bytes], Awaitable[str]]


class Intake:
    """Takes data in.

    What is redacted here is redacted everywhere: state, later prompts, journal and trace hold the same, so that a
    replay sees what the run saw.

    Args:
        redactor: Knows the secrets.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

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

    def put_blob(self, put_blob: PutBlob) -> PutBlob:
        """Return a ``put_blob`` that stores no secrets."""

        async def put_redacted(data: bytes) -> str:
            return await put_blob(self._redactor.encoded(data))

        return put_redacted
