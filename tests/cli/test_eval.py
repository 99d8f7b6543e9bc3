"""The command ``eval`` on recorded runs."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Bench, environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLUGIN = """
import asyncio
from pathlib import Path

from loopengt import hookimpl
from loopengt_hookspecs.judges import JudgeVerdict


class Kind:
    options = None
    asks = False

    def __init__(self, answer):
        self.answer = answer

    def bind(self, spec, project):
        self.project = project
        return self

    def plan(self):
        return "do as the test says"

    def missing(self):
        return []

    async def judge(self, request):
        return await self.answer(self, request)


class Asking(Kind):
    asks = True


async def half(self, request):
    return JudgeVerdict(0.5, "half of it is there", criteria={"depth": 0.25})


async def hostile(self, request):
    return JudgeVerdict(0.1, "\\x1b[2J\\u202ecleared\\n</script> " + "x" * 9000)


async def hang(self, request):
    (self.project / "hanging").touch()
    await asyncio.sleep(600)


async def ask(self, request):
    return JudgeVerdict(float(await request.ask("How good?")))


class Broken:
    unit = ""
    better = None

    def measure(self, run):
        raise RuntimeError("no such luck")


@hookimpl
def loopengt_register_judges(register):
    for kind in (half, hostile, hang):
        register(kind.__name__, Kind(kind), summary="Of the test")
    register("ask", Asking(ask), summary="Of the test")


@hookimpl
def loopengt_register_metrics(register):
    register("broken", Broken(), summary="Of the test")
"""

ALLOWED: dict[str, Any] = {"LOOPENGT_ALLOW_PROJECT_PLUGINS": "1"}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one run, which counted to two; only to be copied."""
    folder = tmp_path_factory.mktemp("recorded")
    made = Bench(folder, folder)
    made.loop()
    assert made.run("run", ".", "-q").returncode == 0
    return folder


@pytest.fixture
def judged(bench: Bench, recorded: Path) -> Bench:
    """A project with one run, which counted to two, and judges of its own."""
    shutil.copytree(recorded, bench.project, dirs_exist_ok=True)
    bench.write("loopengt_plugins.py", PLUGIN)
    return bench


def evaluate(bench: Bench, *words: str) -> subprocess.CompletedProcess[str]:
    """Call ``loopengt eval`` with the project's own plugin."""
    return bench.run("eval", *words, **ALLOWED)


def found(bench: Bench, *words: str, code: int = 0) -> list[dict[str, Any]]:
    """Return what ``eval --json`` prints."""
    done = evaluate(bench, *words, "--json")
    assert done.returncode == code, done.stderr
    return list(json.loads(done.stdout))


def scores(bench: Bench) -> list[dict[str, Any]]:
    """Return the verdicts in the journal of the newest run."""
    traced = bench.run("trace", "latest", "--format", "json")
    assert traced.returncode == 0, traced.stderr
    return [each["data"] for each in json.loads(traced.stdout) if each["event_type"] == "judge.score"]


@pytest.mark.slow
def test_all_metrics_and_no_judge_by_default(judged: Bench) -> None:
    """Without options every metric is shown, nothing is judged, and nothing is written."""
    done = judged.run("eval", "latest")
    assert done.returncode == 0, done.stderr
    shown = dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[2:])
    assert (shown["total_turns"], shown["run_status"], shown["success_rate"]) == ("2", "completed", "100.0%")
    assert shown["cost_usd"] == "unknown"
    assert done.stderr == ""
    assert scores(judged) == []


@pytest.mark.slow
def test_chosen_metrics_as_json(judged: Bench) -> None:
    """The machine form has the chosen metrics as numbers, with the run and where it stands."""
    (run,) = found(judged, "latest", "-m", "gate_pass_rate", "-m", "total_turns")
    assert run["metrics"] == {"gate_pass_rate": 0.5, "total_turns": 2}
    assert (run["status"], run["reason"], run["unknown_costs"]) == ("completed", "goal_met", 2)
    assert (run["judges"], run["passed"], run["recorded"]) == ([], None, False)


