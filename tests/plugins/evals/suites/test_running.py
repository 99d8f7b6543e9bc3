"""Trials as real runs: what each gets, what counts as a success, and when no further one is begun."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import hookimpl
from loopengt.errors import LoopengtError, SpecError, UsageError
from loopengt.journal import read_events
from loopengt.testing import loop_spec
from loopengt_evals.suites.analysis import analyse
from loopengt_evals.suites.planning import Choice
from loopengt_evals.suites.record import Record, records_folder
from loopengt_evals.suites.session import read_evaluation
from loopengt_hookspecs.agents import AgentError, AgentReply, MissingRequirement
from loopengt_hookspecs.judges import JudgeVerdict

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.models import Event


class Moody:
    """A judge that does what it is told, and counts how often it is asked."""

    options = None
    asks = False

    def __init__(self) -> None:
        self.asked = 0
        self.does: Any = lambda request: JudgeVerdict(1.0, "fine")

    def bind(self, spec: Any, project: Path) -> Moody:
        return self

    def plan(self) -> str:
        return "a mood"

    def missing(self) -> list[MissingRequirement]:
        return []

    async def judge(self, request: Any) -> JudgeVerdict:
        self.asked += 1
        return self.does(request)  # type: ignore[no-any-return]  # what the test says


@pytest.fixture
def moody(studio: Any) -> Moody:
    """The judge, registered in the studio."""
    judge = Moody()

    @hookimpl
    def loopengt_register_judges(register: Any) -> None:
        register("moody", judge, summary="Given by the test")

    studio.plugins.append(("moody", SimpleNamespace(loopengt_register_judges=loopengt_register_judges)))
    return judge


def events(studio: Any, run_id: str) -> list[Event]:
    """Return the events of a run."""

    async def read() -> list[Event]:
        kernel = studio.kernel()
        async with kernel.storage() as storage:
            return [event async for batch in read_events(storage, run_id) for event in batch]

    return asyncio.run(read())


def state(result: Any) -> dict[str, list[bool | None]]:
    """Return what is known of each trial, by case."""
    return {case.id: [trial.passed for trial in case.trials] for case in result.cases}


def test_every_trial_is_a_run_of_its_own(studio: Any) -> None:
    """Each trial gets its inputs, has a journal with the verdict, and is named in the record before it begins."""
    studio.suite(repeat=2)
    studio.answer = lambda request: "yes" if request.context["q"] == 1 else "no"
    result = studio.run()
    assert state(result) == {"one": [True, True], "two": [False, False]}
    record = Record.read(records_folder(studio.project / ".loopengt") / f"{result.evaluation}.jsonl")
    assert len(set(record.runs.values())) == 4
    for trial in result.trials:
        assert record.runs[trial.case, trial.number] == trial.run_id
        scores = [event.data for event in events(studio, trial.run_id) if event.type == "judge.score"]
        assert [(each["judge"], each["evaluation"]) for each in scores] == [("exact", result.evaluation)]
    assert not list((studio.project / ".loopengt" / "workspaces").iterdir())


def test_a_recorded_evaluation_is_what_its_journals_say(studio: Any) -> None:
    """Reading it later gives what running it gave; nothing else was kept."""
    studio.suite(repeat=2)
    studio.answer = lambda request: "yes" if request.context["q"] == 1 else "no"
    ran = studio.run()
    read = asyncio.run(read_evaluation(studio.kernel(), ran.evaluation))
    assert read.trials == ran.trials
    assert analyse(read) == analyse(ran)


def test_trials_work_on_copies_with_the_files_of_their_case(studio: Any) -> None:
    """A trial sees the project and its case's files, writes to neither, and never sees what is expected."""
    studio.write("shared.txt", "of the project")
    studio.write("want/a.txt", "yes")
    studio.write("fixtures/b.txt", "from a file")
    seen: dict[int, dict[str, str]] = {}

    def answer(request: Any) -> str:
        files = {
            str(path.relative_to(request.workspace)): path.read_text()
            for path in request.workspace.rglob("*")
            if path.is_file() and ".git" not in path.parts
        }
        seen[request.context["q"]] = files
        (request.workspace / "shared.txt").write_text("changed")
        return "yes"

    studio.answer = answer
    cases = [
        {
            "id": "one",
            "inputs": {"q": 1},
            "expected_file": "want/a.txt",
            "files": {"d/n.txt": "new", "shared.txt": "own"},
        },
        {"id": "two", "inputs": {"q": 2}, "expected": "yes", "files": {"b.txt": {"from": "fixtures/b.txt"}}},
    ]
    result = studio.run(studio.suite(cases=cases, isolation="copy"))
    assert state(result) == {"one": [True], "two": [True]}, [trial.why for trial in result.trials]
    assert (seen[1]["d/n.txt"], seen[1]["shared.txt"]) == ("new", "own")
    assert (seen[2]["b.txt"], seen[2]["shared.txt"]) == ("from a file", "of the project")
    for files in seen.values():
        assert {"loop.yaml", "fixtures/b.txt"} <= set(files)
        assert not {"evals.yaml", "want/a.txt"} & set(files)
    assert (studio.project / "shared.txt").read_text() == "of the project"


