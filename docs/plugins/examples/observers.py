"""An observer: rings the terminal's bell when a run has ended or waits for a person."""

import sys

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.models import TraceEvent
from loopengt_hookspecs.registration import Register
from loopengt_hookspecs.tracing import Observer

TOLD = ("loop.complete", "loop.error", "loop.pause")


class Bell:
    def enabled(self) -> bool:
        return sys.stderr.isatty()

    async def on_event(self, event: TraceEvent) -> None:
        if event.event_type.value in TOLD:
            sys.stderr.write("\a")
            sys.stderr.flush()

    async def close(self) -> None:
        """Nothing is open."""


@hookimpl
def loopengt_register_observers(register: Register[Observer]) -> None:
    register("bell", Bell, summary="Rings when a run ends or waits")
