"""Budgets on the command line: what ends a run, how it is given more, and what is refused before it begins."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench

pytestmark = pytest.mark.slow  # real processes, seconds each

SPEND = """
import json, os
print(json.dumps({
    "count": int(os.environ["LOOPENGT_OCCURRENCE"]),
    "token_usage": {"prompt_tokens": 60, "completion_tokens": 40},
    "cost_usd": 0.5,
}))
"""
"""An agent whose every call costs the same, and says so."""


def costly(bench: Bench, goal: str = "output.count >= 3", cost: str = "reported", **policy: Any) -> None:
    """Write a loop that spends, with a policy."""
    spec = bench.loop(SPEND, goal)
    spec["agents"][0]["config"]["extra"]["cost"] = cost
    spec["policy"] |= policy
    bench.write("loop.yaml", json.dumps(spec))


@pytest.mark.parametrize(
    ("policy", "shown", "option"),
    [
        ({"budget": {"max_tokens": 150}}, "exhausted: budget.max_tokens: 200 of 150 tokens", "tokens=200"),
        ({"budget": {"max_cost_usd": 1}}, "exhausted: budget.max_cost_usd: 1 of 1 USD", "usd=1"),
        ({"max_turns": 2}, "exhausted: max_turns: 2 turns were taken", "turns=2"),
        ({"budget": {"max_turns": 2}}, "exhausted: max_turns: 2 turns were taken", "turns=2"),
    ],
)
def test_an_exhausted_run_goes_on_by_the_line_that_is_shown(
    policy: dict[str, Any], shown: str, option: str, bench: Bench, labelled: Callable[[str, str], str]
) -> None:
    """The end names the budget and exits with 3; the line it shows gives more, and the run reaches its goal."""
    costly(bench, **policy)
    ended = bench.run("run", "loop.yaml", "--in-place")
    assert ended.returncode == 3
    assert shown in ended.stdout + ended.stderr
    line = labelled(ended.stdout + ended.stderr, "go on:")
    assert line.endswith(f"--add-budget {option}")
    done = bench.type(line, bench.project)
    assert done.returncode == 0, done.stdout + done.stderr


def test_too_little_more_ends_exhausted_again(bench: Bench) -> None:
    """Without enough the run says at once what is missing, and calls nobody."""
    costly(bench, budget={"max_tokens": 150})
    bench.run("run", "loop.yaml", "--in-place")
    again = bench.run("resume", "latest", "--add-budget", "tokens=20")
    assert again.returncode == 3
    assert "200 of 170 tokens are used, 30 too many" in again.stdout + again.stderr
    assert bench.only_run()["turn"] == 2


def test_several_budgets_are_added_at_once(bench: Bench) -> None:
    """Amounts for several limits, and twice for one, all count."""
    costly(bench, budget={"max_tokens": 150, "max_cost_usd": 0.9})
    bench.run("run", "loop.yaml", "--in-place")
    done = bench.run(
        "resume",
        "latest",
        "--add-budget",
        "tokens=50",
        "--add-budget",
        "tokens=50",
        "--add-budget",
        "usd=0.5",
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "given",
    ["tokens", "token=5", "tokens=", "tokens=-1", "tokens=0", "tokens=1.5", "usd=nan", "usd=inf", "=5"],
)
def test_what_is_no_budget_is_refused(given: str, bench: Bench) -> None:
    """A key or an amount that makes no sense is a usage error that shows how it is written."""
    costly(bench, max_turns=1)
    bench.run("run", "loop.yaml", "--in-place")
    refused = bench.run("resume", "latest", f"--add-budget={given}")
    assert refused.returncode == 2
    assert given in refused.stderr
    assert "--add-budget" in refused.stderr.partition(given)[2]


def test_a_run_that_reached_its_goal_is_given_nothing(bench: Bench) -> None:
    """More budget does not begin a finished run again."""
    costly(bench)
    bench.run("run", "loop.yaml", "--in-place")
    shown = bench.run("resume", "latest", "--add-budget", "tokens=5")
    assert shown.returncode == 0
    assert "has ended already" in shown.stdout + shown.stderr


@pytest.mark.parametrize("command", [("validate",), ("run", "--in-place")])
def test_a_budget_over_an_unknown_price_is_refused_with_its_place(
    command: tuple[str, ...], bench: Bench
) -> None:
    """Before anything is executed the problem names line and column of the budget, the agent, and the ways out."""
    bench.loop(SPEND)
    text = f"""name: demo
goal: Count.
agents:
  - name: counter
    config: {{provider: command, extra: {{command: [{sys.executable}, agent.py]}}}}
steps:
  - {{name: count, agent: counter}}
policy:
  budget:
    max_cost_usd: 1
"""
    bench.write("loop.yaml", text)
    refused = bench.run(command[0], "loop.yaml", *command[1:])
    assert refused.returncode == 2
    said = refused.stdout + refused.stderr
    assert "loop.yaml:10:19: " in said
    assert "'counter'" in said
    assert "on_unknown_cost" in said
    bench.write("loop.yaml", text.replace("agent.py]}", "agent.py], cost: free}"))
    assert bench.run(command[0], "loop.yaml", *command[1:]).returncode == 0
    assert bench.run("validate", "loop.yaml").returncode == 0


def test_an_answer_without_its_cost_breaks_the_promise(bench: Bench) -> None:
    """With cost: reported an output without cost_usd fails the attempt, and the message says what to print."""
    costly(bench)
    bench.write("agent.py", "print('no cost')")
    failed = bench.run("run", "loop.yaml", "--in-place")
    assert failed.returncode == 1
    assert "has no cost_usd" in failed.stdout + failed.stderr


def test_calls_of_unknown_cost_are_named_at_the_end(bench: Bench) -> None:
    """The figures at the end say how many calls nobody knows the cost of."""
    bench.loop()
    done = bench.run("run", "loop.yaml", "--in-place")
    assert "cost unknown (2 calls of unknown cost)" in done.stdout + done.stderr
