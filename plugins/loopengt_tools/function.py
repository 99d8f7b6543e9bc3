"""The tool type ``function``: Python functions as tools."""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any

from loopengt import get_logger
from loopengt.function_calls import CalledFunction
from loopengt.functions import split_reference
from loopengt.redaction import keep_secret
from loopengt.threads import call_in_thread
from loopengt_hookspecs.errors import AgentError, MissingRequirement, UsageError
from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import ToolOffer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from loopengt_hookspecs.models import LoopSpec, ToolSpec
    from loopengt_hookspecs.tools import ToolCall
    from loopengt_tools.signatures import Signature

__all__ = ["FunctionTool", "FunctionTools"]


class FunctionTools:
    """Binds functions by their dotted paths."""

    def bind(self, tool: ToolSpec, project: Path, loop: LoopSpec) -> FunctionTool:
        """Make the tool; the function is imported when it is first offered.

        Raises:
            UsageError: ``function_ref`` is no dotted path, or ``auth`` is nothing that a function can be given.
        """
        try:
            split_reference(tool.function_ref or "")
        except ValueError as error:
            raise UsageError(f"function_ref of tool {tool.name!r}: {error}") from None
        auth = tool.auth
        if auth.method.value != "none" and auth.env_var is None:
            raise UsageError(
                f"auth of tool {tool.name!r} names no environment variable",
                remedy="Add env_var, such as env_var: GITHUB_TOKEN.",
            )
        if auth.header_name != "Authorization":
            raise UsageError(
                f"auth of tool {tool.name!r} has header_name, but a function is sent no header",
                remedy="Take header_name out: the function gets the secret as its parameter auth.",
            )
        return FunctionTool(tool, project)


class FunctionTool:
    """Calls a function with the arguments as its type hints want them.

    An async function is awaited in the engine's event loop. A sync one is called in a daemon thread; Python cannot end
    a thread, so when the call is cancelled it is left behind.

    Args:
        spec: The declaration.
        project: The project folder, where the function's module is looked for first.
    """

    def __init__(self, spec: ToolSpec, project: Path) -> None:
        self._spec = spec
        self._called = CalledFunction(spec.function_ref or "", project, f"tool {spec.name!r}", "function_ref")
        self._loaded: tuple[Signature, ToolOffer] | None = None

    def plan(self) -> str:
        """The function that would be called."""
        return f"call {self._spec.function_ref} in this process"

    def missing(self) -> list[MissingRequirement]:
        """The function's module, when it is nowhere, and the variable of ``auth``; nothing is imported."""
        variable = self._missing_variable()
        return self._called.missing() + ([variable] if variable is not None else [])

    async def offers(self, workspace: Path) -> Sequence[ToolOffer]:
        """The function, with a schema from its type hints where the spec has none.

        Raises:
            AgentError: It cannot be imported, or its parameters cannot be filled from JSON.
            MissingRequirement: It is not there, or needs a secret that the spec does not name.
        """
        return (self._load()[1],)

    async def call(self, call: ToolCall) -> Any:
        """Call the function.

        Raises:
            ToolError: The arguments do not fit, or what it returns is no JSON data.
            MissingRequirement: The variable of ``auth`` is not set.
            Exception: What an async function raises; what a sync one raises, as an ``AgentError``.
        """
        signature, _ = self._load()
        make = signature.bound(call, self._secret())
        if _is_async(signature.function):
            value = await self._awaited(make())
        else:
            value = await self._in_thread(make)
        return signature.json_of(value, self._spec.name)

    async def release(self, workspace: Path) -> None:
        """Nothing is open."""

    def _load(self) -> tuple[Signature, ToolOffer]:
        if self._loaded is None:
            from loopengt_tools.signatures import signature_of

            spec = self._spec
            signature = signature_of(self._called.load(), str(spec.function_ref))
            if signature.needs_auth and spec.auth.env_var is None:
                raise MissingRequirement(
                    f"the tool {spec.name!r} calls {spec.function_ref}, which needs a secret as auth",
                    remedy="Add to the tool: auth: {method: bearer, env_var: NAME_OF_THE_VARIABLE}",
                )
            offer = ToolOffer(
                name=spec.name,
                description=spec.description or signature.description,
                input_schema=spec.schema_def or signature.input_schema,
                output_schema=spec.return_schema or signature.output_schema,
                effects=spec.effects or Effects.IDEMPOTENT,
                source=str(spec.function_ref),
            )
            self._loaded = signature, offer
        return self._loaded

    async def _awaited(self, awaitable: Any) -> Any:
        try:
            return await awaitable
        except SystemExit as error:  # it would end the engine
            raise self._called.failure(error) from error

    async def _in_thread(self, make: Any) -> Any:
        value, error = await call_in_thread(lambda call: call(), make, self._abandoned)
        if isinstance(error, AgentError):
            raise error
        if error is not None:
            # Made an AgentError: a StopIteration or SystemExit must not travel through a coroutine.
            raise self._called.failure(error) from error
        return await self._awaited(value) if inspect.isawaitable(value) else value

    def _abandoned(self) -> None:
        get_logger("loopengt.tools").warning(
            "function was abandoned and goes on in its thread, which Python cannot end",
            tool=self._spec.name,
            function=self._spec.function_ref,
        )

    def _secret(self) -> str | None:
        missing = self._missing_variable()
        if missing is not None:
            raise missing
        if self._spec.auth.env_var is None:
            return None
        secret = os.environ[self._spec.auth.env_var]
        keep_secret(secret)
        return secret

    def _missing_variable(self) -> MissingRequirement | None:
        variable = self._spec.auth.env_var
        if variable is None or os.environ.get(variable):
            return None
        return MissingRequirement(
            f"tool {self._spec.name!r} needs the environment variable {variable}",
            remedy=f"export {variable}=...",
        )


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
