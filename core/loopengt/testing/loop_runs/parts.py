"""What a run did in one step, and what one gate said, as its journal tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.models import Event

__all__ = ["GateRun", "StepRun"]


class StepRun:
    """What was done of one step, all its executions together.

    Args:
        name: The step.
        events: The events of the run.
    """

    def __init__(self, name: str, events: Sequence[Event]) -> None:
        self.name = name
        self.status = "pending"
        """pending, running, completed, failed or skipped, as its last execution ended."""
        self.executions = 0
        """How often it was executed: its laps, in a repeating pattern."""
        self.attempts = 0
        """Attempts of all executions."""
        self.prompts: list[str] = []
        """What its agent was asked, attempt by attempt."""
        self.outputs: list[Any] = []
        """What its agent answered, attempt by attempt; also what gates refused."""
        self.output: Any = None
        """The output of the last execution that completed."""
        self.error = ""
        """The last error."""
        self.feedback: list[str] = []
        """What the agent was told before each further attempt."""
        for event in events:
            if event.step == name:
                self._take(event.type, event.data)

    def _take(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "step.start":
            self.status = "running"
            self.executions += data["attempt"] == 1
            self.attempts += 1
        elif kind == "agent.invoke":
            self.prompts.append(data.get("prompt", ""))
        elif kind == "agent.response":
            self.outputs.append(data.get("output"))
        elif kind == "agent.error":
            self.error = str(data["error"])
        elif kind == "step.retry":
            self.feedback.append(str(data.get("feedback") or data.get("error") or ""))
        elif kind == "step.complete" and "skipped" in data:
            self.status = "skipped"
        elif kind == "step.complete":
            self.status = "completed"
            self.output = self.outputs[-1] if self.outputs else None
        elif kind == "step.error":
            self.status, self.error = "failed", str(data["error"])

    def __repr__(self) -> str:
        """Return its name and how it ended."""
        return f"<StepRun {self.name!r} {self.status}, {self.attempts} attempts>"


class GateRun:
    """What one gate said, all its checks together.

    Args:
        name: The gate.
        events: The events of the run.
        step: Only its checks of this step; None: of all.
    """

    def __init__(self, name: str, events: Sequence[Event], step: str | None = None) -> None:
        self.name = name
        self.verdicts: list[bool] = []
        """Whether it passed, check by check."""
        self.feedback = ""
        """Why it failed last; empty: it never did."""
        self.proof: dict[str, Any] = {}
        """What its last verdict rests on, such as the exit code of a command."""
        for event in events:
            data = event.data
            if event.type not in ("gate.pass", "gate.fail") or data.get("gate") != name:
                continue
            if step is not None and event.step != step:
                continue
            self.verdicts.append(event.type == "gate.pass")
            self.proof = data.get("proof", {})
            self.feedback = str(data.get("feedback", "")) if event.type == "gate.fail" else self.feedback

    @property
    def passed(self) -> bool | None:
        """Whether it passed when it was checked last; None: it never was."""
        return self.verdicts[-1] if self.verdicts else None

    @property
    def checks(self) -> int:
        """How often it was checked."""
        return len(self.verdicts)

    def __repr__(self) -> str:
        """Return its name and its verdicts."""
        said = ", ".join("pass" if verdict else "FAIL" for verdict in self.verdicts) or "never checked"
        return f"<GateRun {self.name!r} {said}>"
