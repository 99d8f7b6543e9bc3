"""A metric: how often one agent handed work to another."""

from typing import Literal

from loopengt_hookspecs import hookimpl
from loopengt_hookspecs.metrics import Metric, MetricValue, RecordedRun
from loopengt_hookspecs.registration import Register


class Handoffs:
    unit: str = ""
    better: Literal["higher", "lower"] | None = None

    def measure(self, run: RecordedRun) -> MetricValue:
        return sum(event.type == "handoff" for event in run.events)


@hookimpl
def loopengt_register_metrics(register: Register[Metric]) -> None:
    register("handoffs", Handoffs, summary="How often work was handed over")
