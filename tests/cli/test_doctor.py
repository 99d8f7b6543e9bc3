"""The command ``doctor``: a sound project, and everything that can be broken, each with its remedy."""

from __future__ import annotations

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest
from loopengt import Kernel
from loopengt.ownership import current_owner
from loopengt_hookspecs.storage import RunRow

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site

LOOP = """\
name: demo
goal: Do it.
agents:
  - name: worker
    config: {provider: command, extra: {command: [cat]}}
steps:
  - {name: work, agent: worker}
"""

EMPTY_PLUGIN = "MARK = 'nothing'"


class Report(NamedTuple):
    """What doctor said."""

    exit_code: int
    findings: list[dict[str, str]]

    def of(self, check: str, status: str) -> list[dict[str, str]]:
        """Return the findings of one check that have one status."""
        return [found for found in self.findings if (found["check"], found["status"]) == (check, status)]

    def only(self, check: str, status: str) -> dict[str, str]:
        """Return the one finding of a check that has a status."""
        (found,) = self.of(check, status)
        return found

    def checks(self) -> set[str]:
        """Name the checks that said something."""
        return {found["check"] for found in self.findings}


EVERY_CHECK = {
    "python",
    "loopengt",
    "entry points",
    "config",
    "plugins",
    "components",
    "project",
    "disk",
    "storage",
    "git",
    "specs",
}


def report(site: Site, project: Path, *options: str, **environ: str) -> Report:
    """Run doctor in a project."""
    done = site.run(*options, "doctor", "--json", cwd=project, **environ)
    assert done.stderr == ""
    return Report(done.returncode, json.loads(done.stdout))


@pytest.fixture
def loop(project: Path) -> Path:
    """A project with a sound loop."""
    (project / "loop.yaml").write_text(LOOP)
    return project


def test_a_sound_project_has_nothing_but_ok(site: Site, loop: Path) -> None:
    """Every check says ok in a line of its own, and the exit code is 0."""
    done = site.run("doctor", cwd=loop)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert all(line.startswith("ok    ") for line in lines)
    assert {line[6:].split(":")[0] for line in lines} == EVERY_CHECK | {"runs"}
    assert f"ok    python: {sys.version.split()[0]} at {sys.executable}" in lines
    assert "ok    specs: loop.yaml: demo, and all that it needs is there" in lines


def test_json_says_the_same(site: Site, loop: Path) -> None:
    """--json prints an array of findings with check, status, message and remedy."""
    found = report(site, loop)
    assert found.exit_code == 0
    assert found.checks() == EVERY_CHECK | {"runs"}
    assert all(set(each) == {"check", "status", "message", "remedy"} for each in found.findings)
    assert all("\n" not in text for each in found.findings for text in each.values())


def test_a_folder_that_is_no_project_stays_as_it_is(site: Site, tmp_path: Path) -> None:
    """Outside a project the remedy is init, nothing fails, and nothing is made."""
    folder = tmp_path / "plain"
    folder.mkdir()
    found = report(site, folder)
    assert found.exit_code == 0
    assert found.only("project", "warn")["remedy"] == f"loopengt init {folder}"
    assert found.only("specs", "warn")["remedy"] == f"loopengt init {folder}"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[storage\n", "config.toml:1:9: "),
        ('[storage]\nnmae = "sqlite"\n', "[storage] has no key 'nmae', the nearest is 'name'"),
        ("[engine]\nname = 3\n", "engine.name: a text is expected, not 3"),
    ],
)
def test_a_broken_config_is_one_finding_among_others(site: Site, loop: Path, text: str, said: str) -> None:
    """With a config that cannot be used, the config is what fails, and all other checks still report."""
    (loop / ".loopengt/config.toml").write_text(text)
    found = report(site, loop)
    assert found.exit_code == 1
    assert said in found.of("config", "fail")[0]["message"]
    assert found.checks() == EVERY_CHECK
    for check in ("components", "storage", "specs"):
        assert found.only(check, "fail")["message"] == "not checked, since the config is not usable"
    assert found.of("plugins", "fail") == []


def test_an_option_that_does_not_fit_is_found(site: Site, loop: Path) -> None:
    """Options of plugins are checked with the plugin's own model, though nothing has used them yet."""
    (loop / ".loopengt/config.toml").write_text("[plugins.local]\nlease_seconds = -1\n")
    found = report(site, loop)
    assert found.exit_code == 1
    assert "plugins.local.lease_seconds" in found.only("config", "fail")["message"]


def test_a_table_that_nobody_reads_is_found(site: Site, loop: Path) -> None:
    """A table of a plugin that is not there is named with the nearest that is."""
    (loop / ".loopengt/config.toml").write_text('[plugins.storage_sqlit]\ndurability = "full"\n')
    found = report(site, loop)
    assert found.exit_code == 1
    assert "there is no plugin 'storage_sqlit', the nearest is 'storage_sqlite'" in found.only("config", "warn")["message"]


