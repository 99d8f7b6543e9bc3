"""One turn of every coding CLI, played by stand-ins: what they are asked, and what becomes of their answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loopengt_hookspecs.agents import AgentError, MissingRequirement

from .conftest import PROVIDERS

Bench = Any
every_cli = pytest.mark.parametrize("name", list(PROVIDERS))

TOKENS = {
    "antigravity": {
        "prompt_tokens": 100,
        "completion_tokens": 35,
        "cached_tokens": 20,
        "reasoning_tokens": 5,
    },
    "claude-code": {"prompt_tokens": 100, "completion_tokens": 30, "cached_tokens": 20},
    "codex": {"prompt_tokens": 100, "completion_tokens": 30, "cached_tokens": 20, "reasoning_tokens": 5},
    "copilot": {},
    "cursor": {"prompt_tokens": 100, "completion_tokens": 30, "cached_tokens": 20},
    "gemini": {"prompt_tokens": 100, "completion_tokens": 35, "cached_tokens": 20, "reasoning_tokens": 5},
    "opencode": {"prompt_tokens": 100, "completion_tokens": 35, "cached_tokens": 20, "reasoning_tokens": 5},
}


@every_cli
async def test_a_good_turn(bench: Bench, name: str) -> None:
    """Every CLI gets the prompt whole, works in the workspace, and its answer, tokens, cost and session are kept."""
    cli = bench.cli(name, {"text": "All is well: é", "edits": {"made.txt": "by the CLI"}, "cost": 0.25})
    reply = await bench.invoke(name, '-p is an option, "quoted" $(touch pwned)\nand a second line é')
    assert reply.output == "All is well: é"
    assert cli.calls[0]["prompt"] == '-p is an option, "quoted" $(touch pwned)\nand a second line é'
    assert bench.workspace.joinpath("made.txt").read_text() == "by the CLI"
    assert [file.name for file in bench.workspace.iterdir()] == ["made.txt"]
    assert reply.token_usage == TOKENS[name]
    reported = name in ("claude-code", "opencode")
    assert (reply.cost_usd, reply.cost_source) == ((0.25, "reported") if reported else (None, "unknown"))
    assert bench.agent(name).reports_cost is reported
    assert reply.metadata["provider"] == name
    assert reply.metadata["session_id"] == f"{name}-session-1"
    assert reply.metadata["exit_code"] == 0


@every_cli
async def test_a_session_goes_on(bench: Bench, name: str) -> None:
    """With the metadata of the last reply as the request's session, the CLI resumes that session and no other."""
    cli = bench.cli(name, {}, {"knows": [f"{name}-session-1"], "text": "Again."})
    first = await bench.invoke(name)
    second = await bench.invoke(name, "Go on.", request={"session": first.metadata})
    assert second.output == "Again."
    assert cli.calls[1]["session"] == f"{name}-session-1"
    assert (first.metadata["resumed"], second.metadata["resumed"]) == (False, True)
    assert second.token_usage == TOKENS[name]


async def test_tokens_of_a_session_are_counted_once(bench: Bench) -> None:
    """Codex counts tokens over the whole thread: each reply has those of its own turn, a fresh session from zero."""
    usages = [{"input": 100, "output": 10}, {"input": 300, "output": 7}, {"input": 50, "output": 5}]
    bench.cli("codex", *({"usage": usage} for usage in usages), {})
    replies, session = [], None
    for _ in usages:
        replies.append(await bench.invoke("codex", request={"session": session}))
        session = replies[-1].metadata
    counts = [
        (reply.token_usage["prompt_tokens"], reply.token_usage["completion_tokens"]) for reply in replies
    ]
    assert counts == [(100, 10), (300, 7), (50, 5)]
    assert replies[2].metadata["session_usage"]["prompt_tokens"] == 450
    fresh = await bench.invoke("codex")
    assert fresh.token_usage == TOKENS["codex"]


@every_cli
async def test_a_lost_session_is_named(bench: Bench, name: str) -> None:
    """A session that the CLI does not know any more is an error of its own that says how to begin afresh."""
    bench.cli(name, {"knows": []})
    session = {"provider": name, "session_id": "gone-1"}
    with pytest.raises(AgentError, match="session: fresh") as caught:
        await bench.invoke(name, request={"session": session})
    assert (caught.value.kind, caught.value.starts_over) == ("SessionLost", True)


