"""Runs that are damaged, or of another version, and metrics that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import RunNotFound, StorageCorrupt, UsageError
from loopengt.evaluating import evaluate, measure, read_recorded, read_what_is_there
from loopengt.journal import encode_batch
from loopengt.testing import run_loop
from loopengt_hookspecs.models import Event, JudgeSpec
from loopengt_hookspecs.storage import RunRow

from .evaluating_kit import Fixed, Told, good, kernel_with

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.storage import Storage


async def test_a_metric_that_fails_is_named(tmp_path: Path, opened: Any) -> None:
    """Metrics that raise, or return what is no figure, are errors by name, and the others are there."""
    bad = {"boom": Fixed(KeyError("k")), "nan": Fixed(float("nan")), "thing": Fixed([1]), "fine": Fixed(3)}
    kernel = kernel_with(tmp_path, "x", metrics=bad)
    storage = await opened(kernel)
    run = await read_recorded(storage, (await run_loop(kernel)).run_id)
    found = measure(kernel, run, [*bad, "total_turns", "fine"])
    assert dict(found) == {"boom": None, "nan": None, "thing": None, "fine": 3, "total_turns": 1}
    assert set(found.errors) == {"boom", "nan", "thing"}
    assert "KeyError" in found.errors["boom"]
    assert "list" in found.errors["thing"]
    with pytest.raises(UsageError, match="'totl_turns', the nearest is 'total_turns'"):
        measure(kernel, run, ["totl_turns"])


async def damaged(storage: Storage, rest: bytes) -> None:
    """Record a run ``r`` whose second batch is something else."""
    begin = {"run_id": "r", "loop": "demo", "goal": "Do it.", "steps": ["a"]}
    row = RunRow("r", "demo", "running")
    lease = await storage.create(row, "{}", 60, encode_batch([Event(1, "loop.start", 1.0, None, begin)]), 1)
    await storage.append(lease, 1, 1, rest, release=True)


@pytest.mark.parametrize(
    "rest",
    [b"not json", encode_batch([Event(2, "agent.response", 2.0, "a", {"attempt": 1})])],
    ids=["unreadable", "senseless"],
)
async def test_of_a_damaged_journal_there_is_what_stands_before(
    tmp_path: Path, opened: Any, rest: bytes
) -> None:
    """Metrics of a damaged run are those of its readable part, the damage is told, and no judge is asked."""
    judge = Told(good)
    kernel = kernel_with(tmp_path, judge=judge)
    storage = await opened(kernel)
    await damaged(storage, rest)
    with pytest.raises(StorageCorrupt):
        await read_recorded(storage, "r")
    run, damage = await read_what_is_there(storage, "r")
    assert damage is not None
    assert [event.type for event in run.events] == ["loop.start"]
    found = await evaluate(kernel, storage, "r", judges=[JudgeSpec(kind="judge")])
    assert found.damage is not None
    assert found.metrics["total_steps"] == 1
    assert "damaged" in found.errors["judge"]
    assert not judge.asked


async def test_a_journal_without_a_beginning_is_refused(tmp_path: Path, opened: Any) -> None:
    """When not even the first event can be read there is nothing to measure; an unknown run is no run."""
    kernel = kernel_with(tmp_path)
    storage = await opened(kernel)
    row = RunRow("r", "demo", "running")
    await storage.release(await storage.create(row, "{}", 60, b"garbage", 1))
    with pytest.raises(StorageCorrupt):
        await evaluate(kernel, storage, "r")
    with pytest.raises(RunNotFound):
        await evaluate(kernel, storage, "q")


async def test_a_loop_of_another_version_can_be_measured(tmp_path: Path, opened: Any) -> None:
    """A recorded spec that this version does not take, or that is lost, leaves the run measurable and judgeable."""
    kernel = kernel_with(tmp_path, good=good)
    storage = await opened(kernel)
    for run_id, digest in (("r", await storage.put_blob(b'{"from": "the future"}')), ("q", "0" * 64)):
        begin = {"run_id": run_id, "loop": "demo", "goal": "g", "steps": ["a"], "spec": digest}
        end = {"reason": "goal_met"}
        events = [Event(1, "loop.start", 1.0, None, begin), Event(2, "loop.complete", 2.0, None, end)]
        row = RunRow(run_id, "demo", "completed")
        await storage.release(await storage.create(row, "{}", 60, encode_batch(events), 2))
        assert (await read_recorded(storage, run_id)).spec is None
        found = await evaluate(kernel, storage, run_id, judges=[JudgeSpec(kind="good")])
        assert found.passed
        assert found.metrics["time_to_goal"] == 1.0
