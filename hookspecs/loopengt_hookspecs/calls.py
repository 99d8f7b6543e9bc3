"""What an agent does within one attempt: requests to models, calls of tools, questions to people; each is recorded.

No extension point: the engine implements ``Calls`` and hands it over as ``AgentRequest.calls``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol

if TYPE_CHECKING:
    from loopengt_hookspecs.model_adapters import ModelRequest, ModelResponse
    from loopengt_hookspecs.tools import ToolOffer

__all__ = ["Calls", "NoCalls", "PersonAnswer", "PersonQuestion", "ToolOutcome"]


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What came of a tool's call."""

    content: Any
    """What the tool returned, JSON data or text; where it failed, the failure in words for the model."""
    is_error: bool = False

    def text(self) -> str:
        """The content as text: text as it is, all else as JSON."""
        import json

        return self.content if isinstance(self.content, str) else json.dumps(self.content, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class PersonQuestion:
    """What a person is asked in the midst of an attempt."""

    text: str
    choices: tuple[str, ...] = ()
    """Answers to choose from; empty: any text."""
    timeout_seconds: float | None = None
    """Seconds after which nobody is waited for any more, and the question counts as declined; None: for ever."""
    schema: Mapping[str, Any] | None = None
    """JSON Schema of an object that the answer must satisfy, which is then given as JSON; None: text."""
    audience: Literal["person", "host"] = "person"
    """Who is to answer: a person; or the model of an IDE that is connected to the MCP server, which may also answer by
    JSON of another type than an object. A person may answer in its place, and is not asked unless they want to."""
    details: Mapping[str, Any] | None = None
    """JSON data for a program that answers; people are not shown it."""


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """What the person says."""

    text: str
    """The answer; of a question that was declined, why."""
    declined: bool = False
    by: str = ""
    """Who says so, such as ``ann@build-7``; ``timeout``: nobody did in time."""


class Calls(Protocol):
    """Makes the calls of one attempt; every result is durable in the journal before it is returned.

    When an attempt is taken up again, after a crash, a pause or a wait for a rate limit, the agent is invoked once
    more, asks for the same calls in the same order, and gets the recorded results at once: it goes on at the first
    call that has none. So an agent decides from results alone. A call that differs from the recorded one is made
    anew, and so are all behind it.
    """

    async def offers(self) -> Sequence[ToolOffer]:
        """Return the tools that this attempt may call, those of the agent and the step, sorted by name.

        Raises:
            AgentError: A server that offers them cannot be reached.
        """

    async def model(
        self, request: ModelRequest, send: Callable[[ModelRequest], Awaitable[ModelResponse]]
    ) -> ModelResponse:
        """Make one request to a model, or return the recorded response; its tokens are debited to the budgets.

        Args:
            request: The request.
            send: Sends it, when there is no recorded response. It may raise what ``Agent.invoke`` raises.

        Raises:
            AgentError: What ``send`` raised.
        """

    async def tool(self, name: str, arguments: Any, *, call_id: str = "") -> ToolOutcome:
        """Call a tool; several may be called at the same time.

        Arguments and result are held against the tool's schemas, its time limit is enforced, and a person is asked
        first where it requires approval. What goes wrong with the call, also an unknown tool, is an outcome for the
        model to read, and no exception.

        Args:
            name: Name of one of ``offers()``.
            arguments: JSON data as the model gave it, normally an object.
            call_id: The model's own id of the call, for the record.
        """

    async def ask(self, question: PersonQuestion) -> PersonAnswer:
        """Ask a person, and wait for the answer: at the terminal where one is there, else the run pauses.

        What a person takes to answer is not the attempt's time.
        """

    def progress(self, text: str) -> None:
        """Show a piece of what the agent is writing to those who watch the run live; it is not recorded."""


class NoCalls:
    """Stands where no engine made the request: every call is an error."""

    def __getattr__(self, name: str) -> NoReturn:
        raise TypeError(f"calls.{name} is there in requests that an engine makes; give AgentRequest calls=…")
