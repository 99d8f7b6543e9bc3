"""Makes one call of a tool: within its schemas, its approval and its time, and writes down what came of it."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Any

from loopengt import get_logger
from loopengt.json_schema import listed
from loopengt_hookspecs.calls import ToolOutcome
from loopengt_hookspecs.errors import AgentError, LeaseLost, StorageError
from loopengt_hookspecs.tools import ToolCall
from loopengt_local.calling.keys import digest_of
from loopengt_local.calling.persons import approve_call, ask_person, may_repeat
from loopengt_local.control import EndRun

if TYPE_CHECKING:
    from loopengt_hookspecs.calls import PersonAnswer, PersonQuestion
    from loopengt_hookspecs.models import Event
    from loopengt_local.calling.calls import AttemptCalls
    from loopengt_local.calling.toolbox import Offered

__all__ = ["call_tool"]

_LOST = "the call was under way when the run was lost: it may or may not have been done; look before you do it again"
_WHEN_LOST = "was being called when the run was lost"
_WHEN_DROPPED = "was called with the same arguments before this step's conversation began anew"
_DROPPED = (
    "the call was made before, in an earlier conversation on the same work; look before you do it again"
)


class _CallFailed(Exception):
    """The call is not made, or has failed; the text is for the model."""


async def call_tool(
    calls: AttemptCalls, call: str, name: str, arguments: Any, call_id: str = ""
) -> ToolOutcome:
    """Call a tool, or return the recorded outcome.

    Raises:
        EndRun: A person is needed, and nobody is there: the run pauses.
    """
    given, size = calls.run.compiled.intake.data(arguments)
    digest = digest_of(name, given)
    recorded = calls.recorded(call, digest)
    if recorded is not None:
        return _outcome_of(recorded)
    offered = (await calls.offered()).get(name)
    facts = {"attempt": calls.attempt, "call": call, "tool": name}
    if call_id:
        facts["call_id"] = call_id
    if offered is not None:
        facts |= {"tool_type": str(offered.tool.spec.tool_type), "source": offered.offer.source}
        if offered.once:
            facts["once"] = True
    began = perf_counter()
    try:
        _check(offered, name, given, await calls.offered())
        assert offered is not None, "an unknown tool does not pass the check"
        await _admit(calls, call, offered, given, digest)
        noted = {**facts, "input": given}
        if offered.once:
            noted["digest"] = digest
        await calls.note("tool.call", noted, "input", size)
        if offered.once:
            await calls.run.journal.commit()  # nobody may call it a second time without knowing
        began = perf_counter()
        content, size = await _execute(calls, call, offered, given)
        data = {**facts, **calls.made(call, digest), "output": content}
        await calls.note("tool.result", data | {"duration": _since(began)}, "output", size)
        outcome = ToolOutcome(content)
    except _CallFailed as failed:
        if offered is None:
            facts["input"] = given
        error = calls.run.compiled.intake.text(str(failed))
        data = {**facts, **calls.made(call, digest), "error": error, "duration": _since(began)}
        calls.run.journal.note("tool.error", calls.step.name, data)
        outcome = ToolOutcome(error, is_error=True)
    await calls.run.journal.commit()
    return outcome


def _outcome_of(event: Event) -> ToolOutcome:
    if event.type == "tool.error":
        return ToolOutcome(event.data["error"], is_error=True)
    return ToolOutcome(event.data["output"])


def _check(offered: Offered | None, name: str, arguments: Any, all_offered: dict[str, Offered]) -> None:
    """Refuse a call that cannot be made.

    Raises:
        _CallFailed: It says what is wrong, and what there is instead.
    """
    if offered is None:
        known = ", ".join(all_offered) or "none"
        raise _CallFailed(f"there is no tool {name!r}; the tools are: {known}")
    if not isinstance(arguments, dict):
        raise _CallFailed(f"the arguments of {name!r} must be a JSON object, and are: {_short(arguments)}")
    wrong = offered.arguments.violations(arguments) if offered.arguments is not None else []
    if wrong:
        raise _CallFailed(
            f"the arguments of {name!r} do not fit its schema ($ stands for them):\n{listed(wrong)}"
        )


async def _admit(calls: AttemptCalls, call: str, offered: Offered, arguments: Any, digest: str) -> None:
    """Have people asked who have to be.

    Raises:
        _CallFailed: They do not agree.
    """
    name = offered.offer.name
    begun = calls.past.cut_short(call)
    if begun is not None and not await may_repeat(calls, call, begun, name, _WHEN_LOST):
        raise _CallFailed(_LOST)
    dropped = calls.past.dropped(digest)
    if offered.once and dropped is not None:
        if not await may_repeat(calls, call, dropped, name, _WHEN_DROPPED):
            raise _CallFailed(_DROPPED)
        calls.past.permit(digest)
    if offered.tool.spec.require_approval:
        refused = await approve_call(calls, call, name, arguments)
        if refused is not None:
            raise _CallFailed(refused)


async def _execute(calls: AttemptCalls, call: str, offered: Offered, arguments: Any) -> tuple[Any, int]:
    """Make the call; return its result, and that in bytes.

    Raises:
        _CallFailed: It has failed.
    """
    run, name, spec = calls.run, offered.offer.name, offered.tool.spec
    asking = _Asking(calls, call)
    request = ToolCall(
        name=name,
        arguments=arguments,
        workspace=run.workspace,
        run_id=run.run_id,
        step=calls.step.name,
        idempotency_key=f"{calls.key}/{call}",
        ask=asking.ask,
        put_blob=run.compiled.intake.put_blob(run.journal.storage.put_blob),
    )
    with calls.working():
        # In a task of its own: its time limit must not cancel the agent, nor a broken connection.
        task = calls.spawn(offered.tool.bound.call(request))
        try:
            await asking.until(task, spec.timeout_seconds)
        except asyncio.CancelledError:
            await _end(task)
            raise
        if calls.ended is not None:  # the tool may have caught it
            await _end(task)
            raise calls.ended
        if calls.closed:
            raise asyncio.CancelledError
        if not task.done():
            await _end(task)
            raise _CallFailed(f"the tool {name!r} took longer than its {spec.timeout_seconds:g} seconds")
    try:
        result = task.result()
    except (LeaseLost, StorageError, EndRun):
        raise
    except asyncio.CancelledError:
        raise _CallFailed(f"the tool {name!r} was cancelled from within") from None
    except AgentError as exc:
        raise _CallFailed(str(exc)) from exc
    except Exception as exc:
        get_logger("loopengt.local").info("tool raised", tool=name, step=calls.step.name, exc_info=exc)
        said = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
        raise _CallFailed(f"the tool {name!r} failed: {said}") from exc
    try:
        content, size = run.compiled.intake.data(result)
    except TypeError as exc:
        raise _CallFailed(f"the tool {name!r} returned something that is no JSON data: {exc}") from exc
    wrong = offered.result.violations(content) if offered.result is not None else []
    if wrong:
        raise _CallFailed(f"what the tool {name!r} returned does not fit its schema:\n{listed(wrong)}")
    return content, size


class _Asking:
    """What a tool asks a person in the midst of its call: that is not its time."""

    def __init__(self, calls: AttemptCalls, call: str) -> None:
        self._calls = calls
        self._call = call
        self._number = 0
        self._under_way = 0
        self._began = 0.0
        self._waited = 0.0

    async def ask(self, question: PersonQuestion) -> PersonAnswer:
        """Ask, and wait for the answer."""
        self._number += 1
        if not self._under_way:
            self._began = perf_counter()
        self._under_way += 1
        try:
            with self._calls.asking():
                return await ask_person(self._calls, f"{self._call}/ask {self._number}", question)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._waited += perf_counter() - self._began

    async def until(self, task: asyncio.Task[Any], seconds: float) -> None:
        """Wait until a call is done, or its time is over."""
        began = perf_counter()
        while not task.done() and (left := seconds - (perf_counter() - began) + self._asked()) > 0:
            await asyncio.wait({task}, timeout=left)

    def _asked(self) -> float:
        return self._waited + (perf_counter() - self._began if self._under_way else 0.0)


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel("the time of the call is over")
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # it is over, and nobody asks for it


def _since(began: float) -> float:
    return round(perf_counter() - began, 6)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
