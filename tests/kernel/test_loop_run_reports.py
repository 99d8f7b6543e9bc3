"""The pytest plugin as a user of the package meets it: projects, reports, marks, and the examples of its page."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import loop_spec, make_kernel

if TYPE_CHECKING:
    from loopengt.testing import LoopRunner

PAGE = Path(__file__).parents[2] / "docs/testing-loops.md"

REAL = [{"name": "writer", "config": {"provider": "openai"}}]
"""An agent that would cost something, and cannot even be reached here."""


def gated(condition: str = "output == 'good'", **fields: Any) -> dict[str, Any]:
    """A loop with one step ``write`` and one gate ``fine``, whose agent is a real one."""
    gates = [{"name": "fine", "condition": condition}]
    policy = {"verification_gates": gates, **fields.pop("policy", {})}
    return loop_spec({"name": "write", "verification_gates": ["fine"]}, agents=REAL, policy=policy, **fields)


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest on a folder as a user of the package does."""
    environ = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "LOOPENGT", "CI"))
    }
    (folder / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100, check=False
    )


class TestProjects:
    """Tests in a project of their own."""

    @pytest.mark.slow
    def test_the_project_counts_and_nothing_is_left_in_it(self, tmp_path: Path) -> None:
        """config.toml and functions of the project are used; journal, observers and workspaces leave no trace."""
        project = tmp_path / "project"
        (project / ".loopengt").mkdir(parents=True)
        (project / ".loopengt/config.toml").write_text('[observers]\nnames = ["nobody-knows"]\n')
        (project / "tools_of_mine.py").write_text("def check(result):\n    return True\n")
        loop = {**loop_spec("a", agents=REAL), "steps": [{"name": "a", "agent": "writer"}]}
        (project / "loop.json").write_text(json.dumps(loop))
        (project / "test_it.py").write_text(
            "def test_it(loop_run):\n"
            "    run = loop_run('loop.json', answers=['x'])\n"
            "    run.assert_goal_met()\n"
            "    assert run.workspace.is_dir() and run.workspace.parent.parent.name == '.loopengt'\n"
        )
        done = pytest_in(project)
        assert done.returncode == 0, done.stdout
        assert list((project / ".loopengt/workspaces").iterdir()) == []
        assert not list((project / ".loopengt").glob("*.db"))

    @pytest.mark.slow
    def test_paths_begin_at_the_test_and_go_up_to_the_root(self, tmp_path: Path) -> None:
        """A test in a folder below finds the loop of its project; what is nowhere is told."""
        (tmp_path / "tests").mkdir()
        (tmp_path / "loop.json").write_text(json.dumps(loop_spec("a", agents=REAL)))
        (tmp_path / "tests/test_it.py").write_text(
            "import pytest\nfrom loopengt import UsageError\n"
            "def test_it(loop_run):\n"
            "    assert loop_run('loop.json', answers=['x']).output == 'x'\n"
            "    with pytest.raises(UsageError, match=\"there is no 'lop.json'\"):\n"
            "        loop_run('lop.json')\n"
        )
        done = pytest_in(tmp_path)
        assert done.returncode == 0, done.stdout


class TestReports:
    """What pytest shows."""

    @pytest.mark.slow
    def test_a_failure_shows_the_trace_once(self, tmp_path: Path) -> None:
        """Those of our assertions have it in the message, others in a section of the report; secrets are left out."""
        (tmp_path / "test_it.py").write_text(
            dedent(
                f"""
                SPEC = {gated()!r}

                def test_ours(loop_run):
                    loop_run(SPEC, answers=["bad", "sk-" + "a1B2c3D4" * 6] + ["bad"] * 9).assert_goal_met()

                def test_plain(loop_run):
                    run = loop_run(SPEC, answers=["bad", "good"])
                    assert run.step("write").attempts == 1

                def test_passes(loop_run):
                    loop_run(SPEC, answers=["good"]).assert_goal_met()
                """
            )
        )
        done = pytest_in(tmp_path)
        assert done.returncode == 1
        assert "1 passed" in done.stdout and "2 failed" in done.stdout
        assert "AssertionError: the goal was not reached, it ended as blocked" in done.stdout
        assert "where 2 = <StepRun 'write' completed, 2 attempts>.attempts" in done.stdout
        assert done.stdout.count("- loop run ") == 1
        assert done.stdout.count("attempt 2  writer") == 2
        assert "a1B2c3D4a1B2" not in done.stdout.replace('"sk-" + "a1B2c3D4" * 6', "")

    def test_without_the_exporter_a_run_is_shown_line_by_line(
        self, loop_run: LoopRunner, tmp_path: Path
    ) -> None:
        """A project that has switched the plugin off still sees what happened, without control characters."""
        kernel = make_kernel(tmp_path, config={"plugins": {"disabled": ["exporters"]}})
        run = loop_run(loop_spec("a", agents=REAL), kernel=kernel, answers=["x\x1b[2J"])
        assert "agent.response a" in run.tree()
        assert "\x1b" not in run.tree()

    @pytest.mark.slow
    def test_real_agents_take_the_mark_and_the_option(self, tmp_path: Path) -> None:
        """Without the mark live is refused; with it the test is skipped until --live-agents, and then calls them."""
        own = [
            {
                "name": "w",
                "config": {"provider": "python", "extra": {"function": "mine:answer", "cost": "free"}},
            }
        ]
        (tmp_path / "mine.py").write_text("def answer(request):\n    return 'for real'\n")
        (tmp_path / "loop.json").write_text(json.dumps(loop_spec("a", agents=own)))
        (tmp_path / "test_it.py").write_text(
            dedent(
                """
                import pytest
                from loopengt import UsageError

                def test_unmarked(loop_run):
                    with pytest.raises(UsageError, match="live_agents"):
                        loop_run("loop.json", live=True)
                    assert loop_run("loop.json").reason == "failed"

                @pytest.mark.live_agents
                def test_marked(loop_run):
                    assert loop_run("loop.json", live=True).output == "for real"
                """
            )
        )
        without = pytest_in(tmp_path, "--strict-markers", "-rs")
        assert "1 passed, 1 skipped" in without.stdout
        assert "pytest --live-agents" in without.stdout
        assert "2 passed" in pytest_in(tmp_path, "--live-agents").stdout

    @pytest.mark.slow
    def test_the_plugin_imports_nothing_until_it_is_used(self, tmp_path: Path) -> None:
        """A suite that has loopengt installed and does not use it pays for one small module."""
        (tmp_path / "test_it.py").write_text(
            "import sys\n"
            "def test_it():\n"
            "    ours = {name for name in sys.modules if name.startswith('loopengt')}\n"
            "    assert ours <= {'loopengt', 'loopengt._lazy', 'loopengt.testing', 'loopengt.testing.pytest_plugin'}\n"
            "    assert 'pydantic' not in sys.modules\n"
        )
        done = pytest_in(tmp_path, "-p", "no:anyio", "-p", "no:pydantic_evals", "-p", "no:logfire")
        assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_examples_of_the_page_run(tmp_path: Path) -> None:
    """Every block of docs/testing-loops.md with a title is a file, and its tests pass."""
    blocks = re.findall(r'^```(?:python|yaml) title="(\S+)"\n(.*?)^```', PAGE.read_text(), re.S | re.M)
    assert {name for name, _ in blocks} == {
        "loop.yaml",
        "test_loop.py",
        "test_judged.py",
        "test_async.py",
        "regex.yaml",
    }
    for name, text in blocks:
        (tmp_path / name).write_text(text)
    done = pytest_in(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "4 passed" in done.stdout
