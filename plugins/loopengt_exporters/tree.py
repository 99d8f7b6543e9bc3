"""The exporter ``tree``: what a run did, as a tree of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.display import dollars, duration, first_line, lap, spent, visible
from loopengt_exporters.calls import MOST, call_facts, count_lines
from loopengt_exporters.story import Attempt, Check, Execution, Note, Story, tell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt_hookspecs.models import LoopState, TraceEvent

__all__ = ["TreeExporter"]

Branch = tuple[str, "list[Branch]"]
"""A line, and the branches below it."""

_LONGEST = 100
"""Characters of a text within a line."""


class TreeExporter:
    """Writes a tree of steps, attempts and gates, without colours or control characters."""

    def export(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Render a run."""
        story = tell(events)
        reason = story.end[0] if story.end else state.status.value
        lines = [
            f"{visible(state.loop_name)}  {visible(state.run_id)}  {visible(reason)}",
            f"  {_figures(story, state)}",
        ]
        if story.header.get("goal"):
            lines.append(f"  goal: {first_line(str(story.header['goal']), _LONGEST)}")
        lines += _draw([_part(part, story) for part in story.parts])
        lines.append(_ending(story, state))
        return "\n".join(lines) + "\n"


def _figures(story: Story, state: LoopState) -> str:
    turns = f"{state.turn} turn{'' if state.turn == 1 else 's'}"
    figures = [turns, duration(story.seconds, fine=True), f"{story.tokens:,} tokens", dollars(*story.cost)]
    if story.header.get("pattern"):
        figures.insert(0, f"pattern {visible(str(story.header['pattern']))}")
    return " · ".join(figures)


def _ending(story: Story, state: LoopState) -> str:
    if story.end is None:
        return f"not ended: {state.status.value}"
    reason, detail = story.end
    return f"{visible(reason)}: {first_line(detail, 300)}" if detail else visible(reason)


def _part(part: Execution | Note, story: Story) -> Branch:
    if isinstance(part, Note):
        return f"· {first_line(part.text, 200)}", []
    return _execution(part, story), [_attempt(attempt, part) for attempt in part.attempts]


def _execution(execution: Execution, story: Story) -> str:
    mark = lap(str(story.header.get("pattern")), execution.occurrence)
    facts = [execution.status]
    if execution.seconds is not None:
        facts.append(duration(execution.seconds, fine=True))
    if execution.items:  # it gathers them, and takes no turn itself
        facts.insert(1, f"{execution.items} item{'' if execution.items == 1 else 's'}")
    if execution.why:
        facts.append(first_line(execution.why, _LONGEST))
    return (
        f"{'·' if execution.items else execution.turn} {visible(execution.step)}{mark}  {' · '.join(facts)}"
    )


def _attempt(attempt: Attempt, execution: Execution) -> Branch:
    facts = [visible(execution.agent)] if execution.agent else []
    if attempt.run:
        facts.append(f"run {visible(attempt.run)}")
    if attempt.waited:
        facts.append(f"after {duration(attempt.waited, fine=True)} of waiting")
    if attempt.answered or attempt.error:
        facts.append(duration(attempt.seconds, fine=True))
    facts += [*spent(*attempt.spent), *attempt.origin]
    shown = count_lines(attempt.calls) if len(attempt.calls) > MOST else map(call_facts, attempt.calls)
    below: list[Branch] = [(f"{what}  {came}", []) for what, came in shown]
    if attempt.child is not None:
        below.append(_child(attempt.child))
    if attempt.error:
        below.append((f"error: {first_line(attempt.error, 200)}", []))
    below += [(_check(check), []) for check in attempt.checks]
    return f"attempt {attempt.number}  {' · '.join(facts)}".rstrip(), below


def _child(story: Story) -> Branch:
    """Write a child run like a run: its loop, how it ended, and below it what it did."""
    facts = [f"loop {visible(str(story.header.get('loop', '')))}", duration(story.seconds, fine=True)]
    if story.end is not None:
        reason, detail = story.end
        facts.insert(1, f"{visible(reason)}: {first_line(detail, _LONGEST)}" if detail else visible(reason))
    return "  ".join((facts[0], " · ".join(facts[1:]))), [_part(part, story) for part in story.parts]


def _check(check: Check) -> str:
    verdict = "pass" if check.passed else "FAIL"
    proof = f"  {check.proof}" if check.proof else ""
    return f"gate {visible(check.gate)} {verdict}{proof}  {duration(check.seconds, fine=True)}"


def _draw(branches: list[Branch], indent: str = "") -> Iterator[str]:
    for index, (line, below) in enumerate(branches):
        last = index == len(branches) - 1
        yield f"{indent}{'└─' if last else '├─'} {line}"
        yield from _draw(below, f"{indent}{'   ' if last else '│  '}")