@pytest.mark.slow
def test_unknown_names_are_refused_with_the_nearest(judged: Bench) -> None:
    """A metric, judge or run that is not there is a usage error, and nothing is judged."""
    for words, said in (
        (("latest", "-m", "tokns", "-j", "half"), "there is no metric 'tokns', the nearest is 'tokens'"),
        (("latest", "-j", "half", "-j", "halv"), "there is no judge 'halv', the nearest is 'half'"),
        (("latest", "nope", "-j", "half"), "there is no run 'nope'"),
        (("latest", "--expected", "x"), "--expected is for judges"),
    ):
        done = evaluate(judged, *words)
        assert done.returncode == 2, (words, done.stderr)
        assert said in done.stderr
    assert scores(judged) == []


@pytest.mark.slow
def test_verdicts_decide_the_exit_code_and_are_recorded(judged: Bench) -> None:
    """A run that passes exits with 0, one that does not with 3, one without a verdict with 1; verdicts are recorded."""
    done = evaluate(judged, "latest", "-j", "exact", "--expected", '{"count": 2}', "-m", "tokens")
    assert done.returncode == 0, done.stderr
    assert "judge exact: pass  1.00  (needs 0.8)" in done.stdout
    assert "loopengt trace" in done.stderr
    done = evaluate(judged, "latest", "-j", "half", "-m", "tokens")
    assert done.returncode == 3
    assert "judge half: FAIL  0.50" in done.stdout
    assert "depth: 0.25" in done.stdout
    assert "half of it is there" in done.stdout
    done = evaluate(judged, "latest", "-j", "exact", "-j", "half", "--threshold", "0.5")
    assert done.returncode == 1
    assert "judge exact: no verdict: there is nothing expected to compare with\n    Give" in done.stdout
    assert "judge half: pass  0.50  (needs 0.5)" in done.stdout
    assert [(score["judge"], score["passed"]) for score in scores(judged)] == [
        ("exact", True),
        ("half", False),
        ("half", True),
    ]


@pytest.mark.slow
def test_no_record_leaves_the_journal_alone(judged: Bench) -> None:
    """With --no-record the verdict is shown, and the journal has none."""
    (run,) = found(judged, "latest", "-m", "tokens", "-j", "half", "--no-record", code=3)
    assert (run["recorded"], run["evaluation"], run["passed"]) == (False, None, False)
    assert run["judges"][0]["score"] == 0.5
    assert scores(judged) == []


def test_judges_of_a_file(judged: Bench) -> None:
    """A YAML file declares one judge or several, with their options, names and thresholds."""
    judged.write("one.yaml", "kind: half\nname: mild\nthreshold: 0.4\n")
    judged.write("more.yaml", "- exact\n- {kind: half, name: strict, threshold: 0.9}\n")
    judged.write("wanted.json", '{"count": 2}')
    words = ("latest", "-m", "tokens", "-j", "one.yaml", "-j", "more.yaml", "--expected", "wanted.json")
    (run,) = found(judged, *words, code=3)
    assert {each["judge_name"]: each["passed"] for each in run["judges"]} == {
        "mild": True,
        "exact": True,
        "strict": False,
    }


