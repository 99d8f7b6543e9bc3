"""Agents that misbehave, run as a user would: the run stays sound and bounded, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import Kernel

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Stage

pytestmark = pytest.mark.slow  # real processes, seconds each

MUCH = 100_000_000
"""Bytes that an agent prints which prints too much."""
NO_RETRY = {"policy": {"retry": {"max_retries": 0}}}

STUBBORN = """
trap '' TERM INT HUP
(trap '' TERM INT HUP; (trap '' TERM INT HUP; while :; do sleep 600; done) & while :; do sleep 600; done) &
echo begun >> "$MARKS/begun"
"""
"""Ignores every signal that can be ignored, and so do its child and its grandchild."""


MEASURES = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
_, status, usage = os.wait4(process.pid, 0)
print("peak", usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Tells a program's peak memory. A process of its own, since a child counts its parent's memory too."""


def run_measured(stage: Stage) -> tuple[int, float]:
    """Run the loop; return the exit code and the peak memory of ``loopengt`` in megabytes."""
    done = stage.run("run", "loop.yaml", "--quiet", prefix=(sys.executable, "-c", MEASURES))
    return done.returncode, int(done.stdout.split("peak")[1]) / 1024


def answers(stage: Stage) -> list[dict[str, Any]]:
    """Return the data of the agents' answers and errors."""
    return [event.data for event in stage.events() if event.type in ("agent.response", "agent.error")]


@pytest.mark.parametrize("storage", ["sqlite", "jsonl"])
def test_an_agent_that_prints_a_hundred_megabytes(stage: Stage, storage: str) -> None:
    """The journal has both ends of the output, the storage all of it; memory holds it no more than once."""
    stage.config(f'[storage]\nname = "{storage}"\n')
    stage.loop(f"echo first; head -c {MUCH} /dev/zero | tr '\\0' x; echo; echo last")
    code, megabytes = run_measured(stage)
    assert code == 0
    assert megabytes < 250, "a loop without output takes some 50"
    (answer,) = answers(stage)
    assert len(answer["output"]) < 1_100_000
    assert answer["output"].startswith("first\nx") and answer["output"].endswith("x\nlast")
    kept = answer["metadata"]["stdout_truncated"]
    assert kept["size"] == MUCH + len("first\n\nlast\n")
    whole = asyncio.run(blob(stage, kept["digest"]))
    assert len(whole) == kept["size"]
    assert whole.startswith(b"first\nx") and whole.count(b"x") == MUCH
    assert stage.damage() == []


async def blob(stage: Stage, digest: str) -> bytes:
    """Return a blob, whose digest the storage checks."""
    async with Kernel(stage.project, environ={}).storage() as storage:
        return await storage.get_blob(digest)


def test_an_agent_that_complains_for_a_hundred_megabytes(stage: Stage) -> None:
    """Of an endless complaint on standard error the end is told, and memory stays bounded."""
    stage.loop(f"head -c {MUCH} /dev/zero | tr '\\0' x >&2; echo the reason >&2; exit 3", **NO_RETRY)
    code, megabytes = run_measured(stage)
    assert (code, megabytes < 150) == (1, True)
    (failure,) = answers(stage)
    assert "exit code 3" in failure["error"] and "the reason" in failure["error"]
    assert len(failure["error"]) < 5_000


def test_an_agent_that_never_ends(stage: Stage) -> None:
    """It is ended when its time is up, tried again as the policy says, and the run fails with the reason."""
    retry = {"max_retries": 1, "initial_delay_seconds": 0}
    step = {"name": "work", "timeout_seconds": 0.5}
    stage.loop('echo begun >> "$MARKS/begun"; sleep 600; echo done', step, policy={"retry": retry})
    done = stage.run("run", "loop.yaml")
    assert done.returncode == 1
    assert "took longer than its 0.5 seconds" in done.stderr
    assert len(stage.marked("begun")) == 2
    assert stage.programs() == []
    assert stage.row().reason == "failed"


def test_an_agent_that_ignores_every_signal_and_has_children(stage: Stage) -> None:
    """When its time is up, the agent, its child and its grandchild are gone, though all ignore SIGTERM."""
    stage.loop(f"{STUBBORN} sleep 600; echo done", {"name": "work", "timeout_seconds": 0.5}, **NO_RETRY)
    began = time.monotonic()
    done = stage.run("run", "loop.yaml")
    assert done.returncode == 1
    assert "took longer" in done.stderr
    assert stage.marked("begun") == ["begun"]
    assert stage.programs() == []
    assert time.monotonic() - began < 20


def test_an_agent_that_ends_and_leaves_children(stage: Stage) -> None:
    """What an agent leaves in the background is ended with it, and its answer counts."""
    stage.loop(f"{STUBBORN} echo done")
    done = stage.run("run", "loop.yaml")
    assert done.returncode == 0, done.stderr
    assert [answer["output"] for answer in answers(stage)] == ["done"]
    assert stage.programs() == []


@pytest.mark.parametrize("output", ["auto", "json"])
def test_an_agent_that_says_nothing(stage: Stage, output: str) -> None:
    """Exit code 0 without a word is a failure that says how to allow it, whatever the output should be."""
    stage.loop("", agents=[stage.agent("worker", "true", output=output)], **NO_RETRY)
    done = stage.run("run", "loop.yaml")
    assert done.returncode == 1
    assert "printed nothing" in done.stderr and "allow_empty" in done.stderr
    assert "goal_met" not in done.stderr + done.stdout


def test_an_agent_that_may_say_nothing(stage: Stage) -> None:
    """With allow_empty the empty text is its answer."""
    stage.loop("", agents=[stage.agent("worker", "true", allow_empty=True)])
    done = stage.run("run", "loop.yaml")
    assert done.returncode == 0, done.stderr
    assert [answer["output"] for answer in answers(stage)] == [""]


def test_an_agent_that_prints_what_is_no_text(stage: Stage) -> None:
    """Bytes that are no UTF-8, zeros and escape sequences are recorded, fed back, and shown without harm."""
    script = (
        r"printf 'one \377\376 \000 \033[2J\033]0;owned\007 two \303'; echo; printf '\377 why \033[2J' >&2"
    )
    gate = {"name": "again", "kind": "command", "command": f"{script}; test $LOOPENGT_ATTEMPT = 2"}
    step = {"name": "work", "verification_gates": ["again"], "prompt_template": "{feedback}"}
    stage.loop(f"{script}; cat", step, policy={"verification_gates": [gate]})
    done = stage.run("run", "loop.yaml", "--verbose")
    assert done.returncode == 0, done.stderr
    first, second = answers(stage)
    assert first["output"].startswith("one \ufffd\ufffd \0 ") and "two \ufffd" in first["output"]
    assert first["metadata"]["stdout_invalid_utf8"] is True
    assert "why" in second["output"] and "\ufffd" in second["output"]
    shown = [stage.run("trace", "latest", "--format", form) for form in ("tree", "markdown", "json")]
    assert [trace.returncode for trace in shown] == [0, 0, 0]
    for text in (done.stderr, *(trace.stdout for trace in shown)):
        assert "\033" not in text and "\0" not in text and "\007" not in text


def test_an_agent_that_does_not_read(stage: Stage) -> None:
    """A prompt of megabytes that the agent does not read holds nothing up, and its answer counts."""
    stage.loop(
        "exec < /dev/null; echo done",
        {"name": "work", "prompt_template": "{long}"},
        context={"long": "x" * 3_000_000},
    )
    done = stage.run("run", "loop.yaml", "--quiet")
    assert done.returncode == 0, done.stderr
    assert [answer["output"] for answer in answers(stage)] == ["done"]
