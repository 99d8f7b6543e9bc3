"""What README.md and CONTRIBUTING.md show is true: their commands exist, and their code runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from loopengt import Kernel

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def loopengt(*arguments: str, cwd: Path, state: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    environ = os.environ | ({"XDG_STATE_HOME": str(state)} if state is not None else {})
    return subprocess.run(
        [sys.executable, "-m", "loopengt", *arguments],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def code_blocks(language: str) -> list[str]:
    """Return the README's blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_every_command_shown_exists(tmp_path: Path) -> None:
    """Each ``loopengt COMMAND`` in README.md is a command of the program, and so is each subcommand."""
    prose = re.sub(r"^```.*?^```", "", README, flags=re.DOTALL | re.MULTILINE)
    shown = set(re.findall(r"`loopengt ((?:plugins )?[a-z]+)", prose))
    shown |= set(re.findall(r"^loopengt ((?:plugins )?[a-z]+)", "\n".join(code_blocks("sh")), re.MULTILINE))
    assert {"run", "resume", "trace", "init", "doctor", "plugins allow"} <= shown
    for command in shown:
        done = loopengt(*command.split(), "--help", cwd=tmp_path)
        assert done.returncode == 0, f"loopengt {command}: {done.stderr}"


def test_the_loop_shown_is_valid(tmp_path: Path) -> None:
    """The loop.yaml that README.md explains line by line validates."""
    (tmp_path / "loop.yaml").write_text(code_blocks("yaml")[0], encoding="utf-8")
    done = loopengt("validate", "loop.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_plugin_shown_works(tmp_path: Path) -> None:
    """The plugin in 15 lines, put into a project and allowed once, is a gate that a run obeys."""
    source = code_blocks("python")[0]
    assert len([line for line in source.splitlines() if line.strip()]) <= 16
    (tmp_path / "loopengt_plugins.py").write_text(source, encoding="utf-8")
    (tmp_path / ".loopengt").mkdir()
    (tmp_path / "loop.yaml").write_text(
        """\
name: said
goal: say something
agents: [{name: speaker, config: {provider: command, extra: {command: [cat, said.txt]}}}]
steps: [{name: speak, agent: speaker, verification_gates: [finished]}]
policy:
  retry: {max_retries: 0}
  verification_gates: [{name: finished, kind: no_todo}]
""",
        encoding="utf-8",
    )
    state = tmp_path / "state"
    refused = loopengt("validate", "loop.yaml", cwd=tmp_path, state=state)
    assert refused.returncode == 2
    assert "no_todo" in refused.stdout + refused.stderr
    assert loopengt("plugins", "allow", cwd=tmp_path, state=state).returncode == 0

    (tmp_path / "said.txt").write_text("all is done\n", encoding="utf-8")
    good = loopengt("run", "loop.yaml", cwd=tmp_path, state=state)
    assert good.returncode == 0, good.stderr
    (tmp_path / "said.txt").write_text("TODO: the rest\n", encoding="utf-8")
    bad = loopengt("run", "loop.yaml", cwd=tmp_path, state=state)
    assert bad.returncode == 3
    assert "Finish what is marked TODO" in loopengt("trace", "latest", cwd=tmp_path, state=state).stdout


def test_patterns_and_kinds_named_are_registered(tmp_path: Path) -> None:
    """The patterns, providers, gates and stop conditions that README.md names are there without any setting."""
    kernel = Kernel(tmp_path)
    assert {"sequential", "repeat", "evaluator_optimizer"} <= set(kernel.names("patterns"))
    assert {"command", "python"} <= set(kernel.names("agents"))
    assert {"expression", "command", "schema"} <= set(kernel.names("gates"))
    assert {"max_turns", "timeout", "goal_met", "quality_threshold", "custom"} <= set(
        kernel.names("stop_conditions")
    )


@pytest.mark.parametrize("marker", ["run", "test"])
def test_the_two_commands_are_one_line_each(marker: str) -> None:
    """README.md has one line that sets up and runs the example, and one that sets up and passes the tests."""
    lines = re.findall(rf"^(.*)  # {marker}$", README, re.MULTILINE)
    assert len(lines) == 1
    assert lines[0].startswith("python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/")


def test_files_linked_exist() -> None:
    """Each relative link of README.md and CONTRIBUTING.md leads to something."""
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text(encoding="utf-8")):
            assert (ROOT / target).exists(), f"{name} links to {target}"
