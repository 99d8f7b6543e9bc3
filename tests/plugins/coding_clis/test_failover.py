"""Failover: at a quota or rate limit, and then only, the next CLI does the same step."""

from __future__ import annotations

from typing import Any

import pytest

from loopengt_hookspecs.agents import AgentError, RateLimited

Bench = Any
LIMIT: dict[str, Any] = {"ending": "limit"}


async def test_the_next_cli_takes_over(bench: Bench) -> None:
    """The same prompt goes to the next CLI with the same permissions, and reply and journal say who did it."""
    bench.cli("claude-code", LIMIT | {"cost": 0.0})
    codex = bench.cli("codex", {"text": "By another."})
    reply = await bench.invoke("claude-code", "Fix it.", failover=["codex", "gemini"], permissions="read")
    assert reply.output == "By another."
    assert (reply.metadata["provider"], reply.metadata["failed_over_from"]) == ("codex", ["claude-code"])
    assert codex.calls[0]["prompt"] == "Fix it."
    assert codex.calls[0]["argv"][2:4] == ["--sandbox", "read-only"]
    notes = [data for kind, data in bench.events if kind == "custom"]
    assert notes[-1] == {"what": "coding_cli.failover", "to": "codex", "from": ["claude-code"]}


async def test_other_errors_stay_with_the_first(bench: Bench) -> None:
    """An error that is no limit is not handed to another CLI."""
    bench.cli("claude-code", {"ending": "error"})
    codex = bench.cli("codex")
    with pytest.raises(AgentError, match="It broke"):
        await bench.invoke("claude-code", failover=["codex"])
    assert codex.calls == []


async def test_tokens_of_the_first_are_counted(bench: Bench) -> None:
    """What the limited CLI has used before it gave up is added to the reply's tokens."""
    bench.cli("claude-code", LIMIT)
    bench.cli("codex")
    reply = await bench.invoke("claude-code", failover=["codex"])
    assert reply.token_usage["prompt_tokens"] == 200


async def test_all_are_limited(bench: Bench) -> None:
    """When all have reached a limit, the earliest end that was told is waited for; without one it is an error."""
    bench.cli("claude-code", LIMIT | {"resets_in": 500})
    bench.cli("codex", LIMIT | {"resets_in": 70})
    bench.cli("gemini", LIMIT)
    with pytest.raises(RateLimited, match="claude-code, codex, gemini have all") as caught:
        await bench.invoke("claude-code", failover=["codex", "gemini"])
    assert caught.value.retry_after == pytest.approx(70, abs=5)
    bench.cli("claude-code", LIMIT)
    with pytest.raises(AgentError, match="have all reached") as told_nothing:
        await bench.invoke("claude-code", failover=["gemini"])
    assert told_nothing.value.kind == "QuotaExceeded"


async def test_a_cli_that_is_not_installed_is_passed_over(bench: Bench) -> None:
    """One that could take over but is not there is noted and left out."""
    bench.cli("claude-code", LIMIT)
    bench.cli("gemini", {"text": "Third."})
    reply = await bench.invoke("claude-code", failover=["codex", "gemini"])
    assert (reply.output, reply.metadata["failed_over_from"]) == ("Third.", ["claude-code"])
    assert (
        "custom",
        {"what": "coding_cli.failover", "skipped": "codex", "why": "not installed"},
    ) in bench.events


async def test_options_of_those_who_take_over(bench: Bench) -> None:
    """Model and arguments of the first are not given to the next, which has its own."""
    bench.cli("claude-code", LIMIT)
    codex = bench.cli("codex")
    entry = {"provider": "codex", "model": "gpt-x", "args": ["--ephemeral"]}
    await bench.invoke("claude-code", model="sonnet", args=["--settings={}"], failover=[entry])
    argv = codex.calls[0]["argv"]
    assert "--model=gpt-x" in argv and "--ephemeral" in argv
    assert not any("sonnet" in word or "settings" in word for word in argv)


async def test_the_session_of_the_one_who_took_over(bench: Bench) -> None:
    """When the last reply was another CLI's, its session is resumed only by that CLI."""
    claude = bench.cli("claude-code", LIMIT)
    codex = bench.cli("codex")
    first = await bench.invoke("claude-code", failover=["codex"])
    second = await bench.invoke("claude-code", failover=["codex"], request={"session": first.metadata})
    assert not any("--resume" in word for word in claude.calls[1]["argv"])
    assert codex.calls[1]["session"] == first.metadata["session_id"]
    assert second.metadata["resumed"] is True
