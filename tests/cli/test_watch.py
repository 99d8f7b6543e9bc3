"""The command ``watch``: real triggers, real runs, and what becomes of those that overlap, fail or are interrupted."""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .watch_kit import post, webhook

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench
    from .watch_kit import Watching

    Until = Callable[..., None]

ECHO = "import json, sys; print(json.dumps({'prompt': sys.stdin.read()}))"
"""Answers with what it is asked."""


@pytest.mark.slow
def test_manual_is_one_run_at_once(bench: Bench) -> None:
    """Without any trigger there is one run, whose context says what started it, and whose exit code is returned."""
    spec = bench.loop(ECHO, goal="context.event.trigger == 'manual' and context.mood == 'calm'")
    spec["policy"]["max_turns"] = 1
    bench.write("loop.yaml", json.dumps(spec | {"context": {"mood": "wild"}}))
    done = bench.run("watch", ".", "--set", "mood=calm")
    assert done.returncode == 0, done.stderr
    assert "Watching demo: manual, one run, at once. Ctrl-C ends it." in done.stderr
    assert "Occasion 1 of manual, at 20" in done.stderr
    assert bench.only_run()["reason"] == "goal_met"
    assert bench.run("watch", ".", "--once").returncode == 3, "mood is wild"


@pytest.mark.slow
def test_what_is_posted_is_in_the_prompt_and_a_failed_run_ends_nothing(
    bench: Bench, watching: Callable[..., Watching], wait_until: Until, port: int
) -> None:
    """Of two runs the first fails; the second is started all the same, and the exit code is that of the first."""
    step = {
        "name": "count", "agent": "counter", "verification_gates": ["enough"],
        "prompt_template": "ref {event.ref} by {event.trigger}",
    }  # fmt: skip
    bench.loop(
        ECHO,
        "output.prompt == 'ref main by webhook'",
        steps=[step],
        trigger=webhook(port),
        pattern="sequential",
    )
    watch = watching("--max-runs", "2")
    post(port, wait_until, ref="other")
    watch.says("blocked: ")
    post(port, wait_until, ref="main", trigger="forged")
    assert watch.ends() == 3, watch.said
    assert [run["reason"] for run in bench.runs()] == ["goal_met", "blocked"]


@pytest.mark.slow
def test_a_run_that_asks_a_person_rests_and_the_watching_goes_on(
    bench: Bench, watching: Callable[..., Watching], wait_until: Until, port: int
) -> None:
    """The line that answers is printed, the next occasion has its run, and the exit code is that of a paused run."""
    gate = {"name": "enough", "kind": "approval", "condition": ""}
    bench.loop(ECHO, trigger=webhook(port), policy={"verification_gates": [gate]})
    watch = watching("--max-runs", "2")
    post(port, wait_until)
    watch.says("loopengt approve")
    post(port, wait_until)
    assert watch.ends() == 4, watch.said
    assert [run["status"] for run in bench.runs()] == ["paused", "paused"]


def test_json_prints_the_events_of_all_runs(
    bench: Bench, watching: Callable[..., Watching], wait_until: Until, port: int
) -> None:
    """Stdout has the events of each run, a line each; the first of each tells of its occasion."""
    bench.loop(ECHO, "true", trigger=webhook(port, overlap="queue"))
    watch = watching("--json", "--max-runs", "2")
    post(port, wait_until, number=1)
    post(port, wait_until, number=2)
    assert watch.ends() == 0, watch.said
    assert watch.process.stdout is not None
    events = [json.loads(line) for line in watch.process.stdout]
    starts = [event["data"] for event in events if event["event_type"] == "loop.start"]
    assert [start["context"]["event"]["number"] for start in starts] == [1, 2]
    assert {start["context"]["event"]["trigger"] for start in starts} == {"webhook"}
    assert all(start["context"]["event"]["at"].endswith("+00:00") for start in starts)


@pytest.mark.slow
def test_files_that_change_start_a_run(
    bench: Bench, watching: Callable[..., Watching], wait_until: Until
) -> None:
    """A new file is an occasion with its path; what the run writes in the project itself is none."""
    script = (
        "import json, pathlib, sys; text = sys.stdin.read(); "
        "pathlib.Path('src/made.txt').write_text(text); print(json.dumps(text))"
    )
    config = {"paths": ["src/**"], "debounce": 0, "poll": 0.05}
    step = {"name": "count", "agent": "counter", "verification_gates": ["enough"]}
    bench.loop(
        script,
        "true",
        steps=[step | {"prompt_template": "{event.paths}"}],
        trigger={"trigger_type": "event", "config": config},
        workspace="in_place",
    )  # fmt: skip
    (bench.project / "src").mkdir()
    watch = watching()
    numbers = iter(range(1_000))

    def touched() -> bool:
        # Until it has begun to look; all files are one occasion.
        (bench.project / "src" / "0.py").write_text(str(next(numbers)))
        return "Occasion 1 of event" in watch.said

    wait_until(touched)
    watch.says("goal_met: ")
    assert "src/0.py" in (bench.project / "src" / "made.txt").read_text()
    # A run that started itself would come now, or have the other file among its own.
    watch.until(lambda: watch.said.count("a run starts") > 1 or touch_again(bench))
    watch.interrupt()
    assert watch.ends() == 130
    events = [context_of(bench, run["run_id"])["event"] for run in bench.runs()]
    assert {path for event in events for path in event["paths"]} <= {"src/0.py", "src/1.py"}