@pytest.mark.parametrize(
    "session_id", ["--dangerously-skip-permissions", "a b", "x\ny", "a" * 129, "../x", 7]
)
async def test_no_option_is_smuggled_in_as_a_session(bench: Bench, session_id: Any) -> None:
    """A session id that could be anything but an id starts no program."""
    cli = bench.cli("codex")
    with pytest.raises(AgentError, match="no id of a session"):
        await bench.invoke("codex", request={"session": {"provider": "codex", "session_id": session_id}})
    assert cli.calls == []


async def test_a_session_of_another_cli_is_not_resumed(bench: Bench) -> None:
    """The session of the last reply counts only for the CLI that gave it."""
    cli = bench.cli("codex")
    reply = await bench.invoke("codex", request={"session": {"provider": "gemini", "session_id": "g-1"}})
    assert "resume" not in cli.calls[0]["argv"]
    assert reply.metadata["resumed"] is False


@every_cli
async def test_the_system_prompt_arrives(bench: Bench, name: str) -> None:
    """A system prompt goes to the flag where there is one, and before the prompt elsewhere."""
    cli = bench.cli(name)
    await bench.invoke(name, "Fix it.", system_prompt="-Be brief.")
    if name == "claude-code":
        assert "--append-system-prompt=-Be brief." in cli.calls[0]["argv"]
        assert cli.calls[0]["prompt"] == "Fix it."
    else:
        assert cli.calls[0]["prompt"] == "-Be brief.\n\nFix it."


async def test_a_huge_prompt_arrives_whole(bench: Bench) -> None:
    """A prompt on standard input, and a system prompt that no argument can hold, may be long."""
    cli = bench.cli("claude-code")
    await bench.invoke("claude-code", "p" * 1_000_000, system_prompt="s" * 200_000)
    assert cli.calls[0]["prompt"] == f"{'s' * 200_000}\n\n{'p' * 1_000_000}"


async def test_a_prompt_too_long_for_an_argument(bench: Bench) -> None:
    """A CLI that takes its prompt as an argument only refuses a huge one with a message that says why."""
    bench.cli("copilot")
    with pytest.raises(AgentError, match="longer than the system takes") as caught:
        await bench.invoke("copilot", "p" * 1_000_000)
    assert caught.value.kind == "ArgumentListTooLong"


SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "number"}},
    "required": ["score"],
    "additionalProperties": False,
}


@every_cli
async def test_structured_answers(bench: Bench, name: str) -> None:
    """An output schema goes to the CLI's own flag, or into the prompt; either way the output is data."""
    turn = {"text": 'Here it is:\n```json\n{"score": 0.5}\n```\nBye {x}'}
    if name in ("claude-code", "antigravity"):
        turn = {"structured": {"score": 0.5}, "text": ""}
    elif name == "codex":
        turn = {"text": '{"score": 0.5}'}
    cli = bench.cli(name, turn)
    reply = await bench.invoke(name, schema=SCHEMA)
    assert reply.output == {"score": 0.5}
    call = cli.calls[0]
    flagged = [word.partition("=")[2] for word in call["argv"] if word.startswith("--json-schema=")]
    assert [json.loads(schema) for schema in flagged] == ([SCHEMA] if "structured" in turn else [])
    assert call.get("schema") == (SCHEMA if name == "codex" else None)
    native = name in ("claude-code", "antigravity", "codex")
    assert ("JSON Schema" in call["prompt"]) is not native


async def test_codex_is_given_only_schemas_that_it_takes(bench: Bench) -> None:
    """A schema with optional keys, which the service behind Codex refuses, is put into the prompt."""
    cli = bench.cli("codex", {"text": '{"score": 1}'})
    schema = {"type": "object", "properties": {"score": {"type": "number"}}}
    assert (await bench.invoke("codex", schema=schema)).output == {"score": 1}
    assert "schema" not in cli.calls[0] and "JSON Schema" in cli.calls[0]["prompt"]


async def test_an_answer_without_json_stays_text(bench: Bench) -> None:
    """An answer that holds no JSON is handed on as it is, for the engine to hold against the schema."""
    bench.cli("gemini", {"text": "I cannot."})
    reply = await bench.invoke("gemini", schema=SCHEMA)
    assert reply.output == "I cannot."
    assert "no JSON" in reply.metadata["output_not_json"]


