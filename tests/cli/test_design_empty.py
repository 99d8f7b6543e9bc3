"""The commands ``init`` and ``design`` in folders where nothing can prove the work, or only parts of them can."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from loopengt_cli_design.detecting import look_over

from .design_kit import alone

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with nothing in it."""
    path = tmp_path / "fre sh"
    path.mkdir()
    return path


def loop_of(folder: Path) -> Any:
    """Read the loop of a folder."""
    return yaml.safe_load((folder / "loop.yaml").read_text())


def put(folder: Path, files: dict[str, str]) -> None:
    """Write files by their paths."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.slow
def test_in_an_empty_folder_a_person_proves_the_work(site: Site, folder: Path) -> None:
    """No gate counts tests that are not there: the loop is sound, asks a person, and the command says how to answer."""
    assert alone(site, "init", cwd=folder).stdout.count('loopengt design "GOAL"') == 1
    done = alone(site, "design", "fix the failing tests", cwd=folder)
    assert done.returncode == 0, done.stderr
    loop = loop_of(folder)
    assert [gate["kind"] for gate in loop["policy"]["verification_gates"]] == ["approval"]
    assert loop["steps"][0]["verification_gates"] == ["approval"]
    assert loop["goal"] == "fix the failing tests"
    assert "you are asked after each lap" in done.stdout
    assert "not starter" not in done.stdout
    assert done.stdout.endswith('  loopengt reject latest --comment "what is wrong" --resume\n')
    assert alone(site, "validate", "loop.yaml", cwd=folder).returncode == 0


@pytest.mark.slow
def test_the_loop_of_an_empty_folder_runs(site: Site, folder: Path) -> None:
    """It pauses after a lap; rejected, the next lap is told why; approved, it has reached its goal."""
    assert alone(site, "design", "write a program", cwd=folder).returncode == 0
    loop = loop_of(folder)
    script = "import sys; print(open('prompt.txt', 'a').write(sys.stdin.read()))"
    loop["agents"][0]["config"] = {
        "provider": "command",
        "extra": {"command": shlex.join([sys.executable, "-c", script]), "cost": "free"},
    }
    (folder / "loop.yaml").write_text(yaml.safe_dump(loop))
    assert alone(site, "run", "loop.yaml", cwd=folder).returncode == 4
    words = ("reject", "latest", "--comment", "there is no program", "--resume")
    assert alone(site, *words, cwd=folder).returncode == 4
    done = alone(site, "approve", "latest", "--resume", cwd=folder)
    assert done.returncode == 0, done.stderr
    (written,) = (folder / ".loopengt/workspaces").rglob("prompt.txt")
    told = written.read_text()
    assert told.count("write a program\n") == 2
    assert "there is no program" in told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("goal", "name"),
    [("write a program that prints primes", "repeat"), ("write a report", "evaluator_optimizer")],
)
def test_a_program_is_no_document(site: Site, folder: Path, goal: str, name: str) -> None:
    """What is to be written decides, not that it is written."""
    assert alone(site, "design", goal, cwd=folder).returncode == 0
    assert loop_of(folder)["pattern"] == name


@pytest.mark.slow
def test_a_project_that_was_named_gets_the_files(site: Site, folder: Path) -> None:
    """With -C loop and page are written there, as by init, and the lines that come next lead there."""
    (folder / "there").mkdir()
    done = alone(site, "-C", "there", "design", "fix it", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (folder / "there").iterdir()} == {"loop.yaml", "LOOP_DESIGN.md"}
    assert not (folder / "loop.yaml").exists()
    assert f"loopengt run '{folder}/there/loop.yaml'" in done.stdout
    assert f"loopengt -C '{folder}/there' approve latest" in done.stdout


UNITTEST = "import unittest\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n"


ALL_TESTS = ["python3", "-m", "unittest"]


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"test_a.py": UNITTEST}, ALL_TESTS),
        ({"tests/test_a.py": UNITTEST}, [*ALL_TESTS, "discover", "-s", "tests"]),
        ({"tests/test_a.py": UNITTEST, "tests/__init__.py": ""}, ALL_TESTS),
        ({"test_a.py": UNITTEST, "requirements.txt": "pytest\n"}, ["pytest", "-q"]),
        ({"test_a.py": UNITTEST + "\ndef test_b():\n    pass\n"}, ["pytest", "-q"]),
        ({"test_a.py": "from unittest.mock import Mock\n"}, ["pytest", "-q"]),
    ],
)
def test_unittest_where_nothing_speaks_of_pytest(
    folder: Path, files: dict[str, str], command: list[str]
) -> None:
    """A project whose tests are unittest's does not need pytest; its gate fails when no test has run."""
    put(folder, files)
    (check,) = look_over(folder).checks
    gate = yaml.safe_load(check.gate)[0]
    assert gate["command"] == command
    assert ("output_pattern" in gate) is (command[0] == "python3")
    assert ("min_tests" in gate) is (command[0] == "pytest")