def touch_again(bench: Bench) -> bool:
    """Change a file once more: what changed while the last run ended was not an occasion."""
    path = bench.project / "src" / "1.py"
    path.write_text(f"{path.read_text()}x" if path.exists() else "")
    return False


def context_of(bench: Bench, run_id: str) -> dict[str, Any]:
    """Return the context that a run was started with."""
    shown = bench.run("trace", run_id, "--format", "jsonl").stdout.splitlines()
    found: dict[str, Any] = json.loads(shown[0])["data"]["context"]
    return found


@pytest.mark.slow
def test_the_spec_is_read_again_for_each_run(
    bench: Bench, watching: Callable[..., Watching], wait_until: Until, port: int
) -> None:
    """One that is unsound by now starts nothing and ends nothing; that a trigger has changed is said."""
    spec = bench.loop(ECHO, "true", trigger=webhook(port))
    watch = watching()
    bench.write("loop.yaml", json.dumps(spec | {"gaol": 1}))
    post(port, wait_until)
    watch.says("Occasion 1: the run could not go on: ")
    watch.says("unknown key 'gaol'")
    bench.write("loop.yaml", json.dumps(spec | {"trigger": webhook(port, path="/x")}))
    post(port, wait_until)
    watch.says("note: the trigger in the spec has changed; that counts when watch is started anew.")
    watch.says("goal_met: ")
    watch.interrupt()
    assert watch.ends() == 130


def test_a_port_that_is_taken_ends_it_with_words(bench: Bench) -> None:
    """Exit code 2, the address, and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        bench.loop(trigger=webhook(number))
        done = bench.run("watch", ".")
    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1, port {number}: Address already in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_trigger_that_fails_is_named(bench: Bench) -> None:
    """An error in a plugin's trigger ends the watching with its name, and what runs is waited for."""
    plugin = """
from loopengt import hookimpl

class Broken:
    options = None
    def bind(self, trigger, project):
        return self
    def plan(self):
        return "twice"
    def missing(self):
        return []
    async def occasions(self):
        yield {"number": 1}
        raise RuntimeError("out of luck")
    async def close(self):
        pass

@hookimpl
def loopengt_register_triggers(register):
    register("broken", Broken, summary="Breaks")
"""
    (bench.project / ".loopengt").mkdir()
    bench.write("loopengt_plugins.py", plugin)
    state = {"XDG_STATE_HOME": str(bench.marks)}
    allowed = bench.run("plugins", "allow", **state)
    assert allowed.returncode == 0, allowed.stderr
    bench.loop(ECHO, "true", trigger={"trigger_type": "broken"})
    done = bench.run("watch", ".", **state)
    assert done.returncode == 1, done.stderr
    assert "the trigger 'broken' has failed: RuntimeError: out of luck" in done.stderr
    assert "goal_met: " in done.stderr


@pytest.mark.slow
def test_the_plan_is_told_beforehand(bench: Bench, port: int) -> None:
    """validate, run --dry-run and doctor say what a trigger waits for; doctor also what it lacks."""
    bench.loop(trigger=webhook(port, token_env="NO_SUCH_PASS", overlap="queue"))
    plan = f"webhook, POST http://127.0.0.1:{port}/, with the token of NO_SUCH_PASS; overlap: queue"
    assert f"1 agent; trigger {plan}" in bench.run("validate", ".").stdout
    assert f"trigger:   {plan}" in bench.run("run", ".", "--dry-run").stdout
    assert json.loads(bench.run("run", ".", "--dry-run", "--json").stdout)["trigger"] == plan
    lacking = bench.run("doctor")
    assert "takes its token from NO_SUCH_PASS, which is not set" in lacking.stdout
    assert f"trigger {plan}" in bench.run("doctor", NO_SUCH_PASS="x" * 20).stdout
    assert "is not set" in bench.run("watch", ".").stderr


def test_run_is_once_and_now_whatever_the_trigger(bench: Bench) -> None:
    """A loop with a schedule is run like any other, and what its occasion would say may have a default."""
    every = {"trigger_type": "schedule", "config": {"every": "1h"}}
    bench.loop(ECHO, "context.event.due == 'never'", trigger=every, context={"event": {"due": "never"}})
    done = bench.run("run", ".")
    assert done.returncode == 0, done.stderr


def test_options_exclude_each_other(bench: Bench) -> None:
    """--once and --max-runs, and a number of runs below one, are refused."""
    bench.loop()
    assert bench.run("watch", ".", "--once", "--max-runs", "2").returncode == 2
    assert bench.run("watch", ".", "--max-runs", "0").returncode == 2


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs POSIX")
@pytest.mark.slow
def test_it_ends_when_nobody_reads_it_any_more(bench: Bench) -> None:
    """With a closed stdout and stderr it still does its work."""
    bench.loop(ECHO, "true")
    code = os.system(f"cd {bench.project} && {sys.executable} -m loopengt watch . --json >&- 2>&-")
    assert os.waitstatus_to_exitcode(code) == 0
    assert bench.only_run()["reason"] == "goal_met"
