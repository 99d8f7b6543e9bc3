"""Turns that are not good, of every coding CLI: each is an error that says what happened."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from loopengt.processes.groups import process_table
from loopengt_hookspecs.agents import AgentError, RateLimited

from .conftest import PROVIDERS

Bench = Any
every_cli = pytest.mark.parametrize("name", list(PROVIDERS))


async def failure(bench: Bench, name: str, **options: Any) -> AgentError:
    """Run a turn that must fail, and return its error."""
    with pytest.raises(AgentError) as caught:
        await bench.invoke(name, **options)
    return caught.value


@pytest.mark.parametrize(
    # Cursor tells of failures by its exit code and on standard error only.
    ("name", "code"),
    [(name, code) for name in PROVIDERS for code in (0, 1) if code or name != "cursor"],
)
async def test_an_error_that_is_told(bench: Bench, name: str, code: int) -> None:
    """A turn that the CLI calls failed has failed, whatever its exit code and its subtype say."""
    bench.cli(name, {"ending": "error", "error": "The dog ate it.", "status": 400, "exit": code})
    error = await failure(bench, name)
    assert error.kind == ("ExitCode" if name == "cursor" else "ReportedError")
    assert "The dog ate it." in error.message and "'worker'" in error.message


@every_cli
async def test_a_failure_on_standard_error_alone(bench: Bench, name: str) -> None:
    """A CLI that ends with an exit code and no result is quoted from standard error."""
    bench.cli(name, {"ending": "silent_failure", "error": "connection refused", "exit": 3})
    error = await failure(bench, name)
    assert error.kind == "ExitCode"
    assert "exit code 3" in error.message and "connection refused" in error.message


@every_cli
@pytest.mark.parametrize(
    ("ending", "kind"), [("nothing", "NoResult"), ("no_result", "NoResult"), ("empty", "EmptyOutput")]
)
async def test_exit_code_0_is_not_enough(bench: Bench, name: str, ending: str, kind: str) -> None:
    """No output, no closing event or an empty answer is a failure, though the exit code is 0."""
    bench.cli(name, {"ending": ending, "stderr": "a tool was auto-denied"})
    error = await failure(bench, name)
    assert error.kind == kind
    assert "a tool was auto-denied" in error.message


@every_cli
async def test_a_good_result_and_a_bad_exit_code(bench: Bench, name: str) -> None:
    """A result that says all is well does not make good for an exit code that says it is not."""
    bench.cli(name, {"exit": 7})
    assert "exit code 7" in (await failure(bench, name)).message


@every_cli
async def test_a_hang_after_the_result(bench: Bench, name: str) -> None:
    """A CLI that does not exit after its result is ended after the grace period, and its turn is good."""
    bench.cli(name, {"ending": "hang_after", "text": "Done and stuck."})
    began = time.monotonic()
    reply = await bench.invoke(name, grace_seconds=0.2)
    assert reply.output == "Done and stuck."
    assert reply.metadata["ended_by"] == "grace"
    assert time.monotonic() - began < 10


@every_cli
async def test_a_hang_in_the_midst(bench: Bench, name: str) -> None:
    """A CLI that writes nothing for long is ended, and the error is of a kind that is tried again."""
    bench.cli(name, {"ending": "hang"})
    error = await failure(bench, name, idle_seconds=0.5)
    assert (error.kind, "TimeoutError" in error.kinds) == ("IdleTimeout", True)
    assert "0.5 seconds" in error.message


@pytest.mark.slow
async def test_a_working_cli_is_not_idle(bench: Bench) -> None:
    """What counts is the silence since the last output on either stream, not how long the whole takes."""
    script = bench.bin / "claude"
    script.write_text(
        "#!/bin/sh\nfor i in 1 2 3 4 5 6; do sleep 0.2; echo busy >&2; done\n"
        'echo \'{"type":"result","subtype":"success","is_error":false,"result":"ok"}\'\n'
    )
    script.chmod(0o755)
    assert (await bench.invoke("claude-code", idle_seconds=0.8)).output == "ok"


@pytest.mark.slow
async def test_a_cancelled_turn_leaves_no_process(bench: Bench) -> None:
    """When the engine's time limit cancels a turn, the CLI and what it has started are gone."""
    script = bench.bin / "claude"
    script.write_text(f"#!/bin/sh\nsleep 300 &\necho $! > {bench.bin}/pid\nwait\n")
    script.chmod(0o755)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await bench.invoke("claude-code")
    pid = int(bench.bin.joinpath("pid").read_text())
    assert pid not in {row.pid for row in process_table()}


async def test_limits_of_turns_and_money_are_named(bench: Bench) -> None:
    """A CLI that stops at a limit of its own is no success, and the kind of the error says which limit."""
    for subtype, kind in (("error_max_turns", "MaxTurns"), ("error_max_budget_usd", "BudgetExceeded")):
        bench.cli("claude-code", {"subtype": subtype, "text": "half done", "cost": 0.5})
        error = await failure(bench, "claude-code")
        assert (error.kind, error.cost_usd) == (kind, 0.5)
    bench.cli("gemini", {"ending": "silent_failure", "exit": 53, "error": "turn limit"})
    assert (await failure(bench, "gemini")).kind == "MaxTurns"


