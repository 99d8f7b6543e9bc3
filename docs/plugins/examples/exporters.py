"""An exporter: the times of a run's steps as a table of Markdown."""

from collections.abc import Sequence

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.models import LoopState, TraceEvent
from loopengt_hookspecs.registration import Register
from loopengt_hookspecs.tracing import Exporter, Sender


class Times:
    def export(self, state: LoopState, events: Sequence[TraceEvent]) -> str:
        rows = ["| step | attempt | seconds |", "|---|---|---|"]
        for event in events:
            if event.event_type.value == "step.complete":
                attempt, seconds = getattr(event, "attempt", 1), event.duration_seconds or 0.0
                rows.append(f"| {_cell(event.step_name or '-')} | {attempt} | {seconds:.1f} |")
        return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    """A name cannot break the table."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text).replace(
        "|", "\\|"
    )


@hookimpl
def loopengt_register_exporters(register: Register[Exporter | Sender]) -> None:
    register("times", Times, summary="A table of how long the steps took")
