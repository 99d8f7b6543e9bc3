"""Writes executions of a step at length: prompts, calls, outputs, gates and feedback."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from loopengt.display import visible
from loopengt_cli_runs.words import event_words, short_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from loopengt_cli_runs.places import Place
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["FULL", "SHORT", "step_lines"]

SHORT = 4_000
"""Characters of a text that are shown."""
FULL = 1_000_000
"""Those that are shown with ``--full``."""

_TEXTS = {
    "agent.invoke": ("prompt",),
    "agent.response": ("output",),
    "agent.error": ("error",),
    "step.retry": ("feedback", "error"),
    "step.error": ("error",),
    "gate.fail": ("feedback",),
    "judge.score": ("reasoning", "criteria", "raw_output"),
    "tool.call": ("input",),
    "tool.result": ("output",),
    "tool.error": ("error",),
    "model.response": ("response",),
    "model.error": ("error",),
    "memory.read": ("entries",),
    "memory.write": ("content",),
    "approval.request": ("input", "choices", "details"),
}
"""What is shown as a text of its own, by the type of event."""

_PROOF = ("gate.pass", "gate.fail")


def step_lines(events: Iterable[tuple[TraceEvent, Place]], root: str, *, limit: int = SHORT) -> Iterator[str]:
    """Yield the lines of some events, each execution and attempt under a heading of its own.

    Args:
        events: The events and where they belong, in order.
        root: Id of the run at the top.
        limit: Characters of each text that are shown; what is cut off is counted.
    """
    before: Place | None = None
    for event, place in events:
        if before is None or before[:3] != place[:3]:
            if before is not None:
                yield ""
            run = short_run(place.run, root)
            yield visible(f"{place.label}{f'  run {run}' if run else ''}")
            before = None
        if before is None or before.attempt != place.attempt:
            yield f"  attempt {place.attempt}"
        before = place
        yield from _event(event, limit)


def _event(event: TraceEvent, limit: int) -> Iterator[str]:
    kind = event.event_type.value
    at = f"{event.timestamp:%H:%M:%S}.{event.timestamp.microsecond // 1000:03}"
    texts = [(key, event.data[key]) for key in _TEXTS.get(kind, ()) if event.data.get(key) not in (None, "")]
    if kind in _PROOF and isinstance(event.data.get("proof"), dict):
        texts += [(f"proof, {key}", value) for key, value in event.data["proof"].items()]
    yield f"    {at}  {kind:<15}  {event_words(event)}".rstrip()
    for name, value in texts:
        yield from _text(name, value, limit)


def _text(name: str, value: Any, limit: int) -> Iterator[str]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2, default=str)
    if len(text) < 80 and "\n" not in text:
        yield f"      {visible(name)}: {visible(text)}"
        return
    yield f"      {visible(name)}, {len(text):,} characters:"
    shown = visible(text[:limit].replace("\r\n", "\n"), keep="\n\t")
    for line in shown.split("\n"):
        yield f"      │ {line}".rstrip(" ")
    missing = len(text) - limit
    if missing > 0:
        more = "--full shows more" if limit < FULL else "--format json has all of it"
        yield f"      … {missing:,} characters more; {more}"
