"""Invokes the agents that a gate asks: recorded, replayed after a crash, and debited to the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt.prompts import PromptError, prompt_text
from loopengt.temporary import temporary_folder
from loopengt_hookspecs.agents import AgentReply, AgentRequest
from loopengt_hookspecs.errors import AgentError, LoopengtError
from loopengt_hookspecs.model_adapters import Message, ModelRequest, ModelResponse
from loopengt_local.budgeting.pricing import Pricing
from loopengt_local.calling.calls import AttemptCalls
from loopengt_local.chain import Invoke, around, chain
from loopengt_local.control import EndRun
from loopengt_local.replies import spending
from loopengt_local.requests import idempotency_key
from loopengt_local.retry import Failure

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt.journal import CallsUse
    from loopengt_hookspecs.agents import Agent
    from loopengt_hookspecs.models import AgentRole
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.deadlines import Deadline
    from loopengt_local.run import LocalRun

__all__ = ["GateAgents"]


class GateAgents:
    """Implements ``loopengt_hookspecs.gates.InvokeAgent`` for one check of one attempt.

    Args:
        run: The run.
        step: The step, or instance.
        occurrence: Which execution of it.
        attempt: Which attempt of that.
        gate: Name of the gate.
    """

    def __init__(self, run: LocalRun, step: CompiledStep, occurrence: int, attempt: int, gate: str) -> None:
        self._run = run
        self._step = step
        self._occurrence = occurrence
        self._attempt = attempt
        self._gate = gate
        self._asked = 0
        self._failed: dict[tuple[str, str, str], list[int]] = {}
        self._in_vain: list[dict[str, Any]] = []
        self._calls: AttemptCalls | None = None
        self._pricing: Pricing | None = None
        self.deadline: Deadline | None = None
        """The time limit of the check, which stands still while an agent asks a person."""

    async def __call__(
        self, agent: Agent, role: AgentRole, prompt: str, system_prompt: str = ""
    ) -> AgentReply:
        """Invoke an agent, or return its recorded answer."""
        # What is asked again after a failure has the number that it had: the keys of what follows depend on no chance.
        again = self._failed.get((role.name, prompt, system_prompt))
        if again:
            number = again.pop(0)
        else:
            number = self._asked = self._asked + 1
        self._pricing = Pricing(role, agent)
        calls = self._begin().begin_other(())
        calls.prefix = f"gate {self._gate}/other {number}/"
        invoke = around(chain(agent, self._run.compiled.middleware), self._run.middleware)
        metadata: dict[str, Any] = {}

        async def send(_: ModelRequest) -> ModelResponse:
            before = self._requests
            with temporary_folder(self._run.workspace) as folder, calls.asking():
                reply = await _invoked(
                    invoke, self._request(role, prompt, system_prompt, calls, folder, number)
                )
            metadata.update(reply.metadata)
            cost = reply.cost_usd
            if cost is None and not reply.token_usage and self._requests > before:
                cost = 0.0  # all of it are requests that were recorded by themselves
            return ModelResponse(_text_of(reply), (), dict(reply.token_usage), cost)

        messages = [Message("user", prompt)]
        if system_prompt:
            messages.insert(0, Message("system", system_prompt))
        asked = ModelRequest(tuple(messages), output_schema=role.output_schema)
        try:
            response = await calls.model(asked, send)
        except AgentError as exc:
            self._failed.setdefault((role.name, prompt, system_prompt), []).append(number)
            self._in_vain.append(Failure.of(exc, str).spent)
            raise
        return AgentReply(response.text, dict(response.token_usage), response.cost_usd, metadata=metadata)

    def spent(self) -> dict[str, Any]:
        """Return what the agents have used, as the gate's event tells it; that before a crash included."""
        if not self._asked:
            return {}  # what is known of use may be the attempt's own, whose debit is noted and not folded yet
        use = self._use
        if use is None and not any(self._in_vain):
            return {}
        usage: dict[str, int] = dict(use.token_usage) if use is not None else {}
        cost, unknown = (use.cost_usd, use.unpriced) if use is not None else (0.0, 0)
        if unknown and self._pricing is not None:
            known = 0.0 if self._pricing.free else self._pricing.estimate(usage, called=True)
            if known is not None:
                cost, unknown = max(known, cost), 0
        for spent in self._in_vain:
            for kind, count in spent.get("token_usage", {}).items():
                usage[kind] = usage.get(kind, 0) + count
            cost += spent.get("cost_usd", 0.0)
        data: dict[str, Any] = {"token_usage": usage, "cost_usd": cost}
        return data | {"unknown_costs": unknown} if unknown else data

    async def close(self) -> None:
        """The check is over."""
        if self._calls is not None:
            await self._calls.close()

    @property
    def _use(self) -> CallsUse | None:
        opened = self._run.fold.open.get(self._step.name)
        return opened.use if opened is not None else None

    @property
    def _requests(self) -> int:
        use = self._use
        return use.requests if use is not None else 0

    def _begin(self) -> AttemptCalls:
        if self._calls is None:
            self._calls = AttemptCalls(self._run, self._step, self._occurrence, self._attempt)
            self._calls.deadline = self.deadline
        return self._calls

    def _request(
        self,
        role: AgentRole,
        prompt: str,
        system_prompt: str,
        calls: AttemptCalls,
        folder: Path,
        number: int,
    ) -> AgentRequest:
        run, step = self._run, self._step
        # A recording of the run must tell it from the step's own agent.
        name = f"{step.name} gate {self._gate} {number}"
        return AgentRequest(
            run_id=run.run_id,
            loop=run.spec.name,
            step=name,
            occurrence=self._occurrence,
            attempt=self._attempt,
            agent=role,
            prompt=prompt,
            system_prompt=system_prompt,
            feedback="",
            idempotency_key=idempotency_key(run.run_id, name, self._occurrence, self._attempt),
            workspace=folder,
            context=run.fold.context,
            emit=_nowhere,
            put_blob=run.compiled.intake.put_blob(run.journal.storage.put_blob),
            calls=calls,
        )


async def _invoked(invoke: Invoke, request: AgentRequest) -> AgentReply:
    """Invoke an agent; whatever it raises but what is the engine's is an error of its own.

    Raises:
        AgentError: It failed.
    """
    try:
        reply = await invoke(request)
    except (LoopengtError, EndRun):
        raise
    except Exception as exc:
        raise AgentError(f"{type(exc).__name__}: {exc}", kind=type(exc).__name__) from exc
    if not isinstance(reply, AgentReply):
        raise AgentError(f"the agent answered with a Python {type(reply).__name__} in place of an AgentReply")
    return reply


def _text_of(reply: AgentReply) -> str:
    """Return what an agent has answered as text.

    Raises:
        AgentError: The answer is no JSON data, or what it says of its use is none.
    """
    try:
        spending(reply.token_usage, reply.cost_usd)
        return prompt_text(reply.output)
    except (AttributeError, TypeError, PromptError) as exc:
        raise AgentError(f"the agent's answer cannot be kept: {exc}", kind="OutputError") from exc


def _nowhere(kind: str, data: dict[str, Any]) -> None:
    """Events of an agent that a gate asks are not the step's."""
