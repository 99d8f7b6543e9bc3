"""The command ``init``: what it writes, and what it leaves alone."""

from __future__ import annotations

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

SHOWN = {".loopengt/.gitignore", ".loopengt/config.toml", ".loopengt/loop.schema.json", "loop.yaml"}
"""The files that are told of."""

FILES = SHOWN | {".loopengt/written.json"}

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


@pytest.mark.slow
def test_a_folder_becomes_a_project(site: Site, folder: Path) -> None:
    """It has config, folders, schema and a loop; each file is told, and two commands come next."""
    done = site.run("init", cwd=folder, PATH=NOBODY)
    assert (done.returncode, done.stderr) == (0, "")
    assert written(folder) == FILES
    assert (folder / ".loopengt/prompts").is_dir()
    assert (folder / ".loopengt/templates").is_dir()
    lines = done.stdout.splitlines()
    assert {line.split()[1] for line in lines if line.startswith("wrote")} == SHOWN
    assert [line.split("#")[0].strip() for line in lines[-2:]] == [
        "loopengt run loop.yaml --dry-run",
        "loopengt run loop.yaml",
    ]


@pytest.mark.slow
def test_the_loop_is_sound_and_its_editor_line_leads_to_its_schema(site: Site, folder: Path) -> None:
    """The first line names the schema that was written, and the loop passes validate."""
    site.run("init", cwd=folder, PATH=NOBODY)
    first = (folder / "loop.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=./.loopengt/loop.schema.json"
    schema = (folder / ".loopengt/loop.schema.json").read_text()
    assert schema == site.run("schema", cwd=folder).stdout
    done = site.run("validate", "loop.yaml", cwd=folder)
    assert done.stdout == "OK loop.yaml: until-green, pattern repeat, 1 step, 1 agent\n"


@pytest.mark.slow
def test_every_setting_in_the_config_is_its_default(site: Site, folder: Path) -> None:
    """The written config changes nothing; uncommented, it is valid and still changes nothing."""
    site.run("init", cwd=folder, PATH=NOBODY)
    file = folder / ".loopengt/config.toml"
    assert tomllib.loads(file.read_text()) == {}
    lines = [line.removeprefix("# ") for line in file.read_text().splitlines()]
    settings = [line for line in lines if line.startswith("[") or " = " in line]
    default = Kernel(folder, environ={}).config
    file.write_text("\n".join(settings))
    kernel = Kernel(folder, environ={})
    contract = AgentConfig()
    assert (kernel.config.defaults.provider, kernel.config.defaults.model) == (
        contract.provider,
        contract.model,
    )
    for section in ("agents", "engine", "memory", "observers", "plugins", "storage"):
        assert getattr(kernel.config, section) == getattr(default, section)
    assert kernel.plugin_options("storage_sqlite") == Kernel(folder, config={}).plugin_options(
        "storage_sqlite"
    )
    assert {line for line in settings if line.startswith("[")} == {
        "[agents]",
        "[defaults]",
        "[engine]",
        "[memory]",
        "[observers]",
        "[plugins.storage_sqlite]",
        "[plugins]",
        "[storage]",
    }


@pytest.mark.slow
def test_git_keeps_what_people_write_and_nothing_else(site: Site, folder: Path) -> None:
    """Config, prompts and templates are added by git; databases, copies and the generated schema are not."""
    site.run("init", cwd=folder, PATH=NOBODY)
    for name in ("loopengt.db", "workspaces/r1/a.py", "prompts/deep/a.md", "templates/mine/loop.yaml"):
        path = folder / ".loopengt" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    listed = subprocess.run(
        ["git", "ls-files"], cwd=folder, check=True, capture_output=True, text=True
    ).stdout
    assert set(listed.split()) == {
        ".loopengt/.gitignore",
        ".loopengt/config.toml",
        ".loopengt/prompts/deep/a.md",
        ".loopengt/templates/mine/loop.yaml",
        "loop.yaml",
    }


@pytest.mark.slow
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
    told = {
        line.split()[1].rstrip(","): line.split()[0] for line in done.stdout.split("\n\n")[0].splitlines()
    }
    assert told == dict.fromkeys(SHOWN, "wrote") | dict.fromkeys(mine, "kept")


@pytest.mark.slow
def test_a_second_init_changes_nothing(site: Site, folder: Path) -> None:
    """Twice is once, and with --force too: no backup is made of a file that stays the same."""
    site.run("init", cwd=folder, PATH=NOBODY)
    before = {name: (folder / name).stat().st_mtime_ns for name in FILES}
    for options in ([], ["--force"]):
        done = site.run("init", *options, cwd=folder, PATH=NOBODY)
        assert done.stdout.count("unchanged") == len(SHOWN)
    assert written(folder) == FILES
    assert {name: (folder / name).stat().st_mtime_ns for name in FILES} == before


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_folder_that_is_named_is_made(site: Site, folder: Path) -> None:
    """DIR need not exist, and the commands that come next name its loop."""
    done = site.run("init", "a/new one", cwd=folder, PATH=NOBODY)
    assert written(folder / "a/new one") == FILES
    assert "  loopengt run 'a/new one/loop.yaml'" in done.stdout.splitlines()


@pytest.mark.slow
def test_a_project_inside_a_project_is_its_own(site: Site, project: Path) -> None:
    """Without DIR the current folder is meant, not the project above it."""
    inner = project / "inner"
    inner.mkdir()
    site.run("init", cwd=inner, PATH=NOBODY)
    assert written(project) == {f"inner/{name}" for name in FILES}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_project_that_is_named_otherwise_is_meant(
    site: Site, folder: Path, tmp_path: Path, how: str
) -> None:
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


@pytest.mark.slow
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


OWN = """\
name: own
goal: G
agents:
  - name: a
    config:
      provider: command
      extra:
        command: [my-agent]
steps:
  - {name: s, agent: a, verification_gates: [g]}
policy:
  verification_gates:
    - name: g
      kind: command
      command: make test
"""


def test_another_starter_is_written_as_it_is(site: Site, folder: Path, tmp_path: Path) -> None:
    """A plugin may bring its own starter: all its files are written, and only the editor's line is added."""
    install_starter(site, {"loop.yaml": OWN, "docs/how.md": "So."})
    (folder / "test_a.py").write_text("")
    (tmp_path / "claude").write_text("#!/bin/sh\n")
    (tmp_path / "claude").chmod(0o755)
    done = site.run("-p", "no:templates", "init", cwd=folder, PATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert written(folder) == FILES | {"docs/how.md", "test_a.py"}
    first, _, rest = (folder / "loop.yaml").read_text().partition("\n")
    assert first.startswith("# yaml-language-server:")
    assert rest == OWN


DENSE = """\
name: dense
goal: G
agents: [{name: a, config: {provider: command, extra: {command: [my-agent]}}}]
steps: [{name: s, agent: a, verification_gates: [g]}]
policy:
  verification_gates:
    - {name: g, kind: command, command: "echo 'choose a check' >&2; exit 1"}
"""


def test_a_starter_that_cannot_be_fitted_stays_as_it_is(site: Site, folder: Path) -> None:
    """Where not all places of a starter can be filled in, none is, and what is to be written is told."""
    install_starter(site, {"loop.yaml": DENSE})
    (folder / "test_a.py").write_text("")
    done = site.run("-p", "no:templates", "init", cwd=folder, PATH=NOBODY)
    assert "checks: write them into loop.yaml: pytest -q" in done.stdout
    assert (folder / "loop.yaml").read_text().endswith(DENSE)


@pytest.mark.parametrize("name", ["../evil.txt", "/tmp/loopengt-evil.txt", "a/../../evil.txt"])
def test_a_template_cannot_write_outside(site: Site, folder: Path, name: str) -> None:
    """A file of a template that leads out of the folder is refused."""
    install_starter(site, {"loop.yaml": "name: a\n", name: "evil"})
    done = site.run("-p", "no:templates", "init", cwd=folder, PATH=NOBODY)
    assert done.returncode != 0
    assert f"the file {name!r} of the template 'starter'" in done.stderr
    assert not (folder.parent / "evil.txt").exists()
    assert not Path("/tmp/loopengt-evil.txt").exists()


def test_without_a_starter_it_says_which_plugin_is_off(site: Site, folder: Path) -> None:
    """When no plugin brings the template, the error names what is missing and what is not loaded."""
    done = site.run("-p", "no:templates", "init", cwd=folder, PATH=NOBODY)
    assert done.returncode == 1
    assert "no plugin registers the template 'starter'" in done.stderr
    assert "templates (disabled)" in done.stderr