@pytest.mark.parametrize(("section", "check"), [("storage", "storage"), ("engine", "components")])
def test_a_component_that_is_not_there_is_named(site: Site, loop: Path, section: str, check: str) -> None:
    """A storage or engine that no plugin registers fails its check, with the setting and what there is."""
    (loop / ".loopengt/config.toml").write_text(f'[{section}]\nname = "nowhere"\n')
    found = report(site, loop)
    assert found.exit_code == 1
    assert f"no plugin registers the {section} 'nowhere'" in found.only(check, "fail")["message"]


PLUGINS = {
    "it fails to import": ("import nowhere_at_all", "No module named 'nowhere_at_all'"),
    "it ends the program": ("raise SystemExit(3)", "SystemExit: 3"),
    "its hook raises": (
        "@hookimpl\ndef loopengt_register_gates(register):\n    raise ValueError('no gates today')\n",
        "ValueError: no gates today",
    ),
    "its hook is misspelt": (
        "@hookimpl\ndef loopengt_register_gate(register):\n    pass\n",
        "there is no hook 'loopengt_register_gate', the nearest is 'loopengt_register_gates'",
    ),
}


@pytest.mark.parametrize("kind", PLUGINS)
def test_a_failed_plugin_is_one_finding_among_others(site: Site, loop: Path, kind: str) -> None:
    """The plugin is named with its distribution, the reason and a remedy; everything else is in order."""
    source, reason = PLUGINS[kind]
    site.install("acme-broken", {"broken": "broken_plugin"}, {"broken_plugin": source})
    found = report(site, loop)
    assert found.exit_code == 1
    finding = found.only("plugins", "fail")
    assert finding["message"].startswith("broken (acme-broken 1.0) failed: ")
    assert reason in finding["message"]
    assert finding["remedy"]
    assert [each for each in found.findings if each["status"] == "fail"] == [finding]


def test_two_plugins_of_one_name_are_found(site: Site, loop: Path) -> None:
    """The one that is not loaded is reported, with how to switch either off."""
    for name in ("acme-one", "acme-two"):
        module = name.replace("-", "_")
        site.install(name, {"twin": module}, {module: EMPTY_PLUGIN})
    finding = report(site, loop).only("plugins", "fail")
    assert "two plugins are named 'twin'" in finding["message"]
    assert "loopengt plugins disable acme_two/twin" in finding["remedy"]


def test_what_is_switched_off_is_told_and_in_order(site: Site, loop: Path) -> None:
    """A plugin that a person has disabled is ok, and it says by what; a project's plugin without consent warns."""
    (loop / ".loopengt/config.toml").write_text('[plugins]\ndisabled = ["exporters"]\n')
    (loop / "loopengt_plugins.py").write_text("")
    found = report(site, loop)
    assert found.exit_code == 0
    assert "disabled by plugins.disabled" in found.of("plugins", "ok")[0]["message"]
    assert "exporters (loopengt " in found.of("plugins", "ok")[0]["message"]
    finding = found.only("plugins", "warn")
    assert "loopengt_plugins.py is not allowed to run yet" in finding["message"]
    assert finding["remedy"] == "read it, then run: loopengt plugins allow"


def test_a_corrupt_database_is_found(site: Site, loop: Path) -> None:
    """A file that is no database fails the storage's check with a remedy, and the rest still reports."""
    (loop / ".loopengt/loopengt.db").write_bytes(b"this is no database, " * 500)
    found = report(site, loop)
    assert found.exit_code == 1
    finding = found.only("storage", "fail")
    assert "is not an SQLite database" in finding["message"]
    assert "move it away" in finding["remedy"]
    assert found.checks() == EVERY_CHECK


def test_a_newer_database_is_refused(site: Site, loop: Path) -> None:
    """A database that a newer loopengt has written is said to be that, and is not touched."""
    assert report(site, loop).exit_code == 0
    file = loop / ".loopengt/loopengt.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA user_version=9999")
    connection.close()
    before = file.read_bytes()
    found = report(site, loop)
    assert found.exit_code == 1
    assert "9999" in found.only("storage", "fail")["message"]
    assert file.read_bytes() == before


async def add_run(project: Path, run_id: str, ttl: float) -> None:
    """Put a run into the project's storage that this process holds for some seconds."""
    row = RunRow(run_id, "demo", "running", turn=4, started_at=1.0)
    async with Kernel(project, environ={}).storage() as storage:
        await storage.create(row, current_owner(), ttl, b"[1]", 1)