@every_cli
async def test_tools_and_words_are_shown(bench: Bench, name: str) -> None:
    """Tools that a CLI uses become events, large inputs and outputs shortened, and its words are shown live."""
    tools = [
        {"name": "look", "input": {"path": "a"}, "output": "y" * 9_000},
        {"name": "run", "error": "denied"},
    ]
    bench.cli(name, {"tools": tools, "text": "Seen."})
    shown: list[str] = []

    class Calls:
        def progress(self, text: str) -> None:
            shown.append(text)

    await bench.invoke(name, request={"calls": Calls()})
    assert "".join(shown) == "Seen."
    kinds = [kind for kind, _ in bench.events]
    assert kinds == ["tool.call", "tool.result", "tool.call", "tool.error"]
    assert {data["by"] for _, data in bench.events} == {name}
    assert [data["tool"] for _, data in bench.events][::2] == (
        ["command_execution"] * 2 if name == "codex" else ["look", "run"]
    )
    assert all(len(json.dumps(data)) < 5_000 for _, data in bench.events)
    assert "denied" in json.dumps(bench.events[3][1])


@every_cli
async def test_junk_and_huge_lines(bench: Bench, name: str) -> None:
    """Lines that are nothing known are counted and passed over, a line of 5 MB is read, and all of it is kept whole."""
    bench.cli(name, {"junk": True, "huge": 5_000_000, "text": "Still here."})
    reply = await bench.invoke(name)
    assert reply.output == "Still here."
    assert reply.metadata["junk_lines"] >= 9
    kept = bench.blobs[reply.metadata["stdout"]["digest"]]
    assert len(kept) == reply.metadata["stdout"]["size"] > 5_000_000
    assert len(json.dumps(reply.metadata)) < 10_000


async def test_the_environment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CLI gets its own keys, its home, what the options name and the attempt's variables, and no other's keys."""
    for key in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "MY_PROXY_TOKEN", "OTHER_TOKEN"):
        monkeypatch.setenv(key, f"value-of-{key}")
    cli = bench.cli("claude-code")
    await bench.invoke("claude-code", env={"EXTRA": "1"}, pass_env=["MY_PROXY_TOKEN"])
    env = cli.calls[0]["env"]
    assert env["ANTHROPIC_API_KEY"] == "value-of-ANTHROPIC_API_KEY"
    assert env["MY_PROXY_TOKEN"] == "value-of-MY_PROXY_TOKEN"
    assert (env["EXTRA"], env["LOOPENGT_IDEMPOTENCY_KEY"], env["LOOPENGT_ATTEMPT"]) == (
        "1",
        "run-1/work/2/3",
        "3",
    )
    assert "HOME" in env and not env.keys() & {"OPENAI_API_KEY", "OTHER_TOKEN"}


async def test_what_is_not_installed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CLI that is not there is named with the command that installs it, and so is a variable that is not set."""
    found = bench.agent("claude-code", pass_env=["MY_PROXY_TOKEN"]).missing()
    assert [missing.remedy for missing in found] == [
        "export MY_PROXY_TOKEN=...",
        "npm install -g @anthropic-ai/claude-code",
    ]
    with pytest.raises(MissingRequirement, match="runs agy"):
        await bench.invoke("antigravity")
    bench.cli("gemini")
    assert bench.agent("gemini").missing() == []


async def test_the_other_name_of_cursor(bench: Bench) -> None:
    """A program called agent is Cursor's only where it lies in a folder of Cursor's."""
    bench.bin.joinpath("agent").write_text("#!/bin/sh\n")
    bench.bin.joinpath("agent").chmod(0o755)
    assert len(bench.agent("cursor").missing()) == 1
    home = bench.bin.parent / "share" / "cursor-agent"
    home.mkdir(parents=True)
    type(bench)(bench.workspace, home).cli("cursor").program.rename(home / "tool")
    bench.bin.joinpath("agent").unlink()
    bench.bin.joinpath("agent").symlink_to(home / "tool")
    assert (await bench.invoke("cursor")).output == "Done."


async def test_the_version(bench: Bench) -> None:
    """The version is what the CLI says it is, and nothing where it is not installed or says nothing in time."""
    bench.cli("codex")
    assert await bench.agent("codex").version() == "codex 9.9.9 (stand-in)"
    assert await bench.agent("gemini").version() is None
