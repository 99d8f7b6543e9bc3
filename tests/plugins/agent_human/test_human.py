"""The provider ``human``: what a person is asked, what becomes of the answer, and a run that pauses for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import Kernel, SpecError, UsageError
from loopengt.approvals import Answer, decide
from loopengt.testing import loop_spec, make_kernel, resume_loop, run_loop
from loopengt_hookspecs.models import AgentRole, EndReason

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.engines import RunResult

COLOUR = {"type": "object", "properties": {"colour": {"type": "string"}}, "required": ["colour"]}


def spec(extra: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A loop of one step that a person does."""
    role: dict[str, Any] = {"name": "ann", "config": {"provider": "human", "extra": extra or {}}}
    role |= {key: changes.pop(key) for key in ("output_schema", "system_prompt") if key in changes}
    return loop_spec({"name": "paint", "prompt_template": "Which colour?"}, agents=[role], **changes)


async def answered(kernel: Kernel, paused: RunResult, text: str, *, approved: bool = True) -> RunResult:
    """Answer the one question of a paused run, as another process would, and resume the run."""
    assert paused.end.reason is EndReason.APPROVAL_REQUIRED, paused.end
    (question,) = paused.questions
    async with kernel.storage() as storage:
        await decide(storage, paused.run_id, str(question["id"]), Answer(approved, "ann@home", text))
        return await resume_loop(kernel, paused.run_id)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """A kernel whose runs outlive each call."""
    return make_kernel(tmp_path, storage="sqlite", agents={})


async def test_the_answer_is_the_output(kernel: Kernel) -> None:
    """The run pauses with the prompts as its question; the text that comes later is the output, at no cost."""
    paused = await run_loop(kernel, spec(system_prompt="You are a painter."))
    (question,) = paused.questions
    assert question["question"] == "Step 'paint' of loop 'demo'\n\nYou are a painter.\n\nWhich colour?"
    result = await answered(kernel, paused, "a warm red")
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, "a warm red")
    assert (result.cost_usd, result.unknown_costs, result.tokens) == (0.0, 0, 0)


async def test_the_prompt_alone_is_shown_when_that_is_asked_for(kernel: Kernel) -> None:
    """``show: prompt`` leaves the step and the system prompt out, and a time limit reaches the question."""
    options = {"show": "prompt", "timeout_seconds": 60}
    paused = await run_loop(kernel, spec(options, system_prompt="You are a painter."))
    (question,) = paused.questions
    assert (question["question"], question["timeout_seconds"]) == ("Which colour?", 60)


async def test_a_choice_is_taken_whatever_its_case(kernel: Kernel) -> None:
    """The output is the choice as the spec writes it."""
    paused = await run_loop(kernel, spec({"choices": ["Red", "Blue"]}))
    assert paused.questions[0]["choices"] == ["Red", "Blue"]
    assert (await answered(kernel, paused, " blue ")).output == "Blue"


async def test_what_is_no_choice_fails_the_attempt(kernel: Kernel) -> None:
    """An answer beside the choices is an error that names them, and never an output."""
    paused = await run_loop(kernel, spec({"choices": ["Red", "Blue"]}))
    result = await answered(kernel, paused, "green")
    assert result.end.reason is EndReason.FAILED
    assert "'green' is none of the choices" in result.end.detail


async def test_an_answer_with_a_schema_is_data(kernel: Kernel) -> None:
    """With an output_schema the question carries it, and the answer is JSON data that its gate has checked."""
    paused = await run_loop(kernel, spec(output_schema=COLOUR))
    assert paused.questions[0]["schema"] == COLOUR
    assert (await answered(kernel, paused, '{"colour": "red"}')).output == {"colour": "red"}


async def test_a_schema_of_no_object_takes_json_all_the_same(kernel: Kernel) -> None:
    """A schema of a number is not asked for member by member; the answer is read as JSON."""
    paused = await run_loop(kernel, spec(output_schema={"type": "integer"}))
    assert "schema" not in paused.questions[0]
    assert (await answered(kernel, paused, "7")).output == 7


async def test_an_answer_that_is_not_json_fails_the_attempt(kernel: Kernel) -> None:
    """Text where data was asked for is an error that says so."""
    paused = await run_loop(kernel, spec(output_schema={"type": "integer"}))
    result = await answered(kernel, paused, "seven")
    assert result.end.reason is EndReason.FAILED
    assert "the answer is not JSON" in result.end.detail


async def test_a_declined_question_fails_the_step_without_a_retry(kernel: Kernel) -> None:
    """Declining ends the attempt with who declined and why, and nobody is asked again."""
    paused = await run_loop(kernel, spec())
    result = await answered(kernel, paused, "no time", approved=False)
    assert result.end.reason is EndReason.FAILED
    assert "the question of step 'paint' was declined by ann@home: no time" in result.end.detail
    assert not result.questions


async def test_a_refused_answer_is_asked_for_again_with_the_reason(kernel: Kernel) -> None:
    """A gate that fails has the person asked once more, in a new question that says why."""
    gate = {"name": "warm", "condition": "output == 'red'"}
    steps = {"name": "paint", "prompt_template": "Which colour?", "verification_gates": ["warm"]}
    role = {"name": "ann", "config": {"provider": "human"}}
    loop = loop_spec(steps, agents=[role], policy={"verification_gates": [gate]})
    again = await answered(kernel, await run_loop(kernel, loop), "blue")
    assert "attempt 2" in str(again.questions[0]["question"])
    assert "output == 'red'" in str(again.questions[0]["question"])
    assert (await answered(kernel, again, "red")).output == "red"


def test_a_loop_with_a_budget_in_dollars_may_have_people(kernel: Kernel, tmp_path: Path) -> None:
    """A person counts as free, so that a budget in US dollars can be held."""
    agent = kernel.get("agents", "human").bind(_role(), tmp_path)
    assert agent.free
    assert agent.missing() == []
    assert agent.plan() == "ask a person for a text"


def test_choices_and_a_schema_exclude_each_other(kernel: Kernel, tmp_path: Path) -> None:
    """Binding refuses an agent that has both, and unknown options are problems of the spec."""
    with pytest.raises(UsageError, match="choices and an output_schema"):
        kernel.get("agents", "human").bind(_role({"choices": ["a"]}, output_schema=COLOUR), tmp_path)
    (tmp_path / "loop.json").write_text(json.dumps(spec({"choises": ["a"]})))
    with pytest.raises(SpecError, match="the nearest is 'choices'"):
        kernel.load_spec(tmp_path / "loop.json")


def _role(extra: dict[str, Any] | None = None, **fields: Any) -> Any:
    config = {"provider": "human", "extra": extra or {}}
    return AgentRole.model_validate({"name": "ann", "config": config, **fields})
