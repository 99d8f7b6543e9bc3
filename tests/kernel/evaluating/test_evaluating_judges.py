"""What judges are given of a run, and what becomes of those that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import JudgeError, StorageCorrupt, UsageError
from loopengt.evaluating import evaluate, read_recorded, subject_of
from loopengt.testing import loop_spec, run_loop
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_hookspecs.models import JudgeSpec

from .evaluating_kit import Told, good, kernel_with

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.judges import JudgeRequest


async def test_judges_are_given_the_run(tmp_path: Path, opened: Any) -> None:
    """A judge gets goal, output, what was expected, context and workspace; its scope has the run's end as well."""
    judge = Told(good)
    kernel = kernel_with(tmp_path, {"n": 1}, {"n": 2}, judge=judge)
    storage = await opened(kernel)
    gates = [{"name": "two", "condition": "output.n == 2"}]
    spec = loop_spec(
        "a",
        {"name": "b", "verification_gates": ["two"]},
        policy={"verification_gates": gates},
        context={"k": 7},
    )
    run_id = (await run_loop(kernel, spec)).run_id
    await evaluate(kernel, storage, run_id, judges=[JudgeSpec(kind="judge")], expected=[1], other="o")
    (request,) = judge.asked
    assert (request.goal, request.output, request.expected, request.other) == (
        "Show that it works.",
        {"n": 2},
        [1],
        "o",
    )
    assert request.inputs == {"k": 7}
    assert request.workspace == tmp_path
    scope = request.scope()
    assert scope["steps"]["a"] == {"output": {"n": 1}, "error": None, "status": "completed", "attempts": 1}
    assert (scope["output"], scope["expected"], scope["context"]) == ({"n": 2}, [1], {"k": 7})
    assert scope["result"]["output"] == {"n": 2}
    assert (scope["run"]["status"], scope["run"]["reason"], scope["run"]["turn"]) == (
        "completed",
        "goal_met",
        2,
    )
    assert scope["gates"] == {"two": {"step": "b", "passed": True, "feedback": ""}}


async def test_the_agents_of_the_loop_can_be_named(tmp_path: Path, opened: Any) -> None:
    """A judge may name an agent of the run's loop; one that the loop does not have is refused before anything."""
    judge = Told(_ask)
    judge.asks = True
    kernel = kernel_with(tmp_path, "x", "0.75", judge=judge)
    storage = await opened(kernel)
    run_id = (await run_loop(kernel)).run_id
    found = await evaluate(kernel, storage, run_id, judges=[JudgeSpec(kind="judge", agent="worker")])
    assert [score.score for score in found.scores] == [0.75]
    with pytest.raises(UsageError, match=r"'wrker'.*nearest is 'worker'"):
        await evaluate(kernel, storage, run_id, judges=[JudgeSpec(kind="judge", agent="wrker")])


async def _ask(request: JudgeRequest) -> JudgeVerdict:
    return JudgeVerdict(float(await request.ask("How good?")))


async def test_a_large_output_is_put_back_and_a_lost_one_is_no_verdict(tmp_path: Path, opened: Any) -> None:
    """An output that is stored as a blob reaches the judge whole; when the blob is gone, no judge is asked."""
    judge = Told(good)
    kernel = kernel_with(tmp_path, "y" * 100_000, judge=judge)
    storage = await opened(kernel)
    run_id = (await run_loop(kernel)).run_id
    run = await read_recorded(storage, run_id)
    assert all("output" not in event.data for event in run.events)
    assert (await subject_of(storage, run)).output == "y" * 100_000

    class Lossy:
        def __getattr__(self, name: str) -> Any:
            return getattr(storage, name)

        async def get_blob(self, digest: str) -> bytes:
            raise StorageCorrupt(f"there is no blob {digest}")

    lossy: Any = Lossy()
    found = await evaluate(kernel, lossy, run_id, judges=[JudgeSpec(kind="judge")])
    assert not judge.asked
    assert not found.scores
    assert "the output of step 'work' is lost" in found.errors["judge"]
    with pytest.raises(JudgeError):
        await subject_of(lossy, run)


async def test_the_output_of_an_earlier_lap_is_whole(tmp_path: Path, opened: Any) -> None:
    """When the last execution of a step failed, what is judged is the large output of the one before, not nothing."""
    kernel = kernel_with(tmp_path, "y" * 100_000, "z" * 100_000)
    storage = await opened(kernel)
    gates = [{"name": "first", "condition": "output|first == 'y'", "on_failure": "abort"}]
    step = {"name": "work", "verification_gates": ["first"]}
    stops = [{"condition_type": "goal_met", "value": "false"}]
    spec = loop_spec(step, pattern="repeat", stop_conditions=stops, policy={"verification_gates": gates})
    result = await run_loop(kernel, spec)
    assert result.end.reason == "blocked"
    subject = await subject_of(storage, await read_recorded(storage, result.run_id))
    assert subject.output == "y" * 100_000
    assert subject.scope()["steps"]["work"]["output"] == "z" * 100_000


async def test_a_judge_that_fails_leaves_the_others_alone(tmp_path: Path, opened: Any) -> None:
    """A judge that raises, answers nonsense or lacks something is an error by its name; the rest is recorded."""

    def broken(request: JudgeRequest) -> JudgeVerdict:
        raise ZeroDivisionError("oops")

    lacking = Told(good, lacking="the program foo is not installed")
    nonsense = Told(lambda request: JudgeVerdict(float("nan")))
    kernel = kernel_with(tmp_path, "x", broken=broken, lacking=lacking, nonsense=nonsense, good=good)
    storage = await opened(kernel)
    run_id = (await run_loop(kernel)).run_id
    judges = [JudgeSpec(kind=kind) for kind in ("broken", "lacking", "nonsense", "good")]
    found = await evaluate(kernel, storage, run_id, judges=judges)
    assert list(found.errors) == ["broken", "lacking", "nonsense"]
    assert "oops" in found.errors["broken"]
    assert "foo" in found.errors["lacking"]
    assert not lacking.asked
    assert [score.judge_name for score in found.scores] == ["good"]
    assert found.recorded
    assert not found.passed
    events = (await read_recorded(storage, run_id)).events
    assert [event.data["judge"] for event in events if event.type == "judge.score"] == ["good"]


async def test_two_judges_of_one_name_are_refused(tmp_path: Path, opened: Any) -> None:
    """Verdicts that nobody could tell apart are not asked for."""
    kernel = kernel_with(tmp_path, "x", good=good)
    storage = await opened(kernel)
    run_id = (await run_loop(kernel)).run_id
    with pytest.raises(UsageError, match="two judges are called 'good'"):
        await evaluate(kernel, storage, run_id, judges=[JudgeSpec(kind="good")] * 2)
