"""The suites that built-in tools and types of tools pass; their authors subclass them in a test module.

::

    from loopengt.testing import ToolContract

    class TestShout(ToolContract):
        arguments = {"text": "hello"}

        def make(self, folder):
            return Shout()
"""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from loopengt.json_schema import JsonSchema, SchemaProblem
from loopengt.testing.contracts.base import Contract, caught_async, guarded, quick, require, rule, skip, still
from loopengt.testing.contracts.cancelling import cancelled_in_time
from loopengt.testing.contracts.data import example_of, fault_in
from loopengt.testing.contracts.options import check_model, fitting_options
from loopengt.testing.contracts.requests import keep_blob, says_yes
from loopengt_hookspecs.models.enums import Effects
from loopengt_hookspecs.tools import ToolCall

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.tools import Tool

__all__ = ["ToolContract", "check_schema", "tool_call"]


class ToolContract(Contract):
    """Every rule of ``loopengt_hookspecs.tools.Tool`` as a test; override ``make(self, folder: Path) -> Tool``."""

    options: ClassVar[Mapping[str, Any]] = {}
    """Options of the declaration; those that the model requires and that are not given are made up."""
    arguments: ClassVar[Mapping[str, Any] | None] = None
    """Arguments of a call that works; None: made up from the schema."""
    failing: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Arguments of calls that fail."""
    slow: ClassVar[Mapping[str, Any] | None] = None
    """Arguments of a call that takes longer than 5 seconds; None: as ``arguments``."""

    def prepare(self, workspace: Path) -> None:
        """Put into the workspace what the calls need."""

    @rule
    def test_it_describes_itself(self, tool: Tool, folder: Path) -> None:
        """A tool has a description for the model, and says what a second call does."""
        said = self._description(tool)
        sound = isinstance(said, str) and bool(said.strip())
        require(
            sound, f"the description is {said!r}", "Say what the tool does: the model reads nothing else."
        )
        require(
            isinstance(tool.effects, Effects), f"effects is {tool.effects!r}", "Take a member of Effects."
        )

    @rule
    def test_its_schemas_are_valid(self, tool: Tool, folder: Path) -> None:
        """The schema of the arguments describes an object, and both schemas are valid."""
        check_schema(self._schema(tool), "input_schema", objects=True)
        if tool.output_schema is not None:
            check_schema(tool.output_schema, "output_schema")

    @rule
    def test_its_options_are_a_closed_model(self, tool: Tool, folder: Path) -> None:
        """``options`` is None or a pydantic model that takes the samples and refuses unknown keys."""
        check_model(tool.options, fitting_options(tool.options, self.options), "the tool")

    @rule
    async def test_a_call_returns_json_data(self, tool: Tool, folder: Path) -> None:
        """A call returns text or JSON data, which fits the output schema where there is one."""
        result = await self._called(tool, folder)
        fault = fault_in(result, "the result")
        require(not fault, fault, "Return text or JSON data.")
        if tool.output_schema is not None:
            wrong = JsonSchema(tool.output_schema).violations(result)
            require(not wrong, f"the result does not fit output_schema: {wrong[:3]}", "Mend either.")

    @rule
    async def test_arguments_and_options_stay_as_they_are(self, tool: Tool, folder: Path) -> None:
        """A call changes neither its arguments nor the options, which other calls share."""
        self.prepare(folder)
        options, call = self._options(tool), self._call(tool, folder)
        before = (copy.deepcopy(call.arguments), copy.deepcopy(options))
        with guarded("a call"):
            await tool.call(call, options)
        require((call.arguments, options) == before, "a call changed its arguments or options", "Copy them.")

    @rule
    async def test_calls_may_run_at_once(self, tool: Tool, folder: Path) -> None:
        """Several calls at the same time, in workspaces of their own, come to the same results as one by one."""
        places = [folder / name for name in ("a", "b", "c")]
        for place in places:
            place.mkdir()
            self.prepare(place)
        options = self._options(tool)
        with guarded("calls at the same time"):
            results = await asyncio.gather(*(tool.call(self._call(tool, one), options) for one in places))
        kinds = {type(result).__name__ for result in results}
        require(
            len(kinds) == 1, f"calls at the same time returned {sorted(kinds)}", "Keep nothing of a call."
        )

    @rule
    async def test_nothing_outside_the_workspace_is_touched(self, tool: Tool, folder: Path) -> None:
        """A call writes in the workspace alone."""
        workspace = folder / "workspace"
        workspace.mkdir()
        self.prepare(workspace)
        with guarded("a call"):
            await tool.call(self._call(tool, workspace), self._options(tool))
        left = sorted(set(os.listdir(folder)) - {workspace.name})
        require(not left, f"a call made {left} beside the workspace", "Resolve paths below call.workspace.")

    @rule
    async def test_paths_do_not_lead_out(self, tool: Tool, folder: Path) -> None:
        """Arguments that name a path outside the workspace neither read nor change what is there."""
        workspace, secret = folder / "workspace", folder / "secret.txt"
        workspace.mkdir()
        self.prepare(workspace)
        secret.write_text("what nobody may see\n")
        for path in ("../secret.txt", str(secret), "a/../../secret.txt"):
            given = self._arguments(tool)
            for key in [key for key, value in given.items() if isinstance(value, str)]:
                changed = given | {key: path}
                if JsonSchema(self._schema(tool)).violations(changed):
                    continue
                call = tool_call(workspace, changed)
                try:
                    said = str(await tool.call(call, self._options(tool)))
                except Exception as exc:
                    said = str(exc)
                intact = secret.read_text() == "what nobody may see\n" if secret.exists() else False
                require(
                    intact and "nobody may see" not in said,
                    f"{key} = {path!r} reached a file outside the workspace",
                    "Resolve the path, links included, and refuse what is not below call.workspace.",
                )

    @rule
    async def test_failing_calls_raise(self, tool: Tool, folder: Path) -> None:
        """A call that fails raises an error whose text tells the agent what to change."""
        if not self.failing:
            skip("give the suite failing = [{...}], arguments of calls that fail")
        self.prepare(folder)
        for arguments in self.failing:
            raised = await caught_async(tool.call(tool_call(folder, arguments), self._options(tool)))
            require(
                raised is not None and bool(str(raised).strip()),
                f"a call with {dict(arguments)!r} raised {raised!r}",
                'Raise ToolError("what is wrong, and what to do").',
            )

    @rule
    async def test_it_is_cancelled_in_time(self, tool: Tool, folder: Path) -> None:
        """Cancelled, a call ends within seconds, lets ``CancelledError`` pass, and ends what it has started."""
        self.prepare(folder)
        call = tool_call(folder, self._arguments(tool) if self.slow is None else self.slow)

        async def go() -> None:
            await tool.call(call, self._options(tool))

        await cancelled_in_time(go(), "the call")

    @rule
    def test_describing_it_does_nothing(self, tool: Tool, folder: Path) -> None:
        """Its description, schemas and options are there at once, without a file, a program or a network."""
        with (
            still("describing the tool", folder),
            quick("describing the tool"),
            guarded("describing the tool"),
        ):
            self._description(tool), self._schema(tool), self._options(tool)

    # Inside

    def _options(self, tool: Tool) -> Any:
        given = fitting_options(tool.options, self.options)
        return None if tool.options is None else tool.options.model_validate(given)

    def _schema(self, tool: Tool) -> Mapping[str, Any]:
        schema_for = getattr(tool, "schema_for", None)
        schema: Mapping[str, Any] = (
            tool.input_schema if schema_for is None else schema_for(self._options(tool))
        )
        return schema

    def _description(self, tool: Tool) -> Any:
        described = getattr(tool, "description_for", None)
        return tool.description if described is None else described(self._options(tool))

    def _arguments(self, tool: Tool) -> dict[str, Any]:
        if self.arguments is not None:
            return copy.deepcopy(dict(self.arguments))
        made = example_of(dict(self._schema(tool)))
        return made if isinstance(made, dict) else {}

    def _fitting(self, tool: Tool) -> dict[str, Any]:
        arguments = self._arguments(tool)
        wrong = JsonSchema(self._schema(tool)).violations(arguments)
        require(
            not wrong,
            f"the arguments {arguments} do not fit: {wrong[:3]}",
            "Give the suite arguments that do.",
        )
        return arguments

    def _call(self, tool: Tool, workspace: Path) -> ToolCall:
        return tool_call(workspace, self._fitting(tool))

    async def _called(self, tool: Tool, folder: Path) -> Any:
        self.prepare(folder)
        with guarded("a call", remedy="Give the suite arguments, and prepare(), with which it works."):
            return await tool.call(self._call(tool, folder), self._options(tool))


def tool_call(workspace: Path, arguments: Mapping[str, Any], name: str = "under_test") -> ToolCall:
    """Return a call as an engine would make it."""
    return ToolCall(
        name=name,
        arguments=copy.deepcopy(dict(arguments)),
        workspace=workspace,
        run_id="run-1",
        step="work",
        idempotency_key="run-1/work/1/1/tool 1",
        ask=says_yes,
        put_blob=keep_blob,
    )


def check_schema(schema: Any, what: str, *, objects: bool = False) -> None:
    """Break the rule where something is no JSON Schema."""
    fault = "" if isinstance(schema, Mapping) else f"it is a Python {type(schema).__name__}"
    fault = fault or fault_in(_plain(schema), what)
    if not fault:
        try:
            JsonSchema(schema)
        except SchemaProblem as exc:
            fault = str(exc)
    require(
        not fault, f"{what} is no JSON Schema: {fault}", "Mend it; https://json-schema.org has the rules."
    )
    if objects and schema:
        kind = schema.get("type")
        require(kind == "object", f"{what} has type {kind!r}", 'Describe an object: {"type": "object", …}.')


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
