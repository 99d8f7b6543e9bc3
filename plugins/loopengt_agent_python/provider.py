"""The provider ``python``: calls a function for each attempt; a sync one in a thread of its own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from loopengt.function_calls import CalledFunction
from loopengt.threads import call_in_thread
from loopengt_agent_python.options import PythonOptions
from loopengt_hookspecs.agents import AgentError, AgentReply, MissingRequirement

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.models import AgentRole

__all__ = ["PythonAgent", "PythonProvider"]

Call = Callable[["AgentRequest"], Awaitable[Any]]


class PythonProvider:
    """Makes agents that call a Python function."""

    options = PythonOptions

    def bind(self, role: AgentRole, project: Path) -> PythonAgent:
        """Make the agent of one role; the function is imported when it is first called."""
        options = PythonOptions.model_validate(role.config.extra)
        return PythonAgent(role.name, options.function, project, options.cost)


class PythonAgent:
    """Calls ``function(request)``, or ``function()`` when it takes nothing, once for each attempt.

    An async function is awaited in the engine's event loop. A sync one is called in a daemon thread, so that
    it blocks nobody; Python cannot end a thread, so when the attempt is cancelled it is left behind, with a
    note in the journal.

    Args:
        name: The agent's name, for messages.
        function: Dotted path of the function.
        project: The project folder, where its module is looked for first.
        cost: What is known of the cost of a call, as in the option of that name.
    """

    takes_tools = True
    """An async function can call them by ``request.calls.tool``."""

    __slots__ = ("_call", "_called", "_function", "_name", "free", "reports_cost")

    def __init__(self, name: str, function: str, project: Path, cost: str = "unknown") -> None:
        self.free = cost == "free"
        self.reports_cost = cost != "unknown"
        self._name = name
        self._function = function
        self._called = CalledFunction(
            function, project, f"agent {name!r}", "config.extra.function", takes="request"
        )
        self._call: Call | None = None

    def plan(self) -> str:
        """The function that would be called."""
        return f"call {self._function}(request) in this process"

    def missing(self) -> list[MissingRequirement]:
        """The function's module, when it is nowhere; nothing is imported."""
        return self._called.missing()

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Call the function.

        Raises:
            AgentError: The function raised; ``kind`` is the exception's class, ``kinds`` are its bases.
                ``NoCost``: it did not say what it has cost, where the option ``cost`` promises that.
            MissingRequirement: The function, or a package that its module imports, is not there.
        """
        call = self._call
        if call is None:
            call = self._call = self._adapt(self._called.load())
        task = asyncio.current_task()
        assert task is not None
        cancelled_before = task.cancelling()  # Python 3.11's TaskGroup leaves a count of its own behind
        try:
            output = await call(request)
        except AgentError:
            raise
        except asyncio.CancelledError as error:
            if task.cancelling() > cancelled_before:
                raise
            raise self._called.failure(
                error
            ) from error  # something inside the function was cancelled, not we
        except (Exception, SystemExit) as error:
            raise self._called.failure(error) from error
        reply = output if isinstance(output, AgentReply) else AgentReply(output)
        if reply.cost_usd is None and self.free:
            reply.cost_usd, reply.cost_source = 0.0, "reported"
        if reply.cost_usd is None and self.reports_cost:
            raise AgentError(
                f"agent {self._name!r}: {self._function} did not say what the call has cost",
                remedy="Return AgentReply(output, cost_usd=...), or take cost: reported out of config.extra.",
                kind="NoCost",
                token_usage=reply.token_usage,
            )
        return reply

    def _adapt(self, function: Callable[..., Any]) -> Call:
        """Make one shape of the four: sync or async, with the request or without."""
        takes_request = self._takes_request(function)
        if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
            return function if takes_request else lambda request: function()
        call = function if takes_request else lambda request: function()

        async def in_thread(request: AgentRequest) -> Any:
            output, error = await call_in_thread(
                call, request, lambda: request.emit("custom", self._abandoned())
            )
            if error is not None:
                if isinstance(error, AgentError):
                    raise error
                # Made an AgentError here: a StopIteration or SystemExit must not travel through a coroutine.
                raise self._called.failure(error) from error
            return await output if inspect.isawaitable(output) else output

        return in_thread

    def _takes_request(self, function: Callable[..., Any]) -> bool:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # a builtin that does not tell
            return True
        needed = [
            p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        positional = [p for p in parameters if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
        if len(needed) > 1 or any(p.kind is p.KEYWORD_ONLY for p in needed):
            names = ", ".join(p.name for p in needed)
            raise MissingRequirement(
                f"agent {self._name!r}: {self._function} needs the arguments {names}",
                remedy="Let it take the request, or nothing: def function(request): ...",
            )
        return bool(positional)

    def _abandoned(self) -> dict[str, Any]:
        return {
            "note": f"agent {self._name!r}: {self._function} was abandoned; it goes on in its thread, "
            "which Python cannot end"
        }
