"""A run that goes in circles is ended, and one that does other work each lap is not."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import ScriptedAgent, loop_spec, run_loop
from loopengt_hookspecs.gates import GateVerdict
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.engines import RunResult

    Work = Callable[[AgentRequest], Any]

TURNS = 12


def spec(*steps: Any, repeats: int = 2, gates: Any = (), **fields: Any) -> dict[str, Any]:
    """A repeating loop that may come to nothing new so many times, and take twelve turns at most."""
    policy = {
        "max_turns": TURNS,
        "no_progress": {"max_repeats": repeats},
        "verification_gates": list(gates),
        **fields.pop("policy", {}),
    }
    return loop_spec(*steps, **{"pattern": "repeat", "policy": policy, **fields})


async def run(
    lab: Any, work: Work | dict[str, Work], loop: dict[str, Any]
) -> tuple[RunResult, ScriptedAgent]:
    """Run a loop whose agent, or whose steps, do this."""
    agent = ScriptedAgent(steps=work) if isinstance(work, dict) else ScriptedAgent(agents={"worker": work})
    return await run_loop(lab.kernel(agents=agent), loop), agent


def stuck(result: RunResult) -> bool:
    """Whether the run ended for want of progress; else it must have used its turns up."""
    if result.end.reason is not EndReason.NO_PROGRESS:
        assert result.end.reason is EndReason.EXHAUSTED, result.end
    return result.end.reason is EndReason.NO_PROGRESS


# -- what is no progress -----------------------------------------------------------------------------------------


async def test_the_same_answer_again_and_again(lab: Any) -> None:
    """The run ends after so many repeats, exit code 3, and its end says which step, how often and what stayed."""
    result, agent = await run(lab, lambda _: "done", spec("work"))
    assert result.end == (
        EndReason.NO_PROGRESS,
        "step 'work' came to nothing new 3 times (max_repeats: 2): "
        "the workspace is as it was before, and so is the answer",
    )
    assert result.end.reason.exit_code == 3
    assert len(agent.requests) == 4


async def test_back_and_forth(lab: Any) -> None:
    """Going back and forth between two states is no progress, though each answer differs from the last."""
    result, agent = await run(lab, lambda request: f"answer {request.occurrence % 2}", spec("work"))
    assert stuck(result)
    assert len(agent.requests) == 5


async def test_other_words_while_a_look_at_the_workspace_fails(lab: Any) -> None:
    """While a command that looks at the workspace fails on the same files, other words are no progress."""
    gate = {"name": "tests", "kind": "command", "command": "echo 1 failed in 0.$(date +%N)s; exit 1"}
    step = {"name": "work", "verification_gates": ["tests"]}

    def work(request: AgentRequest) -> str:
        (request.workspace / "answer.txt").write_text("the same\n")
        return f"fixed for good this time, {request.occurrence}"

    result, agent = await run(lab, work, spec(step, gates=[gate]))
    assert stuck(result)
    assert "[tests]" in result.end.detail
    assert len(agent.requests) == 4


async def test_other_words_while_another_gate_fails_too(lab: Any) -> None:
    """A gate that looks at the answer may come to pass by other words: then the output counts."""
    gates = [
        {"name": "tests", "kind": "command", "command": "exit 1"},
        {"name": "long", "condition": "output|length > 1000"},
    ]
    step = {"name": "work", "verification_gates": ["tests", "long"]}
    result, _ = await run(lab, lambda request: "x" * request.occurrence, spec(step, gates=gates))
    assert not stuck(result)


async def test_empty_commits(lab: Any) -> None:
    """A commit without changes is no progress; the loop's own bookkeeping does not deceive."""
    git(lab, "init", "-q")
    step = {"name": "work", "verification_gates": ["tests"]}
    gate = {"name": "tests", "kind": "command", "command": "exit 1"}

    def work(request: AgentRequest) -> str:
        git(lab, "commit", "-q", "--allow-empty", "-m", f"progress {request.occurrence}")
        return f"committed {request.occurrence}"

    result, _ = await run(lab, work, spec(step, gates=[gate]))
    assert stuck(result)


async def test_failed_attempts_are_counted(lab: Any) -> None:
    """An agent that fails in the same way is ended within its retries, and the detail quotes its error."""
    policy = {"retry": {"initial_delay_seconds": 0, "max_retries": 9}}

    def work(request: AgentRequest) -> str:
        raise ConnectionError(f"no line after {request.attempt}.25 s, pid {request.attempt}")

    result, agent = await run(lab, work, spec("work", policy=policy, pattern="sequential"))
    assert stuck(result)
    assert "no line after 4.25 s" in result.end.detail
    assert len(agent.requests) == 4


async def test_attempts_that_a_gate_refuses_are_counted(lab: Any) -> None:
    """Retries within one turn count like laps."""
    policy = {"retry": {"initial_delay_seconds": 0, "max_retries": 9}}
    step = {"name": "work", "verification_gates": ["never"]}
    gate = {"name": "never", "condition": "output == 'never'"}
    loop = spec(step, gates=[gate], policy=policy, pattern="sequential")
    loop["policy"]["verification_gates"] = [gate]
    result, agent = await run(lab, lambda _: "done", loop)
    assert stuck(result)
    assert len(agent.requests) == 4
    progress = [event.data["new"] for event in await lab.events(result.run_id) if event.type == "progress"]
    assert progress == [True, False, False, False]


