"""What becomes of the verdicts on a run."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import JudgeError, RunOwned, StorageReadOnly
from loopengt.evaluating import evaluate, read_recorded
from loopengt.journal import load_run
from loopengt.ownership import current_owner
from loopengt.testing import loop_spec, resume_loop, run_loop
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_hookspecs.models import JudgeSpec

from .evaluating_kit import Told, good, kernel_with

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.judges import JudgeRequest


async def test_verdicts_are_recorded_behind_the_end(tmp_path: Path, opened: Any) -> None:
    """Verdicts become events of the run, each evaluation has an id of its own, and the run's end stays where it was."""
    kernel = kernel_with(tmp_path, "x", good=good)
    storage = await opened(kernel)
    run_id = (await run_loop(kernel)).run_id
    before = (await read_recorded(storage, run_id)).state
    first = await evaluate(kernel, storage, run_id, judges=[JudgeSpec(kind="good")])
    second = await evaluate(kernel, storage, run_id, judges=[JudgeSpec(kind="good", name="again")])
    assert first.recorded
    assert first.passed
    assert first.loop == "demo"
    fold, events = await load_run(storage, run_id)
    scores = [event.data for event in events if event.type == "judge.score"]
    assert [score["judge"] for score in scores] == ["good", "again"]
    assert [score["evaluation"] for score in scores] == [first.evaluation_id, second.evaluation_id]
    assert first.evaluation_id != second.evaluation_id
    after = fold.snapshot()
    assert (after.completed_at, after.reason) == (before.completed_at, before.reason)
    (row,) = await storage.rows(prefix=run_id)
    assert row.owner is None


async def test_nothing_is_recorded_when_not_wanted(tmp_path: Path, opened: Any) -> None:
    """With record=False, and without judges, the journal stays as it was."""
    kernel = kernel_with(tmp_path, "x", good=good)
    storage = await opened(kernel)
    run_id = (await run_loop(kernel)).run_id
    before = (await read_recorded(storage, run_id)).events
    judged = await evaluate(kernel, storage, run_id, judges=[JudgeSpec(kind="good")], record=False)
    measured = await evaluate(kernel, storage, run_id)
    assert judged.scores
    assert (judged.recorded, judged.unrecorded, judged.evaluation_id) == (False, None, "")
    assert not measured.scores
    assert (await read_recorded(storage, run_id)).events == before


async def test_a_paused_run_that_was_judged_can_be_resumed(tmp_path: Path, opened: Any) -> None:
    """Verdicts in the midst of a journal do not disturb the replay, and what was recorded is not done again."""
    poor = Told(lambda request: JudgeVerdict(0.2, "poor"))
    kernel = kernel_with(tmp_path, "one", "two", poor=poor)
    storage = await opened(kernel)
    gates = [{"name": "ask", "kind": "approval"}]
    spec = loop_spec("a", {"name": "b", "verification_gates": ["ask"]}, policy={"verification_gates": gates})
    paused = await run_loop(kernel, spec)
    found = await evaluate(kernel, storage, paused.run_id, judges=[JudgeSpec(kind="poor")])
    assert (found.status, found.reason) == ("paused", "approval_required")
    assert (found.recorded, found.passed) == (True, False)
    again = await resume_loop(kernel, paused.run_id)
    assert again.end.reason == "approval_required"
    (question,) = again.questions
    assert question["id"] == paused.questions[0]["id"]
    assert len(kernel.get("agents", "scripted").requests) == 2


async def test_a_driven_run_keeps_its_journal(tmp_path: Path, opened: Any) -> None:
    """While somebody drives the run its verdicts are returned, and not recorded; the error says by whom."""
    kernel = kernel_with(tmp_path, "x", good=good)
    storage = await opened(kernel)
    run_id = (await run_loop(kernel)).run_id
    lease = await storage.claim(run_id, current_owner(), 60)
    found = await evaluate(kernel, storage, run_id, judges=[JudgeSpec(kind="good")])
    assert found.scores
    assert not found.recorded
    assert isinstance(found.unrecorded, RunOwned)
    await storage.release(lease)


async def test_verdicts_that_cannot_be_written_are_returned(tmp_path: Path, opened: Any) -> None:
    """A storage that takes nothing any more costs the record of a verdict, not the verdict."""
    kernel = kernel_with(tmp_path, "x", good=good)
    storage = await opened(kernel)
    run_id = (await run_loop(kernel)).run_id

    class Full:
        def __getattr__(self, name: str) -> Any:
            return getattr(storage, name)

        async def append(self, *_: Any, **__: Any) -> None:
            raise StorageReadOnly("no")

    full: Any = Full()
    found = await evaluate(kernel, full, run_id, judges=[JudgeSpec(kind="good")])
    assert found.scores
    assert isinstance(found.unrecorded, StorageReadOnly)
    (row,) = await storage.rows(prefix=run_id)
    assert row.owner is None


async def test_what_was_paid_for_is_kept_when_cancelled(tmp_path: Path, opened: Any) -> None:
    """Verdicts that were there when an evaluation was cancelled are in the journal."""
    begun = asyncio.Event()

    async def wait(request: JudgeRequest) -> JudgeVerdict:
        begun.set()
        await asyncio.Event().wait()
        return JudgeVerdict(1.0)

    kernel = kernel_with(tmp_path, "x", good=good, hanging=Told(wait))
    storage = await opened(kernel)
    run_id = (await run_loop(kernel)).run_id
    judges = [JudgeSpec(kind="good"), JudgeSpec(kind="hanging")]
    task = asyncio.create_task(evaluate(kernel, storage, run_id, judges=judges))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    events = (await read_recorded(storage, run_id)).events
    assert [event.data["judge"] for event in events if event.type == "judge.score"] == ["good"]


async def test_secrets_stay_out_of_verdicts(tmp_path: Path, opened: Any) -> None:
    """What a judge repeats of a secret of the environment is neither returned nor recorded, nor named in errors."""
    secret = "hunter2-hunter2"

    def leak(request: JudgeRequest) -> JudgeVerdict:
        return JudgeVerdict(1.0, f"the key is {secret}", raw_output=secret)

    def fail(request: JudgeRequest) -> JudgeVerdict:
        raise JudgeError(f"no access with {secret}")

    kernel = kernel_with(tmp_path, "x", environ={"SOME_API_KEY": secret}, leak=leak, fail=fail)
    storage = await opened(kernel)
    run_id = (await run_loop(kernel)).run_id
    judges = [JudgeSpec(kind="leak"), JudgeSpec(kind="fail")]
    found = await evaluate(kernel, storage, run_id, judges=judges)
    assert found.scores[0].reasoning == "the key is [redacted]"
    assert secret not in str(found)
    assert secret not in str((await read_recorded(storage, run_id)).events)
