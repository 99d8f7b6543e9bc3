"""The command ``init``: what it writes, what it recognises, and what it leaves alone."""

from __future__ import annotations

import json
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from loopengt import Kernel
from loopengt_hookspecs.models import AgentConfig

if TYPE_CHECKING:
    from ..conftest import Site

NOBODY = "/nonexistent"
"""A PATH on which there is no agent."""

FILES = {".loopengt/.gitignore", ".loopengt/config.toml", ".loopengt/loop.schema.json", "loop.yaml"}

STARTER = """
@hookimpl
def loopengt_register_templates(register):
    register("starter", Template(), summary="Another start")

class Template:
    def files(self):
        return {files!r}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is no project yet."""
    path = tmp_path / "fresh"
    path.mkdir()
    return path


def written(folder: Path) -> set[str]:
    """Name the files of a folder."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def loop_of(folder: Path) -> Any:
    """Read the loop.yaml of a folder."""
    return yaml.safe_load((folder / "loop.yaml").read_text())


def put_program(folder: Path, name: str, script: str = "exit 0") -> str:
    """Write a program and return its folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return str(folder)


def test_a_folder_becomes_a_project(site: Site, folder: Path) -> None:
    """It has config, ignore file, folders, schema and a loop; each file is told of, and two commands come next."""
    done = site.run("init", cwd=folder, PATH=NOBODY)
    assert (done.returncode, done.stderr) == (0, "")
    assert written(folder) == FILES
    assert (folder / ".loopengt/prompts").is_dir()
    assert (folder / ".loopengt/templates").is_dir()
    lines = done.stdout.splitlines()
    assert {line.split()[1] for line in lines if line.startswith("wrote")} == FILES
    assert [line.split("#")[0].strip() for line in lines[-2:]] == [
        "loopengt run loop.yaml --dry-run",
        "loopengt run loop.yaml",
    ]


