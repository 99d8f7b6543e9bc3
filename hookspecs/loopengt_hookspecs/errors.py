"""The errors that plugins raise and the kernel understands.

The rest of the tree, drawn whole, stands in ``loopengt.errors``.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AgentError",
    "ExportError",
    "JudgeError",
    "LeaseLost",
    "LoopRefused",
    "LoopengtError",
    "MissingRequirement",
    "RateLimited",
    "RunNotFound",
    "RunOwned",
    "StorageCorrupt",
    "StorageError",
    "StorageFull",
    "StorageReadOnly",
    "StorageTooNew",
    "UsageError",
]


class LoopengtError(Exception):
    """Base of every error that a person can mend.

    Args:
        message: What happened, and to which object.
        remedy: What to do or type next; printed on a line of its own.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message)

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class UsageError(LoopengtError):
    """The caller asked for something that cannot be done as asked (exit code 2)."""


class LoopRefused(UsageError):
    """A loop cannot be run as it is declared.

    Args:
        refusals: Each with the place of what is refused, the keys and indexes that lead to it from the root of the
            spec; at least one.
    """

    def __init__(self, refusals: Sequence[tuple[tuple[str | int, ...], LoopengtError]]) -> None:
        self.refusals = tuple(refusals)
        errors = [error for _, error in refusals]
        super().__init__("\n".join(error.message for error in errors), remedy=errors[0].remedy)


class RunNotFound(UsageError):
    """No run, or more than one, has that id or prefix."""


class RunOwned(UsageError):
    """Another living process drives the run."""


class StorageError(LoopengtError):
    """The storage cannot be read or written."""


class StorageFull(StorageError):
    """There is no space, or no quota, left to write."""


class StorageReadOnly(StorageError):
    """The storage may not be written by this user."""


class StorageCorrupt(StorageError):
    """The stored bytes are damaged."""


class StorageTooNew(StorageError):
    """The storage was written by a newer version than this one can read."""


class LeaseLost(StorageError):
    """The run was taken over by another process; nothing more may be appended under the old lease."""


class AgentError(LoopengtError):
    """An agent could not do its work.

    Args:
        message: What happened, to which agent.
        remedy: What to do next.
        kind: Error class name that ``retryable_errors`` matches, default the name of this class.
        kinds: Further class names that it matches, such as those of the base classes of the error behind this.
        retry_after: Seconds to wait before another attempt, when the agent's service names them.
        token_usage: Tokens that the failed attempt has used all the same, by kind.
        cost_usd: What it has cost all the same, in US dollars; None: unknown.
        starts_over: Whether another attempt must make all its calls (``request.calls``) anew; else it goes on from
            those that are recorded.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        kind: str = "",
        kinds: tuple[str, ...] = (),
        retry_after: float | None = None,
        token_usage: dict[str, int] | None = None,
        cost_usd: float | None = None,
        starts_over: bool = False,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.kind = kind or type(self).__name__
        self.kinds = kinds
        self.retry_after = retry_after
        self.token_usage = token_usage
        self.cost_usd = cost_usd
        self.starts_over = starts_over


class MissingRequirement(AgentError):
    """A program, package or key that the agent needs is not there; no retry can help."""


class RateLimited(AgentError):
    """The agent's service takes nothing more for ``retry_after`` seconds, and nothing was done.

    The engine waits that long and makes the same attempt again; waiting is no attempt. Without ``retry_after`` it is
    an error like any other.
    """


class JudgeError(LoopengtError):
    """A judge came to no verdict: what it was told cannot be read, or it lacks something to judge by."""


class ExportError(LoopengtError):
    """A run could not be sent to a service."""
