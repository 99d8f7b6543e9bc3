"""``loopengt eval suite``: real runs from the command line, broken off and gone on with, reported and compared."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AGENT = """
import json, os, pathlib, sys, time
marks = pathlib.Path(os.environ["MARKS"])
case, wait = sys.stdin.read().split()
with (marks / "calls").open("a") as calls:
    calls.write(case + "\\n")
if wait == "yes" and not (marks / "go").exists():
    (marks / "hanging").touch()
    while not (marks / "go").exists():
        time.sleep(0.02)
print("right" if case != "bad" else "wrong")
"""
"""Notes each call, hangs where it is told to until there is a file ``go``, and is wrong for the case ``bad``."""

HOSTILE = '<img src=x onerror=alert(1)>]]>&"|*`\u202e'
"""An id that tries to be markup."""


@pytest.fixture
def shop(bench: Any) -> Any:
    """A project with a loop that answers, and a suite of four cases of which one fails."""
    bench.write("agent.py", AGENT)
    loop = {
        "name": "demo",
        "goal": "Be right.",
        "agents": [bench.agent("w", [sys.executable, str(bench.project / "agent.py")])],
        "steps": [{"name": "work", "agent": "w", "prompt_template": "{case} {wait}"}],
        "policy": {"retry": {"max_retries": 0}},
        "context": {"wait": "no"},
    }
    bench.write("loop.yaml", json.dumps(loop))
    suite(bench)
    return bench


def suite(bench: Any, **fields: Any) -> None:
    """Write the suite."""
    names = ["a", "b", "bad", "c"]
    cases = [{"id": name, "inputs": {"case": name}, "expected": "right"} for name in names]
    data = {"name": "shop", "loop": "loop.yaml", "judges": ["exact"], "isolation": "empty", "cases": cases}
    bench.write("evals.yaml", json.dumps(data | fields))


def calls(bench: Any) -> list[str]:
    """Return the cases for which the agent was called, in order."""
    return (bench.marks / "calls").read_text().split() if (bench.marks / "calls").exists() else []


@pytest.mark.slow
def test_a_suite_is_run_and_reported(shop: Any) -> None:
    """The table names what failed and why; every report agrees; trials do not flood the list of runs."""
    files = {"junit": "j.xml", "markdown": "m.md", "html": "h.html"}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    done = shop.run("eval", "suite", "evals.yaml", "--repeat", "2", *options)
    assert done.returncode == 3, done.stderr
    assert re.search(r"^bad +0/2 +FAILED +judge exact: 0.00", done.stdout, re.M)
    assert "success rate  75 %  (6 of 8; 95%: 41 % to 93 %)" in done.stdout
    assert "[8/8]" in done.stderr
    root = ET.fromstring((shop.project / "j.xml").read_text())
    assert {key: root[0].get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "4", "failures": "1", "errors": "0",
    }  # fmt: skip
    assert "**75 %** (6 of 8)" in (shop.project / "m.md").read_text()
    assert '<div class="big">75 %</div>' in (shop.project / "h.html").read_text()
    assert shop.runs() == []
    assert len(json.loads(shop.run("runs", "--all", "--json").stdout)) == 8
    as_json = json.loads(shop.run("eval", "suite", "evals.yaml", "--json", "--case", "bad").stdout)
    assert (as_json["passed"], as_json["judged"]) == (0, 1)
    (trial,) = as_json["cases"][0]["trials"]
    assert trial["judges"]["exact"]["passed"] is False
    shown = shop.run("trace", trial["run"])
    assert shown.returncode == 0


@pytest.mark.slow
def test_exit_codes_say_what_was_asked_for(shop: Any) -> None:
    """Without thresholds a failure is 3; with one that is kept 0; one that is missed is named."""
    assert shop.run("eval", "suite", "evals.yaml", "--case", "a").returncode == 0
    suite(shop, thresholds={"success_rate": 0.7})
    assert shop.run("eval", "suite", ".").returncode == 0
    suite(shop, thresholds={"success_rate": 0.8, "judge.exact": {"min": 0.5}, "total_turns": {"max": 3}})
    missed = shop.run("eval", "suite", "evals.yaml")
    assert missed.returncode == 3
    assert "Threshold missed: success_rate is 0.75, and at least 0.8 is asked for." in missed.stderr
    suite(shop, cases=[])
    assert shop.run("eval", "suite", "evals.yaml").returncode == 2
    assert shop.run("eval", "suite", "gone.yaml").returncode == 2
    assert shop.run("eval", "suite", "evals.yaml", "--junit", "no/where.xml").returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("last", [False, True])
def test_a_killed_evaluation_goes_on_without_paying_twice(
    shop: Any, wait_until: Callable[..., None], last: bool
) -> None:
    """After kill -9 the runs that ended are not run again, and the one under way is taken up in its own run."""
    cases = [
        {"id": n, "inputs": {"case": n, "wait": "yes" if n == "c" else "no"}, "expected": "right"}
        for n in "abcd"
    ]
    suite(shop, cases=cases if not last else cases[:3])
    process = shop.start("eval", "suite", "evals.yaml", "--concurrency", "1")
    wait_until(lambda: (shop.marks / "hanging").exists())
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    for stream in (process.stdout, process.stderr):
        stream.close()
    assert calls(shop) == ["a", "b", "c"]
    shop.go()
    done = shop.run("eval", "suite", "evals.yaml", "--resume", "latest", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["passed"], found["judged"]) == (3 if last else 4,) * 2
    assert sorted(calls(shop)) == ["a", "b", "c", "c"] + ([] if last else ["d"])
    runs = json.loads(shop.run("runs", "--all", "--json").stdout)
    assert len(runs) == len({run["run_id"] for run in runs}) == (3 if last else 4)
    assert {run["status"] for run in runs} == {"completed"}


@pytest.mark.slow
def test_ctrl_c_pauses_and_says_how_to_go_on(shop: Any, wait_until: Callable[..., None]) -> None:
    """The first signal lets the trials rest; the line that is printed goes on with them."""
    cases = [
        {"id": n, "inputs": {"case": n, "wait": "yes" if n == "b" else "no"}, "expected": "right"}
        for n in "abc"
    ]
    suite(shop, cases=cases)
    process = shop.start("eval", "suite", "evals.yaml", "--concurrency", "1")
    wait_until(lambda: (shop.marks / "hanging").exists())
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert "Not all trials were run: it was interrupted." in said
    (line,) = re.findall(r"To go on: (.*)", said)
    shop.go()
    done = shop.type(line, shop.project)
    assert done.returncode == 0, done.stderr
    assert "(3 of 3;" in done.stdout
    assert sorted(calls(shop)) == ["a", "b", "b", "c"]


@pytest.mark.slow
def test_two_suites_at_once_keep_apart(shop: Any) -> None:
    """Two evaluations of the same suite at the same time both come to their end, each with its own runs."""
    processes = [shop.start("eval", "suite", "evals.yaml", "--repeat", "3", "--json") for _ in range(2)]
    results = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert [result["judged"] for result in results] == [12, 12]
    runs = [{t["run"] for case in result["cases"] for t in case["trials"]} for result in results]
    assert not runs[0] & runs[1]


@pytest.mark.slow
def test_a_regression_is_told_from_the_baseline(shop: Any) -> None:
    """Saved, the baseline is a small file in a stable order; the same loop passes, a worse one fails with 1."""
    run = ("eval", "suite", "evals.yaml", "--repeat", "10", "-q")
    saved = shop.run(*run, "--baseline", "save", "main")
    assert saved.returncode == 0, saved.stderr
    file = shop.project / ".loopengt" / "baselines" / "main.json"
    assert list(json.loads(file.read_text())["cases"]) == ["a", "b", "bad", "c"]
    assert "!/baselines/" in (shop.project / ".loopengt" / ".gitignore").read_text()

    same = shop.run(*run, "--baseline", "compare", "main")
    assert same.returncode == 0, same.stdout
    assert "No difference between main and this evaluation is shown" in same.stdout
    assert re.search(r"With 40 and 40 trials of 4 cases, a difference of \d+ points is shown", same.stdout)

    shop.write("agent.py", AGENT.replace('!= "bad"', "not in ('bad', 'b')"))
    worse = shop.run(*run, "--baseline", "compare", "main", "--markdown", "m.md")
    assert worse.returncode == 1, worse.stdout
    assert "passed before, and does not now: b  10/10 → 0/10" in worse.stdout
    assert "This evaluation is worse than main: success rate 75 % → 50 %" in worse.stdout
    assert "❌" in (shop.project / "m.md").read_text()


@pytest.mark.slow
def test_a_difference_that_is_too_small_to_count_is_no_regression(shop: Any) -> None:
    """``min_difference`` says how much worse it may become, however sure that is."""
    suite(shop, thresholds={"success_rate": {"min_difference": 0.3}})
    run = ("eval", "suite", "evals.yaml", "--repeat", "10", "-q")
    shop.run(*run, "--baseline", "save", "b.json")
    shop.write("agent.py", AGENT.replace('!= "bad"', "not in ('bad', 'b')"))
    done = shop.run(*run, "--baseline", "compare", "b.json")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no baseline 'main'"),
        ("{", "is no baseline"),
        ("[]", "is no baseline"),
        ('{"format": 1, "cases": {"a": {"digest": "x", "passed": [2], "values": {}}}}', "is no baseline"),
        ('{"format": 99}', "has the format 99, and this version reads 1"),
        (
            '{"format": 1, "cases": {"z": {"digest": "x", "passed": [1], "values": {}}}}',
            "main and this suite have no case in common",
        ),
    ],
)
def test_baselines_that_do_not_fit_are_refused(shop: Any, content: str | None, said: str) -> None:
    """A baseline that is missing, damaged, too new or of other cases is refused, with what to do, before any run."""
    if content is not None:
        folder = shop.project / ".loopengt" / "baselines"
        folder.mkdir(parents=True)
        (folder / "main.json").write_text(content)
    done = shop.run("eval", "suite", "evals.yaml", "--baseline", "compare", "main", "-q", "--case", "a")
    assert done.returncode == 2
    assert said in done.stderr
    assert "--baseline save" in done.stderr
    assert calls(shop) == []


@pytest.mark.slow
def test_a_baseline_of_another_suite_and_version_is_compared_on_what_is_common(shop: Any) -> None:
    """Changed and missing cases are left out and named, and so is another version of loopengt."""
    shop.run("eval", "suite", "evals.yaml", "-q", "--baseline", "save", "main")
    file = shop.project / ".loopengt" / "baselines" / "main.json"
    file.write_text(re.sub(r'"loopengt": "[^"]+"', '"loopengt": "0.1.0"', file.read_text()))
    names = ["a", "b", "new"]
    cases = [{"id": name, "inputs": {"case": name}, "expected": "right"} for name in names]
    cases[1]["expected"] = "something else"
    suite(shop, cases=cases)
    done = shop.run("eval", "suite", "evals.yaml", "-q", "--baseline", "compare", "main")
    assert "main → this evaluation, 1 case in common" in done.stdout
    assert "note: The suite has changed between them" in done.stdout
    assert "note: 1 cases were changed, and are left out: b" in done.stdout
    assert "2 cases are only in main, and are left out: bad, c" in done.stdout
    assert "note: They were made with different versions of loopengt: 0.1.0 and " in done.stdout


@pytest.mark.slow
def test_hostile_texts_are_shown_and_do_nothing(shop: Any) -> None:
    """An id and an output that try to be markup, or to move the cursor, are text in every report."""
    shop.write("agent.py", "print('</script><script>alert(1)</script>\\x1b[2J' + ']]>' * 3)")
    suite(
        shop,
        cases=[{"id": HOSTILE.rstrip("\u202e"), "inputs": {"case": "x"}, "expected": "</td>\x1b]0;x\x07"}],
    )
    done = shop.run(
        "eval", "suite", "evals.yaml", "--junit", "j.xml", "--markdown", "m.md", "--html", "h.html"
    )
    assert done.returncode == 3, done.stderr
    page = (shop.project / "h.html").read_text()
    for text in (
        done.stdout,
        done.stderr,
        page,
        *((shop.project / n).read_text() for n in ("j.xml", "m.md")),
    ):
        assert "\x1b" not in text
    for text in (page, (shop.project / "m.md").read_text()):
        assert "<script" not in text
        assert "<img" not in text
    ET.fromstring((shop.project / "j.xml").read_text())
    suite(shop, cases=[{"id": HOSTILE, "inputs": {"case": "x"}}])
    assert shop.run("eval", "suite", "evals.yaml").returncode == 2


@pytest.mark.slow
def test_trials_can_be_recorded_and_replayed(shop: Any) -> None:
    """Replayed, every trial gets the answers of its own recording, and no agent is called."""
    assert shop.run("eval", "suite", "evals.yaml", "--repeat", "2", "--record", "tapes", "-q").returncode == 3
    before = calls(shop)
    done = shop.run("eval", "suite", "evals.yaml", "--repeat", "2", "--replay", "tapes", "-q", "--json")
    found = json.loads(done.stdout)
    assert (found["passed"], found["judged"]) == (6, 8), done.stderr
    assert calls(shop) == before


@pytest.mark.slow
def test_settings_and_another_loop_take_the_place_of_the_suites(shop: Any) -> None:
    """``--loop`` and ``--set`` are used, what a case gives counts more, and --resume takes neither."""
    spec = json.loads((shop.project / "loop.yaml").read_text())
    shop.write("other.yaml", json.dumps(spec | {"name": "other"}))
    done = shop.run(
        "eval", "suite", "evals.yaml", "--loop", "other.yaml", "--set", "case=bad", "--json", "-q"
    )
    found = json.loads(done.stdout)
    assert (found["loop"], found["settings"], found["passed"]) == ("other", {"case": "bad"}, 3)
    refused = shop.run("eval", "suite", "evals.yaml", "--resume", "latest", "--repeat", "3")
    assert refused.returncode == 2
    assert "--resume goes on with what was begun" in refused.stderr


@pytest.mark.slow
def test_a_report_that_cannot_be_read_by_anybody_loses_no_result(shop: Any, tmp_path: Path) -> None:
    """When nobody reads what is printed, the files are written all the same, and the evaluation is recorded."""
    page = tmp_path / "m.md"
    done = shop.type(f"loopengt eval suite evals.yaml -q --markdown {page} | true", shop.project)
    assert "Traceback" not in done.stderr
    assert page.is_file()
