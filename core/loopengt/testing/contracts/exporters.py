"""The suite that every exporter and every sender passes; its author subclasses it in a test module.

::

    from loopengt.testing import ExporterContract

    class TestMyFormat(ExporterContract):
        def make(self, folder):
            return MyFormat()
"""

from __future__ import annotations

import asyncio
import copy
from typing import TYPE_CHECKING, Any

from loopengt.testing.contracts.base import Contract, caught, guarded, quick, require, rule, skip, still
from loopengt.testing.contracts.recorded import (
    Recorded,
    begun,
    damaged,
    empty,
    finished,
    hostile,
    interrupted,
)
from loopengt_hookspecs.errors import ExportError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.tracing import Exporter, Sender

__all__ = ["ExporterContract"]


class ExporterContract(Contract):
    """Every rule of ``Exporter`` and ``Sender`` in ``loopengt_hookspecs.tracing`` as a test.

    Override ``make(self, folder: Path) -> Exporter | Sender``; for a sender ``count`` and ``unreachable``, too:
    what it sends to is best a server of the test's own.
    """

    def count(self) -> int | None:
        """Return how many things the service has by now; None: nobody can tell."""
        return None

    def unreachable(self, folder: Path) -> Any:
        """Return the sender with a service that is not there; None: it cannot be had."""
        return None

    @rule
    def test_it_exports_or_sends(self, made: Any, folder: Path) -> None:
        """It has either ``export``, a plain method, or ``send``, a coroutine."""
        exports, sends = callable(getattr(made, "export", None)), callable(getattr(made, "send", None))
        require(exports != sends, f"export: {exports}, send: {sends}", "Have one of them, and not both.")
        method = made.export if exports else made.send
        asynchronous = asyncio.iscoroutinefunction(method)
        require(asynchronous == sends, f"async: {asynchronous}", "Write def export, or async def send.")

    @rule
    def test_a_finished_run_comes_out(self, made: Any, folder: Path) -> None:
        """A document is text that ends with a line break; of what was sent there is a sentence."""
        _check(made, _out(made, finished(), "a finished run"), "a finished run")

    @rule
    def test_a_run_that_goes_on_comes_out(self, made: Any, folder: Path) -> None:
        """At every place of a run it can be written or sent."""
        for run in (*begun(), interrupted()):
            what = f"a run after {len(run.events)} events"
            _check(made, _out(made, run, what), what)

    @rule
    def test_an_empty_run_comes_out(self, made: Any, folder: Path) -> None:
        """A run without a single event is no error."""
        _check(made, _out(made, empty(), "a run without events"), "a run without events")

    @rule
    def test_a_damaged_run_comes_out(self, made: Any, folder: Path) -> None:
        """A run without its beginning is no error."""
        _check(made, _out(made, damaged(), "a damaged run"), "a damaged run")

    @rule
    def test_hostile_events_come_out(self, made: Any, folder: Path) -> None:
        """Events of every type with data of every odd shape are no error."""
        _check(made, _out(made, hostile(), "a run with odd events"), "a run with odd events")

    @rule
    def test_the_run_stays_as_it_is(self, made: Any, folder: Path) -> None:
        """State and events are the same afterwards."""
        whole = finished()
        events = [event.model_copy(deep=True) for event in whole.events]
        state = whole.state.model_copy(deep=True)
        _out(made, Recorded(state, events, copy.copy(whole.journal)), "a run")
        require(events == list(whole.events), "it changed the events", "Copy what you change.")
        require(state == whole.state, "it changed the state", "Copy what you change.")

    @rule
    def test_twice_is_once(self, made: Any, folder: Path) -> None:
        """A document is the same the second time, and sending a run once more adds nothing at the service."""
        first = _out(made, finished(), "a run")
        if _is_document(made):
            _out(made, interrupted(), "another run")
            again = _out(made, finished(), "a run")
            require(
                first == again, "the same run gave two documents", "Write what the run holds, and no clock."
            )
            return
        before = self.count()
        if before is None:
            skip("override count(), which says how much the service has")
        require(bool(before), "the service has nothing after a run was sent", "Send it, or mend count().")
        _out(made, finished(), "a run")
        after = self.count()
        require(after == before, f"the service had {before}, then {after}", "Send ids that stay the same.")

    @rule
    def test_a_document_is_made_of_the_run_alone(self, made: Any, folder: Path) -> None:
        """``export`` is quick, writes no file, starts no program and connects to nothing."""
        if not _is_document(made):
            skip("it is a sender")
        _out(made, finished(), "a run")
        with still("export()", folder), quick("export() of a small run"):
            _out(made, finished(), "a run")

    @rule
    def test_a_service_that_is_not_there_is_an_export_error(self, made: Any, folder: Path) -> None:
        """A sender whose service cannot be reached raises ``ExportError``, in words that say what to do."""
        sender = None if _is_document(made) else self.unreachable(folder)
        if sender is None:
            skip("it is no sender, or unreachable() is not overridden")
        assert sender is not None
        whole = finished()
        raised = caught(lambda: asyncio.run(sender.send(whole.state, whole.events)))
        said = "nothing" if raised is None else f"{type(raised).__name__}: {raised}"
        require(
            isinstance(raised, ExportError) and bool(raised.message),
            f"sending to nobody raised {said}",
            'Raise ExportError("what happened, and where", remedy="what to do").',
        )


def _is_document(made: Exporter | Sender) -> bool:
    return hasattr(made, "export")


def _out(made: Any, run: Recorded, what: str) -> Any:
    with guarded(f"{'export' if _is_document(made) else 'send'} of {what}"):
        if _is_document(made):
            return made.export(run.state, run.events)
        return asyncio.run(made.send(run.state, run.events))


def _check(made: Any, said: Any, what: str) -> None:
    require(isinstance(said, str), f"{what} came out as a Python {type(said).__name__}", "Return text.")
    if _is_document(made):
        require(
            not said or said.endswith("\n"),
            f"the document of {what} ends with {said[-20:]!r}",
            'Add "\\n" to it.',
        )
        with guarded(f"encoding the document of {what}", remedy="Replace what UTF-8 cannot hold."):
            said.encode()
    else:
        require(
            bool(said.strip()), f"nothing is said of {what}", "Return a sentence: what was sent, and where."
        )
