"""What the checks of ``loopengt doctor`` find."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from loopengt import Kernel, LoopengtError

    Check = Callable[[Kernel], Iterable["Finding"]]

__all__ = ["Check", "Finding", "Status", "from_error", "has_config", "one_line", "run_checks"]

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    check: str
    """What was looked at, in a word."""
    status: Status
    message: str
    """How it is, in one line."""
    remedy: str = ""
    """What to type or do, in one line; empty when there is nothing to do."""


def run_checks(kernel: Kernel, checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """Run every check, whatever becomes of the others.

    Args:
        kernel: The kernel of the project.
        checks: Each with the word for it.
    """
    from loopengt import ConfigError, LoopengtError

    for name, check in checks:
        try:
            yield from check(kernel)
        except ConfigError as error:
            unread = Finding(name, "fail", "not checked, since the config is not usable")
            yield from_error(name, error) if has_config(kernel) else unread
        except LoopengtError as error:
            yield from_error(name, error)
        # A check looks at things that are broken in ways nobody thought of; that is a finding, not an end.
        except (Exception, SystemExit) as error:
            yield Finding(name, "fail", f"cannot be checked: {type(error).__name__}: {one_line(str(error))}")


def has_config(kernel: Kernel) -> bool:
    """Whether the project's settings can be used at all."""
    from loopengt import ConfigError

    try:
        return bool(kernel.config)
    except ConfigError:
        return False


def from_error(check: str, error: LoopengtError, status: Status = "fail") -> Finding:
    """Make a finding of an error that a person can mend."""
    return Finding(check, status, one_line(error.message), one_line(error.remedy))


def one_line(text: str) -> str:
    """Join the lines of a text."""
    return "; ".join(filter(None, (line.strip() for line in text.splitlines())))