@pytest.mark.slow
@pytest.mark.parametrize("body", ["pass", "self.fail()", None])
def test_the_gate_of_unittest(site: Site, folder: Path, body: str | None) -> None:
    """It passes by tests that pass, and by nothing else: not by a failing one, and not by none."""
    put(folder, {"tests/test_a.py": UNITTEST.replace("pass", body or "pass")})
    assert alone(site, "init", cwd=folder).returncode == 0
    if body is None:
        (folder / "tests/test_a.py").write_text("import unittest\n")
    loop = loop_of(folder)
    loop["agents"][0]["config"] = {
        "provider": "command",
        "extra": {"command": ["echo", "done"], "cost": "free"},
    }
    loop["policy"]["max_turns"] = 1
    (folder / "loop.yaml").write_text(yaml.safe_dump(loop))
    assert (alone(site, "run", "loop.yaml", cwd=folder).returncode == 0) is (body == "pass")


def test_pytest_without_tests_counts_none(folder: Path) -> None:
    """Where pytest is configured and no test is there yet, the gate counts nothing: pytest fails without tests."""
    put(folder, {"pyproject.toml": "[tool.pytest.ini_options]\n"})
    (check,) = look_over(folder).checks
    assert "min_tests" not in check.gate
    assert check.command == ("pytest", "-q")


@pytest.mark.slow
def test_the_parts_of_a_repository(site: Site, folder: Path) -> None:
    """Where the top has no tests, those of its parts are gates, each in its folder and with a name of its own."""
    package = '{"scripts": {"test": "node --test"}}'
    put(
        folder,
        {
            "py/pyproject.toml": "", "py/tests/test_a.py": "def test_a(): pass\n", "packages/web/package.json": package,
            "c d/Makefile": "check test: x\n", "c-d/Makefile": "test:\n", "c+d/Makefile": "test:\n",
            "9/Makefile": "test:\n", "-x;y/Makefile": "test:\n", "node_modules/x/package.json": package,
            ".hidden/package.json": package, "docs/Makefile": "test:\n", "none/a.txt": "",
        },
    )  # fmt: skip
    (folder / "link").symlink_to(folder / "py")
    assert alone(site, "init", cwd=folder).returncode == 0
    assert alone(site, "validate", "loop.yaml", cwd=folder).returncode == 0
    gates = {gate["name"]: gate["command"][-1] for gate in loop_of(folder)["policy"]["verification_gates"]}
    assert gates == {
        "x-y-make-test": "cd './-x;y' && make test",
        "part-9-make-test": "cd ./9 && make test",
        "c-d-make-test": "cd './c d' && make test",
        "c-d-make-test-2": "cd ./c+d && make test",
        "c-d-make-test-3": "cd ./c-d && make test",
        "py-tests": "cd ./py && pytest -q",
        "packages-web-npm-test": "cd ./packages/web && npm test",
    }
    put(folder, {"package.json": package})
    assert [check.name for check in look_over(folder).checks] == ["npm-test"]
