"""The suite that every type of tools passes; its author subclasses it in a test module.

::

    from loopengt.testing import ToolTypeContract

    class TestMyTools(ToolTypeContract):
        declaration = {"name": "search", "options": {"index": "docs"}}
        arguments = {"query": "x"}
        refused = [{"name": "search", "options": {"index": 7}}]

        def make(self, folder):
            return MyTools()
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.testing.contracts.base import (
    Contract,
    caught,
    caught_async,
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
from loopengt.testing.contracts.data import example_of, fault_in
from loopengt.testing.contracts.tools import check_schema, tool_call
from loopengt_hookspecs.errors import LoopengtError, UsageError
from loopengt_hookspecs.models.enums import Effects
from loopengt_hookspecs.tools import ToolOffer

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.tools import BoundTool, ToolType

__all__ = ["ToolTypeContract"]


class ToolTypeContract(Contract):
    """Every rule of ``loopengt_hookspecs.tools.ToolType`` as a test; override ``make(self, folder) -> ToolType``."""

    declaration: ClassVar[Mapping[str, Any]] = {"name": "sample"}
    """A tool as a spec declares it, without ``tool_type``."""
    loop: ClassVar[Mapping[str, Any]] = {}
    """Further keys of the spec that declares it, such as ``mcp_servers``."""
    calls: ClassVar[str | None] = None
    """Which of the offers is called; None: the first."""
    arguments: ClassVar[Mapping[str, Any] | None] = None
    """Arguments of a call that works; None: made up from the offer's schema."""
    failing: ClassVar[Mapping[str, Any] | None] = None
    """Arguments of a call that fails; None: there are none."""
    refused: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Declarations that cannot work."""

    def prepare(self, workspace: Path) -> None:
        """Put into the project, which is the workspace, what the tool needs."""

    @rule
    def test_binding_plan_and_missing_do_nothing(self, made: ToolType, folder: Path) -> None:
        """``bind``, ``plan`` and ``missing`` are quick, touch nothing, and answer in the promised form."""
        self.prepare(folder)
        with still("bind or plan", folder), quick("bind and plan"), guarded("plan()"):
            tool = self._bound(made, folder)
            plan = tool.plan()
        with still("missing()", folder, looking=True), quick("missing()"), guarded("missing()"):
            missing = tool.missing()
        whole_line(plan, "plan()")
        requirements(missing, "missing()")

    @rule
    async def test_offers_are_what_a_model_can_read(self, made: ToolType, folder: Path) -> None:
        """There is an offer at least, and each has a name of its own, valid schemas, and effects."""
        tool = self._ready(made, folder)
        offers = await self._offers(tool, folder)
        require(
            bool(offers),
            "it offers nothing",
            "Offer a tool, or raise AgentError that says why there is none.",
        )
        names = [offer.name for offer in offers]
        require(
            len(set(names)) == len(names), f"offers share a name: {names}", "Name each of them differently."
        )
        for offer in offers:
            sound = (
                isinstance(offer.name, str)
                and bool(offer.name.strip())
                and isinstance(offer.effects, Effects)
            )
            require(sound, f"it offers {offer!r}", "Give it a name, and effects from Effects.")
            check_schema(offer.input_schema, f"input_schema of {offer.name}", objects=True)
            if offer.output_schema is not None:
                check_schema(offer.output_schema, f"output_schema of {offer.name}")
        await tool.release(folder)

    @rule
    async def test_offers_are_the_same_again(self, made: ToolType, folder: Path) -> None:
        """Asked again, also after ``release``, it offers the same: runs share it."""
        tool = self._ready(made, folder)
        first = await self._offers(tool, folder)
        again = await self._offers(tool, folder)
        with guarded("release()"):
            await tool.release(folder)
        later = await self._offers(tool, folder)
        await tool.release(folder)
        same = list(first) == list(again) == list(later)
        require(
            same, "the offers were others the second time", "Offer the same until the declaration changes."
        )

    @rule
    async def test_a_call_returns_json_data(self, made: ToolType, folder: Path) -> None:
        """A call of an offer returns text or JSON data."""
        tool = self._ready(made, folder)
        result = await self._called(tool, folder)
        fault = fault_in(result, "the result")
        await tool.release(folder)
        require(not fault, fault, "Return text or JSON data.")

    @rule
    async def test_calls_may_run_at_once(self, made: ToolType, folder: Path) -> None:
        """Several calls at the same time all return."""
        tool = self._ready(made, folder)
        results = await asyncio.gather(*(self._called(tool, folder) for _ in range(3)))
        await tool.release(folder)
        kinds = {type(result).__name__ for result in results}
        require(
            len(kinds) == 1, f"calls at the same time returned {sorted(kinds)}", "Keep nothing of a call."
        )

    @rule
    async def test_failing_calls_raise(self, made: ToolType, folder: Path) -> None:
        """A call that fails raises an error whose text tells the agent what to change."""
        if self.failing is None:
            skip("give the suite failing = {...}, arguments of a call that fails")
        assert self.failing is not None
        tool = self._ready(made, folder)
        name = await self._name(tool, folder)
        raised = await caught_async(tool.call(tool_call(folder, self.failing, name)))
        await tool.release(folder)
        said = raised is not None and bool(str(raised).strip())
        require(said, f"a call with {dict(self.failing)!r} raised {raised!r}", "Raise ToolError with words.")

    @rule
    async def test_releasing_twice_is_releasing_once(self, made: ToolType, folder: Path) -> None:
        """``release`` may be called again, and for a folder that no run has worked in; it raises nothing."""
        tool = self._ready(made, folder)
        await self._offers(tool, folder)
        with guarded("release() twice, and of another folder"):
            await tool.release(folder)
            await tool.release(folder)
            await tool.release(folder / "elsewhere")

    @rule
    async def test_it_is_cancelled_in_time(self, made: ToolType, folder: Path) -> None:
        """Cancelled, a call ends within seconds, and ``release`` ends what was started for it."""
        tool = self._ready(made, folder)

        async def go() -> None:
            try:
                name = await self._name(tool, folder)
                await tool.call(tool_call(folder, self._arguments(await self._offers(tool, folder)), name))
            finally:
                await tool.release(folder)

        await cancelled_in_time(go(), "the call")

    @rule
    def test_what_cannot_work_is_refused(self, made: ToolType, folder: Path) -> None:
        """``bind`` raises ``UsageError`` for a declaration that cannot work."""
        if not self.refused:
            skip("give the suite refused = [{...}], declarations that cannot work")
        self.prepare(folder)
        for declared in self.refused:
            raised = caught(lambda declared=declared: self._bind(made, folder, declared))  # type: ignore[misc] # mypy: bound default
            said = "nothing" if raised is None else f"{type(raised).__name__}: {raised}"
            fact = f"binding {dict(declared)!r} raised {said}"
            require(isinstance(raised, UsageError), fact, 'Raise UsageError("what is wrong", remedy="…").')

    # Inside

    def _bind(self, made: ToolType, folder: Path, declared: Mapping[str, Any]) -> BoundTool:
        from loopengt.testing.running import loop_spec
        from loopengt_hookspecs.models import LoopSpec, ToolSpec

        loop = LoopSpec.model_validate(loop_spec(**self.loop))
        return made.bind(ToolSpec.model_validate({"tool_type": "builtin", **declared}), folder, loop)

    def _bound(self, made: ToolType, folder: Path) -> BoundTool:
        with guarded(
            f"binding {dict(self.declaration)!r}", remedy="Give the suite a declaration that works."
        ):
            return self._bind(made, folder, self.declaration)

    def _ready(self, made: ToolType, folder: Path) -> BoundTool:
        self.prepare(folder)
        tool = self._bound(made, folder)
        missing = tool.missing()
        if missing:
            skip(f"it needs something first: {missing[0]}")
        return tool

    async def _offers(self, tool: BoundTool, folder: Path) -> Sequence[ToolOffer]:
        with guarded(
            "offers()", remedy="Raise AgentError where a server cannot be reached, or mend the sample."
        ):
            offers = await tool.offers(folder)
        sound = all(isinstance(offer, ToolOffer) for offer in offers)
        require(sound, f"offers() returned {offers!r:.200}", "Return ToolOffer objects.")
        return offers

    async def _name(self, tool: BoundTool, folder: Path) -> str:
        return self.calls or (await self._offers(tool, folder))[0].name

    def _arguments(self, offers: Sequence[ToolOffer]) -> Mapping[str, Any]:
        if self.arguments is not None:
            return self.arguments
        made = example_of(dict(offers[0].input_schema))
        return made if isinstance(made, dict) else {}

    async def _called(self, tool: BoundTool, folder: Path) -> Any:
        offers = await self._offers(tool, folder)
        name = await self._name(tool, folder)
        with guarded(f"calling {name}", remedy="Give the suite arguments with which it works."):
            try:
                return await tool.call(tool_call(folder, self._arguments(offers), name))
            except LoopengtError as exc:
                raise RuntimeError(str(exc)) from exc
