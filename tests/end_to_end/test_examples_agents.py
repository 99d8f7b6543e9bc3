"""Runs the examples whose agents are models and coding CLIs, against a fake service and stand-ins for the CLIs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from loopengt import Kernel
from loopengt.testing import FakeOpenAI, StandInCli

from .test_examples import EXAMPLES, LEFTOVERS, Finished, check, environment, texts, verdicts

KEY = "sk-example-0123456789abcdef"
FINDING = {"section": "Design", "problem": "Bodies of 36 MB are refused.", "suggestion": "Send photos alone."}
REVISED = """\
# Offline reports in the field app

{facts}

## Goal

No finished report is lost, and 99 % of them have arrived within an hour after the network is back.

## Non-goals

Drafts are not shared between phones.

## Design

The queue is a file. Each photo is a request of its own with an id, so that sending it twice does no harm.

## What can go wrong

A phone that is full refuses new photos; nothing in the queue is ever removed.

## Rollout

Ten inspectors first; a switch on the server brings the old way back.
"""

pytestmark = pytest.mark.timeout(300)


def started(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``loopengt`` in a folder, without any key and without any CLI but those that are given."""
    env = {name: value for name, value in environment().items() if not name.endswith(("_API_KEY", "_TOKEN"))}
    return subprocess.run(
        [sys.executable, "-m", "loopengt", *arguments],
        cwd=folder,
        env=env | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def copied(tmp_path: Path, name: str) -> Path:
    """Return a copy of an example."""
    return Path(shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=LEFTOVERS))


def finished(project: Path, **variables: str) -> Finished:
    """Run an example to its end."""
    untouched = texts(project)
    done = started(project, "run", ".", **variables)
    return Finished(project, untouched, done.returncode, done.stdout, done.stderr)


# -- review -------------------------------------------------------------------------------------------------------


