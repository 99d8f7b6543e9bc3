"""Finds the loop that a run goes by, and tells what has changed when its file says something else by now."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from loopengt.journal import decode_batch, to_json_data
from loopengt.redaction import MARK, is_secret_name
from loopengt_hookspecs.errors import RunNotFound, UsageError
from loopengt_hookspecs.models import GateKind, LoopSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from loopengt_hookspecs.engines import ResumeRequest
    from loopengt_hookspecs.storage import Storage

__all__ = [
    "CARRIED",
    "carried_context",
    "current_header",
    "is_changed",
    "json_context",
    "limits_of",
    "load_recorded",
    "spec_to_go_by",
]

CARRIED = ("spec", "steps", "limits", "context", "file", "loops")
"""What a run takes over from a changed spec that is accepted; ``loop.resume`` has it."""

_RESUME = b'"loop.resume"'


async def current_header(storage: Storage, run_id: str) -> dict[str, Any]:
    """Return the data of a run's first event, with what it took over from changed specs since.

    Raises:
        RunNotFound: There is no such run, or its journal is empty.
    """
    header: dict[str, Any] | None = None
    async for batch in storage.read(run_id):
        if header is None:
            header = decode_batch(batch.payload)[0].data
        if _RESUME in batch.payload:
            for event in decode_batch(batch.payload):
                if event.type == "loop.resume" and "spec" in event.data:
                    header = header | {key: event.data[key] for key in CARRIED if key in event.data}
    if header is None:
        raise RunNotFound(f"run {run_id!r} has an empty journal", remedy="Run `loopengt doctor`.")
    return header


async def load_recorded(storage: Storage, header: Mapping[str, Any]) -> LoopSpec:
    """Return the spec that a run's header names."""
    return LoopSpec.model_validate_json(await storage.get_blob(header["spec"]))


async def spec_to_go_by(
    storage: Storage, run_id: str, header: Mapping[str, Any], request: ResumeRequest
) -> tuple[LoopSpec, dict[str, Any]]:
    """Return the spec that a run goes on by and, when that is a changed one, what its journal has to say of it.

    Args:
        storage: Where the run is kept.
        run_id: The run.
        header: What ``current_header`` returns.
        request: What is asked for.

    Raises:
        UsageError: The spec has changed, and the change is not accepted; the message shows it.
    """
    recorded = await load_recorded(storage, header)
    given = request.spec
    if given is None or not is_changed(recorded, given):
        return recorded, {}
    if not request.accept_spec:
        raise UsageError(
            f"the loop has changed since run {run_id} went by it:\n{_difference(recorded, given)}",
            remedy=f"Go on by the changed one: loopengt resume {run_id} --accept-spec\n"
            f"Go on by the recorded one: loopengt resume {run_id} --keep-spec\n"
            f"Try the changed one apart from this run: loopengt fork {run_id} --at STEP --spec FILE",
        )
    return given, {
        "steps": [step.name for step in given.steps],
        "limits": limits_of(given),
        "context": carried_context(recorded, given, header["context"]),
    }


def json_context(context: Mapping[str, Any], whose: str) -> dict[str, Any]:
    """Return a context that was given, as the journal holds it.

    Raises:
        UsageError: It is not JSON data; the message says ``whose`` it is.
    """
    try:
        data: dict[str, Any] = to_json_data(dict(context))[0]
    except TypeError as exc:
        raise UsageError(
            f"the context of {whose} is {exc}",
            remedy="Give text, numbers, booleans, null, lists or objects with text keys.",
        ) from exc
    return data


def carried_context(old: LoopSpec, new: LoopSpec, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of a run that goes on by another spec: the new one's, and what the run was given beside.

    Args:
        old: The spec that the run went by.
        new: The one that it goes on by.
        context: The run's context so far.
    """
    missing = object()
    given = {name: value for name, value in context.items() if old.context.get(name, missing) != value}
    return {**new.context, **given}


def limits_of(spec: LoopSpec) -> dict[str, float]:
    """Return the limits of a run, as its journal tells them."""
    budget = spec.policy.budget
    limits: dict[str, float] = {
        "max_turns": min(spec.policy.max_turns, budget.max_turns or spec.policy.max_turns),
        "max_total_time_seconds": min(
            spec.policy.max_total_time_seconds, budget.max_seconds or spec.policy.max_total_time_seconds
        ),
    }
    kinds = {"max_turns": "max_turns", "timeout": "max_total_time_seconds"}
    for condition in spec.stop_conditions:
        key = kinds.get(condition.condition_type)
        if key is not None and isinstance(condition.value, int | float):
            limits[key] = min(limits[key], condition.value)
    return limits | budget.model_dump(include={"max_tokens", "max_cost_usd"}, exclude_none=True)


def is_changed(old: LoopSpec, new: LoopSpec) -> bool:
    """Whether two specs differ in something that the engine reads: descriptions and metadata do not count."""
    return _meaning(old) != _meaning(new)


def _meaning(spec: LoopSpec) -> dict[str, Any]:
    data = spec.model_dump(mode="json", by_alias=True)
    policy = data["policy"]
    for part in (
        data,
        policy,
        *data["agents"],
        *data["tools"],
        *data["steps"],
        *policy["verification_gates"],
    ):
        part.pop("metadata", None)
    for part in (
        data,
        *data["agents"],
        *data["tools"],
        *data["stop_conditions"],
        data["output_schema"] or {},
    ):
        part.pop("description", None)
    for step in data["steps"]:
        if step["prompt_template"]:  # without one, the description is the prompt
            step.pop("description")
    for gate, declared in zip(policy["verification_gates"], spec.policy.verification_gates, strict=True):
        if gate["kind"] != GateKind.APPROVAL:  # whose description is the question
            gate.pop("description")
        elif "timeout_seconds" not in declared.model_fields_set:
            gate["timeout_seconds"] = None  # it waits for ever, not for the default's time
    return data


def _difference(old: LoopSpec, new: LoopSpec) -> str:
    """Return how one spec becomes the other, as a unified diff of YAML without secrets."""
    before, after = (_yaml(_dump(spec)) for spec in (old, new))
    if before == after:
        return "  the values of secrets differ, which are not shown"
    lines = difflib.unified_diff(before, after, "recorded", "now", lineterm="")
    return "\n".join(f"  {line}" for line in lines)


def _dump(spec: LoopSpec) -> dict[str, Any]:
    return spec.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _yaml(data: dict[str, Any]) -> list[str]:
    import yaml

    text: str = yaml.safe_dump(_masked(data), sort_keys=False, allow_unicode=True, width=100)
    return text.splitlines()


def _masked(value: Any) -> Any:
    """Return a value without the texts that stand under names of secrets."""
    if isinstance(value, dict):
        return {
            key: MARK if isinstance(item, str) and is_secret_name(key) else _masked(item)
            for key, item in value.items()
        }
    return [_masked(item) for item in value] if isinstance(value, list) else value
