"""Fields of a spec that no other test shows at work from end to end: with real programs as agents and gates."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import hookimpl
from loopengt.errors import SpecError, UsageError
from loopengt.testing import RecordingObserver, ScriptedAgent, loop_spec, make_kernel, run_loop_sync
from loopengt_hookspecs.models import End, EndReason

if TYPE_CHECKING:
    from loopengt_hookspecs.engines import RunResult

LOUD = {"name": "loud", "kind": "command", "command": "echo 3 passed in 0.10s"}
"""A gate whose program claims that three tests have passed."""


def agent(script: str, **fields: Any) -> dict[str, Any]:
    """Describe an agent that is a shell script."""
    return {"name": "worker", "config": {"provider": "command", "extra": {"command": script}}, **fields}


def gated(gate: dict[str, Any], script: str = "echo done", **policy: Any) -> dict[str, Any]:
    """Write a loop with one step and one gate, without retries."""
    return loop_spec(
        {"name": "work", "verification_gates": [gate["name"]]},
        agents=[agent(script)],
        policy={"verification_gates": [gate], "retry": {"max_retries": 0}, **policy},
    )


def run(project: Path, spec: dict[str, Any], **options: Any) -> RunResult:
    """Run a loop in a project."""
    return run_loop_sync(make_kernel(project, **options), spec)


# -- gates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({}, "goal_met", ""),
        ({"command": ["false"]}, "blocked", "exit code 1"),
        ({"min_tests": 3}, "goal_met", ""),
        ({"min_tests": 4}, "blocked", "only 3 tests ran"),
        ({"output_pattern": r"^\d passed"}, "goal_met", ""),
        ({"output_pattern": "^ passed"}, "blocked", "does not match"),
        ({"command": "sleep 30", "timeout_seconds": 0.2}, "blocked", "took more than 0.2 seconds"),
    ],
)
def test_a_command_gate(tmp_path: Path, fields: dict[str, Any], reason: str, words: str) -> None:
    """Exit code, number of tests, output and time decide, each by itself, and the end says which."""
    began = time.monotonic()
    seen = RecordingObserver()
    result = run_loop_sync(make_kernel(tmp_path), gated({**LOUD, **fields}), observers=[seen])
    assert result.end.reason == reason
    verdicts = [event.data for event in seen.events if event.event_type.family == "gate"]
    assert len(verdicts) == 1
    assert words in verdicts[0].get("feedback", "")
    assert time.monotonic() - began < 15


@pytest.mark.parametrize(
    ("gate", "good"),
    [
        ({"kind": "expression", "condition": "output.score > 3"}, '{"score": 4}'),
        ({"kind": "schema", "schema": {"required": ["score"]}}, '{"score": 0}'),
        ({"kind": "command", "command": "test -f proof"}, "made"),
    ],
    ids=["expression", "schema", "command"],
)
@pytest.mark.parametrize("on_failure", ["retry", "abort", "continue"])
def test_each_kind_of_gate_with_each_on_failure(
    tmp_path: Path, gate: dict[str, Any], good: str, on_failure: str
) -> None:
    """What is good at the second attempt passes with retry only; abort and continue let nothing bad pass."""
    script = f"""
        if [ "$LOOPENGT_ATTEMPT" = 2 ]; then echo '{good}'; touch proof; else echo '{{"said": 1}}'; fi
    """
    spec = gated({"name": "fine", "on_failure": on_failure, **gate}, script, retry={"max_retries": 1})
    spec["steps"].append({"name": "after", "agent": "worker", "prompt_template": "go on"})
    result = run(tmp_path, spec)
    assert result.end.reason == ("goal_met" if on_failure == "retry" else "blocked")
    assert (result.snapshot().step_states["after"].attempts > 0) == (on_failure != "abort")


@pytest.mark.parametrize(
    ("gate", "key"),
    [
        ({"condition": "true", "min_tests": 3}, "min_tests"),
        ({"condition": "true", "schema": {"const": 1}}, "schema"),
        ({"condition": "true", "threshold": 0.9}, "threshold"),
        ({"kind": "command", "command": ["true"], "condition": "false"}, "condition"),
        ({"kind": "schema", "schema": {"type": "string"}, "output_pattern": "x"}, "output_pattern"),
        ({"kind": "approval", "command": ["false"]}, "command"),
        ({"kind": "command", "command": ["true"], "on_timeout": "approve"}, "on_timeout"),
        ({"kind": "command", "command": ["true"], "judge": "quality"}, "judge"),
        ({"kind": "judge", "judge": "quality", "condition": "true"}, "condition"),
    ],
)
def test_what_a_kind_of_gate_does_not_read_is_refused(tmp_path: Path, gate: dict[str, Any], key: str) -> None:
    """A check that nobody would make is not left out in silence."""
    with pytest.raises(UsageError, match=f"{key} of gate 'odd'"):
        run(tmp_path, gated({"name": "odd", **gate}))
    assert not list(tmp_path.iterdir())


def test_an_unknown_judge_or_kind_of_gate_is_refused(tmp_path: Path) -> None:
    """A kind of gate, or a judge, that no plugin provides is an error of the spec, with its place."""
    with pytest.raises(UsageError, match="unknown gate kind 'jugde'"):
        run(tmp_path, gated({"name": "good", "kind": "jugde", "judge": "quality"}))
    with pytest.raises(UsageError, match="unknown judge 'qualty'"):
        run(tmp_path, gated({"name": "good", "kind": "judge", "judge": "qualty", "threshold": 0.8}))


def test_nobody_can_talk_a_failed_gate_away(tmp_path: Path) -> None:
    """Neither a stop condition of a plugin nor a supervisor with nothing left to do makes a success of it."""
    kind = SimpleNamespace(bind=lambda condition, spec: SimpleNamespace(check=enough))

    def enough(progress: Any) -> End | None:
        return End(EndReason.GOAL_MET, "enough") if progress.turn else None

    @hookimpl
    def loopengt_register_stop_conditions(register: Any) -> None:
        register("enough", kind, summary="After the first turn")

    plugin = SimpleNamespace(loopengt_register_stop_conditions=loopengt_register_stop_conditions)
    gates = [{"name": "never", "condition": "false", "on_failure": "continue"}]
    spec = loop_spec(
        {"name": "work", "verification_gates": ["never"]},
        "more",
        agents=[agent("""echo '{"done": true}'""")],
        policy={"verification_gates": gates},
    )
    stopped = run(
        tmp_path, spec | {"stop_conditions": [{"condition_type": "enough"}]}, plugins=[("enough", plugin)]
    )
    assert (stopped.end.reason, stopped.snapshot().turn) == ("blocked", 1)
    supervised = run(tmp_path, spec | {"pattern": "supervisor_worker"})
    assert (supervised.end.reason, supervised.snapshot().turn) == ("blocked", 1)


def test_nothing_to_do_is_held_against_the_output_schema(tmp_path: Path) -> None:
    """A supervisor that is done at once has still given the loop's output."""
    spec = loop_spec(
        "lead",
        "work",
        pattern="supervisor_worker",
        agents=[agent("""echo '{"done": true}'""")],
        output_schema={"required_fields": ["report"]},
    )
    result = run(tmp_path, spec)
    assert result.end.reason == "blocked"
    assert "report" in result.end.detail


