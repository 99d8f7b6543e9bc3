"""What goes wrong with a server, in words: connections that cannot be made, calls that are lost or refused."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from loopengt.display import visible
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.tools import ToolError

__all__ = ["CallRefused", "CallTimeout", "Lost", "Notes", "PeerDown", "leaf", "words"]

_LONGEST = 2_000


class PeerDown(AgentError):
    """A server cannot be reached, or has gone; the next call connects anew."""

    def __init__(self, message: str, *, remedy: str = "", timed_out: bool = False) -> None:
        kind, other = ("TimeoutError", "ConnectionError") if timed_out else ("ConnectionError", "OSError")
        super().__init__(message, remedy=remedy, kind=kind, kinds=(other,))


class Lost(PeerDown):
    """A server went away in the midst of a call, which may or may not have been done."""


class CallTimeout(ToolError):
    """An answer did not come in time."""


class CallRefused(ToolError):
    """A server answered that it does not do what was asked, or with something that makes no sense."""


@dataclass(slots=True)
class Notes:
    """What a connection has learned of its server, for messages."""

    reason: str = ""
    """Why we have ended it."""
    status: int | None = None
    """The last HTTP status that told of an error."""
    refuses_session: bool = False
    """Whether a request with a session was refused in a way that may mean it is gone."""
    exit: str = ""
    """How the program has ended."""
    _said: deque[str] = field(default_factory=lambda: deque(maxlen=16))

    def hear(self, text: str) -> None:
        """Keep a piece of what a program writes to its standard error."""
        self._said.append(text[-_LONGEST:])

    def blame(self, reason: str) -> None:
        """Keep the first reason for an end."""
        self.reason = self.reason or reason

    def why(self, error: BaseException | None = None) -> str:
        """Say in words why there is no connection."""
        parts = [
            self.reason or self.exit or (words(error) if error is not None else "it closed the connection")
        ]
        if self.status is not None:
            parts.append(f"it answered with the HTTP status {self.status}")
        said = visible("".join(self._said).strip()[-_LONGEST:], keep="\n")
        return "; ".join(parts) + (f"\nIt said:\n{said}" if said and not self.reason else "")


def leaf(error: BaseException) -> BaseException:
    """Return the first error inside groups of errors."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return error


def words(error: BaseException) -> str:
    """Write an error on one line: its text, or the name of its class."""
    inner = leaf(error)
    text = visible(" ".join(str(inner)[:_LONGEST].split()))
    return text if text and isinstance(inner, ToolError) else f"{type(inner).__name__}: {text}".rstrip(": ")
