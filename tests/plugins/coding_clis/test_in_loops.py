"""Coding CLIs as agents of loops that the engine runs, with stand-ins in the place of the CLIs."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from loopengt.errors import SpecError
from loopengt.testing import RecordingObserver, loop_spec, make_kernel, run_loop

Bench = Any


def agent(provider: str, **extra: Any) -> dict[str, Any]:
    """Declare an agent of a CLI."""
    return {"name": "coder", "config": {"provider": provider, "extra": extra}}


async def test_a_loop_mends_a_file(bench: Bench) -> None:
    """The CLI edits, the engine checks, and what the gate says is in the prompt of the next attempt."""
    bench.workspace.joinpath("answer.txt").write_text("0")
    cli = bench.cli("claude-code", {"edits": {"answer.txt": "41"}}, {"edits": {"answer.txt": "42"}})
    check = "import sys; sys.exit(open('answer.txt').read() != '42' and 'it is not 42')"
    gate = {"name": "right", "kind": "command", "command": [sys.executable, "-c", check]}
    spec = loop_spec(
        {"name": "fix", "prompt_template": "Mend the answer.", "verification_gates": ["right"]},
        agents=[agent("claude-code")],
        policy={"verification_gates": [gate]},
    )
    result = await run_loop(make_kernel(bench.workspace), spec)
    assert result.end.reason == "goal_met"
    assert bench.workspace.joinpath("answer.txt").read_text() == "42"
    assert "it is not 42" in cli.calls[1]["prompt"] and "it is not 42" not in cli.calls[0]["prompt"]
    assert cli.calls[0]["env"]["LOOPENGT_RUN_ID"] == result.run_id


async def test_a_hung_cli_is_tried_again(bench: Bench) -> None:
    """A CLI that hangs is ended and, since its error is a timeout, started again."""
    cli = bench.cli("codex", {"ending": "hang"}, {"text": "Now."})
    result = await run_loop(
        make_kernel(bench.workspace), loop_spec(agents=[agent("codex", idle_seconds=0.4)])
    )
    assert (result.end.reason, len(cli.calls)) == ("goal_met", 2)


async def test_a_limit_is_waited_out(bench: Bench) -> None:
    """A rate limit with an end is no attempt: the same one is made again when it is over."""
    cli = bench.cli("opencode", {"ending": "limit", "resets_in": 0}, {"text": "Now."})
    spec = loop_spec(agents=[agent("opencode")], policy={"retry": {"max_retries": 0}})
    result = await run_loop(make_kernel(bench.workspace), spec)
    assert (result.end.reason, len(cli.calls)) == ("goal_met", 2)


async def test_a_failure_is_no_success(bench: Bench) -> None:
    """A CLI whose answer is empty ends the run as failed, though it exits with 0."""
    bench.cli("antigravity", {"ending": "empty"})
    result = await run_loop(make_kernel(bench.workspace), loop_spec(agents=[agent("antigravity")]))
    assert result.end.reason == "failed"
    assert "empty answer" in (result.end.detail or "")


async def test_a_wrong_structured_answer_is_told_and_mended(bench: Bench) -> None:
    """An answer that does not fit the schema goes back to the CLI with what is wrong, and the next one counts."""
    cli = bench.cli("gemini", {"text": "no JSON"}, {"text": '{"score": 1}'})
    schema = {"type": "object", "required": ["score"]}
    role = agent("gemini") | {"output_schema": schema}
    result = await run_loop(make_kernel(bench.workspace), loop_spec(agents=[role]))
    assert result.end.reason == "goal_met"
    assert len(cli.calls) == 2


async def test_a_budget_in_dollars(bench: Bench) -> None:
    """Reported costs are debited, and what is left limits the CLI itself; a CLI that tells none is refused."""
    cli = bench.cli("claude-code", {"cost": 0.75})
    policy = {"budget": {"max_cost_usd": 1.0}}
    spec = loop_spec("one", "two", agents=[agent("claude-code")], policy=policy)
    await run_loop(make_kernel(bench.workspace), spec)
    assert [word for call in cli.calls for word in call["argv"] if "budget" in word] == [
        "--max-budget-usd=1.0000",
        "--max-budget-usd=0.2500",
    ]
    with pytest.raises(Exception, match="cannot be held"):
        await run_loop(make_kernel(bench.workspace), loop_spec(agents=[agent("codex")], policy=policy))


async def test_a_permission_without_a_flag_is_refused_at_load(bench: Bench) -> None:
    """A spec that asks a CLI for a level that it has no flag for does not load."""
    with pytest.raises(SpecError, match="has no flag for it"):
        await run_loop(make_kernel(bench.workspace), loop_spec(agents=[agent("cursor")]))


@pytest.mark.parametrize("session", ["continue", "fresh"])
async def test_a_step_goes_on_with_its_conversation(bench: Bench, session: str) -> None:
    """With session: continue the second step resumes the session of the first, else it begins one of its own."""
    cli = bench.cli("codex", {"usage": {"input": 100, "output": 10}}, {"usage": {"input": 30, "output": 3}})
    spec = loop_spec("one", {"name": "two", "session": session}, agents=[agent("codex")])
    result = await run_loop(make_kernel(bench.workspace), spec)
    assert result.end.reason == "goal_met"
    sessions = [call["session"] for call in cli.calls]
    assert (sessions[0] == sessions[1]) is (session == "continue")
    assert result.tokens == 143


async def test_what_the_cli_did_is_in_the_journal(bench: Bench) -> None:
    """Tools that the CLI has used, and who took over at a limit, are events of the run."""
    bench.cli("claude-code", {"ending": "limit"})
    bench.cli("gemini", {"tools": [{"name": "look", "input": {"path": "a"}, "output": "seen"}]})
    watcher = RecordingObserver()
    spec = loop_spec(agents=[agent("claude-code", failover=["gemini"])])
    result = await run_loop(make_kernel(bench.workspace), spec, observers=[watcher])
    assert result.end.reason == "goal_met"
    notes = [event.data for event in watcher.of("custom")]
    assert [note["what"] for note in notes] == ["coding_cli.failed", "coding_cli.failover"]
    assert (notes[1]["from"], notes[1]["to"]) == (["claude-code"], "gemini")
    for kind in ("tool.call", "tool.result"):
        assert [(event.tool_name, event.data["by"]) for event in watcher.of(kind)] == [("look", "gemini")]
