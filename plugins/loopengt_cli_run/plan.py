"""Prints what a run would do, for ``run --dry-run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from loopengt.display import duration
from loopengt.triggering import bind_trigger, trigger_line
from loopengt_cli_run.text import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel
    from loopengt_hookspecs.engines import PlannedStep, PlannedTool, RunRequest
    from loopengt_hookspecs.models import LoopSpec, StepSpec

__all__ = ["print_plan"]


def print_plan(kernel: Kernel, request: RunRequest, *, as_json: bool) -> int:
    """Print the plan of a run on stdout; nothing is executed, and nothing created.

    Args:
        kernel: The project.
        request: The run that would be started.
        as_json: Print one JSON object.

    Returns:
        The exit code: 0, or 1 when this machine lacks something.
    """
    steps = kernel.engine().plan(request)
    if as_json:
        click.echo(_to_json(kernel, request, steps))
    else:
        for line in _lines(kernel, request, steps):
            click.echo(line)
    return 1 if _lacking(steps) else 0


def _lines(kernel: Kernel, request: RunRequest, steps: list[PlannedStep]) -> Iterator[str]:
    spec = request.spec
    yield f"loop:      {spec.name}, pattern {spec.pattern}"
    yield from _labelled("goal", spec.goal)
    yield f"project:   {kernel.project}"
    yield f"workspace: {_workspace(kernel, request)}"
    if "trigger" in spec.model_fields_set:
        yield from _labelled("trigger", _trigger(kernel, spec))
    yield f"limits:    {', '.join(_limits(spec))}"
    for condition in spec.stop_conditions:
        yield from _labelled("stops", f"{condition.condition_type} {condition.value!r}")
    if request.context:
        import json

        yield from _labelled("context", json.dumps(request.context, ensure_ascii=False, default=str))
    declared = {step.name: step for step in spec.steps}
    for number, step in enumerate(steps, 1):
        yield ""
        yield from _step(str(number), step, declared[step.step])
    lacking = _lacking(steps)
    yield ""
    yield f"{lacking} missing: mend that first." if lacking else "Nothing is missing; nothing was executed."


def _lacking(steps: list[PlannedStep]) -> int:
    return sum(len(step.missing) + _lacking(step.steps) for step in steps)


def _step(number: str, step: PlannedStep, declared: StepSpec | None) -> Iterator[str]:
    """Write a step; the steps of a loop that it runs follow, numbered behind its own number."""
    yield f"{number}. {step.step}"
    for dependency in declared.dependencies if declared is not None else ():
        condition = f" if {dependency.condition}" if dependency.condition else ""
        yield from _labelled("after", f"{dependency.step_name}{condition}", "   ")
    if step.agent:
        yield from _labelled("agent", f"{step.agent}, provider {step.provider}", "   ")
    yield from _labelled("executes", step.executes, "   ")
    if step.declares:
        yield from _labelled("declares", ", ".join(step.declares), "   ")
    for tool in step.tools:
        yield from _labelled("tool", _tool(tool), "   ")
    for gate in step.gates:
        yield from _labelled("gate", gate, "   ")
    for missing in step.missing:
        yield from _labelled("MISSING", missing, "   ")
    for place, below in enumerate(step.steps, 1):
        yield from _step(f"{number}.{place}", below, None)


def _tool(tool: PlannedTool) -> str:
    facts = [f"{tool.tool}: {tool.executes}"]
    if tool.effects:
        facts.append(f"effects {tool.effects}")
    if tool.approval:
        facts.append("a person approves each call")
    return ", ".join(facts)


def _labelled(label: str, text: str, indent: str = "") -> Iterator[str]:
    first, *more = lines_of(text) or [""]
    yield f"{indent}{label + ':':<10} {first}"
    yield from (f"{indent}{'':<10} {line}" for line in more)


def _workspace(kernel: Kernel, request: RunRequest) -> str:
    kind = "in_place" if request.in_place else str(request.spec.workspace)
    if kind == "in_place":
        return "the project's own files"
    folder = kernel.folder / "workspaces"
    if kind != "copy" and (kernel.project / ".git").exists():
        without = "" if kind == "worktree" else ", or a copy when the repository has no commit"
        return f"a git worktree in {folder}{without}"
    if kind == "worktree":
        return f"a git worktree, and {kernel.project} is not the top of a repository: git init, and commit, first"
    return f"a copy in {folder}"


def _trigger(kernel: Kernel, spec: LoopSpec) -> str:
    return trigger_line(bind_trigger(kernel, spec.trigger, kernel.project))


def _limits(spec: LoopSpec) -> list[str]:
    policy = spec.policy
    found = [f"{policy.max_turns} turns", duration(policy.max_total_time_seconds)]
    if policy.budget.max_tokens is not None:
        found.append(f"{policy.budget.max_tokens:,} tokens")
    if policy.budget.max_cost_usd is not None:
        found.append(f"${policy.budget.max_cost_usd:g}")
    return found


def _to_json(kernel: Kernel, request: RunRequest, steps: list[PlannedStep]) -> str:
    import dataclasses
    import json

    policy = request.spec.policy
    plan: dict[str, Any] = {
        "loop": request.spec.name,
        "pattern": request.spec.pattern,
        "goal": request.spec.goal,
        "project": str(kernel.project),
        "workspace": _workspace(kernel, request),
        "trigger": _trigger(kernel, request.spec) if "trigger" in request.spec.model_fields_set else None,
        "limits": {
            "max_turns": policy.max_turns,
            "max_total_time_seconds": policy.max_total_time_seconds,
            "max_tokens": policy.budget.max_tokens,
            "max_cost_usd": policy.budget.max_cost_usd,
        },
        "context": dict(request.context),
        "steps": [dataclasses.asdict(step) for step in steps],
    }
    return json.dumps(plan, ensure_ascii=False, indent=2, default=str)
