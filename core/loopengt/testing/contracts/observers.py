"""The suite that every observer passes; an observer's author subclasses it in a test module.

::

    from loopengt.testing import ObserverContract

    class TestMyObserver(ObserverContract):
        def make(self, folder):
            return MyObserver()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from loopengt.testing.contracts.base import Contract, guarded, quick, require, rule, skip, still
from loopengt.testing.contracts.recorded import Recorded, damaged, finished, hostile, interrupted

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.tracing import Observer

__all__ = ["ObserverContract"]


class ObserverContract(Contract):
    """Every rule of ``loopengt_hookspecs.tracing.Observer`` as a test; override ``make(self, folder) -> Observer``."""

    even_disabled: ClassVar[bool] = False
    """Whether events are handed to one whose ``enabled`` says no, such as for want of a terminal."""

    @rule
    def test_enabled_says_yes_or_no(self, observer: Observer, folder: Path) -> None:
        """``enabled`` returns a bool at once and touches nothing."""
        with still("enabled()", folder), quick("enabled()"), guarded("enabled()"):
            answer = observer.enabled()
        require(isinstance(answer, bool), f"enabled() returned {answer!r}", "Return True or False.")

    @rule
    async def test_a_run_is_watched_to_its_end(self, observer: Observer, folder: Path) -> None:
        """A whole run, event by event, and its end raise nothing."""
        await _watch(observer, finished(), self.even_disabled)

    @rule
    async def test_every_type_of_event_is_taken(self, observer: Observer, folder: Path) -> None:
        """An event of any type, with data of any shape, raises nothing."""
        await _watch(observer, hostile(), self.even_disabled)

    @rule
    async def test_it_may_come_late(self, observer: Observer, folder: Path) -> None:
        """A run whose beginning it has not seen, and one that is lost in its midst, raise nothing."""
        await _watch(observer, damaged(), self.even_disabled)
        await _watch(observer, interrupted(), self.even_disabled)

    @rule
    async def test_closing_twice_is_closing_once(self, observer: Observer, folder: Path) -> None:
        """``close`` may be called again, and raises nothing."""
        await _watch(observer, finished(), self.even_disabled)
        with guarded("closing a second time"):
            await observer.close()

    @rule
    async def test_closing_without_a_run_is_allowed(self, observer: Observer, folder: Path) -> None:
        """``close`` before any event raises nothing."""
        with guarded("closing without an event"):
            await observer.close()

    @rule
    async def test_it_watches_one_run_after_the_other(self, observer: Observer, folder: Path) -> None:
        """After ``close`` the next run is watched: a kernel has one observer for all its runs."""
        await _watch(observer, finished(), self.even_disabled)
        with guarded("enabled() for a second run"):
            observer.enabled()
        await _watch(observer, finished(), self.even_disabled)

    @rule
    async def test_events_stay_as_they_are(self, observer: Observer, folder: Path) -> None:
        """Observers share the events, so none changes them."""
        copies = [event.model_copy(deep=True) for event in finished().events]
        await _watch(observer, Recorded(finished().state, copies, ()), self.even_disabled)
        require(copies == list(finished().events), "it changed the events", "Copy what you change.")

    @rule
    async def test_events_are_taken_quickly(self, observer: Observer, folder: Path) -> None:
        """A small run is taken within 3 seconds: what is slow is done in the background, or in ``close``."""
        if not (self.even_disabled or observer.enabled()):
            skip("enabled() says no: give the suite one that watches, or even_disabled = True")
        with quick(f"taking {len(finished().events)} events"):
            for event in finished().events:
                with guarded(f"on_event({event.event_type})"):
                    await observer.on_event(event)
        with guarded("close()"):
            await observer.close()


async def _watch(observer: Observer, run: Recorded, even_disabled: bool) -> None:
    if not (even_disabled or observer.enabled()):
        skip("enabled() says no: give the suite one that watches, or even_disabled = True")
    for event in run.events:
        with guarded(f"on_event({event.event_type.value}) with {str(event.data)[:80]}"):
            await observer.on_event(event)
    with guarded("close()"):
        await observer.close()
