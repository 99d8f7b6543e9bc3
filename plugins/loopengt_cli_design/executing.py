"""Names what a loop would execute, for somebody who decides whether it is written or run."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from loopengt.display import one_line
from loopengt.errors import LoopengtError
from loopengt_hookspecs.engines import RunRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_hookspecs.engines import PlannedStep
    from loopengt_hookspecs.models import LoopSpec

__all__ = ["would_execute"]

_LONGEST = 300


def would_execute(kernel: Kernel, spec: LoopSpec, source: Path | None = None) -> list[str]:
    """Return what a run would execute, one line each; nothing is executed for it.

    Args:
        kernel: The project.
        spec: The loop.
        source: Its file, where it is written already.
    """
    try:
        steps = kernel.engine().plan(RunRequest(spec, source=source))
    except LoopengtError as error:
        lines = [f"what it executes cannot be told yet: {error.message}"]
    else:
        lines = [line for step in steps for line in _step(step)]
    return [one_line(line, _LONGEST) for line in [*lines, *_beside_steps(spec)]]


def _step(step: PlannedStep, margin: str = "") -> Iterator[str]:
    name = f"{margin}{step.step}"
    if step.executes:
        yield f"step {name}: {step.executes}"
    for tool in step.tools:
        yield f"step {name}, tool {tool.tool}: {tool.executes}"
    for gate in step.gates:
        yield f"step {name}, gate {gate}"
    for missing in step.missing:
        yield f"step {name}, MISSING on this machine: {missing}"
    for below in step.steps:
        yield from _step(below, f"{name} > ")


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