def test_the_loop_is_sound_and_its_editor_line_leads_to_its_schema(site: Site, folder: Path) -> None:
    """The first line names the schema that was written, and the loop passes validate."""
    site.run("init", cwd=folder, PATH=NOBODY)
    first = (folder / "loop.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=./.loopengt/loop.schema.json"
    schema = (folder / ".loopengt/loop.schema.json").read_text()
    assert schema == site.run("schema", cwd=folder).stdout
    done = site.run("validate", "loop.yaml", cwd=folder)
    assert done.stdout == "OK loop.yaml: until-green, pattern repeat, 1 step, 1 agent\n"


def test_every_setting_in_the_config_is_its_default(site: Site, folder: Path) -> None:
    """The written config changes nothing; with its settings uncommented it is valid and still changes nothing."""
    site.run("init", cwd=folder, PATH=NOBODY)
    file = folder / ".loopengt/config.toml"
    assert tomllib.loads(file.read_text()) == {}
    lines = [line.removeprefix("# ") for line in file.read_text().splitlines()]
    settings = [line for line in lines if line.startswith("[") or " = " in line]
    default = Kernel(folder, environ={}).config
    file.write_text("\n".join(settings))
    kernel = Kernel(folder, environ={})
    contract = AgentConfig()
    assert (kernel.config.defaults.provider, kernel.config.defaults.model) == (contract.provider, contract.model)
    for section in ("engine", "observers", "plugins", "storage"):
        assert getattr(kernel.config, section) == getattr(default, section)
    assert kernel.plugin_options("storage_sqlite") == Kernel(folder, config={}).plugin_options("storage_sqlite")
    assert {line for line in settings if line.startswith("[")} == {
        "[defaults]",
        "[engine]",
        "[observers]",
        "[plugins.storage_sqlite]",
        "[plugins]",
        "[storage]",
    }


def test_git_keeps_what_people_write_and_nothing_else(site: Site, folder: Path) -> None:
    """Config, prompts and templates are added by git; databases, copies and the generated schema are not."""
    site.run("init", cwd=folder, PATH=NOBODY)
    for name in ("loopengt.db", "workspaces/r1/a.py", "prompts/deep/a.md", "templates/mine/loop.yaml"):
        path = folder / ".loopengt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    listed = subprocess.run(["git", "ls-files"], cwd=folder, check=True, capture_output=True, text=True).stdout
    assert set(listed.split()) == {
        ".loopengt/.gitignore",
        ".loopengt/config.toml",
        ".loopengt/prompts/deep/a.md",
        ".loopengt/templates/mine/loop.yaml",
        "loop.yaml",
    }


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
    "Python and npm": ({"package.json": '{"scripts": {"test": "x"}}', "test_a.py": ""}, ["tests", "npm-test"]),
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
    assert "agent: none of claude, codex, gemini is on PATH; write your agent's command into loop.yaml" in done.stdout
    (agent,) = loop_of(folder)["agents"]
    ran = subprocess.run(["/bin/sh", "-c", agent["config"]["extra"]["command"]], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "no agent is chosen: write its command under agents in loop.yaml\n"


AGENTS = {
    "claude": ("ANTHROPIC_API_KEY", ["claude", "-p", "--permission-mode", "acceptEdits", "--output-format", "json"]),
    "codex": ("OPENAI_API_KEY", ["codex", "exec", "-s", "workspace-write", "--skip-git-repo-check", "-"]),
    "gemini": ("GEMINI_API_KEY", ["gemini", "--approval-mode", "auto_edit"]),
}


@pytest.mark.parametrize("program", AGENTS)
def test_an_agent_on_path_is_used(site: Site, folder: Path, tmp_path: Path, program: str) -> None:
    """A coding agent that is there is called with its prompt on standard input, with its key where that is set."""
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


def test_files_that_are_there_are_kept(site: Site, folder: Path) -> None:
    """Without --force nothing is overwritten; what is missing is added, and both are told."""
    (folder / ".loopengt").mkdir()
    mine = {"loop.yaml": "name: mine\n", ".loopengt/config.toml": '[storage]\nname = "jsonl"\n'}
    for name, text in mine.items():
        (folder / name).write_text(text)
    done = site.run("init", cwd=folder, PATH=NOBODY)
    assert done.returncode == 0
    assert {name: (folder / name).read_text() for name in mine} == mine
    assert written(folder) == FILES
    told = {line.split()[1].rstrip(","): line.split()[0] for line in done.stdout.split("\n\n")[0].splitlines()}
    assert told == dict.fromkeys(FILES, "wrote") | dict.fromkeys(mine, "kept")


def test_a_second_init_changes_nothing(site: Site, folder: Path) -> None:
    """Twice is once, and with --force too: no backup is made of a file that stays the same."""
    site.run("init", cwd=folder, PATH=NOBODY)
    before = {name: (folder / name).stat().st_mtime_ns for name in FILES}
    for options in ([], ["--force"]):
        done = site.run("init", *options, cwd=folder, PATH=NOBODY)
        assert done.stdout.count("unchanged") == len(FILES)
    assert written(folder) == FILES
    assert {name: (folder / name).stat().st_mtime_ns for name in FILES} == before


def test_force_keeps_numbered_backups(site: Site, folder: Path) -> None:
    """Each --force keeps what it replaces, under a name that is free."""
    for text in ("first", "second", "third"):
        (folder / "loop.yaml").write_text(text)
        done = site.run("init", "--force", cwd=folder, PATH=NOBODY)
        assert done.returncode == 0
    assert "wrote      loop.yaml; the old one is loop.yaml.bak3" in done.stdout
    kept = {name: (folder / name).read_text() for name in written(folder) if ".bak" in name}
    assert kept == {"loop.yaml.bak": "first", "loop.yaml.bak2": "second", "loop.yaml.bak3": "third"}
    assert loop_of(folder)["name"] == "until-green"


def test_a_folder_that_is_named_is_made(site: Site, folder: Path) -> None:
    """DIR need not exist, and the commands that come next name its loop."""
    done = site.run("init", "a/new one", cwd=folder, PATH=NOBODY)
    assert written(folder / "a/new one") == FILES
    assert "  loopengt run 'a/new one/loop.yaml'" in done.stdout.splitlines()


def test_a_project_inside_a_project_is_its_own(site: Site, project: Path) -> None:
    """Without DIR the current folder is meant, not the project above it."""
    inner = project / "inner"
    inner.mkdir()
    site.run("init", cwd=inner, PATH=NOBODY)
    assert written(project) == {f"inner/{name}" for name in FILES}


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_project_that_is_named_otherwise_is_meant(site: Site, folder: Path, tmp_path: Path, how: str) -> None:
    """Without DIR the project of -C or LOOPENGT_PROJECT is meant."""
    options = ["-C", str(folder)] if how == "option" else []
    environ = {"LOOPENGT_PROJECT": str(folder)} if how == "environment" else {}
    site.run(*options, "init", cwd=tmp_path, PATH=NOBODY, **environ)
    assert written(folder) == FILES
    assert not (tmp_path / ".loopengt").exists()


@pytest.mark.parametrize("name", [".loopengt", "loop.yaml"])
def test_what_stands_in_the_way_is_named(site: Site, folder: Path, name: str) -> None:
    """A file in place of the folder, or a folder in place of the file, is an error with a remedy."""
    if name == ".loopengt":
        (folder / name).write_text("a file")
    else:
        (folder / name).mkdir()
    done = site.run("init", "--force", cwd=folder, PATH=NOBODY)
    assert done.returncode == 2
    assert name in done.stderr
    assert done.stderr.endswith("move it away\n")


def test_a_broken_config_can_be_replaced(site: Site, folder: Path) -> None:
    """Over a config that cannot be read, init says where it is broken, and --force starts anew."""
    (folder / ".loopengt").mkdir()
    (folder / ".loopengt/config.toml").write_text("[storage\n")
    done = site.run("init", cwd=folder, PATH=NOBODY)
    assert done.returncode == 2
    assert "config.toml:1:9" in done.stderr
    assert site.run("init", "--force", cwd=folder, PATH=NOBODY).returncode == 0
    assert (folder / ".loopengt/config.toml.bak").read_text() == "[storage\n"


def install_starter(site: Site, files: dict[str, str]) -> None:
    """Install a plugin whose template ``starter`` has these files."""
    site.install("mine", {"mine": "mine_plugin"}, {"mine_plugin": STARTER.replace("{files!r}", repr(files))})


def test_another_starter_is_written_as_it_is(site: Site, folder: Path) -> None:
    """A plugin may bring its own starter: all its files are written, the editor's line is added, no value is lost."""
    loop = "name: other\ngoal: G\nagents: [{name: a, config: {provider: command, extra: {command: [cat]}}}]\n"
    install_starter(site, {"loop.yaml": loop, "docs/how.md": "So."})
    (folder / "test_a.py").write_text("")
    done = site.run("-p", "no:templates", "init", cwd=folder, PATH=NOBODY)
    assert done.returncode == 0, done.stderr
    assert written(folder) == FILES | {"docs/how.md", "test_a.py"}
    first, _, rest = (folder / "loop.yaml").read_text().partition("\n")
    assert first.startswith("# yaml-language-server:")
    assert rest == loop


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/loopengt-evil.txt", "a/../../evil.txt"])
def test_a_template_cannot_write_outside(site: Site, folder: Path, name: str) -> None:
    """A file of a template that leads out of the folder is refused."""
    install_starter(site, {"loop.yaml": "name: a\n", name: "evil"})
    done = site.run("-p", "no:templates", "init", cwd=folder, PATH=NOBODY)
    assert done.returncode == 2
    assert f"the file {name!r} is not inside the folder" in done.stderr
    assert not (folder.parent / "evil.txt").exists()
    assert not Path("/tmp/loopengt-evil.txt").exists()


def test_without_a_starter_it_says_which_plugin_is_off(site: Site, folder: Path) -> None:
    """When no plugin brings the template, the error names what is missing and what is not loaded."""
    done = site.run("-p", "no:templates", "init", cwd=folder, PATH=NOBODY)
    assert done.returncode == 1
    assert "no plugin registers the template 'starter'" in done.stderr
    assert "templates (disabled)" in done.stderr


MENDER = """\
cat > prompt.txt
sed -i 's/a - b/a + b/' calc.py
echo '{"type": "result", "is_error": false, "result": "mended", "total_cost_usd": 0.25}'"""


def test_the_loop_works_from_init_to_goal_met(site: Site, folder: Path, tmp_path: Path) -> None:
    """With an agent on PATH and a failing test, the two commands that come next plan and mend the project."""
    path = put_program(tmp_path / "bin", "claude", MENDER) + ":/usr/bin:/bin"
    (folder / "calc.py").write_text("def add(a, b):\n    return a - b\n")
    (folder / "test_calc.py").write_text("from calc import add\n\ndef test_add():\n    assert add(1, 2) == 3\n")
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
