"""The command ``init``: the tests and the agent that it recognises, and the loop that comes of them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site

pytestmark = pytest.mark.slow  # real processes, seconds each

NOBODY = "/nonexistent"
"""A PATH on which there is no agent."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is no project yet."""
    path = tmp_path / "fresh"
    path.mkdir()
    return path


def loop_of(folder: Path) -> Any:
    """Read the loop.yaml of a folder."""
    return yaml.safe_load((folder / "loop.yaml").read_text())


def put_program(folder: Path, name: str, script: str = "exit 0") -> str:
    """Write a program and return its folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return str(folder)


PROJECTS: dict[str, tuple[dict[str, str], list[str]]] = {
    "nothing": ({"README.md": "hello"}, ["check"]),
    "tests": ({"tests/unit/test_a.py": ""}, ["tests"]),
    "a test beside the code": ({"a_test.py": ""}, ["tests"]),
    "a test without pytest's name": ({"tests/data.py": ""}, ["check"]),
    "pytest.ini": ({"pytest.ini": ""}, ["tests"]),
    "pytest in pyproject": ({"pyproject.toml": "[tool.pytest.ini_options]\n"}, ["tests"]),
    "pytest in setup.cfg": ({"setup.cfg": "[tool:pytest]\n"}, ["tests"]),
    "no pytest in setup.cfg": ({"setup.cfg": "[metadata]\n"}, ["check"]),
    "ruff in pyproject": ({"pyproject.toml": "[tool.ruff]\n"}, ["lint"]),
    "ruff.toml and tests": ({"ruff.toml": "", "conftest.py": ""}, ["tests", "lint"]),
    "a broken pyproject": ({"pyproject.toml": "[tool.ruff", "test_a.py": ""}, ["tests"]),
    "npm": ({"package.json": '{"scripts": {"test": "vitest"}}'}, ["npm-test"]),
    "npm's own placeholder": (
        {"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'},
        ["check"],
    ),
    "a broken package.json": ({"package.json": "{"}, ["check"]),
    "Python and npm": (
        {"package.json": '{"scripts": {"test": "x"}}', "test_a.py": ""},
        ["tests", "npm-test"],
    ),
}

COMMANDS = {
    "tests": ["pytest", "-q"],
    "lint": ["ruff", "check", "--no-respect-gitignore", "--extend-exclude", ".loopengt", "."],
    "npm-test": ["npm", "test"],
}


@pytest.mark.parametrize("kind", PROJECTS)
def test_the_gates_are_the_tests_that_the_project_has(site: Site, folder: Path, kind: str) -> None:
    """What the files speak of becomes gates, in a loop that is sound; without any, a gate that says so."""
    files, expected = PROJECTS[kind]
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert site.run("init", cwd=folder, PATH=NOBODY).returncode == 0
    loop = loop_of(folder)
    gates = loop["policy"]["verification_gates"]
    assert [gate["name"] for gate in gates] == loop["steps"][0]["verification_gates"] == expected
    if expected != ["check"]:
        assert [gate["command"] for gate in gates] == [COMMANDS[name] for name in expected]
    assert site.run("validate", ".", cwd=folder).returncode == 0


def test_without_tests_the_gate_cannot_pass(site: Site, folder: Path) -> None:
    """The placeholder of a gate fails, and says what to write; a loop cannot succeed by it."""
    done = site.run("init", cwd=folder, PATH=NOBODY)
    assert "check: no test command was recognised; write yours into loop.yaml" in done.stdout
    (gate,) = loop_of(folder)["policy"]["verification_gates"]
    ran = subprocess.run(["/bin/sh", "-c", gate["command"]], capture_output=True, text=True)
    assert (ran.returncode, gate["on_failure"]) == (1, "abort")
    assert ran.stderr == "no check is chosen: write its command under verification_gates in loop.yaml\n"


def test_without_an_agent_the_step_cannot_pass(site: Site, folder: Path) -> None:
    """The placeholder of an agent fails, and says what to write; it answers nothing."""
    done = site.run("init", cwd=folder, PATH=NOBODY)
    assert "agent: none of claude, codex, gemini is on PATH; write yours into loop.yaml" in done.stdout
    (agent,) = loop_of(folder)["agents"]
    ran = subprocess.run(
        ["/bin/sh", "-c", agent["config"]["extra"]["command"]], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "no agent is chosen: write its command under agents in loop.yaml\n"


AGENTS = {
    "claude": (
        "ANTHROPIC_API_KEY",
        ["claude", "-p", "--permission-mode", "acceptEdits", "--output-format", "json"],
    ),
    "codex": ("OPENAI_API_KEY", ["codex", "exec", "-s", "workspace-write", "--skip-git-repo-check", "-"]),
    "gemini": ("GEMINI_API_KEY", ["gemini", "--approval-mode", "auto_edit"]),
}


@pytest.mark.parametrize("program", AGENTS)
def test_an_agent_on_path_is_used(site: Site, folder: Path, tmp_path: Path, program: str) -> None:
    """A coding agent that is there gets its prompt on standard input, and its key where that is set."""
    key, command = AGENTS[program]
    path = put_program(tmp_path / "bin", program)
    done = site.run("init", cwd=folder, PATH=path, **{key: ""})
    assert f"agent: {program}, which is on PATH" in done.stdout
    extra = loop_of(folder)["agents"][0]["config"]["extra"]
    assert extra["command"] == command
    assert "input" not in extra
    assert "pass_env" not in extra
    assert site.run("validate", ".", cwd=folder).returncode == 0
    site.run("init", "--force", cwd=folder, PATH=path, **{key: "secret"})
    assert loop_of(folder)["agents"][0]["config"]["extra"]["pass_env"] == [key]
    assert "secret" not in (folder / "loop.yaml").read_text()


def test_of_several_agents_the_first_is_used(site: Site, folder: Path, tmp_path: Path) -> None:
    """The order is claude, codex, gemini."""
    for program in ("gemini", "codex"):
        path = put_program(tmp_path / "bin", program)
    site.run("init", cwd=folder, PATH=path)
    assert loop_of(folder)["agents"][0]["config"]["extra"]["command"][0] == "codex"


def test_the_lint_gate_looks_at_files_that_git_ignores(site: Site, folder: Path) -> None:
    """In a copy that git ignores, below .loopengt of a project in a repository, ruff still finds."""
    project = folder / "part"
    project.mkdir()
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (project / "ruff.toml").write_text("")
    site.run("init", cwd=project, PATH=NOBODY)
    copy = project / ".loopengt/workspaces/run-1"
    copy.mkdir(parents=True)
    (copy / "unused.py").write_text("import os\n")
    (gate,) = loop_of(project)["policy"]["verification_gates"]
    ran = subprocess.run([sys.executable, "-m", *gate["command"]], cwd=copy, capture_output=True, text=True)
    assert ran.returncode == 1
    assert "F401" in ran.stdout


MENDER = """\
cat > prompt.txt
sed -i 's/a - b/a + b/' calc.py
echo '{"type": "result", "is_error": false, "result": "mended", "total_cost_usd": 0.25}'"""


def test_the_loop_works_from_init_to_goal_met(site: Site, folder: Path, tmp_path: Path) -> None:
    """With an agent on PATH and a failing test, the two commands that come next plan and mend the project."""
    path = put_program(tmp_path / "bin", "claude", MENDER) + ":/usr/bin:/bin"
    (folder / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (folder / "test_calc.py").write_text(
        "from calc import add\n\ndef test_add():\n    assert add(1, 2) == 3\n"
    )
    (folder / "conftest.py").write_text("")
    site.run("init", cwd=folder, PATH=path)
    plan = site.run("run", "loop.yaml", "--dry-run", cwd=folder, PATH=path)
    assert plan.returncode == 0, plan.stderr
    assert "claude -p --permission-mode acceptEdits" in plan.stdout
    assert "pytest -q" in plan.stdout
    done = site.run("run", "loop.yaml", "--in-place", cwd=folder, PATH=path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a + b" in (folder / "calc.py").read_text()
    assert (folder / "prompt.txt").read_text().startswith("Make every check of this project pass")
    (run,) = json.loads(site.run("runs", "--json", cwd=folder).stdout)
    assert (run["reason"], run["cost_usd"]) == ("goal_met", 0.25)


def test_the_placeholders_end_a_run_as_failed(site: Site, folder: Path) -> None:
    """A loop without an agent says so in its plan and fails when it is run; nothing is faked."""
    site.run("init", cwd=folder, PATH=NOBODY)
    plan = site.run("run", "loop.yaml", "--dry-run", cwd=folder, PATH="/usr/bin:/bin")
    assert "no agent is chosen" in plan.stdout
    assert "no check is chosen" in plan.stdout
    done = site.run("run", "loop.yaml", cwd=folder, PATH="/usr/bin:/bin")
    assert done.returncode == 1
    assert "no agent is chosen: write its command under agents in loop.yaml" in done.stdout + done.stderr
