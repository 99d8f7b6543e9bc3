"""Options of the coding CLIs: permissions, models, limits, and what ``--dry-run`` shows of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from .conftest import PROVIDERS

Bench = Any

FLAGS = {
    ("claude-code", "read"): [
        "--permission-mode=plan",
        "--disallowedTools=Edit,MultiEdit,NotebookEdit,Write",
    ],
    ("claude-code", "edit"): ["--permission-mode=acceptEdits"],
    ("claude-code", "full"): ["--permission-mode=bypassPermissions"],
    ("codex", "read"): ["--sandbox", "read-only"],
    ("codex", "edit"): ["--sandbox", "workspace-write"],
    ("codex", "full"): ["--sandbox", "danger-full-access"],
    ("gemini", "read"): ["--approval-mode=plan"],
    ("gemini", "edit"): ["--approval-mode=auto_edit"],
    ("gemini", "full"): ["--approval-mode=yolo"],
    ("antigravity", "read"): ["--mode=plan"],
    ("antigravity", "edit"): ["--mode=accept-edits"],
    ("antigravity", "full"): ["--dangerously-skip-permissions"],
    ("cursor", "read"): ["--mode=ask"],
    ("cursor", "full"): ["--force"],
    ("opencode", "read"): [],
    ("opencode", "edit"): [],
    ("opencode", "full"): ["--auto"],
    ("copilot", "read"): ["--deny-tool=write", "--deny-tool=shell"],
    ("copilot", "edit"): ["--allow-tool=write", "--deny-tool=shell"],
    ("copilot", "full"): ["--allow-all-tools"],
}
WIDE = {
    "--permission-mode=bypassPermissions",
    "danger-full-access",
    "--approval-mode=yolo",
    "--force",
    "--auto",
}
WIDE |= {"--dangerously-skip-permissions", "--allow-all-tools", "--yolo"}


@pytest.mark.parametrize(("name", "level"), list(FLAGS))
async def test_permissions(bench: Bench, name: str, level: str) -> None:
    """Each level becomes the CLI's own flags, and only full ones grant everything."""
    cli = bench.cli(name)
    await bench.invoke(name, permissions=level)
    call = cli.calls[0]
    assert [word for word in call["argv"] if word in FLAGS[name, level]] == FLAGS[name, level]
    assert bool(WIDE & set(call["argv"])) is (level == "full")
    rules = json.loads(call["env"].get("OPENCODE_PERMISSION", "{}"))
    wanted = {"read": ("deny", "deny"), "edit": ("allow", "deny"), "full": (None, None)}[level]
    assert (rules.get("edit"), rules.get("bash")) == (wanted if name == "opencode" else (None, None))


@pytest.mark.parametrize(
    ("level", "sandbox"), [("read", "read-only"), ("edit", "workspace-write"), ("full", "danger-full-access")]
)
async def test_a_resumed_session_of_codex_is_confined(bench: Bench, level: str, sandbox: str) -> None:
    """Since a resumed session keeps no sandbox, it is set anew behind resume, with the settings of the options."""
    cli = bench.cli("codex")
    session = {"provider": "codex", "session_id": "thread-1"}
    args = ["--ephemeral", "-c", "model_verbosity=low"]
    await bench.invoke("codex", permissions=level, args=args, request={"session": session})
    argv = cli.calls[0]["argv"]
    settings = ["-c", f'sandbox_mode="{sandbox}"', "-c", "model_verbosity=low"]
    assert argv[argv.index("resume") :] == ["resume", "thread-1", *settings, "-"]
    assert "--ephemeral" in argv[: argv.index("resume")]


async def test_edit_is_the_default(bench: Bench) -> None:
    """Without a word on permissions a CLI may edit, and no more."""
    cli = bench.cli("codex")
    await bench.invoke("codex")
    assert cli.calls[0]["argv"][2:4] == ["--sandbox", "workspace-write"]


