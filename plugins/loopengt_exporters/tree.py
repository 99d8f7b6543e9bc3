"""The exporter ``tree``: what a run did, as a tree of plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.display import dollars, duration, first_line, lap, spent, visible
from loopengt.story import Note, tell
from loopengt_exporters.calls import MOST, call_lines
from loopengt_exporters.scores import score_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt.story import Attempt, Check, Execution, Story
    from loopengt_hookspecs.models import LoopState, TraceEvent

__all__ = ["TreeExporter"]

Branch = tuple[str, "list[Branch]"]
"""A line, and the branches below it."""

_LONGEST = 100
"""Characters of a text within a line."""


class TreeExporter:
    """Writes a tree of steps, attempts, gates and judges, without colours or control characters.

    Args:
        most_calls: Calls of one attempt that are shown one by one; of more only their number is; None: all are.
    """

    def __init__(self, most_calls: int | None = MOST) -> None:
        self._branches = _Branches(most_calls)

    @classmethod
    def from_context(cls, context: object) -> TreeExporter:
        """Make the one that is registered."""
        return cls()

    def complete(self) -> TreeExporter:
        """Return one that shows all calls, however many there are."""
        return TreeExporter(None)

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
        lines += _draw([self._branches.part(part, story) for part in story.parts])
        lines.append(_ending(story, state))
        for name, scores in story.evaluations.items():
            lines.append(f"evaluation {visible(name)}" if name else "judged")
            lines += _draw([branch for score in scores for branch in score_lines(score, of_step=True)])
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


class _Branches:
    def __init__(self, most_calls: int | None) -> None:
        self._most_calls = most_calls

    def part(self, part: Execution | Note, story: Story) -> Branch:
        if isinstance(part, Note):
            return f"· {first_line(part.text, 200)}", []
        return _execution(part, story), [self._attempt(attempt, part) for attempt in part.attempts]

    def _attempt(self, attempt: Attempt, execution: Execution) -> Branch:
        shown = call_lines(attempt.calls, self._most_calls)
        below: list[Branch] = [(f"{what}  {came}", []) for what, came in shown]
        if attempt.child is not None:
            below.append(self._child(attempt.child))
        if attempt.error:
            below.append((f"error: {first_line(attempt.error, 200)}", []))
        below += map(_check, attempt.checks)
        below += [branch for score in attempt.scores for branch in score_lines(score)]
        return _facts(attempt, execution), below

    def _child(self, story: Story) -> Branch:
        """Write a child run like a run: its loop, how it ended, and below it what it did."""
        facts = [f"loop {visible(str(story.header.get('loop', '')))}", duration(story.seconds, fine=True)]
        if story.end is not None:
            reason, detail = story.end
            facts.insert(
                1, f"{visible(reason)}: {first_line(detail, _LONGEST)}" if detail else visible(reason)
            )
        return "  ".join((facts[0], " · ".join(facts[1:]))), [self.part(part, story) for part in story.parts]


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


def _facts(attempt: Attempt, execution: Execution) -> str:
    facts = [visible(execution.agent)] if execution.agent else []
    if attempt.run:
        facts.append(f"run {visible(attempt.run)}")
    if attempt.waited:
        facts.append(f"after {duration(attempt.waited, fine=True)} of waiting")
    if attempt.answered or attempt.error:
        facts.append(duration(attempt.seconds, fine=True))
    facts += [*spent(*attempt.spent), *attempt.origin]
    return f"attempt {attempt.number}  {' · '.join(facts)}".rstrip()


def _check(check: Check) -> Branch:
    verdict = "pass" if check.passed else "FAIL"
    proof = f"  {check.proof}" if check.proof else ""
    facts = [duration(check.seconds, fine=True)]
    if check.tokens or check.cost_usd or check.unknown_costs:
        facts += [f"{check.tokens:,} tokens", dollars(check.cost_usd, check.unknown_costs)]
    line = f"gate {visible(check.gate)} {verdict}{proof}  {' · '.join(facts)}"
    return line, [branch for score in check.scores for branch in score_lines(score)]


def _draw(branches: list[Branch], indent: str = "") -> Iterator[str]:
    for index, (line, below) in enumerate(branches):
        last = index == len(branches) - 1
        yield f"{indent}{'└─' if last else '├─'} {line}"
        yield from _draw(below, f"{indent}{'   ' if last else '│  '}")
