"""The provider ``command`` with real programs, the badly behaved included."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from loopengt_agent_command.options import CommandOptions
from loopengt_hookspecs.agents import AgentError, MissingRequirement

Bench = Any
Script = Callable[[str], list[str]]


# -- input ---------------------------------------------------------------------------


async def test_the_prompt_arrives_on_standard_input(bench: Bench) -> None:
    """The program reads the system prompt, a blank line and the prompt."""
    reply = await bench.agent(["cat"]).invoke(bench.request("Fix it é", system_prompt="Be brief."))
    assert reply.output == "Be brief.\n\nFix it é"
    assert (reply.cost_usd, reply.cost_source, reply.token_usage) == (None, "unknown", {})
    assert reply.metadata["exit_code"] == 0


async def test_the_prompt_arrives_as_last_argument(bench: Bench, script: Script) -> None:
    """With input: argument the prompt is one more argument, whatever it holds, and no other input."""
    command = script("import sys, json; print(json.dumps([sys.argv[1:], sys.stdin.read()]))")
    nasty = 'a "b" $(touch pwned) ; `x` \n --help'
    reply = await bench.invoke([*command, "first"], nasty, input="argument")
    assert reply.output == [["first", nasty], ""]
    assert (await bench.invoke([*command, "first"], "", input="argument")).output == [["first"], ""]


async def test_a_prompt_is_never_shell_text(bench: Bench) -> None:
    """A shell string gets the prompt as $1; commands inside the prompt stay inert, on either way in."""
    prompt = 'x\'; touch pwned; $(touch pwned) `touch pwned` "$(touch pwned)"'
    reply = await bench.invoke('printf "%s" "$1"', prompt, input="argument")
    assert reply.output == prompt
    assert (await bench.invoke("cat; echo done", prompt)).output == f"{prompt}done"
    assert list(bench.workspace.iterdir()) == []


async def test_a_huge_prompt_arrives_whole(bench: Bench, script: Script) -> None:
    """More text than a variable can hold comes on standard input and in a file, not in a variable."""
    prompt, feedback = "p" * 1_000_000, "f" * 300_000
    source = (
        "import os, sys; e = os.environ\n"
        "print(len(sys.stdin.read()), len(open(e['LOOPENGT_PROMPT_FILE']).read()),"
        "len(open(e['LOOPENGT_FEEDBACK_FILE']).read()), 'LOOPENGT_PROMPT' in e, 'LOOPENGT_FEEDBACK' in e)"
    )
    reply = await bench.agent(script(source)).invoke(bench.request(prompt, feedback=feedback))
    assert reply.output == "1000000 1000000 300000 False False"


async def test_a_huge_prompt_does_not_fit_an_argument(bench: Bench) -> None:
    """With input: argument a prompt beyond the system's limit is an error that names the way out."""
    with pytest.raises(AgentError, match="standard input") as caught:
        await bench.invoke(["true"], "p" * 200_000, input="argument")
    assert caught.value.kind == "ArgumentListTooLong"


async def test_odd_characters_do_not_break_the_handover(bench: Bench) -> None:
    """A null byte and a lone surrogate in the prompt reach a program that reads its input."""
    reply = await bench.invoke(["cat"], "a\0b\ud800c")
    assert reply.output == "a\0b?c"


async def test_a_program_that_closes_its_input_early_succeeds(bench: Bench, script: Script) -> None:
    """A program need not read its prompt."""
    reply = await bench.invoke(script("import os; os.close(0); print('ok')"), "x" * 2_000_000)
    assert reply.output == "ok"


# -- environment and folder ----------------------------------------------------------


