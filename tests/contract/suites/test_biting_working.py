"""Each rule for agents, middleware, tools and types of tools is broken by a component that is broken so."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from loopengt.testing import AgentContract, MiddlewareContract, ToolContract, ToolTypeContract
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError, UsageError
from loopengt_hookspecs.models.enums import Effects
from loopengt_hookspecs.tools import ToolError, ToolOffer

from .biting import Case, all_are_rules, bite, changed, each_rule


class Open(BaseModel):
    word: str = "please"


class Closed(Open):
    model_config = ConfigDict(extra="forbid")


class Echo:
    options: Any = None

    def bind(self, role: Any, project: Path) -> Any:
        self.project = project
        return self

    def plan(self) -> str:
        return "echo the prompt"

    def missing(self) -> list[Any]:
        return []

    async def invoke(self, request: Any) -> Any:
        if request.prompt == "fail":
            raise AgentError("it failed", kind="ServerError")
        request.emit("custom", {"note": "hello"})
        return AgentReply(request.prompt, {"prompt_tokens": 1}, cost_usd=0.0, cost_source="reported")


def _replies(*args: Any, **fields: Any) -> dict[str, Any]:
    async def invoke(self: Any, request: Any) -> Any:
        return AgentReply(*args, **fields)

    return changed(Echo, invoke=invoke)


SHARED = AgentReply("the same")


async def _shares(self: Any, request: Any) -> Any:
    return SHARED


async def _scribbles(self: Any, request: Any) -> Any:
    request.context["topic"].append("more")
    return AgentReply("x")


async def _emits(self: Any, request: Any) -> Any:
    request.emit("something.new", {})
    return AgentReply("x")


async def _fails_oddly(self: Any, request: Any) -> Any:
    raise KeyError(request.prompt)


async def _leaves_a_program(self: Any, request: Any) -> Any:
    process = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(4)"])
    LEFT.append(process)
    await asyncio.sleep(60)


LEFT: list[subprocess.Popen[bytes]] = []


@pytest.fixture(autouse=True)
def _ends_what_is_left() -> Any:
    yield
    while LEFT:
        process = LEFT.pop()
        process.kill()
        process.wait()


def _writes(self: Any) -> str:
    (self.project / "plan.txt").write_text("x")
    return "write"


AGENT = Case(
    AgentContract,
    changed(Echo) | {"failing_prompt": "fail"},
    {
        "its_options_are_a_closed_model": changed(Echo, options=Open),
        "plan_and_missing_do_nothing": changed(Echo, plan=_writes),
        "what_it_says_of_itself_is_yes_or_no": changed(Echo, free="yes"),
        "the_reply_is_json_data": _replies({1, 2}),
        "usage_and_cost_are_numbers": _replies("x", {"prompt_tokens": 1.5}),
        "the_request_stays_as_it_is": changed(Echo, invoke=_scribbles),
        "attempts_may_run_at_once": changed(Echo, invoke=_shares),
        "events_are_named_and_json": changed(Echo, invoke=_emits),
        "failures_are_agent_errors": changed(Echo, invoke=_fails_oddly),
        "it_is_cancelled_in_time": changed(Echo, invoke=_leaves_a_program),
    },
)


class Through:
    async def __call__(self, request: Any, call_next: Any) -> Any:
        return await call_next(request)


async def _asks_twice(self: Any, request: Any, call_next: Any) -> Any:
    await call_next(request)
    return await call_next(request)


async def _forgets(self: Any, request: Any, call_next: Any) -> Any:
    await call_next(request)


async def _wraps(self: Any, request: Any, call_next: Any) -> Any:
    try:
        return await call_next(request)
    except Exception as exc:
        raise RuntimeError("wrapped") from exc


async def _hushes(self: Any, request: Any, call_next: Any) -> Any:
    try:
        return await call_next(request)
    except BaseException:
        return AgentReply("hush")


async def _renames(self: Any, request: Any, call_next: Any) -> Any:
    request.prompt = "another"
    return await call_next(request)


async def _one_by_one(self: Any, request: Any, call_next: Any) -> Any:
    if not hasattr(self, "lock"):
        self.lock = asyncio.Lock()
    async with self.lock:
        return await call_next(request)


def _not_async(self: Any, request: Any, call_next: Any) -> Any:
    return call_next(request)


MIDDLEWARE = Case(
    MiddlewareContract,
    changed(Through),
    {
        "it_is_an_async_callable": changed(Through, __call__=_not_async),
        "the_agent_is_asked_once": changed(Through, __call__=_asks_twice),
        "the_reply_comes_back": changed(Through, __call__=_forgets),
        "errors_pass_through": changed(Through, __call__=_wraps),
        "cancelling_passes_through": changed(Through, __call__=_hushes),
        "the_request_stays_as_it_is": changed(Through, __call__=_renames),
        "attempts_may_run_at_once": changed(Through, __call__=_one_by_one),
    },
)


class Reads:
    """Reads a file of the workspace."""

    description = "Reads a file"
    input_schema: Any = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}
    output_schema: Any = {"type": "object"}
    effects: Any = Effects.IDEMPOTENT
    options: Any = Closed

    async def call(self, call: Any, options: Any) -> Any:
        path = (call.workspace / call.arguments["path"]).resolve()
        if not path.is_relative_to(call.workspace.resolve()) or not path.is_file():
            raise ToolError(f"there is no file {call.arguments['path']}")
        await asyncio.sleep(0)
        return {"text": path.read_text()}


async def _reads_all(self: Any, call: Any, options: Any) -> Any:
    return {"text": (call.workspace / call.arguments["path"]).read_text()}


async def _pops(self: Any, call: Any, options: Any) -> Any:
    return {"text": call.arguments.pop("path")}


async def _crowds(self: Any, call: Any, options: Any) -> Any:
    self.inside = getattr(self, "inside", 0) + 1
    await asyncio.sleep(0.01)
    alone = self.inside == 1
    self.inside -= 1
    return {} if alone else []


async def _litters(self: Any, call: Any, options: Any) -> Any:
    (call.workspace.parent / "litter.txt").write_text("x")
    return {}


async def _forgives(self: Any, call: Any, options: Any) -> Any:
    return {}


async def _clings(self: Any, call: Any, options: Any) -> Any:
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return {}


async def _returns_a_set(self: Any, call: Any, options: Any) -> Any:
    return {1}


def _describes_by_writing(self: Any, options: Any) -> str:
    subprocess.run(["true"], check=True)
    return "x"


def _prepare(self: Any, workspace: Path) -> None:
    (workspace / "a.txt").write_text("x")


TOOL = Case(
    ToolContract,
    changed(Reads) | {"arguments": {"path": "a.txt"}, "prepare": _prepare, "failing": [{"path": "absent"}]},
    {
        "it_describes_itself": changed(Reads, description=""),
        "its_schemas_are_valid": changed(Reads, input_schema={"type": "objekt"}),
        "its_options_are_a_closed_model": changed(Reads, options=Open),
        "a_call_returns_json_data": changed(Reads, call=_returns_a_set),
        "arguments_and_options_stay_as_they_are": changed(Reads, call=_pops),
        "calls_may_run_at_once": changed(Reads, call=_crowds),
        "nothing_outside_the_workspace_is_touched": changed(Reads, call=_litters),
        "paths_do_not_lead_out": changed(Reads, call=_reads_all),
        "failing_calls_raise": changed(Reads, call=_forgives),
        "it_is_cancelled_in_time": changed(Reads, call=_clings),
        "describing_it_does_nothing": changed(Reads, description_for=_describes_by_writing),
    },
)


class Counts:
    """A type of tools with one tool each, which counts."""

    def bind(self, tool: Any, project: Path, loop: Any) -> Any:
        if tool.options.get("odd"):
            raise UsageError("odd is no option")
        self.project, self.name = project, tool.name
        return self

    def plan(self) -> str:
        return "count"

    def missing(self) -> list[Any]:
        return []

    async def offers(self, workspace: Path) -> Any:
        return [ToolOffer(self.name, "Counts", {"type": "object"})]

    async def call(self, call: Any) -> Any:
        if "odd" in call.arguments:
            raise ToolError("odd cannot be counted")
        return {"count": len(call.arguments)}

    async def release(self, workspace: Path) -> None:
        pass


async def _offers_twins(self: Any, workspace: Path) -> Any:
    return [ToolOffer("twin"), ToolOffer("twin")]


async def _offers_more(self: Any, workspace: Path) -> Any:
    self.asked = getattr(self, "asked", 0) + 1
    return [ToolOffer(f"tool_{number}") for number in range(self.asked)]


async def _called_badly(self: Any, call: Any) -> Any:
    return object()


async def _called_crowded(self: Any, call: Any) -> Any:
    return await _crowds(self, call, None)


async def _called_gladly(self: Any, call: Any) -> Any:
    return {}


async def _called_clinging(self: Any, call: Any) -> Any:
    await _clings(self, call, None)


async def _releases_once(self: Any, workspace: Path) -> None:
    del self.name


def _binds_all(self: Any, tool: Any, project: Path, loop: Any) -> Any:
    self.name, self.project = tool.name, project
    return self


TOOL_TYPE = Case(
    ToolTypeContract,
    changed(Counts)
    | {"arguments": {"a": 1}, "failing": {"odd": 1}, "refused": [{"name": "x", "options": {"odd": True}}]},
    {
        "binding_plan_and_missing_do_nothing": changed(Counts, plan=_writes),
        "offers_are_what_a_model_can_read": changed(Counts, offers=_offers_twins),
        "offers_are_the_same_again": changed(Counts, offers=_offers_more),
        "a_call_returns_json_data": changed(Counts, call=_called_badly),
        "calls_may_run_at_once": changed(Counts, call=_called_crowded),
        "failing_calls_raise": changed(Counts, call=_called_gladly),
        "releasing_twice_is_releasing_once": changed(Counts, release=_releases_once),
        "it_is_cancelled_in_time": changed(Counts, call=_called_clinging),
        "what_cannot_work_is_refused": changed(Counts, bind=_binds_all),
    },
)

CASES = [AGENT, MIDDLEWARE, TOOL, TOOL_TYPE]


@each_rule(CASES)
def test_a_broken_component_breaks_the_rule(case: Case, rule: str, tmp_path: Path) -> None:
    """A sound component keeps the rule; one that is broken in this way fails it, with a fact and a remedy."""
    bite(case, rule, tmp_path)


def test_nothing_is_broken_for_no_rule() -> None:
    """Every rule has its broken component, and says in a sentence what it is."""
    all_are_rules(CASES)
