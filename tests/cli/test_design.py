"""The command ``design`` without any model: templates chosen and filled by rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from .design_kit import alone, read_mermaid

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A Python project with a failing test that nobody has made a project of ours."""
    path = tmp_path / "fresh"
    (path / "tests").mkdir(parents=True)
    (path / "tests/test_a.py").write_text("def test_a():\n    assert 1 == 2\n")
    return path


def loop_of(folder: Path, name: str = "loop.yaml") -> Any:
    """Read the loop of a folder."""
    return yaml.safe_load((folder / name).read_text())


@pytest.mark.slow
def test_init_design_validate_with_no_key_at_all(site: Site, folder: Path) -> None:
    """The three commands in a row make a sound loop with the project's tests as its gate, and a page about it."""
    assert alone(site, "init", cwd=folder).returncode == 0
    done = alone(site, "design", "fix the failing tests", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "by plain rules, without a model" in done.stdout
    assert "step work, gate tests: pytest -q" in done.stdout
    assert "replaced   loop.yaml, which nobody had changed" in done.stdout
    valid = alone(site, "validate", "loop.yaml", cwd=folder)
    assert valid.stdout == "OK loop.yaml: fix-the-failing-tests, pattern repeat, 1 step, 1 agent\n"
    loop = loop_of(folder)
    assert loop["goal"].startswith("fix the failing tests\nMake every check of this project pass")
    assert loop["policy"]["verification_gates"][0]["command"] == ["pytest", "-q"]
    page = (folder / "LOOP_DESIGN.md").read_text()
    titles = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert titles == [
        "Goal", "Why this pattern", "Diagram", "Agents", "Steps", "Gates", "Limits", "When it ends",
        "What it executes", "How to run it",
    ]  # fmt: skip
    drawn = re.search(r"```mermaid\n(.*?)```", page, re.DOTALL)
    assert drawn is not None
    nodes, _ = read_mermaid(drawn[1])
    assert "gate tests\npytest -q" in nodes.values()


@pytest.mark.slow
def test_what_a_person_has_changed_is_kept(site: Site, folder: Path) -> None:
    """A changed loop.yaml stops the command before anything is done; --force keeps it as a backup."""
    alone(site, "init", cwd=folder)
    mine = (folder / "loop.yaml").read_text() + "# mine\n"
    (folder / "loop.yaml").write_text(mine)
    done = alone(site, "design", "fix it", cwd=folder)
    assert done.returncode == 2
    assert "loop.yaml is there, and was changed since it was written" in done.stderr
    assert "--force" in done.stderr
    assert (folder / "loop.yaml").read_text() == mine
    assert not (folder / "LOOP_DESIGN.md").exists()
    assert alone(site, "design", "fix it", "--force", cwd=folder).returncode == 0
    assert (folder / "loop.yaml.bak").read_text() == mine
    assert loop_of(folder)["name"] == "fix-it"


@pytest.mark.slow
def test_a_second_design_replaces_the_first(site: Site, folder: Path) -> None:
    """Loop and page of an earlier design that nobody has changed give way without a backup; a changed page does not."""
    (folder / ".loopengt").mkdir()
    for goal in ("fix this", "fix that"):
        assert alone(site, "design", goal, cwd=folder).returncode == 0
    assert loop_of(folder)["name"] == "fix-that"
    assert "fix that" in (folder / "LOOP_DESIGN.md").read_text()
    assert not list(folder.glob("*.bak*"))
    with (folder / "LOOP_DESIGN.md").open("a") as page:
        page.write("A thought of mine.\n")
    done = alone(site, "design", "fix more", cwd=folder)
    assert done.returncode == 2
    assert "LOOP_DESIGN.md is there" in done.stderr


GOALS = {
    "make the CI pipeline pass again": "fix-ci",
    "raise the test coverage to 93%": "test-coverage",
    "upgrade our outdated dependencies": "dependency-upgrade",
    "bring the documentation up to date": "docs-sync",
    "work off the backlog": "ralph",
    "have a team of workers build it": "supervisor-workers",
    "fix the failing tests": "until-green",
    "research queues and compare them": "research-architect",
    "implement a parser for dates": "planner-executor",
    "write a proposal for the board": "reviewer-retry",
    "xyzzy": "until-green",
}


@pytest.mark.slow
@pytest.mark.parametrize("goal", GOALS)
def test_the_words_of_a_goal_choose_the_template(site: Site, folder: Path, goal: str) -> None:
    """In a project that has what all of them need, each goal gets its template, valid and with the goal in it."""
    (folder / "src").mkdir()
    (folder / "docs").mkdir()
    (folder / "requirements.txt").write_text("click\n")
    done = alone(site, "design", goal, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    template = GOALS[goal].replace("-", "_").replace("until_green", "starter")
    assert f"of the template {template} (plugin templates)" in done.stdout
    loop = loop_of(folder)
    assert loop["goal"].startswith(goal)
    assert alone(site, "validate", "loop.yaml", cwd=folder).returncode == 0
    if template == "test_coverage":
        assert "93" in (folder / "loop.yaml").read_text()


@pytest.mark.slow
def test_what_does_not_fit_the_project_is_said(site: Site, tmp_path: Path) -> None:
    """In an empty folder a goal about the CI gets a loop that asks a person, and is told why."""
    done = alone(site, "design", "make CI pass", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not fix_ci: no command was recognised" in done.stdout
    assert "check: none was recognised, so you are asked after each lap" in done.stdout
    assert alone(site, "validate", "loop.yaml", cwd=tmp_path).returncode == 0


@pytest.mark.slow
def test_a_node_project_gets_its_own_tests(site: Site, tmp_path: Path) -> None:
    """The gate of a project of Node.js is its package's test script."""
    (tmp_path / "package.json").write_text('{"scripts": {"test": "node --test"}}')
    assert alone(site, "design", "fix the failing tests", cwd=tmp_path).returncode == 0
    (gate,) = loop_of(tmp_path)["policy"]["verification_gates"]
    assert gate["command"] == ["npm", "test"]


@pytest.mark.slow
def test_a_template_can_be_asked_for(site: Site, folder: Path) -> None:
    """-t takes that template whatever the goal says, files may stand elsewhere, and what cannot be is said."""
    (folder / "sub").mkdir()
    words = ("-t", "planner_executor", "-o", "sub/plan.yaml", "-d", "sub/why.md")
    done = alone(site, "design", "fix the tests", *words, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert loop_of(folder, "sub/plan.yaml")["pattern"] == "sequential"
    assert "`sub/plan.yaml`" in (folder / "sub/why.md").read_text()
    wrong = alone(site, "design", "x", "-t", "planer_executor", cwd=folder)
    assert wrong.returncode == 2
    assert "planner_executor" in wrong.stderr
    needy = alone(site, "design", "x", "-t", "test_coverage", cwd=folder)
    assert needy.returncode == 2
    assert "template use test_coverage --set source=" in needy.stderr


HOSTILE = [
    "fix \"quotes\" and 'single' ones",
    "fix\nname: evil\nagents: []",
    "fix {goal} {feedback} {nothing.there} {{braces}}",
    "fix <<goal>> <<x>>",
    "fix $(rm -rf /) `rm` ; rm -rf / && true",
    "fix: - a\t# comment | pipe > fold & anchor * alias",
    "fix \x1b[2J\u202e hidden \u2028 lines \x00"[:-1],
    "fix ```\n# Heading\n</script><img src=x onerror=alert(1)>",
    "-fix --force -- ümläut 日本語 🎉",
    "fix " + "very " * 3000 + "much",
]


@pytest.mark.slow
@pytest.mark.parametrize("goal", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_goal_stays_a_text(site: Site, folder: Path, goal: str) -> None:
    """Whatever a goal holds is one value of the loop, one block of the page, and nothing for the terminal."""
    done = alone(site, "design", "--", goal, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    loop = loop_of(folder)
    assert loop["goal"].startswith(goal.strip())
    assert set(loop) >= {"name", "agents", "steps", "policy"}
    assert loop["agents"] != []
    assert alone(site, "validate", "loop.yaml", cwd=folder).returncode == 0
    assert "\x1b" not in done.stdout + (folder / "LOOP_DESIGN.md").read_text()
    page = (folder / "LOOP_DESIGN.md").read_text()
    fence = re.search(r"## Goal\n\n(`{3,})text\n", page)
    assert fence is not None
    assert page.index("## Why this pattern") > page.index(f"\n{fence[1]}\n")
    drawn = re.search(r"```mermaid\n(.*?)\n```\n", page, re.DOTALL)
    assert drawn is not None
    read_mermaid(drawn[1])


@pytest.mark.slow
@pytest.mark.parametrize("goal", ["", "  \n", "x" * 20_001])
def test_a_goal_that_is_none_is_refused(site: Site, folder: Path, goal: str) -> None:
    """An empty goal, or a book, is a usage error, and nothing is written."""
    done = alone(site, "design", goal, cwd=folder)
    assert done.returncode == 2
    assert "GOAL has to be a text" in done.stderr
    assert not (folder / "loop.yaml").exists()


@pytest.mark.slow
def test_what_cannot_be_written_is_said(site: Site, folder: Path) -> None:
    """A folder in place of the file, and one file for both, are usage errors."""
    (folder / "dir.yaml").mkdir()
    for words in (
        ("-o", "dir.yaml"),
        ("-o", "a.md", "-d", "./a.md"),
        ("--provider", "codex", "-t", "starter"),
    ):
        done = alone(site, "design", "fix it", *words, cwd=folder)
        assert done.returncode == 2, done.stdout
        assert "Sorry" not in done.stderr
