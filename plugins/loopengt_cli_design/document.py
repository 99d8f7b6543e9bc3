"""Writes LOOP_DESIGN.md: what a loop is for, why it is as it is, and how to run it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from loopengt.display import duration, visible
from loopengt_cli_design.graphs import graph_of_spec, to_mermaid

if TYPE_CHECKING:
    from loopengt_cli_design.designs import Design
    from loopengt_hookspecs.models import LoopSpec, StepSpec, VerificationGate

__all__ = ["design_document"]

_PATTERNS: Final = {
    "sequential": "The steps are taken once, in the order of their declaration.",
    "repeat": "All steps are taken lap after lap, each lap with a fresh context and with what failed in the one "
    "before, until every gate of a lap passes or a limit is reached.",
    "parallel_fan_out": "Steps that do not depend on each other are taken at the same time.",
    "supervisor_worker": "The first step decides after each other one which comes next, or that the work is done.",
    "handoff": "Each agent hands its work, with instructions, to the next.",
    "evaluator_optimizer": "The first step judges, the others improve, until the judge is satisfied.",
}
_LONGEST_CELL: Final = 400
_LONGEST_REASON: Final = 4_000
_MEANING: Final = re.compile(r"[\\`*_{}\[\]<>#|~&$!]")
"""What means something to Markdown or HTML anywhere in a text."""
_BEGINNING: Final = re.compile(r"^(\d*)([-+=.)])")
"""What would begin a list or a heading."""


def design_document(design: Design, goal: str, spec_name: str, executes: Sequence[str]) -> str:
    """Return the text of LOOP_DESIGN.md. What comes from goal, model or template cannot leave its place in it.

    Args:
        design: The loop and where it comes from.
        goal: The goal in the person's own words.
        spec_name: Path of the loop's file, as one types it.
        executes: What a run would execute, one line each.
    """
    spec = design.loaded.spec
    sections = [
        (f"# Design of {_code(spec.name)}", f"{_prose(design.how)} {_beside(spec_name)}"),
        ("## Goal", _quoted(goal)),
        ("## Why this pattern", _why(spec, design)),
        ("## Diagram", f"```mermaid\n{to_mermaid(graph_of_spec(spec, design.loaded.loops))}```"),
        ("## Agents", _agents(spec)),
        ("## Steps", _steps(spec)),
        ("## Gates", _gates(spec)),
        ("## Limits", _list(_limits(spec))),
        ("## When it ends", _list(_ends(spec))),
        ("## What it executes", _list(map(_code, executes))),
        ("## How to run it", _running(spec_name)),
    ]
    return "\n\n".join(f"{title}\n\n{body}" for title, body in sections if body) + "\n"


def _beside(spec_name: str) -> str:
    return f"The loop is {_code(spec_name)}; this page was written beside it and does not change with it."


def _why(spec: LoopSpec, design: Design) -> str:
    meaning = _PATTERNS.get(spec.pattern, "What this pattern does is said by whoever wrote it.")
    parts = [f"The pattern is {_code(spec.pattern)}. {meaning}"]
    if design.why:
        parts.append(_prose(design.why, _LONGEST_REASON))
    if design.notes:
        parts.append("What was considered:\n\n" + _list(map(_prose, design.notes)))
    return "\n\n".join(parts)


def _agents(spec: LoopSpec) -> str:
    rows = []
    for agent in spec.agents:
        model = agent.config.model if "model" in agent.config.model_fields_set else ""
        by = _code(agent.config.provider) + (f", model {_code(model)}" if model else "")
        rows.append((_code(agent.name), by, _prose(agent.description), duration(agent.timeout_seconds)))
    return _table(("Agent", "Provider", "What for", "Longest call"), rows)


def _steps(spec: LoopSpec) -> str:
    return _table(
        ("Step", "Done by", "After", "Gates", "What"),
        [(_code(step.name), _done_by(step), _after(step), _names(step.verification_gates), _prose(step.description))
         for step in spec.steps],
    )  # fmt: skip


def _done_by(step: StepSpec) -> str:
    by = f"loop {_code(step.loop)}" if step.loop is not None else _code(step.agent)
    return f"{by}, for each of {_code(step.for_each)}" if step.for_each is not None else by


def _after(step: StepSpec) -> str:
    return ", ".join(
        _code(each.step_name) + (f" if {_code(each.condition)}" if each.condition else "")
        for each in step.dependencies
    )


def _gates(spec: LoopSpec) -> str:
    rows = [
        (
            _code(gate.name),
            _prose(gate.description or "not said"),
            _check(gate),
            _failure(gate, spec),
        )
        for gate in spec.policy.verification_gates
    ]
    if not rows:
        return "None: nothing but the agents' own word says that the work is done."
    said = "The engine runs these itself, whatever an agent says of its work."
    return f"{said}\n\n{_table(('Gate', 'What it proves', 'How', 'When it fails'), rows)}"


def _check(gate: VerificationGate) -> str:
    if gate.command is not None:
        command = gate.command if isinstance(gate.command, str) else shlex.join(gate.command)
        least = f", at least {gate.min_tests} tests" if gate.min_tests is not None else ""
        return f"runs {_code(command)}{least}"
    if gate.condition:
        return f"checks {_code(gate.condition)}"
    return f"judge {_code(gate.judge.kind)}" if gate.judge else f"kind {_code(gate.kind)}"


def _failure(gate: VerificationGate, spec: LoopSpec) -> str:
    if gate.on_failure == "retry":
        again = "the next lap" if spec.pattern == "repeat" else "the next attempt at the step"
        return f"{again} is told why"
    return "the run ends as blocked" if gate.on_failure == "abort" else "it is recorded, and the run goes on"


def _limits(spec: LoopSpec) -> Iterator[str]:
    policy, budget = spec.policy, spec.policy.budget
    yield f"at most {policy.max_turns} turns, that is executions of steps"
    yield f"at most {duration(policy.max_total_time_seconds)}"
    if budget.max_tokens is not None:
        yield f"at most {budget.max_tokens:,} tokens"
    if budget.max_cost_usd is not None:
        yield f"at most ${budget.max_cost_usd:g}; of an agent whose cost is not known: {budget.on_unknown_cost.value}"
    for step in spec.steps:
        if step.budget is not None and step.budget.max_turns is not None:
            yield f"step {_code(step.name)}: at most {step.budget.max_turns} times"


def _ends(spec: LoopSpec) -> Iterator[str]:
    gated = any(step.verification_gates for step in spec.steps)
    met = "the pattern is through, and every gate passed" if gated else "the pattern is through"
    yield f"goal met: {met}"
    for stop in spec.stop_conditions:
        value = "" if stop.value is None else f" {_code(str(stop.value))}"
        yield f"{_code(stop.condition_type)}{value}{f': {_prose(stop.description)}' if stop.description else ''}"
    if spec.policy.no_progress.max_repeats is not None:
        yield f"no progress: a step comes to nothing new {spec.policy.no_progress.max_repeats} times in a row"
    yield "exhausted: a limit is reached, which is never a success"


def _running(spec_name: str) -> str:
    spec = shlex.quote(spec_name)
    lines = (
        f"loopengt validate {spec}",
        f"loopengt run {spec} --dry-run    # the plan; nothing is executed",
        f"loopengt run {spec}",
        "loopengt graph latest            # the path that the run took",
    )
    return _fenced("\n".join(lines), "sh")


def _list(lines: Any) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(_code, names))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell or '-' for cell in line)} |" for line in lines)


def _code(text: str) -> str:
    """Put text into a code span that also fits into a table's cell."""
    text = visible(_cut(" ".join(text.split())))
    if not text:
        return "-"
    # A cell ends at a bar without a backslash, in code too; a backslash of the text must not undo ours.
    text = re.sub(r"\\(?=\|)", r"\\ ", text).replace("|", r"\|")
    ticks = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if "`" in (text[0], text[-1]) else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _prose(text: str, limit: int = _LONGEST_CELL) -> str:
    """Write text as text: no character of it means anything to Markdown or HTML."""
    line = _MEANING.sub(r"\\\g<0>", visible(_cut(" ".join(text.split()), limit)))
    return _BEGINNING.sub(r"\1\\\2", line)


def _quoted(text: str) -> str:
    return _fenced(visible(text.strip().replace("\r\n", "\n"), keep="\n\t"), "text")


def _fenced(text: str, kind: str) -> str:
    fence = "`" * max(3, max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    return f"{fence}{kind}\n{text}\n{fence}"


def _cut(text: str, limit: int = _LONGEST_CELL) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
