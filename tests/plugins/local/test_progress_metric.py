"""A declared metric alone decides what counts as progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loopengt import LoopengtError
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop
from loopengt_hookspecs.models import EndReason, LoopSpec
from loopengt_local.watching.metrics import last_number

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.engines import RunResult
    from loopengt_hookspecs.models import Event

TURNS = 8


def spec(metric: dict[str, Any], *steps: Any, repeats: int = 1, **policy: Any) -> dict[str, Any]:
    """A repeating loop that is measured."""
    limits = {"max_turns": TURNS, "no_progress": {"max_repeats": repeats, "metric": metric}, **policy}
    return loop_spec(*steps, pattern="repeat", policy=limits)


async def run(lab: Any, work: Callable[[Any], Any], loop: Any) -> tuple[RunResult, ScriptedAgent]:
    """Run a loop whose agent does this."""
    agent = ScriptedAgent(agents={"worker": work})
    return await run_loop(lab.kernel(agents=agent), loop), agent


async def progress(lab: Any, result: RunResult) -> list[Event]:
    """The events that tell what came of the attempts."""
    return [event for event in await lab.events(result.run_id) if event.type == "progress"]


@pytest.mark.parametrize("expression", ["output.score", "steps.work.output.score"])
async def test_a_metric_that_creeps_up(lab: Any, expression: str) -> None:
    """However little it gets better each time, the run goes on; the attempt's own output is what is measured."""
    result, _ = await run(lab, lambda r: {"score": r.occurrence / 1000}, spec({"expression": expression}))
    assert result.end.reason is EndReason.EXHAUSTED
    assert [event.data["metric"] for event in await progress(lab, result)] == [
        turn / 1000 for turn in range(1, TURNS + 1)
    ]


async def test_new_words_are_no_progress_when_the_metric_stands_still(lab: Any) -> None:
    """Other files and other answers do not help; the end names the metric's value and its best."""

    def work(request: Any) -> dict[str, Any]:
        (request.workspace / f"{request.occurrence}.txt").write_text("new")
        return {"score": 5 if request.occurrence == 2 else 3, "said": request.occurrence}

    result, agent = await run(lab, work, spec({"expression": "output.score"}))
    assert result.end == (
        EndReason.NO_PROGRESS,
        "step 'work' came to nothing new 2 times (max_repeats: 1): the metric is 3, the best was 5",
    )
    assert len(agent.requests) == 4


async def test_the_same_work_is_progress_when_the_metric_moves(lab: Any) -> None:
    """An answer that was given before counts when the number is better than ever."""
    command = "n=$(( $(cat n 2>/dev/null || echo 9) - 1 )); echo $n > n; echo $n"
    result, _ = await run(lab, lambda _: "done", spec({"command": command, "direction": "down"}))
    assert result.end.reason is EndReason.EXHAUSTED


async def test_too_small_a_change_adds_up(lab: Any) -> None:
    """A change has to be larger than min_change, measured from the best that counted."""
    metric = {"expression": "output", "direction": "down", "min_change": 2}
    result, _ = await run(lab, lambda r: 100 - r.occurrence, spec(metric, repeats=2))
    assert result.end.reason is EndReason.EXHAUSTED
    news = [event.data["new"] for event in await progress(lab, result)]
    assert news == [True, False, False, True, False, False, True, False]
    result, _ = await run(lab, lambda r: 100 - r.occurrence, spec(metric, repeats=1))
    assert result.end.reason is EndReason.NO_PROGRESS


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ({"expression": "output.score"}, "could never be read: "),
        ({"expression": "'5'"}, "its expression gives a str, not a number"),
        ({"expression": "true"}, "its expression gives a bool, not a number"),
        ({"expression": "none"}, "its expression gives null, not a number"),
        ({"command": "echo 5; exit 3"}, "its command ended with exit code 3"),
        ({"command": "echo 5; echo none"}, "the last line of its command has no number"),
        ({"command": ["nonexistent-metric"]}, "nonexistent-metric"),
        ({"command": "echo 5; sleep 60", "timeout_seconds": 0.2}, "its command took more than 0.2 seconds"),
    ],
)
async def test_a_metric_that_cannot_be_read(lab: Any, metric: dict[str, Any], said: str) -> None:
    """That is no progress; the event says why, and so does the end when it could never be read."""
    result, agent = await run(lab, lambda r: {"other": r.occurrence}, spec(metric))
    assert result.end.reason is EndReason.NO_PROGRESS
    assert "the metric could never be read: " in result.end.detail
    assert said in result.end.detail
    assert all(event.data["unread"] for event in await progress(lab, result))
    assert len(agent.requests) == 2


