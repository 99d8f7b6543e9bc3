"""The exporter ``markdown``: a report of a run that people read and share."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from loopengt.display import dollars, duration, visible
from loopengt.story import tell
from loopengt_exporters.calls import MOST, call_lines
from loopengt_exporters.scores import score_facts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from loopengt.story import Execution, Score, Story
    from loopengt_hookspecs.models import LoopState, TraceEvent

__all__ = ["MarkdownExporter"]

_LONGEST_BLOCK = 4_000
_LONGEST_CELL = 200
_MOST_FEEDBACK = 40
_NONE = "-"


class MarkdownExporter:
    """Writes a report: goal, end, steps, gates with their proof, judges, feedback, last output.

    Whatever agents, gates or specs say stands in code spans and fenced blocks that it cannot leave.

    Args:
        most_calls: Calls of one attempt that are shown one by one; of more only their number is; None: all are.
    """

    def __init__(self, most_calls: int | None = MOST) -> None:
        self._most_calls = most_calls

    @classmethod
    def from_context(cls, context: object) -> MarkdownExporter:
        """Make the one that is registered."""
        return cls()

    def complete(self) -> MarkdownExporter:
        """Return one that shows all calls, however many there are."""
        return MarkdownExporter(None)

    def export(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        """Render a run."""
        story = tell(events)
        parts = [
            _head(state, story),
            _section("Goal", _block(str(story.header.get("goal", "")))),
            _section("End", _end(state, story)),
            _section("Steps", _steps(story)),
            _section("Calls", _calls(story, self._most_calls)),
            _section("Gates", _gates(story)),
            _section("Judges", _judges(story)),
            _section("Feedback", _last(list(_feedback(story)))),
            _section("Last output", "" if story.output is None else _block(_plain(story.output))),
            *_children(story, self._most_calls),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"


def _head(state: LoopState, story: Story) -> str:
    ended = state.completed_at
    workspace = story.header.get("workspace")
    rows = [
        ("Run", _code(state.run_id)),
        ("Pattern", _code(str(story.header.get("pattern", "")))),
        ("Started", f"{state.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Ended", f"{ended:%Y-%m-%d %H:%M:%S} UTC" if ended is not None else _NONE),
        ("Driven for", duration(story.seconds, fine=True)),
        ("Turns", str(state.turn)),
        ("Tokens", f"{story.tokens:,}"),
        ("Cost", dollars(*story.cost)),
        ("Workspace", _code(str(workspace.get("path", ""))) if isinstance(workspace, dict) else _NONE),
    ]
    return f"# Run of {_code(state.loop_name)}\n\n" + _table(("", ""), rows)


def _end(state: LoopState, story: Story) -> str:
    if story.end is None:
        return f"The run has not ended; its status is {_code(state.status.value)}."
    reason, detail = story.end
    status = f"**{_code(reason)}**, status {_code(state.status.value)}"
    return f"{status}\n\n{_block(detail)}" if detail else status


def _steps(story: Story) -> str:
    head = ("Turn", "Step", "Execution", "Outcome", "Attempts", "Duration", "Tokens", "Cost", "Why")
    return _table(head, [_step(execution) for execution in story.executions])


def _step(execution: Execution) -> tuple[str, ...]:
    return (
        str(execution.turn),
        _code(execution.step),
        str(execution.occurrence),
        execution.status,
        str(len(execution.attempts)),
        _NONE if execution.seconds is None else duration(execution.seconds, fine=True),
        f"{execution.tokens:,}",
        dollars(*execution.cost) if execution.attempts else _NONE,
        _code(execution.why),
    )


def _children(story: Story, most_calls: int | None) -> Iterator[str]:
    """Yield a section for each child run, and for those below it, in the order of their steps."""
    for execution in story.executions:
        for attempt in execution.attempts:
            child = attempt.child
            if child is None:
                continue
            step = f"turn {execution.turn}, step {_code(execution.step)}, attempt {attempt.number}"
            reason, detail = child.end or ("not ended", "")
            how = f"{_code(str(child.header.get('loop', '')))} in {step}: **{_code(reason)}**"
            parts = [
                f"{how}\n\n{_block(detail)}" if detail else how,
                _steps(child),
                _calls(child, most_calls),
                _gates(child),
                _judges(child),
                _last(list(_feedback(child))),
            ]
            yield _section(f"Child run {_code(attempt.run)}", "\n\n".join(part for part in parts if part))
            yield from _children(child, most_calls)


def _calls(story: Story, most: int | None) -> str:
    """Write what agents asked of models and tools; of an attempt with many calls only how many there were."""
    rows: list[tuple[str, ...]] = []
    for execution in story.executions:
        for attempt in execution.attempts:
            where = (str(execution.turn), _code(execution.step), str(attempt.number))
            rows += [(*where, _code(what), _code(came)) for what, came in call_lines(attempt.calls, most)]
    return _table(("Turn", "Step", "Attempt", "Call", "Outcome"), rows)


def _gates(story: Story) -> str:
    rows = [
        (
            str(execution.turn),
            _code(execution.step),
            str(attempt.number),
            _code(check.gate),
            "pass" if check.passed else "**FAIL**",
            _code(check.proof),
            duration(check.seconds, fine=True),
        )
        for execution in story.executions
        for attempt in execution.attempts
        for check in attempt.checks
    ]
    return _table(("Turn", "Step", "Attempt", "Gate", "Verdict", "Proof", "Duration"), rows)


def _judges(story: Story) -> str:
    """Write what judges said, those that gates asked first, and why."""
    found = [
        (f"gate {_code(check.gate)}, turn {execution.turn}, attempt {attempt.number}", score)
        for execution in story.executions
        for attempt in execution.attempts
        for check in attempt.checks
        for score in check.scores
    ]
    found += [
        (f"turn {execution.turn}, attempt {attempt.number}", score)
        for execution in story.executions
        for attempt in execution.attempts
        for score in attempt.scores
    ]
    found += [
        (f"evaluation {_code(name)}" if name else "after the run", score)
        for name, scores in story.evaluations.items()
        for score in scores
    ]
    rows = [_judge(asked_by, score) for asked_by, score in found]
    table = _table(("Judge", "Asked by", "Step", "Verdict", "Score", "Criteria", "Tokens", "Cost"), rows)
    reasons = [
        f"Judge {_code(score.judge)}, {asked_by}:\n\n{_block(score.reasoning)}"
        for asked_by, score in found
        if score.reasoning.strip()
    ]
    return "\n\n".join(part for part in (table, _last(reasons)) if part)


def _judge(asked_by: str, score: Score) -> tuple[str, ...]:
    criteria = ", ".join(f"{name} {value:.2f}" for name, value in score.criteria.items())
    return (
        _code(score.judge),
        asked_by,
        _code(score.step),
        "pass" if score.passed else "**FAIL**",
        score_facts(score),
        _code(criteria),
        f"{score.tokens:,}" if score.tokens else _NONE,
        _NONE if score.cost_usd is None else dollars(score.cost_usd, 0),
    )


def _feedback(story: Story) -> Iterator[str]:
    """Yield what each failure told the next attempt or lap."""
    for execution in story.executions:
        for attempt in execution.attempts:
            where = f"Turn {execution.turn}, step {_code(execution.step)}, attempt {attempt.number}"
            if attempt.error:
                yield f"{where}, error:\n\n{_block(attempt.error)}"
            for check in attempt.checks:
                if not check.passed:
                    yield f"{where}, gate {_code(check.gate)}:\n\n{_block(check.feedback)}"


def _last(entries: list[str]) -> str:
    """Join the last entries and say how many there were before them."""
    left_out = len(entries) - _MOST_FEEDBACK
    note = [f"{left_out:,} earlier ones are left out; the JSON export has them."] if left_out > 0 else []
    return "\n\n".join([*note, *entries[-_MOST_FEEDBACK:]])


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    """Put text into a code span that also fits into a table's cell."""
    text = visible(" ".join(text[: 4 * _LONGEST_CELL].split()))
    if not text:
        return _NONE
    if len(text) > _LONGEST_CELL:
        text = f"{text[: _LONGEST_CELL - 1]}…"
    # A cell ends at a bar without a backslash, in code too; a backslash of the text must not undo ours.
    text = re.sub(r"\\(?=\|)", r"\\ ", text).replace("|", r"\|")
    ticks = _fence(text, 1)
    pad = " " if "`" in (text[0], text[-1]) else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _block(text: str) -> str:
    """Put text into a fenced block, which no run of backticks in it can close."""
    text = _shorten(text).replace("\r\n", "\n").strip("\n")
    if not text.strip():
        return ""
    text = visible(text, keep="\n\t")
    fence = _fence(text, 3)
    return f"{fence}text\n{text}\n{fence}"


def _plain(value: Any) -> str:
    """Return text as it is, any other value as indented JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)


def _shorten(text: str) -> str:
    """Cut a text and say how much is missing."""
    missing = len(text) - _LONGEST_BLOCK
    return f"{text[:_LONGEST_BLOCK]}… ({missing:,} characters more)" if missing > 0 else text


def _fence(text: str, least: int) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    return "`" * max(least, longest + 1)
