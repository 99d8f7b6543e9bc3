"""Writes what an evaluation came to as a log of Inspect, which ``inspect view`` shows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any

from loopengt import __version__
from loopengt.errors import LoopengtError
from loopengt.evaluating import read_what_is_there, subject_of
from loopengt_evals.formats.collected import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from loopengt import Kernel
    from loopengt_evals.formats.collected import Notes
    from loopengt_evals.suites.reading import LoadedCase
    from loopengt_evals.suites.results import EvaluationResult
    from loopengt_evals.suites.trials import Trial
    from loopengt_hookspecs.storage import Storage

__all__ = ["to_inspect"]

VERSION = 2
"""Of the log's format."""

_SUCCESS = "success"
"""Name of the score that says whether a trial is a success."""


async def to_inspect(
    kernel: Kernel, result: EvaluationResult, cases: Mapping[str, LoadedCase], notes: Notes
) -> str:
    """Return the log as JSON.

    Args:
        kernel: The project.
        result: The evaluation.
        cases: The cases of the suite as it was, by id; empty: it has changed since.
        notes: Where notes go.
    """
    if not cases:
        notes.add("", "inputs and targets were left out: the suite has changed since")
    samples = []
    async with kernel.storage() as storage:
        for trial in result.trials:
            if not trial.run_id:
                notes.add(f"{trial.case} #{trial.number}", "a trial that was not run was left out")
                continue
            samples.append(await _sample(storage, trial, cases.get(trial.case)))
    notes.add("", "messages and events were left out: loopengt export RUN --to json has them for each run")
    times = sorted(sample["started_at"] for sample in samples if sample["started_at"])
    ends = sorted(sample["completed_at"] for sample in samples if sample["completed_at"])
    log: dict[str, Any] = {
        "version": VERSION,
        "status": "success" if result.trials and len(samples) == len(result.trials) else "cancelled",
        "eval": _spec(result, samples, times),
        "plan": {
            "name": "loopengt",
            "steps": [{"solver": result.loop, "params": {}, "params_passed": {}}],
            "config": {},
        },
        "results": {
            "total_samples": len(result.trials),
            "completed_samples": sum(sample.get("error") is None for sample in samples),
            "scores": _scores(result, samples),
        },
        "stats": {
            "started_at": times[0] if times else "",
            "completed_at": ends[-1] if ends else "",
            "model_usage": _usage(sum(trial.tokens for trial in result.trials), result.loop),
            "role_usage": {},
            "connection_limit_history": [],
        },
        "invalidated": False,
        "tags": [],
        "metadata": {},
        "samples": samples,
    }
    return json.dumps(log, indent=1, ensure_ascii=True) + "\n"


async def _sample(storage: Storage, trial: Trial, case: LoadedCase | None) -> dict[str, Any]:
    output, goal, started, ended, error = await _of_run(storage, trial)
    text = "" if output is None else as_text(output)
    expected = None if case is None else case.expected
    inputs = {} if case is None else case.case.inputs
    sample: dict[str, Any] = {
        "id": trial.case,
        "epoch": trial.number,
        "input": as_text(inputs) if inputs else goal,
        "target": _target(expected),
        "messages": [],
        "output": {
            "model": "loopengt",
            "choices": [
                {
                    "message": {"role": "assistant", "content": text, "source": "generate"},
                    "stop_reason": "stop",
                }
            ],
            "completion": text,
        },
        "scores": {
            name: _score(verdict.score, text, verdict.reasoning) for name, verdict in trial.verdicts.items()
        },
        "metadata": {
            **({} if case is None else case.case.metadata),
            "loopengt": {"run": trial.run_id, "reason": trial.reason, "metrics": trial.metrics},
        },
        "store": {},
        "events": [],
        "model_usage": _usage(trial.tokens, "loopengt"),
        "role_usage": {},
        "started_at": started,
        "completed_at": ended,
        "attachments": {},
    }
    if trial.passed is not None:
        sample["scores"][_SUCCESS] = _score("C" if trial.passed else "I", text, trial.why)
    why = trial.error or error
    if why:
        sample["error"] = {"message": why, "traceback": "", "traceback_ansi": ""}
    return sample


async def _of_run(storage: Storage, trial: Trial) -> tuple[Any, str, str | None, str | None, str]:
    """Return output, goal, start and end of a trial's run, and why its output is lost."""
    try:
        run, _ = await read_what_is_there(storage, trial.run_id)
    except LoopengtError as exc:
        return None, "", None, None, exc.message
    state = run.state
    started = _time(state.started_at)
    try:
        subject = await subject_of(storage, run)
    except LoopengtError as exc:
        return None, "", started, _time(state.completed_at), exc.message
    return subject.output, subject.goal, started, _time(state.completed_at), ""


def _target(expected: Any) -> str | list[str]:
    if isinstance(expected, list) and expected:
        return [as_text(one) for one in expected]
    return "" if expected is None else as_text(expected)


def _score(value: Any, answer: str, explanation: str) -> dict[str, Any]:
    return {"value": value, "answer": answer, "explanation": explanation, "history": []}


def _usage(tokens: int, model: str) -> dict[str, Any]:
    return {model: {"input_tokens": 0, "output_tokens": 0, "total_tokens": tokens}} if tokens else {}


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _spec(
    result: EvaluationResult, samples: Sequence[Mapping[str, Any]], times: Sequence[str]
) -> dict[str, Any]:
    names = dict.fromkeys(str(sample["id"]) for sample in samples)
    return {
        "eval_id": result.evaluation,
        "run_id": result.evaluation,
        "created": times[0] if times else datetime.now(UTC).isoformat(),
        "task": result.suite,
        "task_id": result.evaluation,
        "task_version": 0,
        "task_attribs": {},
        "task_args": {},
        "task_args_passed": {},
        "dataset": {
            "name": result.suite,
            "samples": len(names),
            "sample_ids": list(names),
            "shuffled": False,
        },
        "model": f"loopengt/{result.loop}",
        "model_generate_config": {},
        "model_args": {},
        "packages": {"loopengt": __version__},
        "config": {"epochs": max((trial.number for trial in result.trials), default=1)},
        "metadata": {name: result.header.get(name) for name in ("loop_digest", "suite_digest")},
    }


def _scores(result: EvaluationResult, samples: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for sample in samples for name in sample["scores"])
    found = []
    for name in names:
        values = [_number(sample["scores"][name]["value"]) for sample in samples if name in sample["scores"]]
        metrics = {"mean" if name != _SUCCESS else "accuracy": fmean(values)}
        if len(values) > 1:
            metrics["stderr"] = stdev(values) / len(values) ** 0.5
        found.append(
            {
                "name": name,
                "scorer": name,
                "scored_samples": len(values),
                "unscored_samples": len(samples) - len(values),
                "params": {},
                "metrics": {
                    key: {"name": key, "value": value, "params": {}} for key, value in metrics.items()
                },
            }
        )
    return found


def _number(value: Any) -> float:
    return float(value == "C") if isinstance(value, str) else float(value)
