"""What came of a request, and how it is told to people without telling them secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopengt.display import one_line
from loopengt.redaction import process_redactor

if TYPE_CHECKING:
    from loopengt_otel.settings import Target

__all__ = ["Refused", "Sent", "quoted", "where"]

_LONGEST = 200


@dataclass(slots=True)
class Sent:
    """What has gone through."""

    spans: int = 0
    logs: int = 0
    logs_unknown: bool = False
    """Whether the receiver takes no logs."""


class Refused(Exception):
    """A request did not go through.

    Args:
        message: What happened; may be shown.
        remedy: What to do.
        again: Whether to try the same once more.
        after: Seconds to wait before, when the receiver names them.
        unknown: Whether the receiver does not know this signal at all.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        again: bool = False,
        after: float | None = None,
        unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.again = again
        self.after = after
        self.unknown = unknown
        self.sent = Sent()
        """What has gone through before."""


def quoted(text: str, target: Target) -> str:
    """What a receiver or a library says, on one line, bounded, and without the headers that we send."""
    for value in sorted(target.headers.values(), key=len, reverse=True):
        if len(value) >= 4:
            text = text.replace(value, "[redacted]")
    text = process_redactor().text(text[:20_000])
    return one_line("".join(char if char.isprintable() else " " for char in text), _LONGEST)


def where(target: Target) -> str:
    """The receiver, for people."""
    return f"{target.address} ({'gRPC' if target.protocol == 'grpc' else 'HTTP'})"
