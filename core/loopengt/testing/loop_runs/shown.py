"""Shows a run as a tree, for the message of a test that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt.display import one_line, visible
from loopengt.errors import LoopengtError, RunNotFound
from loopengt.journal import Tracer, read_events
from loopengt.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt.kernel import Kernel
    from loopengt_hookspecs.models import Event, LoopState
    from loopengt_hookspecs.storage import Storage

__all__ = ["Family", "read_family", "to_tree"]

Family = list[tuple[str, list["Event"]]]
"""A run's id with its events, then its child runs."""


async def read_family(storage: Storage, run_id: str) -> Family:
    """Read a run and its child runs."""
    found: Family = []
    waiting = [run_id]
    while waiting:
        name = waiting.pop(0)
        try:
            events = [event async for batch in read_events(storage, name) for event in batch]
        except RunNotFound:
            continue
        found.append((name, events))
        children = dict.fromkeys(event.data.get("run") for event in events if event.type == "step.start")
        waiting += [child for child in children if isinstance(child, str)]
    return found


def to_tree(kernel: Kernel, state: LoopState, family: Family) -> str:
    """Return a tree, without secrets; without the exporter ``tree`` a line an event.

    Args:
        kernel: The project.
        state: The state of the run at its end.
        family: What ``read_family`` returned.
    """
    try:
        exporter = kernel.get("exporters", "tree")
        traced = [event for run_id, events in family for event in Tracer(run_id).convert_all(events)]
        text: str = exporter.export(state, traced)
    except LoopengtError:
        text = _lines(family[0][1] if family else ())
    return Redactor.of_project(kernel, kernel.environ).text(text).rstrip("\n")


def _lines(events: Sequence[Event]) -> str:
    return "\n".join(
        visible(f"{event.seq} {event.type} {event.step or ''} {one_line(event.data, 200)}")
        for event in events
    )