async def test_what_a_failed_turn_has_used_is_told(bench: Bench) -> None:
    """Tokens and cost of a turn that failed are in the error, and its transcript's place is in the journal."""
    bench.cli("claude-code", {"ending": "error", "cost": 0.125, "huge": 100_000})
    error = await failure(bench, "claude-code")
    assert (error.cost_usd, error.token_usage) == (
        0.125,
        {"prompt_tokens": 100, "completion_tokens": 30, "cached_tokens": 20},
    )
    kind, data = bench.events[-1]
    assert (kind, data["what"], data["session_id"]) == (
        "custom",
        "coding_cli.failed",
        "claude-code-session-1",
    )
    assert data["stdout"]["digest"] in bench.blobs


async def test_a_failing_service_is_tried_again(bench: Bench) -> None:
    """An error 500 of the model's service is of a kind that is tried again; a missing login is not, and says how."""
    bench.cli("claude-code", {"ending": "error", "status": 500, "error": "Internal server error"})
    error = await failure(bench, "claude-code")
    assert (error.kind, "ConnectionError" in error.kinds) == ("ApiError", True)
    bench.cli("claude-code", {"ending": "error", "error": "Invalid API key · Please run /login"})
    error = await failure(bench, "claude-code")
    assert (error.kind, error.kinds) == ("LoginRequired", ())
    assert error.remedy == "Log in once with claude, or set ANTHROPIC_API_KEY."


# -- limits --------------------------------------------------------------------------


@every_cli
async def test_a_limit_with_its_end(bench: Bench, name: str) -> None:
    """A quota that is used up until a time that is told is waited out: RateLimited with the seconds."""
    bench.cli(name, {"ending": "limit", "resets_in": 90})
    error = await failure(bench, name)
    assert isinstance(error, RateLimited)
    assert error.retry_after == pytest.approx(90, abs=5)


@every_cli
async def test_a_limit_without_an_end(bench: Bench, name: str) -> None:
    """A quota that is used up until nobody knows when is an error that a person has to see."""
    bench.cli(name, {"ending": "limit"})
    error = await failure(bench, name)
    assert not isinstance(error, RateLimited)
    assert (error.kind, "failover" in error.remedy) == ("QuotaExceeded", True)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("You've hit your usage limit. Upgrade, or try again in 3 days 4 hours 5 minutes.", 273_900),
        ("Rate limit reached for gpt-5. Please try again in 1.5s.", 1.5),
        ("quota exceeded. Your quota will reset after 3h12m45s.", 11_565),
        ('{"code": 429, "status": "RESOURCE_EXHAUSTED", "retryDelay": "34s"}', 34),
        ("429 Too Many Requests: retry after 250ms", 0.25),
        ("You've hit your usage limit. Try again at 3:05 PM.", None),
        ("usage limit reached, resets sometime; 5 apples", None),
    ],
)
async def test_when_a_limit_ends(bench: Bench, said: str, seconds: float | None) -> None:
    """Spans of time in what a service says are understood; times of day, whose zone is unknown, are not guessed."""
    bench.cli("codex", {"ending": "error", "error": said})
    error = await failure(bench, "codex")
    assert error.retry_after == (None if seconds is None else pytest.approx(seconds))


async def test_words_of_the_model_are_no_limit(bench: Bench) -> None:
    """A good answer about rate limits, an error in line 429, or a warning about quotas is no rate limit."""
    bench.cli("codex", {"text": "I added a rate limit: usage limit reached, try again in 5 seconds."})
    assert "rate limit" in (await bench.invoke("codex")).output
    warning = "authenticated without a quota project"
    bench.cli("codex", {"ending": "error", "error": "main.py, line 429: it broke", "stderr": warning})
    assert (await failure(bench, "codex")).kind == "ReportedError"


async def test_an_overloaded_service_is_a_limit(bench: Bench) -> None:
    """Status 529 counts as a limit, so that another CLI may take over."""
    bench.cli("claude-code", {"ending": "error", "status": 529, "error": "Overloaded"})
    assert (await failure(bench, "claude-code")).kind == "QuotaExceeded"


async def test_a_rejection_that_was_no_end(bench: Bench) -> None:
    """Of a rate limit that was told in the midst of a turn that then ended well, nothing comes but a note."""
    script = bench.bin / "claude"
    script.write_text(
        "#!/bin/sh\n"
        'echo \'{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":9999999999,'
        '"rateLimitType":"five_hour"}}\'\n'
        'echo \'{"type":"result","subtype":"success","is_error":false,"result":"ok"}\'\n'
    )
    script.chmod(0o755)
    reply = await bench.invoke("claude-code")
    assert reply.output == "ok"
    assert reply.metadata["rate_limit"]["rateLimitType"] == "five_hour"
