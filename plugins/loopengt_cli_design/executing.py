"""Names what a loop would execute, for somebody who decides whether it is written or run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loopengt.display import first_line, one_line
from loopengt.errors import LoopengtError
from loopengt_hookspecs.engines import RunRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopengt import Kernel
    from loopengt_hookspecs.engines import PlannedStep
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["Executes", "would_execute"]

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Executes:
    """What a run would execute, and what this machine lacks for it; one line each."""

    lines: tuple[str, ...]
    missing: tuple[str, ...] = ()


def would_execute(kernel: Kernel, spec: LoopSpec) -> Executes:
    """Return what a run of a loop would execute; nothing is executed for it.

    Args:
        kernel: The project.
        spec: The loop.
    """
    lines: list[str] = []
    missing: list[str] = []
    try:
        for step in kernel.engine().plan(RunRequest(spec)):
            lines += _executes(step)
            missing += _missing(step)
    except LoopengtError as error:
        lines.append(f"what it executes cannot be told yet: {error.message}")
    lines += _beside_steps(spec)
    return Executes(tuple(one_line(line, _LONGEST) for line in lines), tuple(missing))


def _executes(step: PlannedStep, above: str = "") -> Iterator[str]:
    name = f"{above}{step.step}"
    if step.executes:
        yield f"step {name}: {step.executes}"
    for tool in step.tools:
        yield f"step {name}, tool {tool.tool}: {tool.executes}"
    for gate in step.gates:
        yield f"step {name}, gate {gate}"
    for below in step.steps:
        yield from _executes(below, f"{name} > ")


def _missing(step: PlannedStep) -> Iterator[str]:
    for missing in step.missing:
        yield f"{step.step}: {first_line(missing, _LONGEST)}"
    for below in step.steps:
        yield from _missing(below)


def _beside_steps(spec: LoopSpec) -> Iterator[str]:
    """Yield what is executed that no step of a plan names."""
    if ":" in spec.pattern or "." in spec.pattern:
        yield f"pattern {spec.pattern}: a Python function"
    metric = spec.policy.no_progress.metric
    if metric is not None and metric.command:
        yield f"no_progress: {metric.command if isinstance(metric.command, str) else shlex.join(metric.command)}"
    for name, server in spec.mcp_servers.items():
        command = server.command or []
        words = [command] if isinstance(command, str) else [shlex.join(command)]
        yield f"MCP server {name}: {server.url or ' '.join([*words, shlex.join(server.args)]).strip()}"
