"""The templates that change code, run from end to end: real gates, and agents that write files by a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import TemplateBench

CHECK = "grep -q right app/code.txt"


@pytest.fixture
def code(bench: TemplateBench) -> TemplateBench:
    """A project whose code is wrong, with a test that must stay."""
    bench.write("app/code.txt", "wrong\n")
    bench.write("tests/test.txt", "as it was\n")
    return bench


async def test_planner_executor_does_each_task_and_finishes(code: TemplateBench, agent_writes: Any) -> None:
    """A plan with too many tasks is sent back, each task is one turn, and the check decides on the end."""
    task = {"title": "Mend it", "instructions": "In app/code.txt."}
    code.agent.script(
        "plan", {"tasks": [task] * 3}, {"tasks": [task, {"title": "Tell", "instructions": "README."}]}
    )
    code.agent.script("execute[0]", "Looked.")
    code.agent.script("execute[1]", agent_writes({"README": "It is told.\n"}))
    code.agent.script("finish", "Nothing to do.", agent_writes({"app/code.txt": "right\n"}))
    result = await code.run("planner_executor", goal="Be right", check_command=CHECK, max_tasks=2)
    assert result.end.reason == "goal_met", result.end
    assert "In app/code.txt." in code.shown("execute[0]")[0] and "README." in code.shown("execute[1]")[0]
    assert "grep -q right" in code.shown("finish")[1]


async def test_planner_executor_is_blocked_while_the_check_fails(
    code: TemplateBench, agent_writes: Any
) -> None:
    """No number of attempts that leave the check red is a success."""
    code.agent.script("plan", {"tasks": [{"title": "Mend it", "instructions": "In app/code.txt."}]})
    code.agent.script("execute[0]", "Done.")
    code.agent.script("finish", *[agent_writes({"note": f"{number}\n"}) for number in range(5)])
    result = await code.run("planner_executor", goal="Be right", check_command=CHECK)
    assert result.end.reason == "blocked", result.end


def decision(step: str, done: bool = False) -> dict[str, Any]:
    """What a supervisor answers."""
    return {"reasoning": "So.", "next_step": step, "instructions": f"do {step} now", "done": done}


async def test_supervisor_workers_are_sent_until_all_is_done(code: TemplateBench, agent_writes: Any) -> None:
    """Each worker hears its instructions, and done counts only after the tests and the report."""
    steps = ("research", "implement", "test")
    code.agent.script("supervise", *map(decision, steps), decision("", done=True), decision("aggregate"))
    code.agent.script("supervise", decision("", done=True))
    code.agent.script("research", "It is wrong in app/code.txt.")
    code.agent.script("implement", agent_writes({"app/code.txt": "right\n"}))
    code.agent.script("test", "All is tested.")
    code.agent.script("aggregate", agent_writes({"REPORT.md": "It is right.\n"}))
    result = await code.run("supervisor_workers", goal="Be right", test_command=CHECK)
    assert result.end.reason == "goal_met", result.end
    assert "do implement now" in code.shown("implement")[0]
    assert "It is wrong in app/code.txt." in code.shown("supervise")[1]
    assert (result.workspace / "REPORT.md").exists()


async def test_supervisor_workers_do_not_end_by_word_alone(code: TemplateBench) -> None:
    """A supervisor who says done before anything was tested blocks the run."""
    code.agent.script("supervise", *[decision("", done=True)] * 5)
    result = await code.run("supervisor_workers", goal="Be right", test_command=CHECK)
    assert result.end.reason == "blocked", result.end


async def test_ralph_works_through_the_plan(code: TemplateBench, agent_writes: Any) -> None:
    """The first lap writes the plan, each further one does an item, and the last open one ends the run."""
    made = agent_writes({"PLAN.md": "- [ ] mend the code\n- [ ] tell of it\n"})
    half = agent_writes({"PLAN.md": "- [x] mend the code\n- [ ] tell of it\n", "app/code.txt": "right\n"})
    whole = agent_writes({"PLAN.md": "- [x] mend the code\n- [x] tell of it\n"})
    code.agent.script("work", made, half, whole)
    result = await code.run("ralph", goal="Be right", check_command=CHECK)
    assert result.end.reason == "goal_met", result.end
    first, second, third = code.shown("work")
    assert "there is no plan" not in first
    assert "2:- [ ] tell of it" in third and "1:- [ ] mend the code" in second


async def test_ralph_keeps_the_items_of_the_plan(code: TemplateBench, agent_writes: Any) -> None:
    """An agent that takes out the open items is told to put them back, and never reaches the goal that way."""
    code.write("PLAN.md", "- [x] first\n- [ ] second\n- [ ] third\n")
    code.write("app/code.txt", "right\n")
    code.agent.script("work", *[agent_writes({"PLAN.md": "- [x] first\n"})] * 5)
    result = await code.run("ralph", goal="Be right", check_command=CHECK)
    assert result.end.reason == "no_progress", result.end
    assert "the plan had 3 items and has 1 now" in code.shown("work")[1]


async def test_fix_ci_mends_the_cause(code: TemplateBench, agent_writes: Any) -> None:
    """The agent sees what the command says, a change of the tests is refused, and the second lap is good."""
    command = "cat tests/test.txt; grep right app/code.txt || { echo 'code.txt is not right' >&2; exit 3; }"
    wrong = {"tests/test.txt": "weakened\n", "app/code.txt": "right\n"}
    code.agent.script("mend", agent_writes(wrong), agent_writes({"tests/test.txt": "as it was\n"}))
    result = await code.run("fix_ci", ci_command=command, hint="see {log}")
    assert result.end.reason == "goal_met", result.end
    first, second = code.shown("mend")
    assert "code.txt is not right" in first and "see {log}" in first
    assert "weakened" in second


async def test_fix_ci_is_exhausted_after_its_laps(code: TemplateBench, agent_writes: Any) -> None:
    """``max_laps`` bounds the laps of the agent, and is named as the reason of the end."""
    code.agent.script("mend", *[agent_writes({"app/code.txt": f"wrong {number}\n"}) for number in range(9)])
    result = await code.run("fix_ci", ci_command="cat app/code.txt; exit 1", max_laps=2)
    assert result.end.reason == "exhausted", result.end
    assert len(code.shown("mend")) == 2


async def test_what_must_stay_cannot_be_compared_in_place(code: TemplateBench, agent_writes: Any) -> None:
    """Without a workspace of its own the gate on the tests fails, and never passes unchecked."""
    code.agent.script("mend", *[agent_writes({"app/code.txt": f"right {number}\n"}) for number in range(2)])
    result = await code.run("fix_ci", in_place=True, ci_command=CHECK, max_laps=1)
    assert result.end.reason == "exhausted", result.end


async def test_docs_sync_mends_until_nothing_is_found(code: TemplateBench, agent_writes: Any) -> None:
    """A dead link is a finding that no reviewer can pass over, and documentation in order ends the run."""
    code.write("docs/index.md", "It is wrong, see [more](more.md).\n")
    finding = {"file": "docs/index.md", "says": "wrong", "is": "right"}
    passed = {"findings": [], "passed": True}
    code.agent.script("compare", passed, {"findings": [finding], "passed": False}, passed)
    code.agent.script(
        "mend", agent_writes({"docs/index.md": "It is right, see [it](../app/code.txt#top).\n"})
    )
    result = await code.run("docs_sync", source="app", check_command="true")
    assert result.end.reason == "goal_met", result.end
    assert "more.md leads nowhere" in code.shown("compare")[0]
    assert "leads nowhere" not in code.shown("compare")[2]


async def test_docs_sync_leaves_the_code_alone(code: TemplateBench, agent_writes: Any) -> None:
    """A writer who fits the code to the documentation blocks the run."""
    code.write("docs/index.md", "It is right.\n")
    finding = {"file": "docs/index.md", "says": "right", "is": "wrong"}
    code.agent.script("compare", {"findings": [finding], "passed": False})
    code.agent.script("mend", *[agent_writes({"app/code.txt": f"right {number}\n"}) for number in range(4)])
    result = await code.run("docs_sync", source="app", check_command="true")
    assert result.end.reason == "blocked", result.end
