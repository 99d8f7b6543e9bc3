"""An engine: the local one, which here refuses loops without a budget of tokens."""

from typing import Any, Self

from loopengt import PluginContext, UsageError
from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.engines import Engine, RunRequest, RunResult
from loopengt_hookspecs.errors import LoopRefused
from loopengt_hookspecs.models import LoopSpec
from loopengt_hookspecs.registration import Register


class Thrifty:
    """Checks, and lets the inner engine do all else."""

    def __init__(self, inner: Engine) -> None:
        self._inner = inner

    @classmethod
    def from_context(cls, context: PluginContext) -> Self:
        return cls(context.components.get("engines", "local"))

    def __getattr__(self, name: str) -> Any:  # plan, resume, fork, finish_workspace and interrupt
        return getattr(self._inner, name)

    def check(self, spec: LoopSpec) -> None:
        if spec.policy.budget.max_tokens is None:
            error = UsageError("no budget limits the tokens", remedy="add policy.budget.max_tokens")
            raise LoopRefused([(("policy", "budget"), error)])
        self._inner.check(spec)

    async def start(self, request: RunRequest) -> RunResult:
        self.check(request.spec)
        return await self._inner.start(request)


@hookimpl
def loopengt_register_engines(register: Register[Any]) -> None:
    register("thrifty", Thrifty, summary="The local engine, for loops with a budget of tokens")