class Colleagues:
    """A critic and a writer, as the models behind a fake service.

    Args:
        *scores: Of the critic's verdicts, in their order; the last one is given from then on.
        note: What the writer makes of the note, each time that it revises it.
    """

    def __init__(self, *scores: float, note: str = "") -> None:
        self._scores = list(scores)
        self._note = note
        self.prompts: list[str] = []
        """What the critic was asked."""

    def __call__(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a request."""
        system, *messages = body["messages"]
        if "You review" in system["content"]:
            assert body["response_format"]["type"] == "json_schema" and "tools" not in body
            self.prompts.append(messages[0]["content"])
            return {"json": self._verdict()}
        assert {tool["function"]["name"] for tool in body["tools"]} == {
            "edit_file",
            "read_file",
            "write_file",
        }
        if messages[-1]["role"] == "tool":
            return {"text": "The queue survives, and photos are sent alone."}
        note = self._note or f"{len(self.prompts)}\n"
        return {"tool_calls": [{"name": "write_file", "arguments": {"path": "design.md", "content": note}}]}

    def _verdict(self) -> dict[str, Any]:
        score = self._scores.pop(0) if len(self._scores) > 1 else self._scores[0]
        findings = [] if score >= 0.8 else [FINDING]
        return {"reasoning": "So it is.", "findings": findings, "score": score, "passed": score >= 0.8}


def review(tmp_path: Path, colleagues: Colleagues) -> Finished:
    """Run the example review with a service of ours; only the address in its config is another one."""
    project = copied(tmp_path, "review")
    config = project / ".loopengt" / "config.toml"
    with FakeOpenAI(colleagues) as server:
        config.write_text(config.read_text().replace("https://api.openai.com/v1", server.url))
        run = finished(project, OPENAI_API_KEY=KEY)
        asked = {request.headers["authorization"] for request in server.requests}
        assert asked == {f"Bearer {KEY}"}
        assert {request.body["model"] for request in server.requests} == {"gpt-4o-mini"}
    return run


def revised(facts: str = "") -> str:
    """Return a note that has its form, with the facts of the original unless others are given."""
    original = (EXAMPLES / "review" / "design.md").read_text(encoding="utf-8")
    (own,) = re.findall(r"^## Facts.*?(?=\n\n## )", original, re.DOTALL | re.MULTILINE)
    return REVISED.format(facts=facts or own)


@pytest.mark.slow
def test_review_revises_the_note_until_the_critic_is_satisfied(tmp_path: Path) -> None:
    """A bad verdict leads to a revision in the copy, which the critic reads and passes; the journal has all of it."""
    colleagues = Colleagues(0.4, 0.9, note=revised())
    run = review(tmp_path, colleagues)
    assert run.exit_code == 0, run.stdout + run.stderr
    assert run.record()["reason"] == "goal_met"
    assert (run.workspace() / "design.md").read_text() == revised()
    assert (run.project / "design.md").read_text() == (EXAMPLES / "review" / "design.md").read_text()
    assert "The queue is kept in memory" in colleagues.prompts[0]
    assert "The queue is a file" in colleagues.prompts[1]
    trace = run.trace()
    said = [event["data"] for event in trace if event["event_type"] == "model.response"]
    assert len(said) == 4 and all(data["token_usage"]["prompt_tokens"] for data in said)
    called = [event["data"]["tool"] for event in trace if event["event_type"] == "tool.call"]
    assert called == ["write_file"]
    assert verdicts(trace, "form") == [("gate.pass", 0)]
    assert verdicts(trace, "form-at-last") == [("gate.fail", 1), ("gate.pass", 0)]
    assert KEY not in json.dumps(trace)


@pytest.mark.slow
def test_review_without_improvement_ends_no_progress(tmp_path: Path) -> None:
    """A critic whose score does not rise ends the run with exit code 3 before its turns are used up."""
    colleagues = Colleagues(0.4, note=revised())
    run = review(tmp_path, colleagues)
    assert run.exit_code == 3, run.stdout + run.stderr
    assert len(colleagues.prompts) == 4
    assert run.record()["reason"] == "no_progress"
    assert "goal_met" not in run.stdout + run.stderr


@pytest.mark.slow
def test_review_refuses_facts_that_were_written(tmp_path: Path) -> None:
    """A writer that changes the facts is told so, and when it keeps to it the critic never gets to read it."""
    colleagues = Colleagues(0.4, 0.9, note=revised("## Facts\n\n- Every site has a network."))
    run = review(tmp_path, colleagues)
    assert run.exit_code == 3, run.stdout + run.stderr
    assert run.record()["reason"] == "blocked"
    assert len(colleagues.prompts) == 1
    assert "facts are measured" in json.dumps(run.trace())


@pytest.mark.slow
def test_review_is_not_done_when_the_critic_passes_what_has_no_form(tmp_path: Path) -> None:
    """A note that lacks sections cannot end goal_met, though the critic passes it at once."""
    run = review(tmp_path, Colleagues(0.95))
    assert run.exit_code == 3, run.stdout + run.stderr
    assert run.record()["reason"] == "blocked"


# -- fix-tests-agent ----------------------------------------------------------------------------------------------

FIXES = {
    "timesheet/durations.py": [
        ('not found["hours"]', 'not (found["hours"] or found["minutes"])'),
        ('int(found["hours"]) * 60', 'int(found["hours"] or 0) * 60'),
    ],
    "timesheet/rounding.py": [("(minutes // step + 1) * step", "-(-minutes // step) * step")],
    "timesheet/weeks.py": [
        ("week = entry.day.isocalendar().week", "year, week, _ = entry.day.isocalendar()"),
        ("{entry.day.year}-W", "{year}-W"),
    ],
}
"""What is wrong in each file, and what is right."""


def fixes() -> list[dict[str, Any]]:
    """Return turns of a coding CLI, each of which mends one file."""
    turns = []
    for name, changes in FIXES.items():
        text = (EXAMPLES / "fix-tests-agent" / name).read_text(encoding="utf-8")
        for wrong, right in changes:
            assert wrong in text
            text = text.replace(wrong, right)
        turns.append({"text": f"Mended {name}.", "edits": {name: text}})
    return turns


@pytest.mark.slow
def test_a_coding_cli_mends_one_bug_a_lap(tmp_path: Path) -> None:
    """Three laps of one conversation mend three bugs: pytest proves it, and the project is left as it was."""
    project = copied(tmp_path, "fix-tests-agent")
    (project / ".mypy_cache").mkdir()  # is not copied, and no difference that counts
    cli = StandInCli(tmp_path / "bin", "claude-code", *fixes())
    run = finished(project, PATH=with_folder(tmp_path / "bin"))
    assert run.exit_code == 0, run.stdout + run.stderr
    assert run.record()["reason"] == "goal_met"
    assert verdicts(run.trace(), "tests") == [("gate.fail", 1), ("gate.fail", 1), ("gate.pass", 0)]
    assert check(run.workspace(), "pytest", "-q") == 0
    assert texts(run.project) == run.untouched
    assert all("--permission-mode=acceptEdits" in call["argv"] for call in cli.calls)
    assert len({call["session"] for call in cli.calls}) == 1
    assert "test_full_steps_stay" in cli.calls[1]["prompt"]


@pytest.mark.slow
def test_tests_that_were_edited_are_no_success(tmp_path: Path) -> None:
    """An agent that makes the tests easy passes them, is caught by the comparison, and the run ends no_progress."""
    project = copied(tmp_path, "fix-tests-agent")
    easy = "import pytest\n\n\n@pytest.mark.parametrize('n', range(9))\ndef test_all(n):\n    assert True\n"
    edits = {f"tests/test_{name}.py": easy for name in ("durations", "rounding", "weeks")}
    cli = StandInCli(tmp_path / "bin", "claude-code", {"edits": edits})
    run = finished(project, PATH=with_folder(tmp_path / "bin"))
    assert run.exit_code == 3, run.stdout + run.stderr
    assert run.record()["reason"] == "no_progress"
    assert {verdict for verdict, _ in verdicts(run.trace(), "tests")} == {"gate.pass"}
    assert {verdict for verdict, _ in verdicts(run.trace(), "only-the-package")} == {"gate.fail"}
    assert "tests/test_weeks.py" in cli.calls[1]["prompt"]
    assert texts(run.project) == run.untouched


@pytest.mark.slow
def test_a_new_conftest_is_caught(tmp_path: Path) -> None:
    """A file that would change how the tests are run, and that the project does not have, is no part of the work."""
    project = copied(tmp_path, "fix-tests-agent")
    *first, last = fixes()
    last["edits"]["conftest.py"] = "collect_ignore = []\n"
    StandInCli(tmp_path / "bin", "claude-code", *first, last)
    run = finished(project, PATH=with_folder(tmp_path / "bin"))
    assert run.exit_code == 3, run.stdout + run.stderr
    assert verdicts(run.trace(), "tests")[-1] == ("gate.pass", 0)
    assert verdicts(run.trace(), "only-the-package")[-1] == ("gate.fail", 1)


@pytest.mark.slow
def test_a_used_up_quota_hands_the_work_over(tmp_path: Path) -> None:
    """When one CLI has reached its limit, the next one that is installed does the lap, and the journal says so."""
    project = copied(tmp_path, "fix-tests-agent")
    StandInCli(tmp_path / "bin", "claude-code", {"ending": "limit"})
    all_at_once = {name: text for turn in fixes() for name, text in turn["edits"].items()}
    gemini = StandInCli(tmp_path / "bin", "gemini", {"edits": all_at_once})
    run = finished(project, PATH=with_folder(tmp_path / "bin"))
    assert run.exit_code == 0, run.stdout + run.stderr
    assert run.record()["reason"] == "goal_met"
    assert len(gemini.calls) == 1
    moved = [event["data"] for event in run.trace() if event["event_type"] == "custom"]
    assert {"what": "coding_cli.failover", "skipped": "codex", "why": "not installed"} in moved
    assert {"what": "coding_cli.failover", "to": "gemini", "from": ["claude-code"]} in moved


def with_folder(folder: Path) -> str:
    """Return ``PATH`` with a folder in front."""
    return f"{folder}{os.pathsep}{environment()['PATH']}"


# -- without a key, without a CLI ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lacks"),
    [
        ("review", ["environment variable OPENAI_API_KEY", "export OPENAI_API_KEY"]),
        (
            "fix-tests-agent",
            ["runs claude, which is not installed", "npm install -g @anthropic-ai/claude-code"],
        ),
    ],
)
def test_a_dry_run_says_what_is_missing(tmp_path: Path, name: str, lacks: list[str]) -> None:
    """The loop validates anywhere; its dry run executes nothing, and names what is missing and how to get it."""
    project = copied(tmp_path, name)
    path = f"{Path(sys.executable).parent}{os.pathsep}/usr/bin{os.pathsep}/bin"
    assert started(project, "validate", ".", PATH=path).returncode == 0
    shown = started(project, "run", ".", "--dry-run", PATH=path)
    assert all(words in shown.stdout + shown.stderr for words in lacks), shown.stdout + shown.stderr
    assert shown.returncode != 0
    assert started(project, "runs", "--json").stdout.strip() == "[]"


# -- docs/agents.md -----------------------------------------------------------------------------------------------

PAGE = EXAMPLES.parent / "docs" / "agents.md"


@pytest.mark.slow
def test_what_the_page_on_agents_shows_is_valid(tmp_path: Path) -> None:
    """Each block of YAML, with a goal and a step for each agent where it has none, validates; none is left out."""
    blocks = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    shown = set()
    (tmp_path / "agents.py").write_text("def plan(request):\n    return ''\n", encoding="utf-8")
    for number, block in enumerate(blocks):
        fragment = yaml.safe_load(block)
        shown |= {role["config"]["provider"] for role in fragment["agents"]}
        steps = [{"name": f"{role['name']}-works", "agent": role["name"]} for role in fragment["agents"]]
        spec = {"name": "shown", "goal": "Get there.", "steps": steps, **fragment}
        (tmp_path / f"{number}.yaml").write_text(json.dumps(spec), encoding="utf-8")
    done = started(tmp_path, "validate", *(f"{number}.yaml" for number in range(len(blocks))))
    assert done.returncode == 0, done.stdout + done.stderr
    assert shown == set(Kernel(tmp_path).names("agents"))