async def test_the_environment_tells_the_attempt_and_no_secret(
    bench: Bench, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids, prompt and feedback are in the environment; of ours only what is allowed or named."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    command = script("import os, json; print(json.dumps(dict(os.environ)))")
    agent = bench.agent(command, env={"MODE": "fast", "PRICE": "${HOME}"}, pass_env=["OPENAI_API_KEY"])
    env = (await agent.invoke(bench.request("do", feedback="no"))).output
    expected = {
        "LOOPENGT_RUN_ID": "run-1",
        "LOOPENGT_LOOP": "demo",
        "LOOPENGT_STEP": "work",
        "LOOPENGT_OCCURRENCE": "2",
        "LOOPENGT_ATTEMPT": "3",
        "LOOPENGT_AGENT": "worker",
        "LOOPENGT_IDEMPOTENCY_KEY": "run-1/work/2/3",
        "LOOPENGT_WORKSPACE": str(bench.workspace),
        "LOOPENGT_PROMPT": "do",
        "LOOPENGT_FEEDBACK": "no",
        "MODE": "fast",
        "PRICE": "${HOME}",
        "OPENAI_API_KEY": "secret",
    }
    assert expected.items() <= env.items()
    assert "ANTHROPIC_API_KEY" not in env
    assert not Path(env["LOOPENGT_PROMPT_FILE"]).exists()


async def test_a_missing_variable_names_its_remedy(bench: Bench) -> None:
    """A variable of pass_env that is not set is reported by the check, and stops the attempt."""
    agent = bench.agent(["cat"], pass_env=["NO_SUCH_KEY"])
    assert [missing.remedy for missing in agent.missing()] == ["export NO_SUCH_KEY=..."]
    with pytest.raises(MissingRequirement, match="agent 'worker' needs the environment variable NO_SUCH_KEY"):
        await agent.invoke(bench.request("x"))


async def test_a_missing_program_names_its_remedy(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is not installed is reported by the check, and stops the attempt."""
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setenv("PATH", "/nowhere")
    agent = bench.agent(["claude", "-p"])
    assert [m.remedy for m in agent.missing()] == ["npm install -g @anthropic-ai/claude-code"]
    with pytest.raises(MissingRequirement, match="agent 'worker' runs claude"):
        await agent.invoke(bench.request("x"))


async def test_it_runs_in_the_workspace_or_below(bench: Bench) -> None:
    """The working folder is the workspace, or the folder in it that cwd names."""
    (bench.workspace / "src").mkdir()
    assert (await bench.invoke("pwd -P")).output == str(bench.workspace.resolve())
    assert (await bench.invoke("pwd -P", cwd="src")).output == str(bench.workspace.resolve() / "src")


@pytest.mark.parametrize("cwd", ["..", "../x", "src/../../x", "/tmp"])
def test_a_folder_outside_is_refused_when_the_spec_is_read(cwd: str) -> None:
    """A folder that leaves the workspace by its own words is an error of the spec."""
    with pytest.raises(ValidationError, match="outside the workspace"):
        CommandOptions.model_validate({"command": ["true"], "cwd": cwd})


async def test_a_link_out_of_the_workspace_is_refused(bench: Bench, tmp_path: Path) -> None:
    """A link, or dots behind a link, that lead outside are refused, and nothing is run there."""
    outside = tmp_path / "outside" / "deep"
    outside.mkdir(parents=True)
    (bench.workspace / "link").symlink_to(outside)
    (bench.workspace / "src").mkdir()
    for cwd in ("link", "link/..", "src/../link"):
        with pytest.raises(AgentError, match="outside the workspace") as caught:
            await bench.invoke("touch pwned", cwd=cwd, allow_empty=True)
        assert caught.value.kind == "WorkingFolder"
    assert list(outside.iterdir()) == []


async def test_a_missing_folder_is_named(bench: Bench) -> None:
    """A cwd that is not there is an error that says how to make it."""
    with pytest.raises(AgentError, match=r"mkdir -p .*src"):
        await bench.invoke("true", cwd="src")


# -- plan and options ----------------------------------------------------------------


def test_the_plan_is_one_line(bench: Bench) -> None:
    """A dry run shows the command as one could type it, on one line."""
    assert bench.agent(["ruff", "check", "a b"]).plan() == "ruff check 'a b'  (prompt: standard input)"
    plan = bench.agent("a\nb", input="argument", cwd="src").plan()
    assert plan == "a\\nb  (prompt: the last argument)  (in src)"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"command": []},
        {"command": " "},
        {"command": [""]},
        {"command": ["sleep", 5]},
        {"command": "x", "output": "yaml"},
        {"command": "x", "env": {"A B": "1"}},
        {"command": "x", "env": {"A": 1}},
        {"command": "x", "success_codes": []},
        {"command": "x", "max_output_bytes": 0},
        {"command": "x", "shell": True},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    """The model refuses what could only fail, or surprise, later."""
    with pytest.raises(ValidationError):
        CommandOptions.model_validate(options)
