"""Tells whether the attempts of a run come to anything new, and ends a run that goes in circles."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt_hookspecs.errors import LoopengtError
from loopengt_hookspecs.models import End, EndReason
from loopengt_local.control import EndRun
from loopengt_local.watching.metrics import Metric
from loopengt_local.watching.normalising import normalise
from loopengt_local.workspaces.trees import tree_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loopengt_hookspecs.models import NoProgress
    from loopengt_local.compiled import BoundGate, CompiledStep
    from loopengt_local.run import LocalRun

__all__ = ["Attempt", "ProgressRule", "ProgressWatch", "fingerprint"]

_SHOWN = 160
"""Characters of a failure that the end of a run quotes."""

_TELEMETRY = frozenset(
    {
        "cost_usd",
        "duration_api_ms",
        "duration_ms",
        "modelUsage",
        "num_turns",
        "sessionID",
        "session_id",
        "thread_id",
        "timestamp",
        "total_cost_usd",
        "usage",
        "uuid",
    }
)
"""What coding agents write into their typed JSON messages about the call, not about the work."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known of an attempt when it is over."""

    step: CompiledStep
    number: int
    names: Mapping[str, Any]
    """Names that expressions see beside those of the run."""
    response: Mapping[str, Any] | None
    """Data of its ``agent.response`` event; None: the agent failed."""
    error: str = ""
    """How the agent failed."""
    failed: Sequence[tuple[BoundGate, str]] = ()
    """Gates that failed, each with what it said."""

    @property
    def failures(self) -> dict[str, str]:
        """What went wrong, by the name of the gate; the agent's own error has an empty one."""
        if self.response is None:
            return {"": self.error}
        return {gate.name: said for gate, said in self.failed}

    @property
    def output_counts(self) -> bool:
        """Whether another output is something new; not while commands that look at the workspace fail."""
        looking = [getattr(gate.gate, "checks_workspace", False) for gate, _ in self.failed]
        return self.response is not None and not (looking and all(looking))


@dataclass(frozen=True, slots=True)
class ProgressRule:
    """``policy.no_progress`` of a loop, bound."""

    max_repeats: int
    metric: Metric | None

    @classmethod
    def of(cls, declared: NoProgress) -> ProgressRule | None:
        """Bind it; None when it sets no limit.

        Raises:
            ExpressionError: The metric is no expression.
        """
        if declared.max_repeats is None:
            return None
        return cls(declared.max_repeats, Metric.of(declared.metric) if declared.metric is not None else None)


class ProgressWatch:
    """Watches one run. What it counts by is folded from ``progress`` events, so that a crash changes nothing.

    An attempt is new when workspace, failures and output are together as they never were after an attempt of the same
    step; with a metric, when that is better than ever. Anything new, in whatever step, clears all counts.

    Args:
        run: The run.
        rule: Its rule.
    """

    def __init__(self, run: LocalRun, rule: ProgressRule) -> None:
        self._run = run
        self._rule = rule
        self._best: float | None = None
        """The best value noted by this process; concurrent steps may have noted it without it being folded yet."""

    async def note(self, attempt: Attempt) -> None:
        """Note what an attempt came to, unless that was done before a crash; it rides with the next commit."""
        name, progress = attempt.step.name, self._run.fold.progress
        opened = self._run.fold.open.get(name)
        if opened is not None and opened.weighed == attempt.number:
            return
        await self._run.journal.commit()  # the agent's work must not be lost while it is weighed
        data = {"attempt": attempt.number, **await self._weigh(attempt)}
        self._run.journal.note("progress", name, data)
        if not data["new"] and progress.repeats.get(name, 0) >= self._rule.max_repeats:
            # The run ends on this count unless another branch has come to something new: what it noted counts, too.
            await self._run.journal.commit()

    def check(self) -> None:
        """End the run when a step has come to nothing new too often.

        Raises:
            EndRun: It has.
        """
        progress = self._run.fold.progress
        for step, count in progress.repeats.items():
            if count > self._rule.max_repeats:
                times = f"{count} times (max_repeats: {self._rule.max_repeats})"
                detail = f"step {step!r} came to nothing new {times}: {progress.same.get(step, '')}"
                raise EndRun(End(EndReason.NO_PROGRESS, detail))

    async def _weigh(self, attempt: Attempt) -> dict[str, Any]:
        if self._rule.metric is not None:
            return await self._measure(self._rule.metric, attempt)
        run = self._run
        known = ((str(run.workspace), "<workspace>"), (run.run_id, "<run>"))
        signature, unread = await asyncio.to_thread(fingerprint, attempt, run.workspace, known)
        new = not run.fold.progress.knows(attempt.step.name, signature)
        data: dict[str, Any] = {"new": new, "signature": signature}
        if unread:
            data["unread"] = unread
        if not new:
            data["same"] = _what_stayed(attempt, unread)
        return data

    async def _measure(self, metric: Metric, attempt: Attempt) -> dict[str, Any]:
        run = self._run
        value, why = await metric.read(run, attempt.step, attempt.number, attempt.names, attempt.response)
        best = self._best = metric.better(self._best, run.fold.progress.best)
        if value is None:
            never = "could never be read" if best is None else "could not be read"
            return {"new": False, "unread": why, "same": f"the metric {never}: {why}"}
        if best is not None and not metric.is_progress(value, best):
            return {"new": False, "metric": value, "same": f"the metric is {value:g}, the best was {best:g}"}
        self._best = value
        return {"new": True, "metric": value, "best": value}


def fingerprint(
    attempt: Attempt, workspace: Path, known: tuple[tuple[str, str], ...] = ()
) -> tuple[str, str]:
    """Return the fingerprint of an attempt, and why the workspace could not be read, if so. It blocks.

    Args:
        attempt: The attempt.
        workspace: The folder that it worked in.
        known: What is to be replaced in the text of failures, each with the word for it.
    """
    tree, unread = "", ""
    try:
        tree = tree_id(workspace)
    except (LoopengtError, OSError) as exc:
        unread = str(exc)
    failures = sorted((gate, normalise(said, known)) for gate, said in attempt.failures.items())
    parts: list[Any] = [tree, failures]
    if attempt.response is not None and (attempt.output_counts or unread):
        parts.append(_work(attempt.response.get("output")))
    if attempt.step.for_each is not None:
        parts.append([attempt.names.get("item")])
    raw = json.dumps(parts, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return hashlib.sha256(raw).hexdigest()[:32], unread


def _work(output: Any) -> Any:
    """Return an output without what a coding agent says of the call itself."""
    if isinstance(output, list):
        return [_work(item) for item in output]
    if not isinstance(output, dict):
        return output
    typed = isinstance(output.get("type"), str)
    return {key: _work(value) for key, value in output.items() if not (typed and key in _TELEMETRY)}


def _what_stayed(attempt: Attempt, unread: str) -> str:
    files = f"the workspace could not be read ({unread})" if unread else "the workspace is as it was before"
    said = [_first_line(gate, text) for gate, text in attempt.failures.items()]
    if not said:
        return f"{files}, and so is the answer"
    return f"{files}, and so is the failure: {' '.join(said)}"


def _first_line(gate: str, text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
    return f"[{gate}] {shown}" if gate else shown
