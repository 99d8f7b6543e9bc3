"""The command ``eval calibrate``."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Bench, environment

if TYPE_CHECKING:
    from pathlib import Path

GRADER = """
import re, time
from pathlib import Path

def grade(request):
    here = Path(__file__).parent
    with (here / "asked").open("a") as asked:
        asked.write("x")
    output = re.search(r"<output-\\w+>\\n(.*?)\\n</output", request.prompt, re.S)[1]
    if output.startswith("odd"):
        return "no idea \\x1b[2J"
    if output.startswith("slow") and not (here / "go").exists():
        time.sleep(100)
    if output.startswith("flaky"):
        return {"reasoning": "", "score": len((here / "asked").read_text()) % 2}
    return {"reasoning": "because", "score": 0.9 if "good" in output else 0.3}
"""

JUDGE = """
kind: quality
name: mine
agent: {provider: python, extra: {function: "grader:grade", cost: free}}
"""


@pytest.fixture
def calibrating(bench: Bench) -> Bench:
    """A project with a judge whose agent is a function that counts its calls in the file ``asked``."""
    bench.write("grader.py", GRADER)
    bench.write("judge.yaml", JUDGE)
    (bench.project / ".loopengt").mkdir(exist_ok=True)
    return bench


def labels(bench: Bench, *rows: tuple[str, Any]) -> None:
    """Write labels.jsonl with outputs and labels."""
    lines = [json.dumps({"output": output, "label": label}) for output, label in rows]
    bench.write("labels.jsonl", "\n".join(lines))


def asked(bench: Bench) -> int:
    """How often the agent was asked."""
    file = bench.project / "asked"
    return len(file.read_text()) if file.exists() else 0


@pytest.mark.slow
def test_agreement_table_and_figures(calibrating: Bench) -> None:
    """The table has people in rows, the figures follow from it, and the JSON form has them all."""
    labels(calibrating, *[(f"good {n}", 1) for n in range(6)], ("good but wrong", 0), ("bad 1", 0), ("bad 2", "fail"),
           ("dull and right", "pass"))  # fmt: skip
    done = calibrating.run("eval", "calibrate", "judge.yaml", "labels.jsonl")
    assert done.returncode == 0, done.stderr
    assert "mine  10 labels (7 pass, 3 fail)  threshold 0.8" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["people", "pass", "6", "1"] in lines
    assert ["people", "fail", "1", "2"] in lines
    assert "agreement     80%" in done.stdout
    assert "Judged otherwise than by people: 7, 10" in done.stdout
    assert "With 3 labels of the rarer kind that is a guess" in done.stdout
    assert "10 new verdicts: 0 tokens, $0.0000" in done.stdout
    found = json.loads(calibrating.run("eval", "calibrate", "judge.yaml", "labels.jsonl", "--json").stdout)
    assert found["confusion"] == {"pass_pass": 6, "pass_fail": 1, "fail_pass": 1, "fail_fail": 2}
    assert found["kappa"]["value"] == pytest.approx((0.8 - 0.58) / 0.42)
    assert found["kappa"]["low"] < found["kappa"]["value"] < found["kappa"]["high"]
    assert (found["kept"], asked(calibrating)) == (10, 10)
    assert found["verdicts"][0] == {
        "id": "1", "label": 1.0, "score": 0.9, "passed": True, "scores": [], "reasoning": "because"
    }  # fmt: skip


def test_a_judge_that_asks_nobody(calibrating: Bench) -> None:
    """Registered kinds can be named, they get what is expected, and nothing is kept of them."""
    calibrating.write(
        "l.csv", "output,label,expected,comment\nParis,pass,Paris,\nparis,pass,Paris,\nRome,fail,Paris,\n"
    )
    done = calibrating.run("eval", "calibrate", "exact", "l.csv", "--min-kappa", "0.9")
    assert done.returncode == 3
    assert "Columns that play no part: comment" in done.stdout
    assert not (calibrating.project / ".loopengt/calibrations").exists()


@pytest.mark.slow
def test_errors_of_the_judge_are_no_scores(calibrating: Bench) -> None:
    """A row without a verdict counts in no figure, is told with its reason, and is asked again next time."""
    labels(calibrating, ("good", 1), ("bad", 0), ("odd", 1), ("odd too", 0))
    done = calibrating.run("eval", "calibrate", "judge.yaml", "labels.jsonl")
    assert done.returncode == 1
    assert "2 labels (1 pass, 1 fail), 2 without a verdict" in done.stdout
    assert "3, 4: the verdict cannot be read" in done.stdout
    assert "\x1b" not in done.stdout
    calibrating.run("eval", "calibrate", "judge.yaml", "labels.jsonl")
    assert asked(calibrating) == 4 + 2


def test_rows_that_are_alike_are_judged_once(calibrating: Bench) -> None:
    """What was judged is what counts, and not what the row is called."""
    labels(calibrating, ("good", 1), ("good", 0), ("bad", 0))
    found = json.loads(calibrating.run("eval", "calibrate", "judge.yaml", "labels.jsonl", "--json").stdout)
    assert (found["labels"], asked(calibrating)) == (3, 2)


@pytest.mark.slow
def test_threshold_agent_and_fresh_ask_anew(calibrating: Bench) -> None:
    """Kept verdicts are those of the same declaration; --fresh forgets them."""
    labels(calibrating, ("good", 1), ("bad", 0))
    command = ("eval", "calibrate", "judge.yaml", "labels.jsonl")
    calibrating.run(*command)
    assert "No verdict was asked for, 2 were there before" in calibrating.run(*command).stdout
    low = calibrating.run(*command, "--threshold", "0.2")
    assert asked(calibrating) == 4
    assert "A threshold of 0.6 gives kappa 1.00" in low.stdout
    calibrating.run(*command, "--fresh")
    assert asked(calibrating) == 6


@pytest.mark.slow
def test_scores_as_labels(calibrating: Bench) -> None:
    """Labels between 0 and 1 have correlations, and pass from a threshold of their own."""
    labels(calibrating, ("good a", 0.9), ("good b", 0.7), ("bad c", 0.4), ("bad d", 0.1), ("bad e", 0.75))
    command = ("eval", "calibrate", "judge.yaml", "labels.jsonl", "--json")
    found = json.loads(calibrating.run(*command).stdout)
    assert found["label_threshold"] == 0.8
    assert found["people_passed"] == 1
    assert found["mean_absolute_error"] == pytest.approx((0 + 0.2 + 0.1 + 0.2 + 0.45) / 5)
    assert 0 < found["spearman"]["value"] < 1
    found = json.loads(calibrating.run(*command, "--label-threshold", "0.6").stdout)
    assert found["people_passed"] == 3


def test_repeat_tells_how_steady_it_is(calibrating: Bench) -> None:
    """A judge that says both when it is asked again is told to be unsteady."""
    labels(calibrating, ("good", 1), ("flaky", 0))
    done = calibrating.run(
        "eval", "calibrate", "judge.yaml", "labels.jsonl", "--repeat", "2", "--concurrency", "1"
    )
    assert asked(calibrating) == 4
    assert "unsteady      50% of the outputs get both verdicts" in done.stdout


def test_a_leaning_and_a_taste_for_length_are_told(calibrating: Bench) -> None:
    """A judge that passes more than people do is too lenient, and one that goes by length is found out."""
    rows = [(f"good {'word ' * n}", 0) for n in range(1, 16)] + [(f"bad {n}", 0) for n in range(15)]
    labels(calibrating, *rows, ("good", 1))
    done = calibrating.run("eval", "calibrate", "judge.yaml", "labels.jsonl")
    assert "too lenient: it passed 15 that people failed, and failed 0" in done.stdout
    assert "favours longer outputs" in done.stdout


@pytest.mark.slow
def test_an_interrupt_loses_no_verdict(calibrating: Bench) -> None:
    """After Ctrl-C the same command goes on: what was judged is not asked for again."""
    labels(calibrating, ("good 1", 1), ("bad 2", 0), ("good 3", 1), ("slow 4", 0))
    command = [sys.executable, "-m", "loopengt", "eval", "calibrate", "judge.yaml", "labels.jsonl"]
    process = subprocess.Popen(
        command, cwd=calibrating.project, env=environment(), stderr=subprocess.PIPE, text=True
    )
    try:
        until = time.monotonic() + 30
        while asked(calibrating) < 4 or kept_lines(calibrating.project) < 3:
            assert time.monotonic() < until and process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "the same command goes on" in said
    (calibrating.project / "go").touch()
    done = calibrating.run("eval", "calibrate", "judge.yaml", "labels.jsonl")
    assert "1 new verdict, 3 were there before" in done.stdout
    assert asked(calibrating) == 5


def kept_lines(project: Path) -> int:
    """How many verdicts are kept."""
    return sum(file.read_text().count("\n") for file in (project / ".loopengt").glob("calibrations/*.jsonl"))


@pytest.mark.slow
def test_half_a_line_and_strange_lines_are_asked_again(calibrating: Bench) -> None:
    """What a crash has left of the kept verdicts does no harm."""
    labels(calibrating, ("good", 1), ("bad", 0))
    command = ("eval", "calibrate", "judge.yaml", "labels.jsonl")
    calibrating.run(*command)
    file = next((calibrating.project / ".loopengt/calibrations").iterdir())
    first, second = file.read_text().splitlines()
    file.write_text(f'not json\n{{"judged": 1}}\n{first}\n{second[:40]}')
    done = calibrating.run(*command)
    assert "1 new verdict, 1 were there before" in done.stdout
    assert asked(calibrating) == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("simlarity", "labels.jsonl"), "there is no judge 'simlarity', the nearest is 'similarity'"),
        (("exact", "none.csv"), "none.csv:1:1: the file cannot be read"),
        (("two.yaml", "labels.jsonl"), "two.yaml declares 2 judges"),
        (("bad.yaml", "labels.jsonl"), "bad.yaml:2:1:"),
        (("regex", "labels.jsonl"), "do not fit: pattern: Field required"),
    ],
)
def test_what_cannot_be_done_is_told_before_anybody_is_asked(
    calibrating: Bench, words: tuple[str, str], said: str
) -> None:
    """Unknown judges, files and options are usage errors."""
    labels(calibrating, ("good", 1))
    calibrating.write("two.yaml", "[exact, contains]\n")
    calibrating.write("bad.yaml", "kind: exact\nthreshhold: 1\n")
    done = calibrating.run("eval", "calibrate", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert not asked(calibrating)


@pytest.mark.slow
def test_a_judge_that_lacks_something_ends_it_at_once(calibrating: Bench) -> None:
    """No row is a failure then: the error says what is missing."""
    labels(calibrating, ("good", 1))
    done = calibrating.run(
        "eval", "calibrate", "quality", "labels.jsonl", "--agent", "openai:gpt-4o", OPENAI_API_KEY=""
    )
    assert done.returncode == 1
    assert "OPENAI_API_KEY" in done.stderr
    assert "without a verdict" not in done.stdout
