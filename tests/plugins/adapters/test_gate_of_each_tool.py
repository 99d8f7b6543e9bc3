"""The Stop gate as each tool calls it: what it says on stdin, what it wants on stdout, and how a session is known."""

from __future__ import annotations

import json
import os
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from .test_stop_gate import run_once

if TYPE_CHECKING:
    from .conftest import Desk

SESSION = "019a2b3c-0000-7000-8000-000000000001"


def told_by(tool: str, desk: Desk, **more: Any) -> dict[str, Any]:
    """Return what a tool writes to stdin of its hook, by its documentation."""
    folder = str(desk.project)
    forms: dict[str, dict[str, Any]] = {
        "claude-code": {"session_id": SESSION, "cwd": folder, "hook_event_name": "Stop", "transcript_path": "/no",
                        "stop_hook_active": False},
        "codex": {"session_id": SESSION, "turn_id": "7", "transcript_path": None, "cwd": folder, "model": "m",
                  "hook_event_name": "Stop", "permission_mode": "default", "stop_hook_active": False,
                  "last_assistant_message": None},
        "cursor": {"conversation_id": SESSION, "generation_id": "g", "model": "m", "hook_event_name": "stop",
                   "cursor_version": "3.7.21", "workspace_roots": ["/gone", folder], "user_email": None,
                   "transcript_path": None, "status": "completed", "loop_count": 0},
        "gemini-cli": {"session_id": SESSION, "transcript_path": "", "cwd": folder, "timestamp": "2026-09-19T10:00",
                       "hook_event_name": "AfterAgent", "prompt": "p", "prompt_response": "r",
                       "stop_hook_active": False},
        "vscode": {"timestamp": "2026-02-09T10:30:00.000Z", "cwd": folder, "sessionId": SESSION,
                   "hookEventName": "Stop", "transcript_path": "/no", "stop_hook_active": False},
        "antigravity": {"conversationId": SESSION, "workspacePaths": [folder], "transcriptPath": "/no",
                        "executionNum": 1, "terminationReason": "model_stop", "fullyIdle": True},
    }  # fmt: skip
    return forms[tool] | more


TOOLS = ("antigravity", "claude-code", "codex", "cursor", "gemini-cli", "vscode")
each = pytest.mark.parametrize("tool", TOOLS)


def stop(desk: Desk, tool: str, told: dict[str, Any], *, mark: str = "") -> str:
    """Call the hook as a tool does, and return what it writes."""
    done = desk.run("adapter", "stop-gate", "--tool", tool, stdin=mark + json.dumps(told))
    assert done.returncode == 0, done.stderr
    return done.stdout


def reason(tool: str, answer: dict[str, Any]) -> str:
    """Return what the agent is sent on with, or an empty text."""
    if tool == "cursor":
        assert set(answer) <= {"followup_message"}
        return str(answer.get("followup_message", ""))
    if tool == "vscode" and "hookSpecificOutput" in answer:
        answer = answer["hookSpecificOutput"]
        assert answer.pop("hookEventName") == "Stop"
    verdict = {"gemini-cli": "deny", "antigravity": "continue"}.get(tool, "block")
    if answer.get("decision") != verdict:
        return ""
    assert set(answer) == {"decision", "reason"}
    return str(answer["reason"])


def claim(desk: Desk, *more: str) -> str:
    """Bind a session that is not known yet, and return its code."""
    done = desk.run("adapter", "bind-session", "latest", *more)
    found = re.match(r"loopengt-session-[0-9a-f]{32}$", done.stdout, re.MULTILINE)
    assert found is not None, done
    return found[0]


@pytest.mark.slow
@each
def test_the_session_is_sent_on_in_the_tools_own_words_and_let_go_in_time(desk: Desk, tool: str) -> None:
    """The agent goes on with the gate's words as often as --most says, and then may stop for good."""
    run_once(desk, "no")
    desk.run("adapter", "bind-session", "latest", "--session", SESSION, "--most", "2")
    for time_of in ("1 of 2", "2 of 2"):
        said = reason(tool, json.loads(stop(desk, tool, told_by(tool, desk, stop_hook_active=True))))
        assert "The gate works of the step work failed" in said and time_of in said
    last = json.loads(stop(desk, tool, told_by(tool, desk)))
    assert reason(tool, last) == "" and set(last) <= {"systemMessage"}
    assert not reason(tool, json.loads(stop(desk, tool, told_by(tool, desk)) or "{}"))


@each
def test_a_session_that_is_not_bound_hears_nothing(desk: Desk, tool: str) -> None:
    """Consent is no output, or an empty object where the tool wants one."""
    run_once(desk, "no")
    desk.run("adapter", "bind-session", "latest", "--session", "another")
    wanted = "{}\n" if tool in ("antigravity", "cursor", "gemini-cli") else ""
    assert stop(desk, tool, told_by(tool, desk)) == wanted
    for broken in ("{", "null"):
        done = desk.run("adapter", "stop-gate", "--tool", tool, stdin=broken)
        assert done.returncode == 0 and done.stdout == wanted


