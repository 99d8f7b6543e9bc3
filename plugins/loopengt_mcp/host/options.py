"""The options of the provider ``host``."""

from __future__ import annotations

from pydantic import Field

from loopengt_hookspecs.models import Declarative

__all__ = ["HostOptions"]


class HostOptions(Declarative):
    """How a step reaches the model of an IDE."""

    sampling: bool = Field(
        default=True,
        description="Whether a client that offers its model for requests (MCP sampling) may be asked for the answer "
        "directly. Such a request has no tools and sees no files; false: the step is always handed over as a task, "
        "which the IDE's agent does with what tools it has.",
    )
    timeout_seconds: float | None = Field(
        default=None,
        gt=0,
        description="Seconds after which a task is not waited for any more, and the attempt fails with a TimeoutError; "
        "null: for ever. It runs while the run is paused, too, and is not the time of the attempt.",
    )