def test_a_link_in_the_project_leads_no_file_out(studio: Any) -> None:
    """A case's file below a folder that is a link out of the project is not written; its trial has no verdict."""
    outside = studio.project.parent / "outside"
    outside.mkdir()
    (studio.project / "link").symlink_to(outside)
    cases = [{"id": "one", "inputs": {"q": 1}, "expected": "yes", "files": {"link/x.txt": "x"}}]
    result = studio.run(studio.suite(cases=cases, isolation="copy"))
    assert "would not lie in the workspace" in result.trials[0].error
    assert not list(outside.iterdir())
    assert not list((studio.project / ".loopengt" / "workspaces").iterdir())


def test_runs_that_miss_their_goal_are_no_success(studio: Any) -> None:
    """A trial whose run ends otherwise is a failure, whatever its judge says of its output."""
    studio.agent.script("more", "a", "b")
    gate = {"name": "never", "condition": "output == 'never'", "on_failure": "abort"}
    spec = loop_spec(
        "work", {"name": "more", "verification_gates": ["never"]}, policy={"verification_gates": [gate]}
    )
    studio.write("loop.yaml", json.dumps(spec))
    result = studio.run(studio.suite())
    assert state(result) == {"one": [False], "two": [False]}
    assert result.trials[0].reason == "blocked"
    assert result.trials[0].verdicts["exact"].passed


def test_the_suite_can_say_what_passes(studio: Any) -> None:
    """``passes`` sees the run, judges, metrics, output and what is expected, and one without a value is an error."""
    studio.answer = lambda request: "maybe"
    rule = "run.status == 'completed' and judges.exact.score < 1 and metrics.total_turns == 1 and output != expected"
    assert state(studio.run(studio.suite(passes=rule))) == {"one": [True], "two": [True]}
    result = studio.run(studio.suite(passes="judges.nobody.score > 0"))
    assert state(result) == {"one": [None], "two": [None]}
    assert "'passes' has no value" in result.trials[0].error


def test_a_judge_without_a_verdict_is_an_error_and_no_score(studio: Any, moody: Moody) -> None:
    """Its trials count as neither; going on asks it again, and neither the run nor another judge is paid twice."""

    def fails(request: Any) -> JudgeVerdict:
        raise RuntimeError("out of sorts")

    moody.does = fails
    studio.suite(judges=["exact", "moody"])
    result = studio.run()
    assert state(result) == {"one": [None], "two": [None]}
    assert "out of sorts" in result.trials[0].error
    found = analyse(result)
    assert (found.errors, found.judged, found.success) == (2, 0, None)
    moody.does = lambda request: JudgeVerdict(0.9, "better")
    again = studio.run(resume=result.evaluation)
    assert state(again) == {"one": [True], "two": [True]}
    assert len(studio.asked) == 2
    assert moody.asked == 4
    kinds = [
        event.data["judge"] for event in events(studio, again.trials[0].run_id) if event.type == "judge.score"
    ]
    assert sorted(kinds) == ["exact", "moody"]


@pytest.mark.parametrize("score", [float("nan"), 1.2, -0.1, "0.9", None])
def test_nonsense_is_no_verdict(studio: Any, moody: Moody, score: Any) -> None:
    """A judge that gives no number from 0 to 1 has given no verdict."""
    moody.does = lambda request: JudgeVerdict(score)
    result = studio.run(studio.suite(judges=["moody"]))
    assert state(result) == {"one": [None], "two": [None]}


def test_what_is_over_is_not_run_again(studio: Any) -> None:
    """Going on with an evaluation that is whole runs and asks nothing."""
    studio.suite(repeat=2)
    result = studio.run()
    again = studio.run(resume="latest")
    assert len(studio.asked) == 4
    assert again.trials == result.trials


