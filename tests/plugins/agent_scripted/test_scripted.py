"""The provider ``scripted``: which answer an attempt gets, what an answer does, and that it says it is scripted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import Kernel
from loopengt.journal import read_events
from loopengt.testing import loop_spec, make_kernel, resume_loop, run_loop
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.engines import RunResult

FINE = {"name": "fine", "condition": "output == 'fine'"}


def spec(answers: Any = None, *steps: Any, file: str | None = None, **changes: Any) -> dict[str, Any]:
    """A loop whose agent answers from a script."""
    extra = {"file": file} if file is not None else {"answers": answers}
    agents = [{"name": "worker", "config": {"provider": "scripted", "extra": extra}}]
    return loop_spec(*(steps or ("work",)), agents=agents, **changes)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """A kernel with the built-in providers alone."""
    return make_kernel(tmp_path, agents={}, storage="sqlite")


async def outputs(kernel: Kernel, result: RunResult, kind: str = "agent.response") -> list[Any]:
    """Return what the journal holds of one kind, in order."""
    async with kernel.storage() as storage:
        events = [event async for some in read_events(storage, result.run_id) for event in some]
    return [event.data for event in events if event.type == kind]


async def test_every_answer_says_that_it_is_scripted(kernel: Kernel) -> None:
    """The reply's metadata, an event of the journal and the plan say so; it costs nothing."""
    loop = spec(["hello"])
    result = await run_loop(kernel, loop)
    assert (result.end.reason, result.output, result.cost_usd) == (EndReason.GOAL_MET, "hello", 0.0)
    (response,) = await outputs(kernel, result)
    assert response["metadata"] == {"scripted": True, "answer": 1}
    (note,) = await outputs(kernel, result, "custom")
    assert note == {"scripted": "answer 1 for all steps", "agent": "worker"}
    from loopengt_hookspecs.models import AgentRole

    agent = kernel.get("agents", "scripted").bind(AgentRole(**loop["agents"][0]), kernel.project)
    assert agent.plan() == "answer from the answers in the spec (scripted: no model is asked)"


async def test_attempts_take_one_answer_after_another(kernel: Kernel) -> None:
    """A gate that refuses the first answer gets the second, as ``ScriptedAgent`` has it."""
    step = {"name": "work", "verification_gates": ["fine"]}
    result = await run_loop(kernel, spec(["bad", "fine"], step, policy={"verification_gates": [FINE]}))
    assert [data["output"] for data in await outputs(kernel, result)] == ["bad", "fine"]


async def test_laps_take_one_answer_after_another(kernel: Kernel) -> None:
    """Each execution of a step in a repeating pattern gets the next answer."""
    step = {"name": "work", "verification_gates": ["fine"]}
    loop = spec(["bad", "worse", "fine"], step, pattern="repeat", policy={"verification_gates": [FINE]})
    result = await run_loop(kernel, loop)
    assert result.end.reason is EndReason.GOAL_MET
    assert [data["output"] for data in await outputs(kernel, result)] == ["bad", "worse", "fine"]


async def test_attempts_of_an_execution_can_be_written_down(kernel: Kernel) -> None:
    """A list with ``attempts`` is read by execution, so that both laps and attempts have answers of their own."""
    slow = {"error": "too slow", "kind": "TimeoutError"}
    answers = [{"attempts": [slow, "a"]}, "b", {"attempts": [slow, slow, "fine"]}]
    step = {"name": "work", "verification_gates": ["fine"]}
    loop = spec(answers, step, pattern="repeat", policy={"verification_gates": [FINE]})
    result = await run_loop(kernel, loop)
    assert [data["output"] for data in await outputs(kernel, result)] == ["a", "b", "fine"]
    assert len(await outputs(kernel, result, "agent.error")) == 3


async def test_steps_come_before_agents_and_agents_before_all(kernel: Kernel) -> None:
    """The list of the step counts, else that of the agent, else the common one; an instance has its step's."""
    answers = {
        "steps": {"one": ["1"], "each[1]": ["b"], "each": ["a"]},
        "agents": {"worker": ["2"]},
        "common": ["3"],
    }
    each = {"name": "each", "for_each": "[1, 2]"}
    result = await run_loop(kernel, spec(answers, "one", "two", each))
    assert [data["output"] for data in await outputs(kernel, result)] == ["1", "2", "a", "b"]


async def test_a_script_that_is_used_up_ends_the_run_at_once(kernel: Kernel) -> None:
    """No retry: the message says how many answers there are and which execution has none."""
    step = {"name": "work", "verification_gates": ["fine"]}
    loop = spec(["bad"], step, pattern="repeat", policy={"verification_gates": [FINE]})
    result = await run_loop(kernel, loop)
    assert result.end.reason is EndReason.FAILED
    assert (
        "is used up: it has 1 answer, and step 'work' asks for another (execution 2, attempt 1)"
        in result.end.detail
    )
    assert len(await outputs(kernel, result)) == 1


async def test_the_answer_does_not_depend_on_what_this_process_has_done(tmp_path: Path) -> None:
    """A run that failed for want of an answer goes on in another process, with the answer of its own attempt."""
    file = tmp_path / "answers.json"
    file.write_text('["one"]')
    step = {"name": "work", "verification_gates": ["fine"]}
    loop = spec(None, step, file="answers.json", pattern="repeat", policy={"verification_gates": [FINE]})
    first = await run_loop(make_kernel(tmp_path, agents={}, storage="sqlite"), loop)
    assert first.can_resume
    file.write_text('["one", "fine", "too many"]')
    second = await resume_loop(make_kernel(tmp_path, agents={}, storage="sqlite"), first.run_id)
    assert (second.end.reason, second.output) == (EndReason.GOAL_MET, "fine")