# -- concurrency --------------------------------------------------------------------------------------------------

MARKED = "echo + >> log; sleep 0.1; echo - >> log; echo done"
"""An agent that leaves a mark when it begins and when it ends."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({"pattern": "sequential"}, 1),
        ({"pattern": "sequential", "policy": {"allow_parallel": True, "max_concurrency": 2}}, 2),
        ({"pattern": "parallel_fan_out", "policy": {"max_concurrency": 3}}, 3),
        ({"pattern": "handoff", "handoff": {"protocol": "broadcast"}, "policy": {"max_concurrency": 2}}, 2),
    ],
    ids=["sequential", "allow_parallel", "parallel_fan_out", "broadcast"],
)
@pytest.mark.parametrize("items", [False, True], ids=["steps", "items"])
def test_max_concurrency(tmp_path: Path, fields: dict[str, Any], most: int, items: bool) -> None:
    """Never do more programs run at a time, steps or items, but several where they may."""
    last = {"name": "last", "for_each": "context.numbers"} if items else "last"
    context = {"context": {"numbers": [1, 2, 3, 4, 5]}} if items else {}
    result = run(tmp_path, loop_spec("a", "b", "c", "d", last, agents=[agent(MARKED)], **context, **fields))
    assert result.end.reason == "goal_met"
    now = deepest = 0
    for mark in (tmp_path / "log").read_text().split():
        now += 1 if mark == "+" else -1
        deepest = max(deepest, now)
    assert (deepest <= most, now) == (True, 0)
    assert (deepest > 1) == (most > 1)


@pytest.mark.parametrize("pattern", ["parallel_fan_out", "handoff"])
def test_limits_hold_between_concurrent_programs(tmp_path: Path, pattern: str) -> None:
    """With many at once not one more turn is taken, and with fail_fast the programs of the others are ended."""
    fields: dict[str, Any] = {"pattern": pattern}
    if pattern == "handoff":
        fields["handoff"] = {"protocol": "broadcast"}
    names = [f"s{index}" for index in range(8)]
    policy = {"max_concurrency": 8, "max_turns": 4}
    result = run(tmp_path, loop_spec(*names, agents=[agent(MARKED)], policy=policy, **fields))
    assert result.end.reason == "exhausted"
    assert (tmp_path / "log").read_text().count("+") <= 4
    script = 'case "$LOOPENGT_STEP" in s0) ;; s3) exit 9 ;; *) sleep 20; touch late ;; esac; echo done'
    policy = {"max_concurrency": 8, "retry": {"max_retries": 0}}
    began = time.monotonic()
    result = run(tmp_path, loop_spec(*names, agents=[agent(script)], policy=policy, **fields))
    assert result.end.reason == "failed"
    assert time.monotonic() - began < 15
    assert not (tmp_path / "late").exists()


# -- steps and agents ---------------------------------------------------------------------------------------------


def test_prompts_reach_the_program(tmp_path: Path) -> None:
    """The system prompt, the template and its engine make up what the agent reads."""
    role = agent("cat", system_prompt="Be brief, {who}.")
    steps = [
        {"name": "plain", "prompt_template": "Do {goal} for {who}"},
        {
            "name": "rich",
            "prompt_engine": "minijinja",
            "prompt_template": "{% for x in names %}<{{ x }}>{% endfor %}",
        },
        {"name": "described", "description": "Tidy up"},
    ]
    result = run(tmp_path, loop_spec(*steps, agents=[role], context={"who": "Ann", "names": ["a", "b"]}))
    said = {
        name: state.result.output for name, state in result.snapshot().step_states.items() if state.result
    }
    assert all("Be brief, Ann." in text for text in said.values())
    assert "Do Show that it works. for Ann" in said["plain"]
    assert "<a><b>" in said["rich"]
    assert "Tidy up" in said["described"]


@pytest.mark.parametrize("whose", ["agent", "step"])
def test_the_time_of_an_attempt(tmp_path: Path, whose: str) -> None:
    """``timeout_seconds`` of the agent, or of the step in its place, ends the program."""
    limits: dict[str, Any] = {"agent": {"timeout_seconds": 0.2}, "step": {"timeout_seconds": 30}}
    if whose == "step":
        limits = {"agent": {"timeout_seconds": 30}, "step": {"timeout_seconds": 0.2}}
    elif whose == "agent":
        limits["step"] = {}
    spec = loop_spec(
        {"name": "work", **limits["step"]},
        agents=[agent("sleep 20; touch late", **limits["agent"])],
        policy={"retry": {"max_retries": 0}},
    )
    began = time.monotonic()
    result = run(tmp_path, spec)
    assert result.end.reason == "failed"
    assert "longer than its 0.2 seconds" in result.end.detail
    assert time.monotonic() - began < 10
    assert not (tmp_path / "late").exists()


@pytest.mark.parametrize(("effects", "calls"), [("none", 3), ("idempotent", 3), ("once", 1)])
def test_effects(tmp_path: Path, effects: str, calls: int) -> None:
    """A gate that fails has a step tried again, unless that would do harm."""
    gate = {"name": "never", "condition": "false"}
    spec = gated(gate, "echo x >> log; echo done", retry={"max_retries": 2})
    spec["steps"][0]["effects"] = effects
    result = run(tmp_path, spec)
    assert result.end.reason == "blocked"
    assert ("once only" in result.end.detail) == (effects == "once")
    assert (tmp_path / "log").read_text().count("x") == calls


def test_a_description_is_in_the_end_of_a_custom_stop_condition(tmp_path: Path) -> None:
    """Why a person had the loop stop there is what the end says."""
    stop = {"condition_type": "custom", "value": "run.turn >= 1", "description": "One is enough"}
    result = run(tmp_path, loop_spec("a", "b", agents=[agent("echo done")], stop_conditions=[stop]))
    assert (result.end.reason, result.snapshot().turn) == ("stopped", 1)
    assert "One is enough" in result.end.detail


@pytest.mark.parametrize(("direction", "reason"), [("up", "exhausted"), ("down", "no_progress")])
def test_which_way_a_metric_has_to_move(tmp_path: Path, direction: str, reason: str) -> None:
    """A number that grows is progress upwards, and none downwards."""
    metric = {"command": "wc -l < log", "direction": direction}
    policy = {"max_turns": 5, "no_progress": {"max_repeats": 2, "metric": metric}}
    spec = loop_spec(pattern="repeat", agents=[agent("echo x >> log; echo done")], policy=policy)
    result = run(tmp_path, spec)
    assert result.end.reason == reason
    assert result.snapshot().turn == (5 if direction == "up" else 4)


# -- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"handoff": {"protocol": "broadcast"}},
        {"handoff": {"supervisor": "b"}, "pattern": "parallel_fan_out"},
        {"handoff": {"supervisor": "b"}, "pattern": "handoff"},
    ],
)
def test_a_handoff_that_nobody_reads_is_refused(tmp_path: Path, fields: dict[str, Any]) -> None:
    """A protocol without the pattern, or a supervisor without one to supervise, stops the run before it starts."""
    with pytest.raises(UsageError, match="handoff"):
        run(tmp_path, loop_spec("a", "b", **fields), agents=ScriptedAgent("x", "y"))


@pytest.mark.parametrize("whose", ["agent", "step"])
def test_tools_for_an_agent_that_calls_none_are_refused(tmp_path: Path, whose: str) -> None:
    """A command cannot call tools: giving it some stops the run; a tool that nobody is given does no harm."""
    tool = {"name": "read_file", "tool_type": "builtin"}
    given = {"tools": ["read_file"]}
    role = agent("echo done", **(given if whose == "agent" else {}))
    step = {"name": "work", **(given if whose == "step" else {})}
    with pytest.raises(UsageError, match="which calls no tools of the loop"):
        run(tmp_path, loop_spec(step, agents=[role], tools=[tool]))
    assert run(tmp_path, loop_spec(agents=[agent("echo done")], tools=[tool])).end.reason == "goal_met"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"steps": [{"name": "a", "agent": "worker"}] * 2}, "duplicate step name 'a'"),
        ({"agents": [agent("true")] * 2}, "duplicate agent name 'worker'"),
        ({"steps": [{"name": "a", "agent": "worked"}]}, "unknown agent 'worked'"),
        ({"steps": [{"name": "a"}]}, "names no agent"),
        ({"steps": [{"name": "a", "agent": "worker", "loop": "b.yaml"}]}, "both agent and loop"),
        ({"steps": [{"name": "a", "agent": "worker", "inputs": {"x": "1"}}]}, "only a step with loop"),
        ({"steps": [{"name": "a", "agent": "worker", "verification_gates": ["g"]}]}, "unknown gate 'g'"),
        ({"steps": [{"name": "a", "agent": "worker", "dependencies": ["b"]}]}, "unknown step 'b'"),
        ({"steps": [{"name": "a", "agent": "worker", "dependencies": ["a"]}]}, "circle: a -> a"),
        ({"steps": [{"name": "a", "agent": "worker", "prompt_template": "{b}"}]}, "unknown placeholder {b}"),
        ({"steps": [{"name": "a", "agent": "worker", "effects": "twice"}]}, "effects"),
        ({"agents": [{"name": "worker", "config": {"provider": "magic"}}]}, "unknown agent provider 'magic'"),
        ({"agents": [{"name": "worker", "capabilities": ["magic"]}]}, "capabilities"),
        ({"policy": {"verification_gates": [{"name": "g", "condition": "1"}] * 2}}, "duplicate gate name"),
        ({"policy": {"verification_gates": [{"name": "g", "kind": "magic"}]}}, "unknown gate kind 'magic'"),
        ({"policy": {"max_turn": 3}}, "max_turns"),
        ({"stop_conditions": [{"condition_type": "magic"}]}, "unknown stop condition type 'magic'"),
        ({"pattern": "magic"}, "unknown pattern 'magic'"),
    ],
)
def test_what_a_spec_names_must_exist(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    """A name that is used twice, or names nothing, is an error before anything happens."""
    with pytest.raises(SpecError) as refused:
        run(tmp_path, loop_spec(agents=[agent("touch ran")]) | fields)
    assert words in str(refused.value)
    assert not (tmp_path / "ran").exists()
