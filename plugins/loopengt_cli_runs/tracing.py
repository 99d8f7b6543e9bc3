"""Carries ``loopengt trace`` out, in each of its ways to look at a run."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import click

from loopengt.cli.retyping import command_line
from loopengt.errors import UsageError
from loopengt_cli_runs.documents import blamed, exporter_of, put, render, writes_documents
from loopengt_cli_runs.places import Places, Wanted
from loopengt_cli_runs.reading import read_run
from loopengt_cli_runs.step_view import FULL, SHORT, step_lines
from loopengt_cli_runs.words import event_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from loopengt import Kernel
    from loopengt_cli_runs.places import Place
    from loopengt_cli_runs.reading import Recorded
    from loopengt_hookspecs.models import TraceEvent

__all__ = ["Asked", "show_trace"]

_LINES_TOGETHER = 2_000


@dataclass(slots=True)
class Asked:
    """How a person wants to see a run."""

    form: str | None
    everything: bool
    step: str | None
    full: bool
    as_events: bool
    follow: bool
    other: str | None
    target: Path | None

    def check(self) -> None:
        """Refuse what does not go together.

        Raises:
            UsageError: Two options exclude each other.
        """
        if self.follow and (self.other or self.target or self.everything or self.full):
            raise UsageError("--follow goes with --step, --events and --format jsonl alone")
        if self.follow and self.form not in (None, "jsonl"):
            raise UsageError(
                f"--follow cannot write {self.form}, which tells of a whole run",
                remedy="Leave --format away, or say --format jsonl.",
            )
        if self.other and (self.step or self.as_events or self.full):
            raise UsageError("--diff compares whole runs: leave --step, --full and --events away")
        if self.other and self.form not in (None, "json"):
            raise UsageError(f"--diff cannot write {self.form}", remedy="Leave --format away, or say json.")
        if self.full and not self.step:
            raise UsageError("--full belongs to --step NAME")
        if self.as_events and self.form is not None:
            raise UsageError(f"--events are lines, and not {self.form}", remedy="Leave one of both away.")
        if self.step and self.form not in (None, "json", "jsonl"):
            raise UsageError(
                f"--step cannot write {self.form}", remedy="Leave --format away, or say json or jsonl."
            )


def show_trace(kernel: Kernel, name: str, asked: Asked) -> int:
    """Show a run as it is wanted, and return the exit code."""
    if asked.follow:
        return _follow(kernel, name, asked)
    if asked.other:
        return _compare(kernel, name, asked.other, asked)
    form = asked.form or "tree"
    exporter = None
    if not asked.as_events and not (asked.step and asked.form is None):
        exporter = exporter_of(kernel, form, to_write=True)
        if not writes_documents(exporter):
            line = command_line(kernel, "export", name, "--to", form)
            raise UsageError(f"{form} sends runs to a service, and writes no document", remedy=f"Try: {line}")
    if asked.everything and exporter is not None:
        if not callable(getattr(exporter, "complete", None)):
            raise UsageError(f"--all is of no use with {form}, which leaves nothing out")
        with blamed(kernel, form):
            exporter = exporter.complete()
    recorded = asyncio.run(read_run(kernel, name))
    if recorded.events:
        if exporter is None:
            document: Iterable[str] = _joined(_lines(recorded, asked))
        else:
            if asked.step:
                chosen = [event for event, _ in _chosen(recorded, asked.step)]
                recorded.events = chosen  # type: ignore[assignment]  # any sequence serves an exporter
            document = render(kernel, form, exporter, recorded)
        put(document, asked.target, coloured=exporter is None or form == "tree")
    return _aftermath(kernel, recorded)


def _joined(lines: Iterator[str]) -> Iterator[str]:
    """Join lines into a document of few parts."""
    while some := list(islice(lines, _LINES_TOGETHER)):
        yield "".join(f"{line}\n" for line in some)


def _lines(recorded: Recorded, asked: Asked) -> Iterator[str]:
    root = recorded.state.run_id
    if asked.step and not asked.as_events:
        limit = FULL if asked.full else SHORT
        yield from step_lines(_chosen(recorded, asked.step), root, limit=limit)
        return
    for event, place in _chosen(recorded, asked.step):
        yield event_line(event, place, root)


def _chosen(recorded: Recorded, step: str | None) -> Iterator[tuple[TraceEvent, Place]]:
    """Yield events with their places, those of a step alone when one is named.

    Raises:
        UsageError: The run has no such step; the message names the nearest.
    """
    places = Places()
    wanted = Wanted(step) if step else None
    met: dict[str, int] = {}
    found = False
    for event in recorded.events:
        place = places.of(event)
        if wanted is None or wanted.fits(place):
            found = True
            yield event, place
        elif place.step:
            met[place.step] = max(met.get(place.step, 0), place.occurrence)
    if wanted is not None and not found:
        raise _no_step(recorded, wanted.text, met)


def _no_step(recorded: Recorded, text: str, met: dict[str, int]) -> UsageError:
    from loopengt.display import visible
    from loopengt.naming import hint

    name, _, number = text.rpartition("#")
    run = recorded.state.run_id
    if name in met and number.isdigit():
        times = f"{met[name]} time{'' if met[name] == 1 else 's'}"
        return UsageError(f"step {name!r} was executed {times} in run {run}, so there is no {visible(text)}")
    return UsageError(f"run {run} has no step {text!r}{hint(name or text, met)}")


def _aftermath(kernel: Kernel, recorded: Recorded) -> int:
    if recorded.damage is not None:
        click.echo(f"Error: {recorded.damage}", err=True)
        return 1
    if recorded.crashed:
        _say_crashed(kernel, recorded.state.run_id)
    return 0


def _say_crashed(kernel: Kernel, run_id: str) -> None:
    click.echo(f"Nobody drives this run: {command_line(kernel, 'resume', run_id)}", err=True)


# -- live -----------------------------------------------------------------------------------------------------


def _follow(kernel: Kernel, name: str, asked: Asked) -> int:
    from loopengt_cli_runs.following import follow_run

    places = Places()
    wanted = Wanted(asked.step) if asked.step else None
    seen: list[str] = []

    def show(root: str, events: list[TraceEvent]) -> None:
        seen[:] = [root]
        chosen = [(event, place) for event in events for place in [places.of(event)]]
        chosen = [pair for pair in chosen if wanted is None or wanted.fits(pair[1])]
        if asked.form == "jsonl":
            text = "".join(f"{event.model_dump_json()}\n" for event, _ in chosen)
        elif wanted is not None and not asked.as_events:
            text = "".join(f"{line}\n" for line in step_lines(chosen, root))
        else:
            text = "".join(f"{event_line(*pair, root)}\n" for pair in chosen)
        put([text], None, coloured=asked.form is None)

    try:
        why = asyncio.run(follow_run(kernel, name, show))
    except KeyboardInterrupt:
        click.echo("Not looking any more; the run goes on.", err=True)
        return 0
    if why == "crashed":
        _say_crashed(kernel, seen[0] if seen else name)
    elif why == "deleted":
        click.echo("The run was deleted.", err=True)
    return 0


# -- two runs -------------------------------------------------------------------------------------------------


def _compare(kernel: Kernel, name: str, other: str, asked: Asked) -> int:
    from loopengt_cli_runs.comparing import compare
    from loopengt_cli_runs.comparison_text import comparison_lines

    async def both() -> tuple[Recorded, Recorded]:
        async with kernel.storage():
            return await read_run(kernel, name, with_spec=True), await read_run(kernel, other, with_spec=True)

    runs = asyncio.run(both())
    found = compare(*runs)
    if asked.form == "json":
        put([f"{json.dumps(found, ensure_ascii=False, indent=2)}\n"], asked.target)
    else:
        lines = comparison_lines(found, everything=asked.everything)
        put(_joined(lines), asked.target, coloured=True)
    for recorded in runs:
        if recorded.damage is not None:
            click.echo(f"Error: run {recorded.state.run_id}: {recorded.damage}", err=True)
    return 1 if any(recorded.damage is not None for recorded in runs) else 0