async def test_a_call_is_not_work(lab: Any) -> None:
    """Session ids, durations and costs in a coding agent's JSON message are about the call, not the work."""

    def work(request: AgentRequest) -> dict[str, Any]:
        n = request.occurrence
        usage = {"output_tokens": n}
        return {"type": "result", "result": "done", "session_id": f"s{n}", "duration_ms": n, "usage": usage}

    assert stuck((await run(lab, work, spec("work")))[0])
    result, _ = await run(lab, lambda request: {"duration_ms": request.occurrence}, spec("work"))
    assert not stuck(result), "what is no such message counts as it is"


# -- what is progress --------------------------------------------------------------------------------------------


def git(lab: Any, *arguments: str) -> None:
    """Run git in the project."""
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(lab.project), *names, *arguments], check=True, capture_output=True)


async def test_commits_made_inside_the_loop(lab: Any) -> None:
    """Work that is committed leaves nothing for `git diff`; it is seen all the same."""
    git(lab, "init", "-q")

    def work(request: AgentRequest) -> str:
        (lab.project / "log.txt").write_text(f"{request.occurrence}\n")
        git(lab, "add", "-A")
        git(lab, "commit", "-q", "-m", "work")
        return "done"

    assert not stuck((await run(lab, work, spec("work", repeats=1)))[0])


@pytest.mark.parametrize("repository", [True, False])
async def test_untracked_files_only(lab: Any, repository: bool) -> None:
    """New files that nobody has added are progress, in a repository and in a plain folder."""
    if repository:
        git(lab, "init", "-q")

    def work(request: AgentRequest) -> str:
        (request.workspace / f"new-{request.occurrence}.txt").write_text("")
        return "done"

    assert not stuck((await run(lab, work, spec("work", repeats=1)))[0])


async def test_other_outputs(lab: Any) -> None:
    """A loop that touches no file is judged by what it says."""
    result, _ = await run(lab, lambda request: {"found": request.occurrence}, spec("work", repeats=1))
    assert not stuck(result)


async def test_fewer_failures(lab: Any) -> None:
    """From "9 failed" to "8 failed" is progress, though the workspace looks the same."""
    step = {"name": "work", "verification_gates": ["tests"]}
    lap = "$(echo $LOOPENGT_IDEMPOTENCY_KEY | cut -d/ -f3)"
    gate = {"name": "tests", "kind": "command", "command": f"echo $((99 - {lap})) failed in 1.0s; exit 1"}
    assert not stuck((await run(lab, lambda _: "done", spec(step, repeats=1, gates=[gate])))[0])


async def test_a_planner_that_says_the_same_each_lap(lab: Any) -> None:
    """A step that repeats itself is not held against a loop in which another one does other work."""

    def write(request: AgentRequest) -> str:
        (request.workspace / "chapter.txt").write_text(f"part {request.occurrence}\n")
        return "written"

    work = {"plan": lambda _: "go on", "write": write, "check": lambda _: "fine"}
    result, _ = await run(lab, work, spec("plan", "write", "check", repeats=1))
    assert not stuck(result)


async def test_one_topic_with_other_work(lab: Any) -> None:
    """The same task thrice in a row is no circle when different things are done for it."""

    def work(request: AgentRequest) -> dict[str, str]:
        (request.workspace / "module.py").write_text(f"# edit {request.occurrence}\n")
        return {"topic": "task.start"}

    assert not stuck((await run(lab, work, spec("work", repeats=1)))[0])


async def test_a_good_attempt_that_ends_the_loop_is_not_cut_off(lab: Any) -> None:
    """The goal comes first: an attempt that repeats itself and passes ends the run as a success."""
    step = {"name": "work", "verification_gates": ["told"]}
    lab.gates.verdicts["told"] = ["no", "no", True]
    loop = spec(step, repeats=1, gates=[{"name": "told", "kind": "told"}])
    result, _ = await run(lab, lambda _: "done", loop)
    assert result.end.reason is EndReason.GOAL_MET
    stop = {"condition_type": "goal_met", "value": "run.turn == 3"}
    result, _ = await run(lab, lambda _: "done", spec("work", repeats=1, stop_conditions=[stop]))
    assert result.end.reason is EndReason.GOAL_MET


async def test_nothing_is_looked_at_unless_asked_for(lab: Any) -> None:
    """Without no_progress nothing is written about it, and a loop may repeat itself."""
    loop = loop_spec(pattern="repeat", policy={"max_turns": TURNS})
    result, _ = await run(lab, lambda _: "done", loop)
    assert result.end.reason is EndReason.EXHAUSTED
    assert "progress" not in await lab.types(result.run_id)


async def test_a_workspace_that_cannot_be_read(lab: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then answers and failures decide, and the event says so: a loop is not ended for what nobody could see."""
    monkeypatch.setenv("PATH", "/nonexistent")
    (lab.project / ".git").mkdir()
    step = {"name": "work", "verification_gates": ["told"]}
    verdict = GateVerdict(False, "no")
    lab.gates.verdicts["told"] = [verdict] * TURNS
    loop = spec(step, repeats=1, gates=[{"name": "told", "kind": "told"}])
    result, _ = await run(lab, lambda request: request.occurrence, loop)
    assert not stuck(result)
    lab.gates.verdicts["told"] = [verdict] * TURNS
    assert stuck((await run(lab, lambda _: "done", loop))[0])
