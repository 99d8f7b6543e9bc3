"""A run as the Stop gate of one Claude Code session, called as Claude Code calls it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.journal import encode_batch
from loopengt.ownership import current_owner
from loopengt.testing import ScriptedAgent, loop_spec, make_kernel, run_loop_sync
from loopengt_hookspecs.models import Event
from loopengt_hookspecs.storage import RunRow

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.engines import RunResult

    from .conftest import Desk

SESSION = "3f0c9a1e-0000-4000-8000-00000000abcd"


def run_once(desk: Desk, *answers: Any, **policy: Any) -> RunResult:
    """Run a loop of one step whose gate wants ``ok``, in the project's own storage."""
    gate = {"name": "works", **(policy or {"condition": "output == 'ok'", "on_failure": "abort"})}
    spec = loop_spec({"name": "work", "verification_gates": ["works"]}, policy={"verification_gates": [gate]})
    kernel = make_kernel(desk.project, agents=ScriptedAgent(*answers), storage="sqlite")
    return run_loop_sync(kernel, spec)


def bind(desk: Desk, run: str = "latest", *more: str, session: str = SESSION) -> None:
    """Bind the session as the skill says."""
    done = desk.run("adapter", "bind-session", run, "--session", session, *more)
    assert done.returncode == 0, done.stderr


def stop(desk: Desk, session: Any = SESSION, **changes: Any) -> dict[str, Any]:
    """Call the hook as Claude Code does, and return what it answers; empty: nothing."""
    told = {
        "session_id": session,
        "transcript_path": "/tmp/t.jsonl",
        "cwd": str(desk.project),
        "hook_event_name": "Stop",
        "stop_hook_active": False,
    } | changes
    done = desk.run("adapter", "stop-gate", stdin=json.dumps(told))
    assert done.returncode == 0 and not done.stderr, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout or "{}")
    return answer


def test_a_failed_gate_holds_the_session_and_says_why(desk: Desk) -> None:
    """The session is told how its run ended, with the gate's own words, and is let go after the last hold."""
    run = run_once(desk, "no")
    bind(desk, run.run_id[:20], "--most", "2")
    first = stop(desk)
    assert first["decision"] == "block"
    assert run.run_id in first["reason"] and "The gate works of the step work failed" in first["reason"]
    assert "1 of 2" in first["reason"]
    assert "2 of 2" in stop(desk, stop_hook_active=True)["reason"]
    assert "let go" in stop(desk)["systemMessage"]
    assert stop(desk) == {}


def test_a_run_at_its_goal_lets_the_session_go(desk: Desk) -> None:
    """When the gates have passed, the session may stop, and is bound no longer."""
    run_once(desk, "ok")
    bind(desk)
    assert "is at its goal" in stop(desk)["systemMessage"]
    assert stop(desk) == {}


def test_a_run_that_waits_for_a_person_holds_nobody(desk: Desk) -> None:
    """A session cannot answer for the person, so it may stop, and the binding stays for later."""
    run = run_once(desk, "ok", kind="approval")
    assert run.end.reason == "approval_required"
    bind(desk)
    for _ in range(2):
        assert (
            stop(desk)["systemMessage"]
            == f"Run {run.run_id} waits for a person: loopengt approve {run.run_id}"
        )


@pytest.mark.parametrize(
    ("owner", "told"), [("ours", "goes on. Call wait_run"), ("gone", "rests. Call resume_loop")]
)
def test_a_run_under_way_is_waited_for_and_one_that_rests_is_taken_up(
    desk: Desk, owner: str, told: str
) -> None:
    """What the session is told to do depends on whether a living process drives the run."""
    kernel = make_kernel(desk.project, storage="sqlite")

    async def begin() -> None:
        async with kernel.storage() as storage:
            start = Event(1, "loop.start", time.time(), None, {"run_id": "r1", "loop": "demo"})
            row = RunRow("r1", "demo", "running")
            lease = await storage.create(row, current_owner(), 60, encode_batch([start]), 1)
            if owner == "gone":
                await storage.release(lease)

    asyncio.run(begin())
    bind(desk, "r1")
    assert told in stop(desk)["reason"]


@pytest.mark.parametrize("session", ["", "another", None, 7, "../../x", "\ud800"])
def test_other_sessions_are_never_held(desk: Desk, session: Any) -> None:
    """A session that is not bound, and one without a usable id, may always stop."""
    run_once(desk, "no")
    bind(desk)
    assert stop(desk, session) == {}


@pytest.mark.parametrize("stdin", ["", "{", "[]", "null", '"x"', '{"session_id": ["a"]}'])
def test_what_cannot_be_read_holds_nobody(desk: Desk, stdin: str) -> None:
    """The hook fails open: broken input never blocks, and never exits with 2."""
    done = desk.run("adapter", "stop-gate", stdin=stdin)
    assert done.returncode == 0 and done.stdout == ""


def test_a_broken_storage_holds_nobody(desk: Desk) -> None:
    """When the journal cannot be read the session may stop, and stderr says what is wrong."""
    run_once(desk, "no")
    bind(desk)
    for file in desk.path(".loopengt").glob("*.db*"):
        file.write_bytes(b"this is no database" * 100)
    done = desk.run("adapter", "stop-gate", stdin=json.dumps({"session_id": SESSION}))
    assert done.returncode == 0 and done.stdout == ""
    assert "the Stop gate does not work" in done.stderr


def test_binding_is_ended_by_hand(desk: Desk) -> None:
    """unbind-session lets a session go; a second time it says that there was nothing."""
    run_once(desk, "no")
    bind(desk)
    assert "may stop" in desk.run("adapter", "unbind-session", "--session", SESSION).stdout
    assert "was not bound" in desk.run("adapter", "unbind-session", "--session", SESSION).stdout
    assert stop(desk) == {}


def test_what_is_no_session_or_no_run_is_refused(desk: Desk) -> None:
    """A placeholder that nobody filled in, an empty id and an unknown run are usage errors."""
    run_once(desk, "no")
    for session in ("", "${CLAUDE_SESSION_ID}"):
        done = desk.run("adapter", "bind-session", "latest", "--session", session)
        assert done.returncode == 2 and "no session id" in done.stderr
    assert desk.run("adapter", "bind-session", "nope", "--session", SESSION).returncode == 2


@pytest.mark.slow
def test_the_session_of_another_folder_finds_its_project(desk: Desk, tmp_path: Path) -> None:
    """The hook looks where the session works, not where the hook happens to be started."""
    run_once(desk, "no")
    bind(desk)
    within = desk.project / "src"
    within.mkdir()
    told = json.dumps({"session_id": SESSION, "cwd": str(within)})
    adapter = desk.adapter("claude-code")
    adapter.install(desk.project, scope="project")
    settings = json.loads(desk.path(".claude/settings.local.json").read_bytes())
    command = settings["hooks"]["Stop"][0]["hooks"][0]["command"]
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=tmp_path,
        env=dict(os.environ),
        input=told,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(done.stdout)["decision"] == "block"
