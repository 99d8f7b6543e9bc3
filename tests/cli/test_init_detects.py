"""The command ``init``: the tests and the agent that it recognises, and the loop that comes of them."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site

pytestmark = pytest.mark.slow  # real processes, seconds each

NOBODY = "/nonexistent"
"""A PATH on which there is no agent."""

KEYS = ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENROUTER_API_KEY")
NO_KEYS = dict.fromkeys(KEYS, "")
"""An environment in which no service has a key."""


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
    "pnpm with a linter": (
        {"package.json": '{"scripts": {"test": "x", "lint": "eslint ."}}', "pnpm-lock.yaml": ""},
        ["pnpm-test", "pnpm-lint"],
    ),
    "Go": ({"go.mod": "module a"}, ["go-test", "go-vet"]),
    "Rust": ({"Cargo.toml": "[package]"}, ["cargo-test"]),
    "Maven with its wrapper": ({"pom.xml": "<project/>", "mvnw": ""}, ["maven-test"]),
    "Gradle": ({"build.gradle.kts": ""}, ["gradle-test"]),
    "a Makefile": ({"Makefile": "build:\n\ttrue\ntest: build\n\ttrue\n"}, ["make-test"]),
    "a Makefile without tests": ({"Makefile": "TEST := 1\nbuild:\n\ttrue\n"}, ["check"]),
    "a package.json that is a list": ({"package.json": "[1]"}, ["check"]),
    "a folder in place of a file": ({"package.json/a": "", "go.mod/b": ""}, ["check"]),
    "bytes that are no text": ({"tox.ini": "\udcff"}, ["check"]),
}

COMMANDS = {
    "tests": ["pytest", "-q"],
    "lint": ["ruff", "check", "--no-respect-gitignore", "--extend-exclude", ".loopengt", "."],
    "npm-test": ["npm", "test"],
    "pnpm-test": ["pnpm", "test"],
    "pnpm-lint": ["pnpm", "run", "lint"],
    "go-test": ["go", "test", "./..."],
    "go-vet": ["go", "vet", "./..."],
    "cargo-test": ["cargo", "test"],
    "maven-test": ["./mvnw", "-q", "test"],
    "gradle-test": ["gradle", "test"],
    "make-test": ["make", "test"],
}


@pytest.mark.parametrize("kind", PROJECTS)
def test_the_gates_are_the_tests_that_the_project_has(site: Site, folder: Path, kind: str) -> None:
    """What the files speak of becomes gates, in a loop that is sound; without any, a gate that says so."""
    files, expected = PROJECTS[kind]
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, errors="surrogateescape")
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


def test_without_an_agent_the_loop_waits_for_one(site: Site, folder: Path) -> None:
    """With nobody to do the work the loop says auto: its plan names what is missing, and a run fails by it."""
    done = site.run("init", cwd=folder, PATH=NOBODY, **NO_KEYS)
    assert "agent: auto, but nobody is here yet" in done.stdout
    assert loop_of(folder)["agents"][0]["config"] == {"provider": "auto"}
    assert tomllib.loads((folder / ".loopengt/config.toml").read_text()) == {}
    plan = site.run("run", "loop.yaml", "--dry-run", cwd=folder, PATH="/usr/bin:/bin", **NO_KEYS)
    assert plan.returncode == 1
    assert "npm install -g @anthropic-ai/claude-code" in plan.stdout
    assert "no check is chosen" in plan.stdout
    ran = site.run("run", "loop.yaml", cwd=folder, PATH="/usr/bin:/bin", **NO_KEYS)
    assert ran.returncode == 1


@pytest.mark.parametrize(
    ("program", "provider"), [("claude", "claude-code"), ("codex", "codex"), ("gemini", "gemini")]
)
def test_a_coding_cli_on_path_is_used(
    site: Site, folder: Path, tmp_path: Path, program: str, provider: str
) -> None:
    """The only coding CLI that is there does the work, with leave to edit and no more; no key is written down."""
    path = put_program(tmp_path / "bin", program)
    done = site.run("init", cwd=folder, PATH=path, **NO_KEYS | {"ANTHROPIC_API_KEY": "secret-of-mine"})
    assert f"agent: {provider}, which is installed" in done.stdout
    config = loop_of(folder)["agents"][0]["config"]
    assert config == {"provider": provider, "extra": {"permissions": "edit"}}
    assert site.run("validate", ".", cwd=folder).returncode == 0
    assert not any("secret-of-mine" in file.read_text() for file in folder.rglob("*") if file.is_file())


def test_of_several_coding_clis_the_config_has_the_order(site: Site, folder: Path, tmp_path: Path) -> None:
    """With more than one the loop says auto, and config.toml names all that are there, in order."""
    for program in ("gemini", "codex", "claude"):
        path = put_program(tmp_path / "bin", program)
    done = site.run("init", cwd=folder, PATH=path, **NO_KEYS)
    assert "agent: auto, the first of claude-code, codex, gemini" in done.stdout
    config = tomllib.loads((folder / ".loopengt/config.toml").read_text())
    assert config == {"agents": {"auto": ["claude-code", "codex", "gemini"]}}
    assert loop_of(folder)["agents"][0]["config"] == {"provider": "auto"}
    plan = site.run("run", "loop.yaml", "--dry-run", cwd=folder, PATH=f"{path}:/usr/bin:/bin", **NO_KEYS)
    assert "auto: claude-code:" in plan.stdout


def test_with_a_key_alone_a_model_works_with_tools(site: Site, folder: Path) -> None:
    """Without a coding CLI the model of a key does it, with tools for files, since it has none of its own."""
    keys = NO_KEYS | {"ANTHROPIC_API_KEY": "secret-of-mine"}
    done = site.run("init", cwd=folder, PATH=NOBODY, **keys)
    assert "agent: anthropic (model claude-sonnet-4-5), whose key is set, with tools for files" in done.stdout
    loop = loop_of(folder)
    agent = loop["agents"][0]
    assert agent["config"] == {"provider": "anthropic", "model": "claude-sonnet-4-5"}
    assert agent["tools"] == [tool["name"] for tool in loop["tools"]]
    assert {"read_file", "edit_file"} <= set(agent["tools"])
    assert site.run("validate", ".", cwd=folder).returncode == 0
    plan = site.run("run", "loop.yaml", "--dry-run", cwd=folder, PATH="/usr/bin:/bin", **keys)
    assert "anthropic:claude-sonnet-4-5" in plan.stdout
    assert "secret-of-mine" not in (folder / "loop.yaml").read_text() + plan.stdout


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


MENDER = """
import json, pathlib, sys
pathlib.Path("prompt.txt").write_text(sys.stdin.read())
file = pathlib.Path("calc.py")
file.write_text(file.read_text().replace("a - b", "a + b"))
print(json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": "mended",
                  "session_id": "s1", "total_cost_usd": 0.25, "usage": {}}))
