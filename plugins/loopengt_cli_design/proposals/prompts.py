"""What the architect is told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from loopengt.display import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt import Kernel
    from loopengt_cli_design.detecting import Findings, Worker

__all__ = ["PROMPT", "SYSTEM", "describe"]

SYSTEM: Final = """\
You design agent loops for the tool loopengt. A loop is one JSON object: agents that work in steps towards a goal,
gates that the tool itself runs on their work, and limits. Your answer is that object and nothing else.

What makes a loop good:
- A gate proves the work; an agent's word does not. Take kind command with a program of the project (its tests, its
  linter, a build) where one can tell; kind schema or expression for data; kind approval where only a person can
  judge. Say in each gate's description what it proves. Name the gate in the verification_gates of the step it checks.
- The fewest agents and steps that do it. One agent in the pattern repeat, with the project's tests as a gate, is
  right for most mending. More agents only where one must not judge its own work, or the work splits by itself.
- A prompt says what to do, where, what must stay as it is, and takes in the placeholder feedback what failed before.
  Placeholders are names in single braces: goal, feedback, lap, item, names of the context, steps.NAME.output. A literal
  brace is written twice. A step may only take outputs of steps that come before it.
- Limits: policy.max_turns and policy.max_total_time_seconds fit the work, policy.no_progress.max_repeats ends a run
  that goes in circles, policy.budget.max_cost_usd bounds its price, with on_unknown_cost set to estimate.
- An agent that changes files has timeout_seconds of 1800, and provider auto unless there is a reason for another. Never
  name a model unless you were asked to. Secrets are never written down.
- Commands are lists of arguments, and run in the project folder. Nothing that reaches beyond the project, publishes,
  pushes or deletes, unless the goal asks for it; then behind a gate of kind approval in a step before it.
- Everything stands in this one file: no step has a loop of its own.
Say in metadata, under why, in two or three sentences, why this pattern and these gates fit the goal.
You need not change or run anything: look at the project as far as you need, and answer."""

PROMPT: Final = """\
Design a loop for this goal, which somebody has written for you:

{request}

The project in which it will run:
{project}

What this installation offers:
{offers}

What was wrong with your last proposal; nothing yet in lap 1. Mend all of it, and keep what was right:
{feedback}
"""

_KINDS: Final = {
    "patterns": "pattern",
    "gates": "kind of a gate",
    "stop_conditions": "condition_type of a stop condition",
    "agents": "provider of an agent",
}
_MOST_FILES: Final = 60


def describe(kernel: Kernel, findings: Findings, workers: Sequence[Worker]) -> dict[str, str]:
    """Return what the prompt says of the project and of the installation.

    Args:
        kernel: The project.
        findings: What its files speak of.
        workers: The providers that this machine can use.
    """
    checks = [f"- {check.shown}: {check.proves}" for check in findings.checks]
    project = [
        f"languages: {', '.join(findings.languages) or 'not recognised'}",
        "commands that check it:" if checks else "no command that checks it was recognised",
        *checks,
        f"at its top: {', '.join(_top(kernel)) or 'nothing'}",
    ]
    offers = [
        f"- {word} {name}: {summary}"
        for kind, word in _KINDS.items()
        for name, summary in kernel.names(kind).items()
        if (kind, name) != ("gates", "loop_spec")
    ]
    return {"project": "\n".join(project), "offers": "\n".join([*offers, *_usable(workers)])}


def _usable(workers: Sequence[Worker]) -> Iterator[str]:
    """Say who could do the work on this machine, and what they need to touch files."""
    clis = [worker.provider for worker in workers if worker.kind == "cli"]
    others = [worker.provider for worker in workers if worker.kind != "cli"]
    if clis:
        yield f"Usable on this machine as coding agents, with tools of their own (give them none): {', '.join(clis)}."
    if others:
        yield (
            f"Usable on this machine as models: {', '.join(others)}. They touch files by tools of the loop alone: "
            "tool_type builtin, named read_file, list_files, search_text, edit_file, write_file."
        )
    if not clis and others:
        yield "An agent that reads or changes files must name one of these models, and those tools."


def _top(kernel: Kernel) -> list[str]:
    try:
        with os.scandir(kernel.project) as entries:
            found = sorted(
                f"{one_line(entry.name, 60)}{'/' if entry.is_dir(follow_symlinks=False) else ''}"
                for entry in entries
                if not entry.name.startswith(".")
            )
    except OSError:
        return []
    return [*found[:_MOST_FILES], *(["…"] if len(found) > _MOST_FILES else [])]
