"""The suite that every kind of trigger passes; its author subclasses it in a test module.

::

    from loopengt.testing import TriggerContract

    class TestNewFiles(TriggerContract):
        config = {"folder": "inbox"}
        refused = [{"folder": "../elsewhere"}]

        def occur(self, folder):
            (folder / "inbox" / "letter.txt").write_text("hello")

        def make(self, folder):
            return NewFiles()
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import (
    Contract,
    caught,
    guarded,
    quick,
    require,
    requirements,
    rule,
    skip,
    still,
    whole_line,
)
from loopengt.testing.contracts.cancelling import cancelled_in_time
from loopengt.testing.contracts.data import fault_in
from loopengt.testing.contracts.options import check_model, fitting_options
from loopengt_hookspecs.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.triggers import Trigger, TriggerKind

__all__ = ["TriggerContract"]


class TriggerContract(Contract):
    """Every rule of ``loopengt_hookspecs.triggers`` as a test; override ``make(self, folder) -> TriggerKind``."""

    config: ClassVar[Mapping[str, Any]] = {}
    """``config`` of the declaration; what its model requires and is not given is made up."""
    refused: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """``config`` that does not fit."""
    wait_seconds: ClassVar[float] = 10.0
    """Within how many seconds of ``occur`` an occasion is yielded."""
    comes: ClassVar[bool | None] = None
    """Whether an occasion comes within the tests, by itself or by ``occur``; None: when ``occur`` is overridden."""

    def occur(self, folder: Path) -> None:
        """Make an occasion; do nothing where they come by themselves."""

    @rule
    def test_its_options_are_a_closed_model(self, kind: TriggerKind, folder: Path) -> None:
        """``options`` is None or a pydantic model that takes the samples, refuses unknown keys and has ``overlap``."""
        check_model(kind.options, fitting_options(kind.options, self.config), "the trigger")
        if kind.options is not None:
            there = "overlap" in kind.options.model_fields
            require(there, "its options have no overlap", "Derive them from TriggerOptions.")

    @rule
    async def test_plan_and_missing_do_nothing(self, kind: TriggerKind, folder: Path) -> None:
        """``bind`` and ``plan`` touch nothing, ``missing`` writes nothing, and all answer in the promised form."""
        with still("bind or plan", folder), quick("bind and plan"), guarded("plan()"):
            trigger = self._bound(kind, folder)
            plan = trigger.plan()
        with still("missing()", folder, looking=True), quick("missing()"), guarded("missing()"):
            missing = trigger.missing()
        whole_line(plan, "plan()")
        requirements(missing, "missing()")
        await _close(trigger)

    @rule
    async def test_an_occasion_is_names_for_a_run(self, kind: TriggerKind, folder: Path) -> None:
        """An occasion that happens is yielded in time: a mapping of names to JSON data."""
        self._skip_unless_it_comes()
        names = await self._first(self._bound(kind, folder), folder)
        require(
            isinstance(names, Mapping),
            f"it yielded {names!r}",
            "Yield a mapping, empty where nothing is known.",
        )
        fault = fault_in(dict(names), "the occasion")
        require(not fault, fault, "Yield JSON data: it becomes event in the context of the run.")

    @rule
    async def test_two_loops_may_wait_at_once(self, kind: TriggerKind, folder: Path) -> None:
        """Two loops with triggers of one kind both have the occasion."""
        self._skip_unless_it_comes()
        bound = [self._bound(kind, folder) for _ in range(2)]
        await asyncio.gather(*(self._first(trigger, folder) for trigger in bound))

    @rule
    async def test_it_ends_when_nobody_waits(self, kind: TriggerKind, folder: Path) -> None:
        """Cancelled while it waits and closed, it ends at once and leaves neither a task nor a program behind."""
        trigger = self._bound(kind, folder)

        async def wait() -> None:
            try:
                async for _ in trigger.occasions():
                    await asyncio.sleep(0)
            finally:
                await _close(trigger)

        await cancelled_in_time(wait(), "waiting for occasions")

    @rule
    async def test_it_may_be_closed_before_it_waits(self, kind: TriggerKind, folder: Path) -> None:
        """``close`` raises nothing and is quick, also where nobody has asked for occasions."""
        trigger = self._bound(kind, folder)
        with quick("close()"):
            await _close(trigger)

    @rule
    async def test_what_is_forgotten_is_no_occasion(self, kind: TriggerKind, folder: Path) -> None:
        """What has happened before ``forget``, where there is one, yields no occasion."""
        self._skip_unless_it_comes()
        trigger = self._bound(kind, folder)
        forget = getattr(trigger, "forget", None)
        if forget is None:
            skip("it has no forget()")
        assert forget is not None
        found = trigger.occasions()
        waiting = asyncio.ensure_future(anext(found, None))
        await asyncio.wait([waiting], timeout=0.2)
        if not waiting.done():
            self.occur(folder)
            with guarded("forget()"):
                forget()
            await asyncio.wait([waiting], timeout=0.5)
        came = waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting], timeout=5)
        await _close(trigger)
        require(not came, "an occasion came that was forgotten", "Note in forget() what is there by now.")

    @rule
    def test_what_does_not_fit_is_refused(self, kind: TriggerKind, folder: Path) -> None:
        """A ``config`` that does not fit is refused by the model, or by ``bind`` with a ``UsageError``."""
        from pydantic import ValidationError

        if not self.refused:
            skip("give the suite refused = [{...}], config that does not fit")
        for config in self.refused:
            raised = caught(lambda config=config: self._bind(kind, folder, config))  # type: ignore[misc] # mypy: bound default
            said = "nothing" if raised is None else f"{type(raised).__name__}: {raised}"
            fits = isinstance(raised, UsageError | ValidationError)
            require(
                fits,
                f"the config {dict(config)!r} raised {said}",
                "Refuse it in the model, or raise UsageError.",
            )

    # Inside

    def _skip_unless_it_comes(self) -> None:
        overridden = type(self).occur is not TriggerContract.occur
        if not (overridden if self.comes is None else self.comes):
            skip("override occur(), or say comes = True where occasions come by themselves")

    def _bind(self, kind: TriggerKind, folder: Path, config: Mapping[str, Any]) -> Trigger:
        from loopengt_hookspecs.models import LoopTrigger

        given = dict(config)
        if kind.options is not None:
            given = kind.options.model_validate(given).model_dump(mode="json", by_alias=True)
        return kind.bind(LoopTrigger(trigger_type="under_test", config=given), folder)

    def _bound(self, kind: TriggerKind, folder: Path) -> Trigger:
        with guarded("bind()", remedy="Give the suite a config that fits."):
            return self._bind(kind, folder, fitting_options(kind.options, self.config))

    async def _first(self, trigger: Trigger, folder: Path) -> Any:
        found = trigger.occasions()
        waiting = asyncio.ensure_future(anext(found, None))
        await asyncio.wait([waiting], timeout=0.2)
        self.occur(folder)
        done, _ = await asyncio.wait([waiting], timeout=self.wait_seconds)
        if not done:
            waiting.cancel()
            await asyncio.wait([waiting], timeout=5)
        require(
            bool(done),
            f"no occasion came within {self.wait_seconds:g} seconds",
            "Mend it, or override occur().",
        )
        with guarded("waiting for an occasion"):
            names = waiting.result()
        require(names is not None, "it ended without an occasion", "Yield those that come.")
        await _close(trigger)
        return names


async def _close(trigger: Trigger) -> None:
    with guarded("close()"):
        await trigger.close()