def test_a_run_that_lacks_something_is_mended_by_going_on(studio: Any) -> None:
    """A missing key is no failure of the loop: the trial has no verdict, and its run goes on later."""

    def lacks(request: Any) -> Any:
        raise MissingRequirement("there is no key", remedy="export KEY=…")

    studio.answer = lacks
    result = studio.run(studio.suite())
    assert state(result) == {"one": [None], "two": [None]}
    assert "lacks something" in result.trials[0].error
    studio.answer = lambda request: "yes"
    again = studio.run(resume=result.evaluation)
    assert state(again) == {"one": [True], "two": [True]}
    assert [trial.run_id for trial in again.trials] == [trial.run_id for trial in result.trials]


def test_agents_that_fail_are_failures(studio: Any) -> None:
    """An agent that gives up has failed: that is what is measured."""

    def fails(request: Any) -> Any:
        raise AgentError("too hard")

    studio.answer = fails
    result = studio.run(studio.suite())
    assert state(result) == {"one": [False], "two": [False]}
    assert "too hard" in result.trials[0].why


def test_errors_in_a_row_end_it(studio: Any) -> None:
    """When trial after trial has no verdict, no more are paid for."""

    def lacks(request: Any) -> Any:
        raise MissingRequirement("there is no key")

    studio.answer = lacks
    cases = [{"id": f"c{n}", "inputs": {"q": n}, "expected": "yes"} for n in range(50)]
    result = studio.run(studio.suite(cases=cases), concurrency=2)
    assert "trials in a row have no verdict" in result.stopped
    assert len(studio.asked) < 10


def test_the_budget_of_the_suite_ends_it(studio: Any) -> None:
    """No trial is begun once all have cost so much; what is missing can be run later, with a larger budget."""
    studio.answer = lambda request: AgentReply(
        "yes", cost_usd=0.25, cost_source="reported", token_usage={"prompt": 10}
    )
    studio.suite(repeat=5, budget={"max_cost_usd": 1.0})
    result = studio.run(concurrency=1)
    assert len(studio.asked) == 4
    assert "its budget is $1" in result.stopped
    assert analyse(result).open == 6
    studio.suite(repeat=5, budget={"max_tokens": 70})
    again = studio.run(resume="latest", concurrency=1)
    assert len(studio.asked) == 7
    assert "its budget is 70" in again.stopped
    studio.suite(repeat=5)
    whole = studio.run(resume="latest")
    assert len(studio.asked) == 10
    assert analyse(whole).cost_usd == pytest.approx(2.5)


def test_fail_fast_begins_no_trial_after_a_failure(studio: Any) -> None:
    """With fail_fast the first trial that is no success is the last."""
    studio.answer = lambda request: "no"
    result = studio.run(studio.suite(repeat=5), fail_fast=True, concurrency=1)
    assert len(studio.asked) == 1
    assert "no success" in result.stopped


def test_a_run_that_takes_too_long_is_no_success(studio: Any) -> None:
    """The suite's timeout is a limit of each run, and its journal says so."""

    async def hangs(request: Any) -> str:
        await asyncio.sleep(60)
        return "yes"

    studio.answer = hangs
    result = studio.run(studio.suite(timeout_seconds=0.2))
    assert state(result) == {"one": [False], "two": [False]}
    assert result.trials[0].reason == "exhausted"


def test_trials_run_at_once_and_no_more_than_asked(studio: Any) -> None:
    """With concurrency 3 there are three trials under way at the most, and at some time."""
    now = most = 0

    async def answer(request: Any) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        return "yes"

    studio.answer = answer
    studio.run(studio.suite(repeat=6), concurrency=3)
    assert most == 3


def test_cases_can_be_chosen(studio: Any) -> None:
    """By id, pattern and tag, and the first few; a name that fits nothing is refused with the nearest."""
    cases = [
        {"id": f"math-{n}", "inputs": {"q": n}, "expected": "yes", "tags": ["even"] if n % 2 == 0 else []}
        for n in range(6)
    ]
    studio.suite(cases=cases)

    def chosen(**choice: Any) -> list[str]:
        return [case.id for case in studio.run(choice=Choice(**choice)).cases]

    assert chosen(cases=["math-1", "math-[45]"]) == ["math-1", "math-4", "math-5"]
    assert chosen(tags=["even"], limit=2) == ["math-0", "math-2"]
    with pytest.raises(UsageError, match="no case is called 'math-x'"):
        chosen(cases=["math-x"])
    with pytest.raises(UsageError, match="no case has been chosen"):
        chosen(tags=["odd"])


