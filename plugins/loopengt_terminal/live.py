"""The view for a terminal: what is done scrolls by, what is under way stays at the bottom and moves."""

from __future__ import annotations

from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from loopengt.display import duration, visible
from loopengt_terminal.narration import Line, narrate, standing
from loopengt_terminal.progress import follow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import TraceEvent
    from loopengt_terminal.progress import Progress, StepProgress

__all__ = ["LiveView", "status", "written"]

_STYLES = {"good": "green", "bad": "red", "dim": "dim"}
_MOST_STEPS = 8
_INDENT = "    "


class LiveView:
    """Draws on a terminal; ``close`` gives it back as it was.

    Args:
        console: The terminal.
        verbose: Tell prompts and outputs too.
    """

    interval: float | None = 0.1
    """Seconds between two drawings, so that clock and spinner move."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        self._console = console
        self._verbose = verbose
        self._runs: dict[str, Progress] = {}
        self._frames = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏" if console.encoding.startswith("utf") else "|/-\\"
        # Not refreshed by rich's own thread: whoever calls ``show`` draws. What others write to stderr
        # meanwhile, the log for one, appears above.
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)

    def show(self, events: Sequence[TraceEvent]) -> None:
        """Write the finished lines of some events and draw what is under way."""
        if not self._live.is_started:
            self._live.start()
        lines = [line for event in events for line in self._lines(event)]
        self._live.update(self._bottom(datetime.now(UTC)), refresh=True)
        if lines:
            self._console.print(Group(*map(_text, lines)))

    def close(self) -> None:
        """Take the lower part away and show the cursor again."""
        self._live.update(Group())
        self._live.stop()

    def _lines(self, event: TraceEvent) -> list[Line]:
        progress, step = follow(self._runs, event)
        lines = narrate(event, step, progress, verbose=self._verbose)
        return [line._replace(text=progress.prefix + line.text) for line in lines if not line.passing]

    def _bottom(self, now: datetime) -> Group:
        frame = self._frames[int(monotonic() * 10) % len(self._frames)]
        rows: list[Text] = []
        standings: list[Text] = []
        for progress in self._runs.values():
            steps = list(progress.steps.values())
            mark = f"{frame} {progress.prefix}"
            for step in steps[:_MOST_STEPS]:
                rows.append(_row(f"{mark}{under_way(step, progress, now)}"))
                writing = written(step, self._console.width - len(_INDENT))
                rows += [_row(f"{_INDENT}{writing}", "dim")] if writing else []
            if len(steps) > _MOST_STEPS:
                rows.append(_row(f"  and {len(steps) - _MOST_STEPS} more steps", "dim"))
            if progress.top is None:
                standings.append(_row(status(progress, now), "dim"))
        return Group(*rows, *standings)


def under_way(step: StepProgress, progress: Progress, now: datetime) -> str:
    """Say what a step is doing, and for how long it has been at it."""
    took = duration(max(0.0, (now - step.since).total_seconds()))
    who = f" · {visible(step.agent)}" if step.agent and step.doing == "working" else ""
    attempt = f" attempt {step.attempt}" if step.attempt > 1 else ""
    return f"{visible(step.name)}{progress.lap(step)}{attempt} {step.doing}{who} · {took}"


def written(step: StepProgress, room: int) -> str:
    """Return the end of what an agent is writing, as far as it fits into a line of ``room`` columns."""
    lines = step.writing.strip().splitlines()
    text = visible(" ".join(lines[-1].split())) if lines else ""
    if cell_len(text) <= room:
        return text
    text = text[-room:]
    while cell_len(text) >= room:  # some characters are two columns wide
        text = text[1:]
    return f"…{text}"


def status(progress: Progress, now: datetime) -> str:
    """Write how far a run has come, and how to stop it."""
    return " · ".join([*standing(progress, now), "Ctrl-C pauses"])


def _row(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _text(line: Line) -> Text:
    return Text(line.text, style=_STYLES.get(line.style, ""))