def test_a_level_without_a_flag_is_refused(bench: Bench) -> None:
    """A CLI that has no flag for a level is refused when the spec is loaded, also as one that would take over."""
    with pytest.raises(ValidationError, match="cursor has no flag for it; it has flags for read and full"):
        PROVIDERS["cursor"].options.model_validate({})
    with pytest.raises(ValidationError, match="cursor has no flag"):
        PROVIDERS["claude-code"].options.model_validate({"failover": ["cursor"]})
    assert PROVIDERS["claude-code"].options.model_validate({"failover": ["cursor"], "permissions": "full"})


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("codex", {"max_turns": 3}),
        ("cursor", {"permissions": "full", "add_dirs": ["../x"]}),
        ("gemini", {"failover": ["nobody"]}),
        ("copilot", {"permissions": "all"}),
        ("claude-code", {"idle_seconds": 0}),
    ],
)
def test_options_that_do_not_exist(name: str, extra: dict[str, Any]) -> None:
    """An option that a CLI could not keep is an error when the spec is loaded."""
    with pytest.raises(ValidationError):
        PROVIDERS[name].options.model_validate(extra)


async def test_the_options_of_claude(bench: Bench) -> None:
    """Tools, turns, folders, model and money become flags; the money is lowered to what the budgets leave."""
    cli = bench.cli("claude-code")
    options: dict[str, Any] = {
        "allowed_tools": ["Bash(git diff:*)", "Read"],
        "disallowed_tools": ["WebFetch"],
    }
    options |= {"max_turns": 4, "max_budget_usd": 2, "add_dirs": ["../docs"], "model": "sonnet"}
    await bench.invoke("claude-code", **options)
    await bench.invoke("claude-code", **options, request={"cost_left_usd": 0.5})
    await bench.invoke("claude-code")
    first, second, third = (call["argv"] for call in cli.calls)
    assert first[5:] == [
        "--model=sonnet",
        "--allowedTools=Bash(git diff:*),Read",
        "--disallowedTools=WebFetch",
        "--max-turns=4",
        "--max-budget-usd=2.0000",
        "--add-dir=../docs",
    ]
    assert "--max-budget-usd=0.5000" in second
    assert third == ["-p", "--output-format", "stream-json", "--verbose", "--permission-mode=acceptEdits"]


@pytest.mark.parametrize("name", list(PROVIDERS))
async def test_the_model_is_passed_on_only_when_named(bench: Bench, name: str) -> None:
    """A model that the spec names is passed on; the default of the format is not."""
    cli = bench.cli(name)
    await bench.invoke(name, model="some-model")
    await bench.invoke(name)
    assert "--model=some-model" in cli.calls[0]["argv"]
    assert not any(word.startswith(("--model", "-m")) for word in cli.calls[1]["argv"])


async def test_a_trusted_workspace(bench: Bench) -> None:
    """Folders are trusted only when the spec says so."""
    for name, flag in (("cursor", "--trust"), ("gemini", "--skip-trust")):
        cli = bench.cli(name)
        await bench.invoke(name)
        await bench.invoke(name, trust_workspace=True)
        assert [flag in call["argv"] for call in cli.calls] == [False, True]


async def test_a_program_by_its_path(bench: Bench) -> None:
    """The option program names the file to run, and one that is not there is said to be missing."""
    cli = bench.cli("codex")
    elsewhere = cli.program.rename(bench.bin.parent / "my codex")
    assert len(bench.agent("codex").missing()) == 1
    assert (await bench.invoke("codex", program=str(elsewhere))).output == "Done."
    assert "nothing-here" in bench.agent("codex", program="/nothing-here/codex").missing()[0].message


def test_the_plan(bench: Bench) -> None:
    """A plan shows the whole command line but the prompts, and who takes over."""
    bench.cli("gemini")
    agent = bench.agent("claude-code", system_prompt="Be brief.", failover=["codex", "gemini"], model="opus")
    assert agent.plan() == (
        "claude -p --output-format stream-json --verbose --permission-mode=acceptEdits --model=opus "
        "'--append-system-prompt=…'  (prompt: standard input)  (at a limit: codex (not installed), then gemini)"
    )
    assert "'--prompt=…'  (prompt: an argument" in bench.agent("copilot").plan()
