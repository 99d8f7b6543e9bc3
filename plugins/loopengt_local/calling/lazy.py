"""Makes the calls of an attempt when its agent first asks for some; most agents never do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from loopengt_hookspecs.calls import PersonAnswer, PersonQuestion, ToolOutcome
    from loopengt_hookspecs.model_adapters import ModelRequest, ModelResponse
    from loopengt_hookspecs.tools import ToolOffer
    from loopengt_local.budgeting.reservations import Reservation
    from loopengt_local.calling.calls import AttemptCalls
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.deadlines import Deadline
    from loopengt_local.run import LocalRun

__all__ = ["LazyCalls"]


class LazyCalls:
    """Implements ``loopengt_hookspecs.calls.Calls``; the arguments are those of ``AttemptCalls``."""

    __slots__ = ("_attempt", "_deadline", "_occurrence", "_run", "made", "reservation", "step")

    def __init__(self, run: LocalRun, step: CompiledStep, occurrence: int, attempt: int) -> None:
        self._run = run
        self.step = step
        self._occurrence = occurrence
        self._attempt = attempt
        self.made: AttemptCalls | None = None
        self.reservation: Reservation | None = None
        self._deadline: Deadline | None = None

    @property
    def deadline(self) -> Deadline | None:
        """The time limit of what is under way, which stands still while a person is asked."""
        return self._deadline

    @deadline.setter
    def deadline(self, deadline: Deadline | None) -> None:
        self._deadline = deadline
        if self.made is not None:  # for a summary, whose time was another
            self.made.deadline = deadline

    def _calls(self) -> AttemptCalls:
        if self.made is None:
            from loopengt_local.calling.calls import AttemptCalls

            self.made = AttemptCalls(self._run, self.step, self._occurrence, self._attempt)
            self.made.reservation, self.made.deadline = self.reservation, self.deadline
        return self.made

    def begin_other(self, tools: Sequence[str]) -> AttemptCalls:
        """Return the calls of another agent that works within this attempt and may call these tools."""
        return self._calls().begin_other(tools)

    async def offers(self) -> Sequence[ToolOffer]:
        """Return the tools that this attempt may call."""
        return await self._calls().offers()

    async def model(
        self, request: ModelRequest, send: Callable[[ModelRequest], Awaitable[ModelResponse]]
    ) -> ModelResponse:
        """Make one request to a model."""
        return await self._calls().model(request, send)

    async def tool(self, name: str, arguments: Any, *, call_id: str = "") -> ToolOutcome:
        """Call a tool."""
        return await self._calls().tool(name, arguments, call_id=call_id)

    async def ask(self, question: PersonQuestion) -> PersonAnswer:
        """Ask a person."""
        return await self._calls().ask(question)

    def progress(self, text: str) -> None:
        """Show a piece of what the agent is writing."""
        self._calls().progress(text)