"""


def test_the_loop_works_from_init_to_goal_met(site: Site, folder: Path, tmp_path: Path) -> None:
    """With an agent on PATH and a failing test, the two commands that come next plan and mend the project."""
    program = put_program(tmp_path / "bin", "claude")
    (tmp_path / "bin/claude").write_text(f"#!{sys.executable}\n{MENDER}")
    path = f"{program}:/usr/bin:/bin"
    (folder / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (folder / "test_calc.py").write_text(
        "from calc import add\n\ndef test_add():\n    assert add(1, 2) == 3\n"
    )
    (folder / "conftest.py").write_text("")
    site.run("init", cwd=folder, PATH=path, **NO_KEYS)
    plan = site.run("run", "loop.yaml", "--dry-run", cwd=folder, PATH=path)
    assert plan.returncode == 0, plan.stderr
    assert "--permission-mode=acceptEdits" in plan.stdout
    assert "pytest -q" in plan.stdout
    done = site.run("run", "loop.yaml", "--in-place", cwd=folder, PATH=path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a + b" in (folder / "calc.py").read_text()
    assert "Make every check of this project pass" in (folder / "prompt.txt").read_text()
    (run,) = json.loads(site.run("runs", "--json", cwd=folder).stdout)
    assert (run["reason"], run["cost_usd"]) == ("goal_met", 0.25)
