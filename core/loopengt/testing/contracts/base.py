"""What the contract suites share: how a rule becomes a test, and how it says what was broken."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from inspect import isawaitable
from pathlib import Path
from typing import Any, TypeVar

from loopengt.testing.contracts.watching import watch

__all__ = [
    "Contract",
    "caught",
    "caught_async",
    "guarded",
    "quick",
    "require",
    "requirements",
    "rule",
    "skip",
    "still",
    "whole_line",
]

RULE_SECONDS = 60.0
"""Seconds after which a rule whose component hangs is broken."""

QUICK_SECONDS = 3.0
"""Seconds within which what is to be quick returns; so long because tests may share a busy machine."""


class Contract(ABC):
    """Base of the suites. A subclass whose name begins with ``Test`` overrides ``make`` and the samples."""

    @abstractmethod
    def make(self, folder: Path) -> Any:
        """Return a new component.

        Args:
            folder: An empty folder, the project; a component that keeps something keeps it there.
        """


Suite = TypeVar("Suite", bound=Contract)


def rule(body: Callable[[Suite, Any, Path], Awaitable[None] | None]) -> Callable[[Suite, Path], None]:
    """Turn ``test_x(self, component, folder)``, async or plain, into a pytest method with its own event loop."""

    def test(self: Suite, tmp_path: Path) -> None:
        folder = tmp_path / "project"
        folder.mkdir()
        with guarded("making the component"):
            made = self.make(folder)
        result = body(self, made, folder)
        if isawaitable(result):
            asyncio.run(_within_time(result))

    # Not functools.wraps: pytest would look through it at the arguments of the body.
    test.__name__ = getattr(body, "__name__", "test")
    test.__doc__ = body.__doc__
    return test


async def _within_time(body: Awaitable[None]) -> None:
    try:
        async with asyncio.timeout(RULE_SECONDS) as timer:
            await body
    except TimeoutError:
        if timer.expired():
            require(False, f"it hung for {RULE_SECONDS:g} seconds", "Wait for nothing that may never come.")
        raise


def require(holds: bool, fact: str, remedy: str) -> None:
    """Break the rule unless something holds.

    Args:
        holds: Whether it holds.
        fact: What is wrong, with the object.
        remedy: What to do.

    Raises:
        AssertionError: It does not hold.
    """
    __tracebackhide__ = True
    if not holds:
        raise AssertionError(f"{fact}\n{remedy}")


@contextmanager
def guarded(
    what: str,
    *allowed: type[BaseException],
    remedy: str = "Mend it, or raise what its contract names.",
) -> Iterator[None]:
    """Break the rule where something raises; ``allowed`` exceptions pass, and so do skips of pytest."""
    __tracebackhide__ = True
    try:
        yield
    except Exception as exc:
        if isinstance(exc, (AssertionError, *allowed)):
            raise
        raise AssertionError(f"{what} raised {type(exc).__name__}: {str(exc)[:500]}\n{remedy}") from exc


def caught(call: Callable[[], object]) -> Exception | None:
    """Return what a call raises, or None."""
    try:
        call()
    except Exception as exc:
        return exc
    return None


async def caught_async(call: Awaitable[object]) -> Exception | None:
    """Return what an awaitable raises, or None."""
    try:
        await call
    except Exception as exc:
        return exc
    return None


def skip(what: str) -> None:
    """Leave a rule out for want of a sample, and say which to give."""
    import pytest

    pytest.skip(what)


@contextmanager
def quick(what: str, seconds: float | None = None) -> Iterator[None]:
    """Break the rule where something takes longer than so many seconds, default ``QUICK_SECONDS``."""
    __tracebackhide__ = True
    seconds = QUICK_SECONDS if seconds is None else seconds
    began = time.perf_counter()
    yield
    took = time.perf_counter() - began
    require(took <= seconds, f"{what} took {took:.1f} seconds", f"Take at most {seconds:g} seconds.")


@contextmanager
def still(what: str, folder: Path, *, looking: bool = False) -> Iterator[None]:
    """Break the rule where something writes a file, but temporary ones, starts a program, or connects.

    Args:
        what: What it is, for the message.
        folder: The project; not even temporary files are written there.
        looking: Whether it may start programs and connect, to see what is there.
    """
    __tracebackhide__ = True
    before = snapshot(folder)
    with watch(folder) as seen:
        yield
    effects = [each.said for each in seen if each.writes or not looking]
    require(not effects, f"{what} {'; '.join(effects[:3])}", "Do that in the call that does the work.")
    require(snapshot(folder) == before, f"{what} changed the project's files", "Leave them as they are.")


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, by their relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def whole_line(text: object, what: str) -> None:
    """Break the rule where something is not one line of text."""
    require(
        isinstance(text, str) and bool(text.strip()) and len(text.splitlines()) == 1,
        f"{what} is {text!r}",
        "Return one line of text that says what would happen.",
    )


def requirements(found: object, what: str) -> None:
    """Break the rule where something is not a list of ``MissingRequirement``, each with a remedy."""
    from loopengt_hookspecs.errors import MissingRequirement

    require(
        isinstance(found, list), f"{what} returned {found!r}", "Return a list; empty: nothing is missing."
    )
    assert isinstance(found, list)
    for one in found:
        require(
            isinstance(one, MissingRequirement) and bool(one.remedy),
            f"{what} has {one!r}",
            "Return MissingRequirement(message, remedy=…), which names the command that mends it.",
        )