def test_what_cannot_be_run_is_refused_before_anything_is_paid_for(studio: Any, moody: Moody) -> None:
    """Unknown judges, metrics, figures and inputs, and what a judge lacks, are said before the first run."""
    for fields, said in (
        ({"judges": ["exat"]}, "exat"),
        ({"metrics": ["token"]}, "the nearest is 'tokens'"),
        ({"thresholds": {"sucess_rate": 1}}, "the nearest is 'success_rate'"),
        ({"judges": [{"kind": "exact", "options": {"nope": 1}}]}, "nope"),
        ({"loop": "gone.yaml"}, "no such file"),
    ):
        with pytest.raises(SpecError, match=said):
            studio.run(studio.suite(**fields))
    studio.write("loop.yaml", json.dumps(loop_spec({"name": "work", "prompt_template": "{q} {other}"})))
    with pytest.raises(SpecError, match="other"):
        studio.run(studio.suite())
    studio.loop()
    moody.missing = lambda: [MissingRequirement("no key for the judge")]  # type: ignore[method-assign]
    with pytest.raises(LoopengtError, match="no key for the judge"):
        studio.run(studio.suite(judges=["moody"]))
    assert not studio.asked
    assert not list((studio.project / ".loopengt").glob("evals/*"))


def test_only_what_was_begun_can_be_gone_on_with(studio: Any) -> None:
    """A suite or a loop that has changed since, an unknown id, and a damaged record are refused."""
    result = studio.run(studio.suite(repeat=1))
    path = records_folder(studio.project / ".loopengt") / f"{result.evaluation}.jsonl"
    with pytest.raises(UsageError, match="is not what the evaluation"):
        studio.run(studio.suite(judges=[]), resume="latest")
    studio.suite()
    studio.loop(goal="Another.")
    with pytest.raises(UsageError, match="has changed since"):
        studio.run(resume="latest")
    studio.loop()
    with pytest.raises(UsageError, match="there is no evaluation 'eval-x'"):
        studio.run(resume="eval-x")
    text = path.read_text()
    path.write_text(text + '{"case": "two", "tri')
    studio.run(resume="latest")
    assert path.read_text() == text
    path.write_text("{}\n")
    with pytest.raises(UsageError, match="format None"):
        studio.run(resume="latest")
    path.write_text("nonsense\n")
    with pytest.raises(UsageError, match="is damaged"):
        studio.run(resume="latest")


def test_two_do_not_go_on_with_the_same_evaluation(studio: Any) -> None:
    """While one goes on with an evaluation, another is refused."""
    result = studio.run(studio.suite())
    held = Record.resume(records_folder(studio.project / ".loopengt") / f"{result.evaluation}.jsonl")
    try:
        with pytest.raises(UsageError, match="another process goes on"):
            studio.run(resume="latest")
    finally:
        held.close()
    studio.run(resume="latest")


def test_a_trial_whose_run_was_deleted_is_run_again(studio: Any) -> None:
    """A run that is gone, or never came to be, is begun anew; under another id where a crash has left its folder."""
    result = studio.run(studio.suite())
    gone = result.trials[0].run_id

    async def delete() -> None:
        async with studio.kernel().storage() as storage:
            await storage.delete(await storage.claim(gone, "test", 10))

    asyncio.run(delete())
    again = studio.run(resume="latest")
    assert len(studio.asked) == 3
    assert again.trials[0].run_id == gone
    assert state(again) == {"one": [True], "two": [True]}
    asyncio.run(delete())
    (studio.project / ".loopengt" / "workspaces" / gone).mkdir()
    once_more = studio.run(resume="latest")
    assert once_more.trials[0].run_id == f"{gone}-again1"
    assert state(once_more) == {"one": [True], "two": [True]}


def test_a_judge_can_look_into_the_workspace(studio: Any, moody: Moody) -> None:
    """Judges are asked while the files of the trial are there; afterwards they are removed, unless they are kept."""

    def answer(request: Any) -> str:
        (request.workspace / "made.txt").write_text("made")
        return "yes"

    studio.answer = answer
    moody.does = lambda request: JudgeVerdict(float((request.workspace / "made.txt").read_text() == "made"))
    studio.suite(judges=["moody"])
    assert state(studio.run()) == {"one": [True], "two": [True]}
    workspaces = studio.project / ".loopengt" / "workspaces"
    assert not list(workspaces.iterdir())
    kept = studio.run(keep=True)
    assert sorted(path.name for path in workspaces.iterdir()) == sorted(trial.run_id for trial in kept.trials)
