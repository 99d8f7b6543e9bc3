"""``pattern: module:function``: a pattern of the project's own, imported when it runs and checked before."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from loopengt import SpecError, UsageError
from loopengt.custom_patterns import check_pattern, load_pattern
from loopengt.testing import ScriptedAgent, loop_spec, resume_loop, run_loop

Bench = Any

BACKWARDS = """
from loopengt_hookspecs.models import End, EndReason

async def backwards(run):
    for step in reversed(run.spec.steps):
        await run.step(step)
    return End(EndReason.GOAL_MET, "all was done, from the end")
"""


def write(bench: Bench, name: str, text: str) -> None:
    """Write a file of the project."""
    path = bench.project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("path", ["mine:backwards", "mine.backwards", "flows.mine:backwards"])
async def test_a_function_of_the_project_is_the_pattern(bench: Bench, path: str) -> None:
    """It takes the steps in its own order, and its end is the run's."""
    write(bench, "flows/mine.py" if path.startswith("flows") else "mine.py", BACKWARDS)
    result, agent = await bench.run(loop_spec("a", "b", pattern=path), a=["1"], b=["2"])
    assert [request.step for request in agent.requests] == ["b", "a"]
    assert result.end == ("goal_met", "all was done, from the end")


async def test_a_run_with_a_custom_pattern_is_resumed(bench: Bench) -> None:
    """From every prefix of its journal, with the function imported anew."""
    write(bench, "mine.py", BACKWARDS)
    _, times = await bench.resume_everywhere(
        loop_spec("a", "b", "c", pattern="mine:backwards"), lambda request: request.step
    )
    assert times >= 3


async def test_a_pattern_that_is_gone_cannot_be_resumed(bench: Bench) -> None:
    """Resume says what is missing and leaves the run as it was."""
    write(bench, "mine.py", BACKWARDS)
    agent = ScriptedAgent(steps={"b": [lambda _: kernel.engine().interrupt()], "a": ["1"]})
    kernel = bench.kernel(agent, bench.storage)
    paused = await run_loop(kernel, loop_spec("a", "b", pattern="mine:backwards"))
    assert paused.end.reason == "interrupted"
    (bench.project / "mine.py").unlink()
    again = bench.kernel(ScriptedAgent("1", "2"), bench.storage)
    with pytest.raises(UsageError, match=r"names the module mine, which is not in"):
        await resume_loop(again, paused.run_id)
    write(bench, "mine.py", BACKWARDS)
    assert (await resume_loop(again, paused.run_id)).end.reason == "goal_met"


WRONG = [
    ("", "nowhere:run", r"module nowhere, which is not in .*\nCreate .*nowhere\.py with: async def run\(run\)"),
    ("", "mine.deeper:run", r"names the module mine\.deeper"),
    ("async def runn(run): ...", "mine:run", r"mine has no run, the nearest is 'runn'\nDefine it in mine: async def"),
    ("def run(run): ...", "mine:run", r"is not an async function\nWrite it as: async def run\(run\)"),
    ("async def run(run, more): ...", "mine:run", r"does not take just the run"),
    ("async def run(): ...", "mine:run", r"does not take just the run"),
    ("async def run(run, *, more): ...", "mine:run", r"does not take just the run"),
    ("async def run(:", "mine:run", r"cannot be imported: .*invalid syntax"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "path", "words"), WRONG, ids=[words[:30] for _, _, words in WRONG])
def test_what_is_wrong_is_said_before_and_when_it_is_imported(
    bench: Bench, source: str, path: str, words: str
) -> None:
    """The check of the source and the import come to the same, and both name the remedy."""
    write(bench, "mine.py", source)
    with pytest.raises(UsageError, match=words):
        check_pattern(path, bench.project)
    assert "mine" not in sys.modules
    with pytest.raises(UsageError, match=words):
        load_pattern(path, bench.project)


def test_a_problem_has_its_place_in_the_spec(bench: Bench) -> None:
    """Loading a spec reports the pattern with file, line and column, and executes nothing of the project."""
    write(bench, "mine.py", "raise SystemExit('imported')\nasync def lap(run): ...")
    text = (
        "name: x\ngoal: y\nagents: [{name: w, config: {provider: scripted}}]\nsteps: [{name: a, agent: w}]\n"
    )
    write(bench, "loop.yaml", f"{text}pattern: mine:lop\n")
    kernel = bench.kernel(ScriptedAgent(), bench.storage)
    with pytest.raises(SpecError, match=r"loop\.yaml:5:10: the pattern 'mine:lop' .* nearest is 'lap'"):
        kernel.load_spec(bench.project)
    write(bench, "loop.yaml", f"{text}pattern: mine:lap\n")
    assert kernel.load_spec(bench.project).spec.pattern == "mine:lap"


@pytest.mark.parametrize(
    "source",
    [
        "from other import *",
        "def __getattr__(name): return other",
        "globals()['run'] = other",
        "run = make()",
        "@decorated\ndef run(): ...",
        "try:\n    from other import run\nexcept ImportError:\n    def run(): ...",
        "class Flow:\n    async def go(self): ...\nrun = Flow()",
    ],
)
def test_what_the_source_does_not_tell_is_left_to_the_import(bench: Bench, source: str) -> None:
    """The check refuses only what is certain."""
    write(bench, "mine.py", source)
    check_pattern("mine:run", bench.project)
    check_pattern("asyncio:gather", bench.project)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import surely_not_installed", r"No module named .*\nInstall the package that provides"),
        ("None.oops", r"cannot be imported: AttributeError.*\nCorrect mine"),
        ("raise SystemExit('no')", r"cannot be imported: SystemExit: no"),
        ("run = 3", r"run in mine is not a function but a int"),
        ("class run:\n    def __init__(self, run): ...", r"is not an async function"),
    ],
)
def test_what_the_import_shows_is_said_before_the_run_begins(bench: Bench, source: str, words: str) -> None:
    """A module that fails, or holds something else, is a usage error, not a run that fails."""
    write(bench, "mine.py", source)
    with pytest.raises(UsageError, match=words):
        load_pattern("mine:run", bench.project)


async def test_an_object_that_is_called_asynchronously_is_a_pattern(bench: Bench) -> None:
    """Any async callable of one argument will do, also a method."""
    flow = "class Flow:\n    async def __call__(self, run):\n        await run.step('a')\n"
    write(bench, "mine.py", f"{flow}    async def go(self, run):\n        await run.step('a')\nflow = Flow()")
    for path in ("mine:flow", "mine:flow.go"):
        result, _ = await bench.run(loop_spec("a", pattern=path), a=["1"])
        assert result.end.reason == "goal_met"


async def test_a_name_without_a_path_is_still_refused(bench: Bench) -> None:
    """``custom`` alone names nothing, and an unknown name is not run as something else."""
    for pattern, words in (("custom", "custom pattern is not named"), ("sequentail", "unknown pattern")):
        with pytest.raises(SpecError, match=words):
            await bench.run(loop_spec("a", pattern=pattern), a=["1"])
