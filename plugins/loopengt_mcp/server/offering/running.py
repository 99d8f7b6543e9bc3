"""The tools that start, resume, fork and stop runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import Field

from loopengt.errors import UsageError
from loopengt.finding import is_driven
from loopengt_hookspecs.engines import ForkRequest, ResumeRequest, RunRequest
from loopengt_hookspecs.mcp_features import McpTool
from loopengt_mcp.server.asking import Consent, check_consent, client_name, consent_or_question
from loopengt_mcp.server.desk import desk_of
from loopengt_mcp.server.loops import Found
from loopengt_mcp.server.models import RunState
from loopengt_mcp.server.offering.waiting import Attached, RunName, WaitSeconds, settled
from loopengt_mcp.server.runs import new_run_id
from loopengt_mcp.server.speaking import speaking

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.engines import Engine, RunResult
    from loopengt_hookspecs.mcp_features import McpFeature
    from loopengt_mcp.server.watching import Watcher

__all__ = ["RunFeatures"]

LoopName: TypeAlias = Annotated[
    str, Field(description="The loop: its path in the project, such as loops/fix.yaml, or its name.")
]
SpecText: TypeAlias = Annotated[
    str,
    Field(description="In place of `loop`: the text of a loop, YAML or JSON, that is not kept as a file."),
]
Values: TypeAlias = Annotated[
    dict[str, Any] | None, Field(description="Values of the loop's context, by name; they override its own.")
]


# -- what calls need before they are done ------------------------------------------------------------------------------


@speaking
async def loop_to_run(ctx: Context, loop: str, spec: str, context: dict[str, Any] | None) -> Found:
    """Load the loop that a call means."""
    return desk_of(ctx).loops.load(loop or None, spec or None, context or ())


@speaking
async def consent_to_run(
    ctx: Context, found: Annotated[Found, Resolve(loop_to_run)]
) -> Consent | Elicit[Consent]:
    """Have consent to that."""
    return consent_or_question(ctx, desk_of(ctx), found)


@speaking
async def loop_to_go_by(ctx: Context, run_id: str, loop: str, context: dict[str, Any] | None) -> Found | None:
    """Load the loop that a fork is to go by; None: that of its run."""
    if not loop:
        return None
    desk = desk_of(ctx)
    row = await desk.states.row(run_id)
    known = (await desk.states.fold(row.run_id)).context
    return desk.loops.load(loop, None, [*known, *(context or ())])


@speaking
async def consent_to_go_by(
    ctx: Context, found: Annotated[Found | None, Resolve(loop_to_go_by)]
) -> Consent | Elicit[Consent]:
    """Have consent to that."""
    return consent_or_question(ctx, desk_of(ctx), found)


@speaking
async def loop_as_it_is_now(ctx: Context, run_id: str, accept_changes: bool) -> Found | None:
    """Load the loop of a run as its file has it now; None: the run is to go on by what was recorded."""
    if not accept_changes:
        return None
    desk = desk_of(ctx)
    row = await desk.states.row(run_id)
    header = (await desk.states.fold(row.run_id)).header
    source = Path(str(header.get("source") or ""))
    project = desk.kernel.project.resolve()
    if not header.get("source") or not source.is_relative_to(project):
        raise UsageError(
            f"run {row.run_id} was not started from a file of this project: there are no changes to accept",
            remedy="Leave accept_changes out.",
        )
    return desk.loops.load(source.relative_to(project).as_posix(), None, header.get("context", ()))


@speaking
async def consent_to_changes(
    ctx: Context, found: Annotated[Found | None, Resolve(loop_as_it_is_now)]
) -> Consent | Elicit[Consent]:
    """Have consent to that."""
    return consent_or_question(ctx, desk_of(ctx), found)


# -- the tools ---------------------------------------------------------------------------------------------------------


async def run_loop(
    ctx: Context,
    found: Annotated[Found, Resolve(loop_to_run)],
    consent: Annotated[ElicitationResult[Consent], Resolve(consent_to_run)],
    loop: LoopName = "",
    spec: SpecText = "",
    context: Values = None,
    in_place: Annotated[
        bool,
        Field(
            description="Work on the project's own files instead of a copy; only when the person wants it."
        ),
    ] = False,
    wait_seconds: WaitSeconds = 0,
    attached: Attached = False,
) -> RunState:
    """Start a run."""
    desk = desk_of(ctx)
    check_consent(desk, found, consent)
    run_id = new_run_id()
    request = RunRequest(
        found.loaded.spec, source=found.source, context=context or {}, in_place=in_place, run_id=run_id
    )

    async def drive(engine: Engine, watcher: Watcher) -> RunResult:
        request.observers = [watcher]
        return await engine.start(request)

    await desk.runs.begin(run_id, drive)
    return await settled(ctx, desk, run_id, wait_seconds, attached=attached)


async def resume_loop(
    ctx: Context,
    found: Annotated[Found | None, Resolve(loop_as_it_is_now)],
    consent: Annotated[ElicitationResult[Consent], Resolve(consent_to_changes)],
    run_id: RunName,
    unknown_outcome: Annotated[
        Literal["ask", "done", "retry", "fail"],
        Field(
            description="How a step ended that must not be done twice and was cut short; as the person says."
        ),
    ] = "ask",
    add_turns: Annotated[int, Field(ge=0, description="Turns to add to the run's limit.")] = 0,
    add_seconds: Annotated[float, Field(ge=0, description="Seconds to add to the run's limit.")] = 0,
    add_tokens: Annotated[int, Field(ge=0, description="Tokens to add to the run's budget.")] = 0,
    add_usd: Annotated[float, Field(ge=0, description="US dollars to add to the run's budget.")] = 0,
    accept_changes: Annotated[
        bool, Field(description="Go on by the loop as its file is now, instead of as it was recorded.")
    ] = False,
    wait_seconds: WaitSeconds = 0,
    attached: Attached = False,
) -> RunState:
    """Take a run up again."""
    desk = desk_of(ctx)
    check_consent(desk, found, consent)
    row = await desk.states.row(run_id)
    if not desk.runs.drives(row.run_id) and not is_driven(row):
        more = {"turns": add_turns, "seconds": add_seconds, "tokens": add_tokens, "cost_usd": add_usd}
        request = ResumeRequest(
            row.run_id,
            unknown_outcome=unknown_outcome,
            add_budget={key: amount for key, amount in more.items() if amount},
            spec=found.loaded.spec if found is not None else None,
            accept_spec=found is not None,
        )

        async def drive(engine: Engine, watcher: Watcher) -> RunResult:
            request.observers = [watcher]
            return await engine.resume(request)

        await desk.runs.begin(row.run_id, drive)
    return await settled(ctx, desk, row.run_id, wait_seconds, attached=attached)


async def fork_run(
    ctx: Context,
    found: Annotated[Found | None, Resolve(loop_to_go_by)],
    consent: Annotated[ElicitationResult[Consent], Resolve(consent_to_go_by)],
    run_id: RunName,
    at: Annotated[
        str,
        Field(
            min_length=1,
            description="Where: STEP, before its first execution; STEP#N, before its N-th; or the id of a checkpoint.",
        ),
    ],
    loop: Annotated[str, Field(description="The loop to go on by; empty: that of the run.")] = "",
    context: Values = None,
    wait_seconds: WaitSeconds = 0,
    attached: Attached = False,
) -> RunState:
    """Fork a run."""
    desk = desk_of(ctx)
    check_consent(desk, found, consent)
    row = await desk.states.row(run_id)
    fork_id = new_run_id()
    request = ForkRequest(row.run_id, at, context=context or {}, fork_id=fork_id)
    if found is not None:
        request.spec, request.source = found.loaded.spec, found.source

    async def drive(engine: Engine, watcher: Watcher) -> RunResult:
        request.observers = [watcher]
        return await engine.fork(request)

    await desk.runs.begin(fork_id, drive)
    return await settled(ctx, desk, fork_id, wait_seconds, attached=attached)


async def stop_run(
    ctx: Context,
    run_id: RunName,
    now: Annotated[bool, Field(description="Do not let the step under way finish: end its agent.")] = False,
    comment: Annotated[
        str, Field(max_length=2_000, description="Why; it becomes part of the run's end.")
    ] = "",
    wait_seconds: WaitSeconds = 5,
) -> RunState:
    """Stop a run."""
    desk = desk_of(ctx)
    row = await desk.states.row(run_id)
    if not desk.runs.drives(row.run_id) and not is_driven(row):
        state = await desk.states.state(row.run_id)
        reason = f": {state.reason}" if state.reason else ""
        raise UsageError(
            f"run {row.run_id} is {state.status}{reason}, so there is nothing to stop", remedy=state.next
        )
    said = comment.strip() or f"stopped over MCP by {client_name(ctx)}"
    signal: dict[str, Any] = {"type": "stop", "comment": said} | ({"now": True} if now else {})
    await (await desk.runs.storage()).signal(row.run_id, signal)
    return await settled(ctx, desk, row.run_id, wait_seconds)


class RunFeatures:
    """Starts, resumes, forks and stops runs."""

    def features(self) -> Iterable[McpFeature]:
        """Return the tools."""
        yield McpTool(
            "run_loop",
            "Start a run of a loop, and answer at once with its run_id and state; the run goes on by itself and "
            "outlasts this call and your connection. Name the loop by `loop`, or give its text as `spec`. Then call "
            "wait_run, or do other work and call run_status. With wait_seconds it waits for the end of a short run. "
            "Cancelling this call leaves the run going, unless attached is true: then it pauses, and resume_loop goes "
            "on with it. A loop that you have written and that executes commands needs the person's consent first.",
            run_loop,
            title="Run a loop",
            destructive=True,
            open_world=True,
        )
        yield McpTool(
            "resume_loop",
            "Go on with a run that is paused, crashed, stopped, failed, or exhausted and given more (add_turns and "
            "the like). Steps that were completed are not done again. A run that is going on already is left alone. "
            "Then call wait_run. When it waits for a person's decision, call approve instead.",
            resume_loop,
            title="Resume a run",
            destructive=True,
            idempotent=True,
            open_world=True,
        )
        yield McpTool(
            "fork_run",
            "Make a new run that shares what another did up to some step, and go on from there, with another context "
            "or loop where given; the other run stays as it is. Find the place with inspect_trace. Then call wait_run "
            "with the new run_id.",
            fork_run,
            title="Fork a run",
            destructive=True,
            open_world=True,
        )
        yield McpTool(
            "stop_run",
            "End a run before its next turn, or with now=true at once. It counts as stopped; resume_loop can still "
            "go on with it.",
            stop_run,
            title="Stop a run",
            destructive=True,
            idempotent=True,
        )
