"""Runs all peers, prints a table, and ends with 1 when one of them is not content."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import TextIO

from mcp_conformance.cache import Cache, Missing, cache_folder
from mcp_conformance.clients import Refused, old_client, tasks_client
from mcp_conformance.inspecting import inspect_all
from mcp_conformance.servers import Server, fixture_server, real_server, stdio_project
from mcp_conformance.suite import REVISIONS, Outcome, expected, run_generic, run_required

__all__ = ["main"]


@dataclass(frozen=True)
class Line:
    """A line of the table."""

    peer: str
    subject: str
    said: str
    wrong: tuple[str, ...] = ()


def main() -> None:
    """Run everything."""
    began = monotonic()
    cache = Cache(cache_folder())
    wrong: list[str] = []
    try:
        for line in _lines(cache):
            _say(f"{line.peer:<12} {line.subject:<58} {line.said}")
            wrong += line.wrong
    except Missing as exc:
        _say(f"a peer is missing: {exc}", sys.stderr)
        raise SystemExit(2) from None
    _say(f"\n{'NOT all' if wrong else 'All'} as expected, in {monotonic() - began:.0f} s")
    for text in wrong:
        _say(f"  {text}", sys.stderr)
    raise SystemExit(1 if wrong else 0)


def _lines(cache: Cache) -> Iterator[Line]:
    with real_server() as server:
        for revision in REVISIONS:
            yield from _of_suite(run_generic(cache, "real", server, revision))
        yield _of_client("inspector", "real, HTTP", lambda: inspect_all(cache, server))
        yield _of_client("mcp 1.x", "real, HTTP", lambda: old_client(cache, server))
    with stdio_project() as command:
        yield _of_client("inspector", "real, stdio", lambda: inspect_all(cache, command, ["modern"]))
        yield _of_client("mcp 1.x", "real, stdio", lambda: old_client(cache, command))
    with fixture_server() as server:
        yield from _of_fixture(cache, server)


def _of_fixture(cache: Cache, server: Server) -> Iterator[Line]:
    for revision in REVISIONS:
        yield from _of_suite(run_required(cache, "fixture", server, revision))
    yield _of_client("tasks client", "fixture, HTTP", lambda: tasks_client(cache, server))


def _of_suite(outcomes: list[Outcome]) -> Iterator[Line]:
    known = expected()
    for outcome in outcomes:
        said = f"{outcome.passed} passed"
        if outcome.failures:
            said += f", {len(outcome.failures)} failed"
        if outcome.skipped:
            said = "skipped by the suite"
        subject = f"{outcome.server}, {outcome.revision}, {outcome.scenario}"
        yield Line("conformance", subject, said, tuple(outcome.unexpected(known)))


def _of_client(peer: str, subject: str, use: Callable[[], object]) -> Line:
    try:
        use()
    except Refused as exc:
        return Line(peer, subject, "FAILED", (f"{peer}, {subject}: {exc}",))
    return Line(peer, subject, "content")


def _say(text: str, where: TextIO = sys.stdout) -> None:
    where.write(f"{text}\n")
    where.flush()