async def test_a_metric_that_can_be_read_sometimes(lab: Any) -> None:
    """A failed reading between good ones is no progress, and no reason to end."""
    metric = {"expression": "output.score"}
    result, _ = await run(lab, lambda r: {"score": r.occurrence} if r.occurrence % 2 else {}, spec(metric))
    assert result.end.reason is EndReason.EXHAUSTED
    result, _ = await run(lab, lambda r: {"score": 7} if r.occurrence == 1 else {}, spec(metric))
    assert result.end.reason is EndReason.NO_PROGRESS
    assert "could not be read" in result.end.detail


async def test_a_failed_attempt_is_measured_by_the_workspace(lab: Any) -> None:
    """A command can find that an attempt left something better behind, though the agent failed."""

    def work(request: Any) -> str:
        (request.workspace / "count").write_text(str(request.attempt))
        raise ConnectionError("broken")

    retry = {"initial_delay_seconds": 0, "max_retries": 5}
    loop = spec({"command": ["cat", "count"]}, retry=retry)
    loop["pattern"] = "sequential"
    result, agent = await run(lab, work, loop)
    assert result.end.reason is EndReason.FAILED
    assert len(agent.requests) == 6


async def test_a_command_knows_where_it_is(lab: Any) -> None:
    """It runs in the workspace and is told run, step and attempt; nothing else of ours."""
    command = 'test "$PWD" = "$LOOPENGT_WORKSPACE" && env > "$LOOPENGT_STEP-$LOOPENGT_ATTEMPT"; echo 1'
    result, _ = await run(lab, lambda _: "done", spec({"command": command}))
    assert f"LOOPENGT_RUN_ID={result.run_id}\n" in (lab.project / "work-1").read_text()


async def test_the_best_value_outlives_a_crash(lab: Any, dying: Any, killed: Any) -> None:
    """After a crash the metric is compared with the best of the whole run."""
    loop = spec({"expression": "output"}, repeats=3)
    agent = ScriptedAgent(agents={"worker": lambda r: 9 if r.occurrence == 1 else r.occurrence})
    storage = dying(lab.memory, at=4, durable=True)
    with pytest.raises(killed):
        await run_loop(lab.kernel(storage=storage, agents=agent), loop, run_id="r")
    await storage.bury()
    result = await resume_loop(lab.kernel(agents=agent), "r")
    assert result.end.detail.endswith("the metric is 5, the best was 9")
    assert [event.data["new"] for event in await progress(lab, result)] == [True, False, False, False, False]


async def test_a_bad_expression_is_refused_before_the_run(lab: Any) -> None:
    """Nothing is executed, whether the spec is loaded or made by a program."""
    loop = spec({"expression": "output +"})
    for given in (loop, LoopSpec.model_validate(loop)):
        agent = ScriptedAgent()
        with pytest.raises(LoopengtError):
            await run_loop(lab.kernel(agents=agent), given)
        assert agent.requests == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5.0),
        ("coverage: 87.5%\n\n", 87.5),
        ("1\n2 of 3 done\n", 3.0),
        ("TOTAL   1,234 56   95%", 95.0),
        ("1,234,567 bytes", 1234567.0),
        ("score=-1.5e-3", -0.0015),
        ("x-5", 5.0),
        ("between 3-5", 5.0),
        ("+.5", 0.5),
        ("7.", 7.0),
        ("x86_64", None),
        ("3\nnone", None),
        ("1e999", None),
        ("nan", None),
        ("", None),
    ],
)
def test_the_last_number_on_the_last_line(text: str, number: float | None) -> None:
    """Blank lines at the end, units and thousands do not matter; a number in a name is none."""
    assert last_number(text) == number