@pytest.mark.slow
def test_a_bad_file_is_refused_with_the_line(judged: Bench) -> None:
    """What is wrong with a declaration is told by file, line and column, and nobody is asked."""
    judged.write("j.yaml", "kind: half\ntreshold: 1\n")
    done = evaluate(judged, "latest", "-j", "j.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("j.yaml:2:1: unknown key 'treshold' in a judge")


@pytest.mark.slow
def test_who_is_asked_can_be_said(judged: Bench) -> None:
    """--agent names whom judges ask that ask an agent; an unknown provider is refused."""
    done = evaluate(judged, "latest", "-j", "ask", "-j", "half", "--agent", "nobody:m")
    assert done.returncode == 1
    assert "no plugin registers the agent 'nobody'" in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_several_runs_are_a_table(judged: Bench) -> None:
    """Several runs stand side by side, each once; with few figures each has a line of its own."""
    assert judged.run("run", ".", "-q").returncode == 0
    ids = [run["run_id"] for run in judged.runs()]
    done = evaluate(judged, *ids, ids[0][:-1], "-m", "total_turns")
    assert done.returncode == 0, done.stderr
    head, *rows = (line.split() for line in done.stdout.splitlines())
    assert head == ["RUN", "LOOP", "END", "total_turns"]
    assert rows == [[run_id, "demo", "goal_met", "2"] for run_id in ids]
    done = evaluate(judged, *ids, "-m", "total_turns", "-m", "tokens", "-j", "half")
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["RUN", *ids]
    assert lines[5].split() == ["judge", "half", "0.50", "FAIL", "0.50", "FAIL"]
    assert done.stdout.count("half of it is there") == 2


@pytest.mark.slow
def test_a_run_under_way(bench: Bench, hang: str, wait_until: Callable[..., None]) -> None:
    """A run that is driven is measured up to now; its verdicts are shown and not recorded, which is no error."""
    bench.loop(script=hang)
    process = bench.start("run", ".", "-q")
    bench.pids()
    done = bench.run("eval", "latest", "-j", "exact", "--expected", "null-op", "-m", "run_status")
    assert done.returncode == 3, done.stderr
    assert "run_status  running" in done.stdout
    assert "were not recorded" in done.stderr
    assert f"process {process.pid}" in done.stderr
    bench.go()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert scores(bench) == []


@pytest.mark.slow
def test_a_failing_metric_and_hostile_words(judged: Bench) -> None:
    """A metric that fails is told on stderr; what a judge says cannot steer the terminal or flood it."""
    done = evaluate(judged, "latest", "-m", "broken", "-m", "tokens", "-j", "hostile")
    assert done.returncode == 1
    assert "the metric 'broken' failed" in done.stderr
    assert "no such luck" in done.stderr
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert "\\x1b[2J\\u202ecleared </script> xxx" in done.stdout
    assert len(done.stdout) < 1000
    (run,) = found(judged, "latest", "-m", "broken", "-m", "tokens", code=1)
    assert run["metrics"] == {"broken": None, "tokens": 0}
    assert run["metric_errors"] == {"broken": "RuntimeError: no such luck"}


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_said(judged: Bench, wait_until: Callable[..., None]) -> None:
    """Interrupted while a judge hangs, the program ends, and the verdict of the other is in the journal."""
    words = [sys.executable, "-m", "loopengt", "eval", "latest", "-j", "half", "-j", "hang"]
    process = subprocess.Popen(
        words, cwd=judged.project, env=environment() | ALLOWED, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_until(lambda: (judged.project / "hanging").exists())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert [score["judge"] for score in scores(judged)] == ["half"]


@pytest.mark.slow
def test_child_runs(bench: Bench) -> None:
    """The run of a sub-loop is evaluated by its whole id, and its use is part of its parent's."""
    bench.loop()
    parent = {
        "name": "outer",
        "goal": "Have it counted.",
        "agents": [bench.agent("unused", ["true"])],
        "steps": [{"name": "inner", "loop": "loop.yaml"}],
    }
    bench.write("outer.yaml", json.dumps(parent))
    assert bench.run("run", "outer.yaml", "-q").returncode == 0
    runs = json.loads(bench.run("runs", "--json", "--all").stdout)
    (child,) = [run["run_id"] for run in runs if run["parent"]]
    inner, outer = found(bench, child, "latest", "-j", "exact", "--expected", '{"count": 2}')
    assert (inner["loop"], outer["loop"]) == ("demo", "outer")
    assert (inner["metrics"]["total_turns"], outer["metrics"]["total_turns"]) == (2, 1)
    assert inner["passed"]
    assert outer["passed"]
    assert inner["metrics"]["unknown_costs"] == outer["metrics"]["unknown_costs"] == 2


@pytest.mark.slow
def test_a_damaged_journal(bench: Bench) -> None:
    """Of a damaged journal the readable part is measured, the damage is told, and the exit code is 1."""
    storage = ("-o", "storage.name=jsonl")
    bench.loop()
    assert bench.run(*storage, "run", ".", "-q").returncode == 0
    (journal,) = (bench.project / ".loopengt").rglob("*.jsonl")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:2]) + lines[2].replace(b"step", b"\xff\xfe", 1) + b"".join(lines[3:]))
    done = bench.run(*storage, "eval", "latest", "-j", "exact", "--expected", "x", "--json")
    assert done.returncode == 1, done.stderr
    (run,) = json.loads(done.stdout)
    assert run["damage"]
    assert run["metrics"]["total_turns"] == 1
    assert run["judges"] == []
    assert "damaged" in run["judge_errors"]["exact"]


def test_the_help_names_options_and_commands(bench: Bench) -> None:
    """``eval --help`` tells how runs are evaluated, and which commands there are besides."""
    shown = bench.run("eval", "--help")
    assert shown.returncode == 0
    for word in ("RUN...", "--judge", "--no-record", "suite", "compare", "calibrate", "import", "export"):
        assert word in shown.stdout
    assert bench.run("eval").returncode == 2
