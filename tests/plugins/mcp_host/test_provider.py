"""The provider ``host``: which loops it is fit for, and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from loopengt import Kernel, SpecError, UsageError
from loopengt.approvals import Answer, decide
from loopengt.testing import make_kernel, resume_loop, run_loop
from loopengt_hookspecs.models import EndReason, LoopSpec

from .kit import COLOUR, host_loop

if TYPE_CHECKING:
    from pathlib import Path

TOOL: dict[str, Any] = {"name": "read_file", "description": "Read", "tool_type": "builtin"}


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    """A kernel whose runs outlive each call."""
    return make_kernel(tmp_path, storage="sqlite")


def check(kernel: Kernel, loop: dict[str, Any]) -> None:
    """Hold a loop against what the engine can do."""
    kernel.engine().check(LoopSpec.model_validate(loop))


def test_a_budget_in_dollars_takes_it(kernel: Kernel) -> None:
    """It counts as free, so a loop with such a budget is not refused."""
    check(kernel, host_loop(policy={"budget": {"max_cost_usd": 1.0}}))


def test_what_it_cannot_do_is_refused(kernel: Kernel) -> None:
    """Tools of the loop and sessions are refused, since it would use neither."""
    with pytest.raises(UsageError, match="tools"):
        check(kernel, host_loop({"name": "a", "tools": ["read_file"]}, tools=[TOOL]))
    with pytest.raises(UsageError, match="session"):
        check(kernel, host_loop({"name": "a", "session": "continue"}))


async def test_unknown_options_are_refused(kernel: Kernel) -> None:
    """A misspelt option is an error that names it."""
    with pytest.raises(SpecError, match="sampled"):
        await run_loop(kernel, host_loop(extra={"sampled": True}))


async def test_the_question_is_marked_as_the_host_s(kernel: Kernel) -> None:
    """The run pauses with a question for a model, which holds what a server needs and nothing that was not said."""
    loop = host_loop(system_prompt="Be kind.", output_schema=COLOUR, config={"max_tokens": 99})
    paused = await run_loop(kernel, loop)
    assert paused.end.reason is EndReason.APPROVAL_REQUIRED
    (question,) = paused.questions
    assert (question["kind"], question["audience"], question["schema"]) == ("input", "host", COLOUR)
    details = {"loop": "demo", "sampling": True, "system": "Be kind.", "max_tokens": 99}
    assert question["details"] == details
    async with kernel.storage() as storage:
        await decide(storage, paused.run_id, question["id"], Answer(True, "ann", '{"colour": "red"}'))
        result = await resume_loop(kernel, paused.run_id)
    assert (result.output, result.tokens, result.cost_usd) == ({"colour": "red"}, 0, 0.0)


async def test_an_answer_that_is_no_json_fails_the_attempt(kernel: Kernel) -> None:
    """What gets past the server unchecked is no output either."""
    paused = await run_loop(kernel, host_loop(output_schema=COLOUR))
    async with kernel.storage() as storage:
        await decide(storage, paused.run_id, paused.questions[0]["id"], Answer(True, "ann", "red"))
        result = await resume_loop(kernel, paused.run_id)
    assert result.end.reason is EndReason.FAILED
    assert "the answer is not JSON" in result.end.detail
