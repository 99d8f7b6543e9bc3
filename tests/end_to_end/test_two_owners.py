"""Two processes that want one run: one drives it, whatever the other one does and whenever it wakes up."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.journal import load_run
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, resume_loop, run_loop

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.storage import Lease
    from tests.end_to_end.conftest import Stage

    Until = Callable[..., None]

pytestmark = pytest.mark.slow  # real processes, seconds each

WAITS = (
    'echo "$LOOPENGT_STEP $PPID" >> "$MARKS/begun"; until [ -e "$MARKS/go" ]; do sleep 0.02; done; echo done'
)
"""Notes its step and who has started it, and works until the test says ``go``."""

storages = pytest.mark.parametrize("storage", ["sqlite", "jsonl"])


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for a process's end and return its exit code and what it has said."""
    said = "".join(process.communicate(timeout=30))
    assert "Traceback" not in said
    return process.returncode, said


def crashed(stage: Stage, until: Until) -> str:
    """Make a run whose driver was killed in its first step, and return its id."""
    process = stage.start("run", "loop.yaml", "--quiet")
    until(lambda: stage.marked("begun"), "the first step has begun")
    stage.kill(process)
    return stage.row().run_id


def stop_past_lease(stage: Stage, process: subprocess.Popen[str], until: Until) -> None:
    """Stop a driver until its lease has run out."""
    os.kill(process.pid, signal.SIGSTOP)
    until(lambda: stage.row().lease_until < time.time(), "the lease has run out")


@storages
def test_one_of_two_resumes_drives(stage: Stage, until: Until, storage: str) -> None:
    """Of two resumes at the same time one drives; the other names it, exit code 2, and executes nothing."""
    stage.config(f'[storage]\nname = "{storage}"\n')
    stage.loop(WAITS, "one", "two")
    run_id = crashed(stage, until)
    rivals = [stage.start("resume", run_id, "--quiet") for _ in range(2)]
    until(lambda: any(rival.poll() is not None for rival in rivals), "one of them has given up")
    loser, winner = sorted(rivals, key=lambda rival: rival.poll() is None)
    code, said = finish(loser)
    assert code == 2
    assert f"process {winner.pid}" in said and run_id in said
    until(lambda: f"one {winner.pid}" in stage.marked("begun"), "the other one drives")
    stage.mark("go").touch()
    assert finish(winner)[0] == 0
    assert len([line for line in stage.marked("begun") if line.endswith(f" {loser.pid}")]) == 0
    assert stage.types().count("loop.resume") == 1
    assert stage.types().count("step.complete") == 2


@storages
@pytest.mark.parametrize("wakes", ["during", "after"])
def test_a_stopped_owner_is_taken_over_and_cannot_append(
    stage: Stage, until: Until, storage: str, wakes: str
) -> None:
    """An owner that was stopped past its lease is taken over; awake it fails and has written nothing."""
    stage.short_lease(storage)
    stage.loop(WAITS, "one", "two")
    old = stage.start("run", "loop.yaml", "--quiet")
    until(lambda: stage.marked("begun"), "the first step has begun")
    stop_past_lease(stage, old, until)
    new = stage.start("resume", stage.row().run_id, "--quiet")
    until(lambda: f"one {new.pid}" in stage.marked("begun"), "the new owner has begun the step again")
    if wakes == "during":
        before = stage.events()
        os.kill(old.pid, signal.SIGCONT)
        code, said = finish(old)
        assert stage.events() == before
        stage.mark("go").touch()
        assert finish(new)[0] == 0
    else:
        stage.mark("go").touch()
        assert finish(new)[0] == 0
        before = stage.events()
        os.kill(old.pid, signal.SIGCONT)
        code, said = finish(old)
        assert stage.events() == before
    assert code == 1
    assert (
        "Nothing more is written here" in said or "nothing was appended" in said or "may not append" in said
    )
    assert stage.marked("begun") == [f"one {old.pid}", f"one {new.pid}", f"two {new.pid}"]
    assert stage.row().status == "completed"
    assert stage.damage() == []


def test_a_stopped_owner_is_not_driven_over_before_its_lease_ends(stage: Stage, until: Until) -> None:
    """While the lease of a stopped owner lasts a resume is refused; awake, the owner goes on."""
    stage.loop(WAITS)
    old = stage.start("run", "loop.yaml", "--quiet")
    until(lambda: stage.marked("begun"), "the step has begun")
    os.kill(old.pid, signal.SIGSTOP)
    refused = stage.run("resume", stage.row().run_id)
    assert refused.returncode == 2
    assert f"process {old.pid}" in refused.stderr
    os.kill(old.pid, signal.SIGCONT)
    stage.mark("go").touch()
    assert finish(old)[0] == 0
    assert stage.marked("begun") == [f"work {old.pid}"]


@storages
def test_an_owner_that_oversleeps_its_retry_starts_nothing(stage: Stage, until: Until, storage: str) -> None:
    """An owner that was taken over while it waited for a retry does not make that attempt."""
    stage.short_lease(storage)
    retry = {"initial_delay_seconds": 1.5, "jitter": False, "retryable_errors": ["ExitCode"]}
    script = f'if [ "$LOOPENGT_ATTEMPT" = 1 ]; then echo no >&2; exit 3; fi; {WAITS}'
    stage.loop(script, policy={"retry": retry})
    old = stage.start("run", "loop.yaml", "--quiet")
    until(lambda: stage.rows() and "step.retry" in stage.types(), "the retry is due")
    stop_past_lease(stage, old, until)
    new = stage.start("resume", stage.row().run_id, "--quiet")
    until(lambda: stage.marked("begun"), "the new owner makes the second attempt")
    os.kill(old.pid, signal.SIGCONT)
    code, said = finish(old)
    assert code == 1, said
    assert stage.marked("begun") == [f"work {new.pid}"]
    stage.mark("go").touch()
    assert finish(new)[0] == 0
    assert stage.marked("begun") == [f"work {new.pid}"]


@storages
async def test_what_ends_before_it_is_claimed_stays_ended(tmp_path: Path, storage: str) -> None:
    """A run that ends between a second process's look at it and its claim is not driven further."""
    go, begun = asyncio.Event(), asyncio.Event()

    async def work(request: AgentRequest) -> str:
        begun.set()
        await go.wait()
        return "done"

    agent = ScriptedAgent(agents={"worker": work})
    stops = {"pattern": "repeat", "stop_conditions": [{"condition_type": "max_turns", "value": 1}]}
    first, second = (make_kernel(tmp_path, agents=agent, storage=storage) for _ in range(2))
    run = asyncio.create_task(run_loop(first, loop_spec("work", **stops), run_id="contested"))
    await begun.wait()
    async with second.storage() as late:
        claim = late.claim

        async def claim_when_it_has_ended(*arguments: Any) -> Lease:
            go.set()
            await run
            return await claim(*arguments)

        late.claim = claim_when_it_has_ended  # type: ignore[method-assign]  # the one moment that is in question
        result = await resume_loop(second, "contested")
        _, events = await load_run(late, "contested")
    assert result.end == (await run).end
    assert [event.type for event in events].count("loop.error") == 1
    assert "loop.resume" not in [event.type for event in events]
