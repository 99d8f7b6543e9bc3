"""Makes of a recorded run what judges are given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.errors import JudgeError, StorageError
from loopengt.journal import Fold, decode_value
from loopengt.judging import Subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.metrics import RecordedRun
    from loopengt_hookspecs.models import Event
    from loopengt_hookspecs.patterns import StepOutcome
    from loopengt_hookspecs.storage import Storage

__all__ = ["subject_of"]


async def subject_of(
    storage: Storage, run: RecordedRun, *, expected: Any = None, other: Any = None
) -> Subject:
    """Return what judges are asked about when a run is judged.

    Its output is that of the step that completed last, None when none did; its workspace the run's folder as it is
    now, if it is still there. Its scope has the names that expressions see at the end of the run (``output``,
    ``result``, ``steps``, ``context``, ``goal``), ``run`` with ``status``, ``reason`` and ``detail`` of its end besides
    ``turn``, ``elapsed``, ``tokens`` and ``cost_usd``, ``gates`` (the last verdict of each, by name: ``step``,
    ``passed`` and ``feedback``), and ``expected``.

    Args:
        storage: Where the run is kept, opened.
        run: What ``read_recorded`` returned.
        expected: The reference to compare with, JSON data; None: there is none.
        other: Another output for the same goal; None: there is none.

    Raises:
        JudgeError: An output is lost, so that the run cannot be judged.
    """
    fold = Fold(history=False)
    fold.apply_all(await _with_outputs(storage, run.events))

    def scope() -> dict[str, Any]:
        return _scope(fold, run, expected)

    facts = fold.header.get("workspace", {})
    workspace = Path(facts["path"]) if facts.get("path") else None
    return Subject(
        goal=str(fold.header.get("goal", "")),
        output=fold.last_output,
        expected=expected,
        other=other,
        inputs=fold.context,
        workspace=workspace if workspace is not None and workspace.is_dir() else None,
        scope=scope,
    )


async def _with_outputs(storage: Storage, events: Sequence[Event]) -> list[Event]:
    """Put large outputs back into the answers that can be seen at the end: the last of each step, and the last of its
    executions that was completed.
    """
    restored = list(events)
    answered: dict[str | None, int] = {}
    completed: dict[str | None, int] = {}
    for index, event in enumerate(events):
        if event.type == "agent.response":
            answered[event.step] = index
        elif event.type == "step.complete" and event.step in answered:
            completed[event.step] = answered[event.step]
    for index in {*answered.values(), *completed.values()}:
        event = restored[index]
        digest = event.data.get("output_blob")
        if digest is None or "output" in event.data:
            continue
        try:
            output = decode_value(await storage.get_blob(digest))
        except (StorageError, ValueError) as exc:
            raise JudgeError(f"the output of step {event.step!r} is lost: {exc}") from exc
        restored[index] = event._replace(data=event.data | {"output": output})
    return restored


def _scope(fold: Fold, run: RecordedRun, expected: Any) -> dict[str, Any]:
    outcome = fold.last_outcome
    names: dict[str, Any] = {
        "output": fold.last_output,
        "result": _result(outcome),
        "steps": {
            name: {
                "output": known.outcome.output if known.outcome is not None else None,
                "error": known.outcome.error if known.outcome is not None else None,
                "status": known.status.value,
                "attempts": known.attempts,
            }
            for name in dict.fromkeys([*fold.step_index, *fold.steps])
            for known in [fold.step(name)]
        },
        "context": fold.context,
        "goal": fold.header.get("goal", ""),
        "run": {
            "turn": fold.turn,
            "elapsed": fold.elapsed,
            "tokens": fold.tokens,
            "cost_usd": fold.cost_usd,
            "status": fold.status.value,
            "reason": fold.end.reason.value if fold.end is not None else None,
            "detail": fold.end.detail if fold.end is not None else "",
        },
        "gates": _gates(run.events),
        "expected": expected,
    }
    return names


def _result(outcome: StepOutcome | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    return {
        "output": outcome.output,
        "error": outcome.error,
        "duration_seconds": outcome.duration_seconds,
        "token_usage": dict(outcome.token_usage),
        "metadata": dict(outcome.metadata),
    }


def _gates(events: Sequence[Event]) -> dict[str, dict[str, Any]]:
    return {
        str(event.data.get("gate")): {
            "step": event.step,
            "passed": event.type == "gate.pass",
            "feedback": event.data.get("feedback", ""),
        }
        for event in events
        if event.type in ("gate.pass", "gate.fail")
    }