@pytest.mark.parametrize(
    ("tool", "more"),
    [
        ("cursor", {"status": "aborted"}),
        ("cursor", {"status": "error"}),
        ("antigravity", {"fullyIdle": False}),
        ("antigravity", {"terminationReason": "USER_CANCELED"}),
        ("antigravity", {"terminationReason": "error", "error": "quota"}),
    ],
)
def test_a_turn_that_was_broken_off_is_not_taken_up(desk: Desk, tool: str, more: dict[str, Any]) -> None:
    """A person who stops the agent is obeyed, an error is not repeated, and neither counts as a hold."""
    run_once(desk, "no")
    desk.run("adapter", "bind-session", "latest", "--session", SESSION)
    assert stop(desk, tool, told_by(tool, desk, **more)) == "{}\n"
    assert "1 of 5" in reason(tool, json.loads(stop(desk, tool, told_by(tool, desk))))


def test_input_may_begin_with_a_byte_order_mark(desk: Desk) -> None:
    """Cursor writes one before its JSON on some systems."""
    run_once(desk, "no")
    desk.run("adapter", "bind-session", "latest", "--session", SESSION)
    assert "followup_message" in stop(desk, "cursor", told_by("cursor", desk), mark="\ufeff")


@pytest.mark.slow
@each
def test_a_session_is_known_by_the_code_that_it_says(desk: Desk, tool: str) -> None:
    """Who says the code, in the last answer or in the transcript, is bound; nobody else ever is."""
    run_once(desk, "no")
    code = claim(desk, "--most", "3")
    words = {"codex": "last_assistant_message", "gemini-cli": "prompt_response"}.get(tool)
    lines = json.dumps({"role": "assistant", "text": f"It is bound: `{code}`"})
    place = "transcriptPath" if tool == "antigravity" else "transcript_path"
    more = {words: lines} if words else {place: str(desk.write("~/t.jsonl", lines.encode()))}
    key = next(key for key, value in told_by(tool, desk).items() if value == SESSION)

    other = told_by(tool, desk, **{key: "another"})
    assert not reason(tool, json.loads(stop(desk, tool, other) or "{}"))
    assert "1 of 3" in reason(tool, json.loads(stop(desk, tool, told_by(tool, desk, **more))))
    assert "2 of 3" in reason(tool, json.loads(stop(desk, tool, told_by(tool, desk))))
    again = told_by(tool, desk, **more, **{key: "another"})
    assert not reason(tool, json.loads(stop(desk, tool, again) or "{}")), "a code binds one session"


@pytest.mark.parametrize("text", ["loopengt-session-", "loopengt-session-" + "0" * 32, "x" * 5_000_000])
def test_words_that_are_no_code_bind_nobody(desk: Desk, text: str) -> None:
    """Neither a made-up code nor a long answer binds a session; the binding waits on."""
    run_once(desk, "no")
    code = claim(desk)
    assert stop(desk, "codex", told_by("codex", desk, last_assistant_message=text)) == ""
    assert "1 of 5" in stop(desk, "codex", told_by("codex", desk, last_assistant_message=f"{text} {code}"))


def test_a_code_is_not_in_the_files_and_does_not_wait_for_ever(desk: Desk) -> None:
    """An agent that reads our folder cannot claim a session, and after a day nobody can."""
    run_once(desk, "no")
    code = claim(desk)
    [file] = desk.path(".loopengt/sessions").glob("claim-*.json")
    assert code[-32:] not in file.name + file.read_text()
    os.utime(file, (time.time() - 90_000,) * 2)
    assert stop(desk, "codex", told_by("codex", desk, last_assistant_message=code)) == ""
    assert not file.exists()


@pytest.mark.parametrize("transcript", ["/dev/zero", "/proc/self/mem", "\0", "gone", "~"])
def test_a_transcript_that_cannot_be_read_holds_nobody(desk: Desk, transcript: str) -> None:
    """A path to a device, a folder or nothing is passed over."""
    run_once(desk, "no")
    claim(desk)
    assert stop(desk, "vscode", told_by("vscode", desk, transcript_path=transcript)) == ""


def test_the_end_of_a_long_transcript_is_looked_through(desk: Desk) -> None:
    """A code that was said last is found behind many megabytes."""
    run_once(desk, "no")
    code = claim(desk)
    file = desk.write("~/t.jsonl", b'{"x": "\xff"}\n' * 1_000_000 + code.encode())
    assert "1 of 5" in stop(desk, "vscode", told_by("vscode", desk, transcript_path=str(file)))


def test_unbinding_a_run_lets_all_its_sessions_go(desk: Desk) -> None:
    """By the run, sessions whose id nobody knows are let go, and codes that wait are void."""
    run_once(desk, "no")
    code = claim(desk)
    desk.run("adapter", "bind-session", "latest", "--session", SESSION)
    assert "(2 were bound to it)" in desk.run("adapter", "unbind-session", "latest").stdout
    assert stop(desk, "codex", told_by("codex", desk, last_assistant_message=code)) == ""
    for args in ((), ("latest", "--session", SESSION)):
        done = desk.run("adapter", "unbind-session", *args)
        assert done.returncode == 2 and "either RUN or --session" in done.stderr


def test_words_of_a_newer_version_are_passed_over(desk: Desk) -> None:
    """A hook that a later version has written does not hold anybody here."""
    done = desk.run("adapter", "stop-gate", "--tool", "unheard-of", "--later", "x", stdin="{}")
    assert done.returncode == 0 and done.stdout == ""