async def test_an_answer_writes_and_deletes_files(kernel: Kernel) -> None:
    """Files are written into the workspace before the output is given; null deletes one."""
    (kernel.project / "old.txt").write_text("x")
    answer = {"files": {"src/app.py": "print(1)\n", "old.txt": None}, "output": {"count": 1}}
    result = await run_loop(kernel, spec([answer]))
    assert result.output == {"count": 1}
    assert (kernel.project / "src/app.py").read_text() == "print(1)\n"
    assert not (kernel.project / "old.txt").exists()


@pytest.mark.parametrize(
    "path", ["../out.txt", "/tmp/out.txt", "link/out.txt", ".git/hooks/post-commit", "."]
)
async def test_files_stay_inside_the_workspace(kernel: Kernel, tmp_path_factory: Any, path: str) -> None:
    """A path that leads out, by dots, root, or a link, or into git, fails the attempt, and nothing is written."""
    outside = tmp_path_factory.mktemp("outside")
    (kernel.project / "link").symlink_to(outside)
    result = await run_loop(kernel, spec([{"files": {"fine.txt": "x", path: "y"}}]))
    assert result.end.reason is EndReason.FAILED
    assert "is not a file inside the workspace" in result.end.detail
    assert list(outside.iterdir()) == []
    assert not (kernel.project / "fine.txt").exists()


async def test_an_answer_calls_tools(kernel: Kernel) -> None:
    """Tools are called through the engine, one after another; what became of them is in the metadata."""
    answer = {"tools": [{"name": "nothing", "arguments": {"a": 1}}], "output": "done"}
    result = await run_loop(kernel, spec([answer]))
    assert result.output == "done"
    (response,) = await outputs(kernel, result)
    assert response["metadata"]["tools"] == [{"name": "nothing", "is_error": True}]
    assert len(await outputs(kernel, result, "tool.error")) == 1


FILES = {
    "answers.yaml": "steps:\n  work:\n    - hello\n",
    "answers.json": '{"agents": {"worker": ["hello"]}}',
    "answers.ndjson": '{"step": "other", "answer": "no"}\n{"step": "work", "answer": "hello"}\n\n"common"\n',
    "answers.jsonl": '"hello"\n',
}


@pytest.mark.parametrize("name", FILES)
async def test_a_script_is_a_file_of_the_project(kernel: Kernel, name: str) -> None:
    """YAML, JSON and NDJSON are read."""
    (kernel.project / name).write_text(FILES[name])
    assert (await run_loop(kernel, spec(file=name))).output == "hello"


BROKEN = {
    "not there": (None, "is not there"),
    "no list": ("just text", "neither a list nor a mapping"),
    "bad yaml": ("a: [", "line 1"),
    "unknown part": ("step: {work: [x]}", "no key 'step', did you mean 'steps'?"),
    "misspelt": ("- {output: x, flies: {a: b}}", "common[0] has no key 'flies', did you mean 'files'?"),
    "bad call": ("- {tools: [{arguments: {}}]}", "common[0].tools[0] is not a call"),
    "both": ("- {output: x, error: y}", "has an output and an error"),
    "bad files": ("- {files: {a: 1}}", "common[0].files is not a mapping"),
    "no attempts": ("- {attempts: 3}", "common[0].attempts is not a list of answers"),
}


@pytest.mark.parametrize("case", BROKEN)
async def test_what_is_no_script_is_said_before_and_in_a_run(kernel: Kernel, case: str) -> None:
    """``missing`` and the run name the file and what is wrong with it; once it is mended the run can go on."""
    text, words = BROKEN[case]
    if text is not None:
        (kernel.project / "a.yaml").write_text(text)
    loop = spec(file="a.yaml")
    result = await run_loop(kernel, loop)
    assert (result.end.reason, result.can_resume) == (EndReason.FAILED, True)
    assert words in result.end.detail
    (kernel.project / "loop.json").write_text(json.dumps(loop))
    from loopengt_hookspecs.engines import RunRequest

    planned = kernel.engine().plan(RunRequest(kernel.load_spec(kernel.project / "loop.json").spec))
    assert words in planned[0].missing[0]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({}, "give either file or answers"),
        ({"file": "a.yaml", "answers": []}, "give either file or answers"),
        ({"file": "../a.yaml"}, "is outside the project"),
        ({"answers": [{"output": 1, "kind": "x"}]}, "has a kind, but no error"),
    ],
)
def test_wrong_options_are_problems_of_the_spec(kernel: Kernel, extra: Any, words: str) -> None:
    """A spec with options that cannot be used is refused when it is loaded."""
    agents = [{"name": "worker", "config": {"provider": "scripted", "extra": extra}}]
    (kernel.project / "loop.json").write_text(json.dumps(loop_spec(agents=agents)))
    with pytest.raises(Exception, match=words):
        kernel.load_spec(kernel.project / "loop.json")


async def test_a_file_behind_a_link_out_of_the_project_is_not_read(
    kernel: Kernel, tmp_path_factory: Any
) -> None:
    """The script's file may be a link, but not to a file outside."""
    outside = tmp_path_factory.mktemp("outside") / "a.yaml"
    outside.write_text("- secret")
    (kernel.project / "a.yaml").symlink_to(outside)
    result = await run_loop(kernel, spec(file="a.yaml"))
    assert "it leads outside the project" in result.end.detail