async def test_damage_within_the_database_is_found(site: Site, loop: Path) -> None:
    """An event that was lost from a journal is reported by the check of the storage."""
    await add_run(loop, "run-1", 60)
    with sqlite3.connect(loop / ".loopengt/loopengt.db") as connection:
        assert connection.execute("UPDATE events SET payload = '[1, 2]'").rowcount == 1
    connection.close()
    found = report(site, loop)
    assert found.exit_code == 1
    assert "run-1" in found.only("storage", "fail")["message"]
    assert found.of("storage", "ok")[0]["message"].startswith("opens and can be written: SQLite")


async def test_a_run_that_was_cut_off_can_be_resumed(site: Site, loop: Path) -> None:
    """Of the runs that claim to be running only that without a living owner is reported, with the command."""
    await add_run(loop, "run-dead", 0.0)
    await add_run(loop, "run-alive", 600)
    found = report(site, loop)
    assert found.exit_code == 0
    assert found.only("runs", "warn") == {
        "check": "runs",
        "status": "warn",
        "message": "run run-dead of demo was cut off in turn 4",
        "remedy": "loopengt resume run-dead",
    }


POWERLESS = """
import ctypes, os, sys
if os.geteuid() == 0:
    # Root passes every permission by these two capabilities; without them it is a user like any other.
    for capability in (1, 2):
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0
os.execv(sys.executable, [sys.executable, "-m", "loopengt", "doctor", "--json"])
"""


@pytest.mark.parametrize("opened_before", [False, True])
def test_a_read_only_folder_is_found(site: Site, loop: Path, opened_before: bool) -> None:
    """Where nothing may be written, folder and storage fail with a remedy; the database stays as it was."""
    if opened_before:
        assert report(site, loop).exit_code == 0
    folder = loop / ".loopengt"
    files = list(folder.iterdir())
    for path in (*files, folder):
        path.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", POWERLESS],
            cwd=loop,
            env=site.program_environ(),
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        folder.chmod(0o755)
    assert (done.returncode, done.stderr) == (1, "")
    found = Report(done.returncode, json.loads(done.stdout))
    assert found.only("project", "fail")["remedy"].startswith(f"chmod u+rwx {folder}")
    assert "may not be written by this user" in found.only("storage", "fail")["message"]
    assert found.of("specs", "ok")
    assert list(folder.iterdir()) == files


def test_a_file_in_place_of_the_folder_is_found(site: Site, tmp_path: Path) -> None:
    """A file that is called .loopengt fails the project's check."""
    (tmp_path / ".loopengt").write_text("")
    (tmp_path / "loop.yaml").write_text(LOOP)
    found = report(site, tmp_path)
    assert found.exit_code == 1
    assert found.only("project", "fail")["message"] == f"{tmp_path}/.loopengt is not a folder"


ODD_STORAGE = """
@hookimpl
def loopengt_register_storages(register):
    register("odd", Odd, summary="A storage that goes wrong in its own way")

class Odd:
    async def open(self):
        raise KeyError("no such drawer")
    async def close(self):
        pass
"""


def test_a_check_that_breaks_is_a_finding(site: Site, loop: Path) -> None:
    """An error of a plugin that nobody foresaw fails one check, and the others still report."""
    site.install("acme-odd", {"odd": "odd_plugin"}, {"odd_plugin": ODD_STORAGE})
    found = report(site, loop, "-o", "storage.name=odd")
    assert found.exit_code == 1
    assert found.only("storage", "fail")["message"] == "cannot be checked: KeyError: 'no such drawer'"
    assert found.checks() == EVERY_CHECK


def edit(site: Site, tmp_path: Path, installed: dict[str, str], pyproject: str, *, editable: bool = True) -> Path:
    """Install a distribution from a source folder whose pyproject.toml says something by now."""
    source = tmp_path / "my source"
    source.mkdir()
    (source / "pyproject.toml").write_text(pyproject)
    site.install("acme-edited", installed, dict.fromkeys(installed.values(), EMPTY_PLUGIN))
    origin = {"url": source.as_uri(), "dir_info": {"editable": editable}}
    (site.folder / "acme_edited-1.0.dist-info/direct_url.json").write_text(json.dumps(origin))
    return source


def test_stale_entry_points_are_found(site: Site, loop: Path, tmp_path: Path) -> None:
    """An editable install whose pyproject.toml was edited since is named, with each difference and the command."""
    source = edit(
        site,
        tmp_path,
        {"gone": "acme_gone", "moved": "acme_old"},
        '[project.entry-points.loopengt]\nmoved = "acme_new"\nfresh = "acme_fresh"\n',
    )
    found = report(site, loop)
    assert found.exit_code == 0
    finding = found.only("entry points", "warn")
    assert finding["message"] == (
        "acme-edited: fresh in pyproject.toml but not installed; gone installed but no longer in pyproject.toml;"
        " moved changed in pyproject.toml since it was installed"
    )
    assert finding["remedy"] == f"pip install -e {shlex.quote(str(source))}"


