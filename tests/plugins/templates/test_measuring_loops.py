"""The templates that measure what they change: coverage, and outdated dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import TemplateBench

TOTAL = "cat percent.txt"
MEASURES = {"test_command": "true", "report_command": "echo code.txt: line 1", "total_command": TOTAL}
DEPENDENCIES = {
    "install_command": "test -s requirements.txt",
    "outdated_command": "grep old requirements.txt || true",
    "test_command": "grep -q . requirements.txt",
}


@pytest.fixture
def code(bench: TemplateBench) -> TemplateBench:
    """A project with code, little coverage, and a dependency that is old."""
    bench.write("app/code.txt", "x\n")
    bench.write("percent.txt", "40\n")
    bench.write("requirements.txt", "thing==1 old\n")
    return bench


async def test_test_coverage_reaches_the_threshold(code: TemplateBench, agent_writes: Any) -> None:
    """The agent sees what is not covered, and then how far it has come, until that is enough."""
    code.agent.script("test", agent_writes({"percent.txt": "70\n"}), agent_writes({"percent.txt": "81\n"}))
    result = await code.run("test_coverage", source="app", **MEASURES)
    assert result.end.reason == "goal_met", result.end
    first, second = code.shown("test")
    assert "code.txt: line 1" in first and "80 percent" in first
    assert "the coverage is 70, and 80 is needed" in second


@pytest.mark.parametrize("total", ["", "No data to report.", "nan", "99 of 100"])
async def test_test_coverage_takes_nothing_but_a_number(
    code: TemplateBench, agent_writes: Any, total: str
) -> None:
    """A total that is no number is not enough, whatever it begins with."""
    code.agent.script("test", agent_writes({"percent.txt": f"{total}\n"}))
    result = await code.run("test_coverage", source="app", max_laps=1, **MEASURES)
    assert result.end.reason == "exhausted", result.end


async def test_test_coverage_ends_when_it_does_not_rise(code: TemplateBench, agent_writes: Any) -> None:
    """Laps that write files but cover no more end the run without progress."""
    code.agent.script("test", *[agent_writes({f"tests/{number}.txt": "x\n"}) for number in range(9)])
    result = await code.run("test_coverage", source="app", **MEASURES)
    assert result.end.reason == "no_progress", result.end


@pytest.mark.slow
async def test_test_coverage_measures_python_by_default(bench: TemplateBench, agent_writes: Any) -> None:
    """With the commands that it has by default it measures a real package with the real program."""
    pytest.importorskip("coverage", reason="pip install coverage")
    bench.write("app/__init__.py", "def half(x):\n    if x < 0:\n        return 0\n    return x / 2\n")
    bench.write("tests/test_half.py", "from app import half\n\ndef test_half():\n    assert half(4) == 2\n")
    bench.write("conftest.py", "")
    bench.write(".coveragerc", "[run]\nsource = app\n")
    more = "from app import half\n\ndef test_below():\n    assert half(-1) == 0\n"
    bench.agent.script("test", agent_writes({"tests/test_below.py": more}))
    result = await bench.run("test_coverage", source="app", threshold=100)
    assert result.end.reason == "goal_met", result.end
    assert "app/__init__.py" in bench.shown("test")[0]


async def test_dependency_upgrade_raises_until_nothing_is_old(code: TemplateBench, agent_writes: Any) -> None:
    """The agent sees what is outdated; a lap that breaks the installation is told so; the last one is good."""
    code.agent.script("upgrade", agent_writes({"requirements.txt": "thing==2 old too\n"}))
    code.agent.script("upgrade", agent_writes({"requirements.txt": "thing==3\n"}))
    result = await code.run("dependency_upgrade", **DEPENDENCIES)
    assert result.end.reason == "goal_met", result.end
    first, second = code.shown("upgrade")
    assert "thing==1 old" in first
    assert "these are outdated" in second and "thing==2 old too" in second


async def test_dependency_upgrade_ends_without_progress(code: TemplateBench) -> None:
    """An agent that raises nothing does not reach the goal."""
    code.agent.script("upgrade", *["Nothing."] * 9)
    result = await code.run("dependency_upgrade", **DEPENDENCIES)
    assert result.end.reason == "no_progress", result.end


async def test_what_is_outdated_has_to_be_known(code: TemplateBench, agent_writes: Any) -> None:
    """A command that cannot tell what is outdated passes no gate."""
    code.agent.script("upgrade", agent_writes({"requirements.txt": "thing==2\n"}))
    known = DEPENDENCIES | {"outdated_command": "test -e looked || { touch looked; exit 0; }; exit 1"}
    result = await code.run("dependency_upgrade", max_laps=1, **known)
    assert result.end.reason == "failed", result.end
