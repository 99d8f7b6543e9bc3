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
        self.data: Callable[[Any], tuple[Any, int]] = self._redacted_data if redactor.active else to_json_data
        """Return a value as JSON data that nobody else holds, and its size in bytes; TypeError when it is none."""
        self.text: Callable[[str], str] = self._redacted_text if redactor.active else clean_text
        """Return a text that can be stored."""

    def put_blob(self, put_blob: PutBlob) -> PutBlob:
        """Return a ``put_blob`` that stores no secrets."""
        if not self._redactor.active:
            return put_blob

        async def put_redacted(data: bytes) -> str:
            return await put_blob(self._redactor.encoded(data))

        return put_redacted

    def _redacted_data(self, value: Any) -> tuple[Any, int]:
        data, size = to_json_data(value)
        raw = encode_value(data)
        redacted = self._redactor.encoded(raw)
        return (data, size) if redacted == raw else (decode_value(redacted), len(redacted))

    def _redacted_text(self, text: str) -> str:
        return self._redactor.text(clean_text(text))
