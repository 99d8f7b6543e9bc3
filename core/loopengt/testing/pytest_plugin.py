"""The pytest plugin of loopengt: fixtures for those who test loops and plugins; it imports nothing until then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from loopengt.kernel import Kernel
    from loopengt.testing.loop_runs import LoopRunner
    from loopengt.testing.scripted import ScriptedAgent

_LIVE = "live_agents"
_runner = pytest.StashKey["LoopRunner"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --live-agents."""
    group = parser.getgroup("loopengt")
    group.addoption(
        "--live-agents",
        action="store_true",
        default=False,
        help=f"Run tests with the mark {_LIVE}, which call real agents and may cost something.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the mark."""
    config.addinivalue_line("markers", f"{_LIVE}: calls real agents; skipped without --live-agents")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what calls real agents, unless that is asked for."""
    if config.getoption("--live-agents"):
        return
    for item in items:
        if item.get_closest_marker(_LIVE) is not None:
            item.add_marker(pytest.mark.skip(reason="it calls real agents: pytest --live-agents"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the runs of a test that failed."""
    report = yield
    runner = item.stash.get(_runner, None)
    if runner is not None and report.when == "call" and report.failed:
        report.sections += runner.sections()
    return report


@pytest.fixture
def scripted_agent() -> ScriptedAgent:
    """The agents of ``kernel``, without answers yet: give them with ``scripted_agent.script(step, …)``."""
    from loopengt.testing.scripted import ScriptedAgent

    return ScriptedAgent()


@pytest.fixture
def kernel(tmp_path: Path, scripted_agent: ScriptedAgent) -> Kernel:
    """A kernel with loopengt's own plugins, storage in memory, and ``tmp_path`` as its project.

    Override the fixture, with ``make_kernel``, to add the plugins under test.
    """
    from loopengt.testing.running import make_kernel

    return make_kernel(tmp_path, agents=scripted_agent)


@pytest.fixture
def loop_run(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LoopRunner]:
    """Run a loop with scripted or replayed agents: ``run = loop_run("loop.yaml", answers={"write": ["bad", "good"]})``.

    In an async test: ``run = await loop_run.arun(…)``. docs/testing-loops.md tells what a run can be asked.
    """
    from loopengt.testing.loop_runs import LoopRunner

    beside, root = request.path.parent, request.config.rootpath
    above = [folder for folder in beside.parents if folder.is_relative_to(root)]
    live = request.node.get_closest_marker(_LIVE) is not None
    runner = LoopRunner(tmp_path, [beside, *above], live=live)
    request.node.stash[_runner] = runner
    yield runner
    runner.clean()