@pytest.mark.parametrize(
    ("pyproject", "editable"),
    [
        ('[project.entry-points.loopengt]\nsame = "acme_same"\n', True),
        ('[project.entry-points.loopengt]\nfresh = "acme_fresh"\n', False),
        ('[project]\ndynamic = ["entry-points"]\n', True),
        ("[project\n", True),
    ],
    ids=["up to date", "not editable", "dynamic", "unreadable"],
)
def test_entry_points_that_are_not_stale_are_not_reported(
    site: Site, loop: Path, tmp_path: Path, pyproject: str, editable: bool
) -> None:
    """Nothing is said of an install that is up to date, is a copy, or has a pyproject.toml that does not tell."""
    edit(site, tmp_path, {"same": "acme_same"}, pyproject, editable=editable)
    assert report(site, loop).of("entry points", "warn") == []


def test_a_program_that_is_not_there_is_found(site: Site, loop: Path) -> None:
    """Programs of agents and gates that are not on PATH fail, each with the command that installs it."""
    text = LOOP.replace("[cat]", "[claude, -p]")
    text += "policy:\n  verification_gates:\n    - {name: g, kind: command, command: [no-such-check, -q]}\n"
    (loop / "loop.yaml").write_text(text)
    found = report(site, loop, PATH="/usr/bin:/bin")
    assert found.exit_code == 1
    agent, gate = found.of("specs", "fail")
    assert agent["message"].startswith("loop.yaml: agent 'worker' runs claude, which is not installed")
    assert agent["remedy"] == "npm install -g @anthropic-ai/claude-code"
    assert gate["message"].startswith("loop.yaml: gate 'g' runs no-such-check")


def test_every_spec_of_the_project_is_looked_at(site: Site, loop: Path) -> None:
    """Specs by other names and templates are checked too; other YAML files and the copies of runs are not."""
    broken = LOOP.replace("agent: worker", "agent: wroker")
    files = {
        "second.yml": broken,
        "not-a-loop.yaml": "agents: [x]\n",
        ".loopengt/templates/mine/loop.yaml": LOOP.replace("[cat]", "[no-such-agent]"),
        ".loopengt/workspaces/run-1/loop.yaml": broken,
    }
    for name, text in files.items():
        (loop / name).parent.mkdir(parents=True, exist_ok=True)
        (loop / name).write_text(text)
    found = report(site, loop)
    assert found.exit_code == 1
    invalid = found.only("specs", "fail")
    assert invalid["message"] == "second.yml:7:25: unknown agent 'wroker'"
    assert invalid["remedy"] == f"loopengt validate {loop}/second.yml"
    assert found.only("specs", "warn")["message"].startswith(".loopengt/templates/mine/loop.yaml: agent 'worker'")
    assert found.only("specs", "ok")["message"].startswith("loop.yaml: ")


def test_a_loop_that_cannot_be_read_is_found(site: Site, loop: Path) -> None:
    """A loop.yaml with a syntax error fails, with its place and how many problems more there are."""
    (loop / "loop.yaml").write_text(LOOP.replace("goal: Do it.", "gaol: [Do it."))
    assert "loop.yaml:3:7: not valid YAML" in report(site, loop).only("specs", "fail")["message"]
    (loop / "loop.yaml").write_text(LOOP.replace("goal:", "gaol:"))
    assert report(site, loop).only("specs", "fail")["message"].endswith("(and 1 more)")


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    identity = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_git_decides_what_a_run_works_on(site: Site, loop: Path) -> None:
    """A copy without a repository; a copy with a warning before the first commit; then a branch of its own."""
    assert "runs work on a copy" in report(site, loop).only("git", "ok")["message"]
    git(loop, "init", "-q")
    warning = report(site, loop).only("git", "warn")
    assert "does not have any commits yet" in warning["message"]
    git(loop, "add", "loop.yaml")
    git(loop, "commit", "-q", "-m", "start")
    assert "a branch of their own" in report(site, loop).only("git", "ok")["message"]


def test_a_repository_without_git_is_a_warning(site: Site, loop: Path, tmp_path: Path) -> None:
    """Where git is not installed, a repository gets copies only, which a person should know."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert report(site, loop, PATH=str(empty)).of("git", "ok")
    git(loop, "init", "-q")
    assert report(site, loop, PATH=str(empty)).only("git", "warn")["remedy"].startswith("install git")


def test_a_narrow_disk_is_found(site: Site, loop: Path) -> None:
    """What is free is told in megabytes, as the system counts them."""
    message = report(site, loop).only("disk", "ok" if _free(loop) > 1.1e9 else "warn")["message"]
    told = int(re.sub(r"\D", "", message.split(" MB")[0])) * 1_000_000
    assert abs(told - _free(loop)) < 1_000_000_000


def _free(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize
