"""``loopengt eval compare``: two loops on one suite, and two recorded evaluations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess

AGENT = """
import hashlib


def answer(request):
    context = request.context
    key = f"{context['seed']} {request.run_id.rpartition('-')[2]}"
    drawn = int.from_bytes(hashlib.sha256(key.encode()).digest()[:6]) / 2**48
    return "right" if drawn < context["share"] else "wrong"
"""
"""Succeeds by a seeded draw, one for each trial."""


@pytest.fixture
def lab(bench: Any) -> Any:
    """A project with a loop that succeeds in 60 % of all trials, and one that does in 80 %."""
    bench.write("agents.py", AGENT)
    for name, share, seed in (("a", 0.6, 1), ("b", 0.8, 2), ("c", 0.6, 3)):
        loop = {
            "name": name,
            "goal": "Be right.",
            "agents": [
                {"name": "w", "config": {"provider": "python", "extra": {"function": "agents.answer"}}}
            ],
            "steps": [{"name": "work", "agent": "w"}],
            "context": {"share": share, "seed": seed},
        }
        bench.write(f"{name}.yaml", json.dumps(loop))
    suite = {"name": "lab", "loop": "a.yaml", "judges": ["exact"], "isolation": "empty", "repeat": 2}
    bench.write("evals.yaml", json.dumps(suite | {"cases": [{"id": "only", "expected": "right"}]}))
    return bench


def verdict(done: subprocess.CompletedProcess[str]) -> str:
    """Return the verdict of a comparison in JSON."""
    return str(json.loads(done.stdout)["verdict"])


@pytest.mark.slow
def test_60_is_told_from_80_percent_and_not_from_60(lab: Any) -> None:
    """At 100 trials each, real runs of an agent that succeeds by a seeded draw are told apart when they differ."""
    better = lab.run("eval", "compare", "a.yaml", "b.yaml", "--suite", "evals.yaml", "--repeat", "100", "-q")
    assert better.returncode == 0, better.stderr
    assert "b.yaml is better than a.yaml: success rate" in better.stdout
    worse = lab.run("eval", "compare", *ids(better)[::-1], "--json")
    assert (worse.returncode, verdict(worse)) == (1, "worse")
    same = lab.run(
        "eval", "compare", "a.yaml", "c.yaml", "--suite", "evals.yaml", "--repeat", "100", "--json"
    )
    assert (same.returncode, verdict(same)) == (0, "none")
    assert json.loads(same.stdout)["trials_b"] == 100


def ids(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the ids of the evaluations that a comparison has made."""
    return [line[3:] for line in done.stderr.splitlines() if line[:3] in ("A: ", "B: ")]


@pytest.mark.slow
def test_two_loops_are_shown_side_by_side(lab: Any) -> None:
    """The table has both, the sentence says what is shown and what could have been, and the reports are written."""
    files = ("--markdown", "m.md", "--html", "h.html")
    done = lab.run("eval", "compare", "a.yaml", "b.yaml", "--suite", "evals.yaml", "-q", *files)
    assert done.returncode == 0, done.stderr
    assert "a.yaml → b.yaml, 1 case in common" in done.stdout
    assert "no difference shown" in done.stdout
    assert "No difference between a.yaml and b.yaml is shown" in done.stdout
    assert "a.yaml" in (lab.project / "m.md").read_text()
    assert "<svg" in (lab.project / "h.html").read_text()
    again = lab.run("eval", "compare", *ids(done))
    assert ids(again) == ids(done)


@pytest.mark.slow
def test_what_cannot_be_compared_is_refused(lab: Any) -> None:
    """Loops without a suite, options without loops, and evaluations that are not there."""
    for words, said in (
        (("a.yaml", "b.yaml"), "to compare loops, add --suite"),
        (("eval-1", "eval-2", "--repeat", "3"), "--repeat is for loops that are run"),
        (("eval-1", "eval-2"), "there is no evaluation 'eval-1'"),
        (("a.yaml", "gone.yaml", "--suite", "evals.yaml"), "there is no such file"),
    ):
        done = lab.run("eval", "compare", *words)
        assert done.returncode == 2
        assert said in done.stderr
    assert not (lab.project / ".loopengt" / "evals").exists()
