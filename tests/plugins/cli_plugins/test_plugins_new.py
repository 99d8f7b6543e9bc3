"""``loopengt plugins new``: packages that work as they are written, and names that are refused."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopengt_cli_plugins.creating.kinds import KINDS
from loopengt_cli_plugins.suites.contracts import contract_of
from loopengt_hookspecs import EXTENSION_POINTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

    from .conftest import Environment

NOT_OF_USE = {"options", "tool_types"}
"""Extension points that are no plugin by themselves, and those that no loop and no command can use yet."""

RUFF = [sys.executable, "-m", "ruff", "check", "--no-cache", "--quiet", "."]


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in the folder of a package that is not installed."""
    environ = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=200)


def test_every_kind_has_a_suite() -> None:
    """The test kit has the contract of each, so that every new package comes with its rules."""
    assert [kind for kind in KINDS.values() if contract_of(kind.components) is None] == []


def test_there_is_one_for_every_kind_of_component() -> None:
    """Each extension point that can be used can be begun, and says so by its own hook."""
    assert {kind.components for kind in KINDS.values()} == set(EXTENSION_POINTS) - NOT_OF_USE


def test_the_names_are_made_of_one(made: Callable[..., Path]) -> None:
    """Distribution, package, component and entry point follow from my-judge, whatever way it is written."""
    folder = made("judge", "Loopengt_My.judge")
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "loopengt-my-judge"
    assert project["entry-points"]["loopengt"] == {"my_judge": "loopengt_my_judge.plugin"}
    assert project["dependencies"] == ["loopengt>=0.2"]
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        ".github/workflows/ci.yml",
        ".gitignore",
        "README.md",
        "loopengt_my_judge/__init__.py",
        "loopengt_my_judge/judge.py",
        "loopengt_my_judge/plugin.py",
        "loopengt_my_judge/py.typed",
        "pyproject.toml",
        "tests/test_contract.py",
        "tests/test_my_judge.py",
    }
    assert "class MyJudge:" in (folder / "loopengt_my_judge/judge.py").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["judge", "observer", "command"])
def test_its_tests_pass_untouched(made: Callable[..., Path], kind: str) -> None:
    """The package's own tests are green, warnings being errors."""
    done = run(made(kind), sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


@pytest.mark.parametrize("name", ["x", "a" * 28, "two-words-2"])
def test_every_kind_is_clean_under_every_name(call: Callable[..., Result], tmp_path: Path, name: str) -> None:
    """Ruff finds nothing in any kind, with its own configuration, however long the name is."""
    for kind in KINDS:
        folder = tmp_path / kind
        assert call("new", name, "-k", kind, "-o", folder).exit_code == 0
        for path in folder.rglob("*"):
            text = path.read_text() if path.is_file() else ""
            assert "<<" not in text.replace("<<subject>>", "").replace("<<max_turns>>", ""), path
    done = run(tmp_path, *RUFF)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("json", "the module 'json' of Python's standard library"),
        ("class", "a word of the language Python"),
        ("disabled", "lists switched-off plugins"),
        ("loopengt-project", "the project's own plugin"),
        ("judge", "a kind of plugins is called so"),
        ("gates", "a kind of plugins is called so"),
        ("html", "the module 'html'"),
        ("storage-sqlite", "the plugin 'storage_sqlite' of loopengt is installed"),
        ("exact", "the plugin 'judges' registers a judge of that name"),
        ("cli-plugins", "the plugin 'cli_plugins' of loopengt is installed"),
        ("3d", "cannot be the name of a plugin"),
        ("-", "cannot be the name of a plugin"),
        ("../evil", "cannot be the name of a plugin"),
        ("ünder", "cannot be the name of a plugin"),
        ("a" * 29, "is longer than 28 letters"),
    ],
)
def test_a_name_that_is_taken_is_refused(
    call: Callable[..., Result], tmp_path: Path, name: str, why: str
) -> None:
    """The message says what stands in the way, and nothing is written."""
    done = call("new", "--kind", "judge", "-o", tmp_path / "new", "--", name)
    assert done.exit_code == 2
    assert why in done.output
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_there_stays_as_it_is(call: Callable[..., Result], tmp_path: Path) -> None:
    """Without --force nothing is written; with it the package's files are replaced, and others stay."""
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "README.md").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    done = call("new", "mine", "--kind", "metric", "-o", folder)
    assert (done.exit_code, "--force" in done.output) == (2, True)
    assert (folder / "README.md").read_text() == "mine"
    assert call("new", "mine", "--kind", "metric", "-o", folder, "--force").exit_code == 0
    assert (folder / "README.md").read_text().startswith("# loopengt-mine")
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("link", ["README.md", "tests", "loopengt_mine/plugin.py"])
def test_nothing_is_written_through_a_link(call: Callable[..., Result], tmp_path: Path, link: str) -> None:
    """A file elsewhere is not replaced, although --force is given."""
    folder, elsewhere = tmp_path / "there", tmp_path / "elsewhere"
    (folder / link).parent.mkdir(parents=True)
    elsewhere.mkdir()
    target = elsewhere if link == "tests" else elsewhere / "file"
    if link != "tests":
        target.write_text("precious")
    (folder / link).symlink_to(target)
    done = call("new", "mine", "--kind", "metric", "-o", folder, "--force")
    assert (done.exit_code, "is a link" in done.output) == (2, True)
    assert [path.read_text() for path in elsewhere.iterdir()] == ([] if link == "tests" else ["precious"])


def test_a_folder_that_cannot_be_made_is_named(call: Callable[..., Result], tmp_path: Path) -> None:
    """A file in the way of the folder is an error in words."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "inside"):
        done = call("new", "mine", "--kind", "metric", "-o", folder)
        assert (done.exit_code, str(tmp_path / "file") in done.output) == (2, True), done.output


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_kind_installs_and_passes_its_tests(
    environment: Environment, call: Callable[..., Result], tmp_path: Path
) -> None:
    """Installed with pip, every kind is loaded, keeps its contract, and passes pytest, mypy and ruff untouched."""
    folders = {kind: tmp_path / kind for kind in KINDS}
    for kind, folder in folders.items():
        assert call("new", f"acme-{kind}", "-k", kind, "-o", folder).exit_code == 0
    editable = [word for folder in folders.values() for word in ("-e", str(folder))]
    # hatchling comes from the index that this machine is set up with.
    index = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    words = ["-m", "pip", "install", "-q", "--no-deps", *editable]
    done = environment.run(*words, cwd=tmp_path, **{"PIP_CONFIG_FILE": "", **index})
    assert done.returncode == 0, done.stderr
    listed = environment.plugins("list", cwd=tmp_path).stdout
    for kind, folder in folders.items():
        assert f"acme_{kind.replace('-', '_')}" in listed
        for command in (
            ["-m", "pytest", "-q"],
            ["-m", "mypy", "--cache-dir", str(tmp_path / "mypy")],
            RUFF[1:],
            ["-m", "loopengt", "plugins", "check", "."],
            ["-m", "loopengt", "plugins", "test", ".", "--only", "contract"],
        ):
            done = environment.run(*command, cwd=folder)
            assert done.returncode == 0, f"{kind}: {command}\n{done.stdout}{done.stderr}"
