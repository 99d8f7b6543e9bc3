"""The command ``run``: every way a run ends, what is printed, and what --dry-run, --set and --json do."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_hookspecs.models import TraceEvent, parse_event

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Bench

    Labelled = Callable[[str, str], str]


def events(text: str) -> list[TraceEvent]:
    """Parse what ``--json`` prints."""
    return [parse_event(json.loads(line)) for line in text.splitlines()]


def test_a_loop_that_needs_two_laps_ends_goal_met(bench: Bench) -> None:
    """Exit code 0, progress and summary on stderr, nothing on stdout, and the same in the listing."""
    bench.loop()
    done = bench.run("run", ".")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    run = bench.only_run()
    assert (run["reason"], run["turn"]) == ("goal_met", 2)
    for text in (
        "gate enough FAIL The condition is not met: output.count >= 2",
        "gate enough pass",
        "goal_met: every gate of lap 2 passed",
        f"run {run['run_id']}: 2 turns, ",
        "s, 0 tokens, cost unknown",
        f"trace:     loopengt trace {run['run_id']}",
    ):
        assert text in done.stderr
    assert "resume:" not in done.stderr


def ending(name: str, bench: Bench) -> dict[str, Any]:
    """Return what a spec has to have to end in one of the bad ways."""
    gate = {"name": "never", "condition": "output.count < 0", "on_failure": "abort"}
    step = {"name": "count", "agent": "counter"}
    return {
        "exhausted": {"goal": "output.count > 9"},
        "blocked": {
            "pattern": "sequential",
            "steps": [step | {"verification_gates": ["never"]}],
            "policy": {"verification_gates": [gate]},
        },
        "failed": {"pattern": "sequential", "script": "raise SystemExit('out of luck')"},
        "missing": {"agents": [bench.agent("counter", ["no-such-program", "--at-all"])]},
    }[name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "exit_code", "words"),
    [
        ("exhausted", 3, ("exhausted: max_turns: 4 turns were taken",)),
        ("blocked", 3, ("blocked: gate never of step 'count'",)),
        ("failed", 1, ("failed: step 'count': agent 'counter'", "out of luck")),
        (
            "missing",
            1,
            ("failed: agent 'counter' runs no-such-program", "  Install no-such-", "resume"),
        ),
    ],
)
def test_a_run_that_does_not_reach_its_goal_says_why(
    bench: Bench, name: str, exit_code: int, words: tuple[str, ...]
) -> None:
    """Each bad end has its own words and exit code, with what mends it, and is never called goal_met."""
    bench.loop(**ending(name, bench))
    done = bench.run("run", ".")
    assert done.returncode == exit_code, done.stderr
    for word in words:
        assert word in done.stderr
    assert "goal_met" not in done.stderr
    assert bench.only_run()["reason"] == words[0].partition(":")[0]


def test_resume_is_offered_only_where_it_would_go_on(bench: Bench) -> None:
    """A run whose step has failed for good shows no line that would bring the same failure again."""
    bench.loop(**ending("failed", bench))
    done = bench.run("run", ".")
    assert "loopengt resume" not in done.stderr


def test_an_invalid_spec_is_refused_with_every_problem(bench: Bench) -> None:
    """Exit code 2, each problem with its place in the file, and nothing is created."""
    bench.write("loop.yaml", "name: demo\ngaol: x\nagents: []\nsteps:\n  - {name: a, agent: nobody}\n")
    done = bench.run("run", "loop.yaml")
    assert (done.returncode, done.stdout) == (2, "")
    assert "loop.yaml:2:1: " in done.stderr
    assert "unknown agent 'nobody'" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in bench.project.iterdir()] == ["loop.yaml"]


def test_json_prints_every_event_and_nothing_else(bench: Bench) -> None:
    """Stdout is one event a line, from the first to the last, the same that trace prints later."""
    bench.loop()
    done = bench.run("run", ".", "--json")
    assert done.returncode == 0
    told = events(done.stdout)
    kinds = [event.event_type.value for event in told]
    assert (kinds[0], kinds[-1], kinds.count("agent.response")) == ("loop.start", "loop.complete", 2)
    assert told == events(bench.run("trace", "latest", "--format", "jsonl").stdout)
    assert "goal_met" in done.stderr


def test_events_are_printed_while_the_run_goes_on(bench: Bench, hang: str) -> None:
    """With --json the first line arrives while the agent still works."""
    bench.loop(hang, goal="output.count >= 1")
    process = bench.start("run", ".", "--json")
    assert process.stdout is not None
    first = events(process.stdout.readline())[0]
    assert first.event_type.value == "loop.start"
    bench.pids()
    assert process.poll() is None
    bench.go()
    rest, _ = process.communicate(timeout=60)
    assert events(rest)[-1].data["reason"] == "goal_met"


def test_a_reader_that_goes_away_does_not_end_the_run(bench: Bench, hang: str) -> None:
    """When the pipe behind --json breaks, as with "| head -1", the run goes on to its end and exit code."""
    bench.loop(hang, goal="output.count >= 3")
    process = bench.start("run", ".", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    bench.pids()
    process.stdout.close()
    bench.go()
    assert process.stderr is not None
    assert "goal_met" in process.stderr.read()
    assert process.wait(60) == 0
    process.stderr.close()


def test_quiet_says_only_how_it_ended(bench: Bench) -> None:
    """One line on stderr, nothing on stdout."""
    bench.loop()
    done = bench.run("run", ".", "--quiet")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "goal_met: every gate of lap 2 passed\n"


def test_verbose_shows_prompts_and_outputs(bench: Bench) -> None:
    """With --verbose the prompt and the answer of each attempt are told; with --quiet too that is refused."""
    bench.loop(goal="output.count >= 1")
    done = bench.run("run", ".", "--verbose")
    assert "prompt: Count to two." in done.stderr
    assert 'output: {"count": 1}' in done.stderr
    assert bench.run("run", ".", "--verbose", "--quiet").returncode == 2


def test_dry_run_shows_the_plan_and_does_nothing(bench: Bench) -> None:
    """Every command, gate and limit is told, nothing is executed, and not even .loopengt is created."""
    bench.loop(f"open({str(bench.marks / 'ran')!r}, 'w')", context={"depth": 3})
    before = sorted(bench.project.rglob("*"))
    done = bench.run("run", ".", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "loop:      demo, pattern repeat",
        "limits:    4 turns, 1h 00m",
        'context:   {"depth": 3}',
        "1. count",
        "agent:     counter, provider command",
        f"executes:  {sys.executable} agent.py",
        "gate:      enough: check that output.count >= 2",
        "a copy in ",
    ):
        assert text in done.stdout
    assert sorted(bench.project.rglob("*")) == before
    assert not any(bench.marks.iterdir())


def test_dry_run_says_what_is_missing(bench: Bench) -> None:
    """A program that is not there is named with what mends it, as text and JSON, and the exit code is 1."""
    bench.loop(agents=[bench.agent("counter", ["no-such-program"])])
    done = bench.run("run", ".", "--dry-run", "--in-place")
    assert done.returncode == 1
    assert "MISSING:   agent 'counter' runs no-such-program" in done.stdout
    assert "the project's own files" in done.stdout
    done = bench.run("run", ".", "--dry-run", "--json")
    assert done.returncode == 1
    (step,) = json.loads(done.stdout)["steps"]
    assert "Install no-such-program" in step["missing"][0]


def test_set_gives_the_context_values(bench: Bench) -> None:
    """Values are read as in a spec, nested by dots, merged into the spec's, and known to its prompts."""
    bench.loop(
        "import sys; print(sys.stdin.read())",
        goal="output != ''",
        context={"limits": {"low": 1, "high": 2}},
        steps=[
            {
                "name": "count",
                "agent": "counter",
                "prompt_template": "{who} {limits} {tags} {note} {empty}|",
                "verification_gates": ["enough"],
            }
        ],
    )
    assert bench.run("run", ".").returncode == 2, "the spec alone does not know {who}"
    settings = ["who=7 dwarfs", "limits.high=9", 'tags=["a", 1]', "note={who} # not", "empty="]
    done = bench.run("run", ".", "--json", *(f"--set={setting}" for setting in settings))
    assert done.returncode == 0, done.stderr
    told = events(done.stdout)
    assert told[0].data["context"] == {
        "limits": {"low": 1, "high": 9},
        "who": "7 dwarfs",
        "tags": ["a", 1],
        "note": "{who} # not",
        "empty": "",
    }
    (prompt,) = (event.data["prompt"] for event in told if event.event_type.value == "agent.invoke")
    assert prompt == '7 dwarfs {"low":1,"high":9} ["a",1] {who} # not |'


@pytest.mark.parametrize("setting", ["name", "=1", "a..b=1", "a=1\0a.b=2"])
def test_a_setting_that_is_none_is_refused(bench: Bench, setting: str) -> None:
    """A --set without key or value, or into a value that is no object, is a usage error that shows it."""
    bench.loop()
    done = bench.run("run", ".", *(f"--set={part}" for part in setting.split("\0")))
    assert done.returncode == 2
    assert f"--set {setting.split(chr(0))[-1]}" in done.stderr


def test_the_printed_lines_work_as_typed(bench: Bench, labelled: Labelled, tmp_path: Path) -> None:
    """From another folder, and with another storage, the lines for trace and resume work as they stand."""
    bench.loop(**ending("missing", bench))
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    done = bench.run("-o", "storage.name=jsonl", "run", "../project", "-q", cwd=elsewhere)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    resumed = bench.type(labelled(done.stderr, "once that is mended:"), elsewhere)
    assert resumed.returncode == 1, "the agent is still missing"
    traced = bench.type(labelled(resumed.stderr, "trace:"), elsewhere)
    assert traced.returncode == 0, traced.stderr
    assert "demo" in traced.stdout
