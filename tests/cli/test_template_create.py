"""``loopengt template create``: templates out of runs that worked, and out of files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.spec import parse_document

from .template_kit import typed

if TYPE_CHECKING:
    from .conftest import Bench
    from .template_kit import Type

__all__ = ["typed"]


def made(typed: Type, name: str) -> dict[str, Any]:
    """The variables of a template."""
    shown = typed("show", name, "--json")
    assert shown.returncode == 0, shown.stderr
    return dict(json.loads(shown.stdout)["variables"])


@pytest.mark.slow
def test_a_run_that_worked_becomes_a_template(bench: Bench, typed: Type) -> None:
    """Goal, context as it was set and commands are variables with their values; used as it is, it is that loop."""
    bench.loop(context={"colour": "red", "size": 3, "deep": {"a": 1}}, goal="output.count >= 1")
    assert bench.run("run", "loop.yaml", "--set", "colour=blue: {x}").returncode == 0
    created = typed("create", "mine")
    assert created.returncode == 0, created.stderr
    variables = made(typed, "mine")
    assert variables["goal"]["default"] == "Count to two."
    assert variables["colour"]["default"] == "blue: {x}"
    assert (variables["size"]["default"], variables["size"]["type"]) == (3, "integer")
    assert variables["counter_command"]["default"].endswith(" agent.py") and "deep" not in variables
    used = typed("use", "mine", "-o", "again", "--set", "goal=Count to one.")
    assert used.returncode == 0, used.stderr
    spec = parse_document((bench.project / "again" / "loop.yaml").read_text()).data
    assert spec["goal"] == "Count to one." and spec["context"]["colour"] == "blue: {x}"
    assert bench.run("run", "again/loop.yaml").returncode == 0


@pytest.mark.slow
def test_a_run_that_did_not_work_is_refused(bench: Bench, typed: Type) -> None:
    """A template is not made of a run that has not reached its goal; the message says how it ended."""
    bench.loop(goal="output.count > 99")
    assert bench.run("run", "loop.yaml").returncode == 3
    created = typed("create", "mine")
    assert created.returncode == 2
    assert "has not reached its goal: exhausted" in created.stderr and "-s loop.yaml" in created.stderr
    assert not (bench.project / ".loopengt" / "templates" / "mine").exists()


def test_comments_of_a_file_stay(bench: Bench, typed: Type) -> None:
    """A template of a file is that file, with placeholders; equal commands and models share a variable."""
    bench.write(
        "loop.yaml",
        """\
# what a person has written
name: demo
description: Does it.
goal: >
  Make it
  good.
context: {check: make test, "<<odd>>": "<<odd>>"}
agents:
  - {name: a, config: {provider: openai, model: gpt-4o}} # the first
  - {name: b, config: {provider: openai, model: gpt-4o-mini}}
steps:
  - {name: s, agent: a, prompt_template: "{goal} <<model>>", verification_gates: [check, lint]}
  - {name: t, agent: b, prompt_template: "{check}"}
policy:
  verification_gates:
    - {name: check, kind: command, command: make test} # the check
    - name: lint
      kind: command
      command:
        - ruff
        - check
""",
    )
    created = typed("create", "mine", "-s", "loop.yaml", "--scope", "user")
    assert created.returncode == 0, created.stderr
    folder = bench.marks / "config" / "loopengt" / "templates" / "mine"
    text = (folder / "loop.yaml").read_text()
    assert (
        text.startswith("# what a person has written\n") and "# the first" in text and "# the check" in text
    )
    assert "command: <<check>>} # the check" in text and "goal: <<goal>>\n" in text
    defaults = {name: each["default"] for name, each in made(typed, "mine").items()}
    assert defaults == {
        "literal": "<<odd>>", "goal": "Make it good.\n", "check": "make test", "provider": "openai",
        "a_model": "gpt-4o", "b_model": "gpt-4o-mini",
    }  # fmt: skip
    assert typed("use", "mine", "-o", "again").returncode == 0
    again = parse_document((bench.project / "again" / "loop.yaml").read_text()).data
    assert again == parse_document((bench.project / "loop.yaml").read_text()).data


@pytest.mark.slow
def test_the_loops_within_come_along(bench: Bench, typed: Type) -> None:
    """A loop that runs another one becomes a template with both files."""
    child = bench.loop()
    (bench.project / "parts").mkdir()
    bench.write("parts/child.yaml", json.dumps(child | {"name": "child"}))
    step = {"name": "all", "loop": "parts/child.yaml"}
    bench.write("loop.yaml", json.dumps(child | {"pattern": "sequential", "steps": [step]}))
    assert bench.run("run", "loop.yaml").returncode == 0
    for name, source in (("ran", "latest"), ("file", "loop.yaml")):
        created = typed("create", name, "-s", source)
        assert created.returncode == 0, created.stderr
        assert typed("use", name, "-o", name).returncode == 0
        assert (bench.project / name / "parts" / "child.yaml").is_file()
        assert bench.run("validate", f"{name}/loop.yaml").returncode == 0


def test_a_template_is_replaced_only_when_asked(bench: Bench, typed: Type) -> None:
    """A name that is taken is refused; with --force the old template is kept, and no longer listed."""
    bench.loop()
    assert typed("create", "mine", "-s", "loop.yaml").returncode == 0
    assert "there is a template" in typed("create", "mine", "-s", "loop.yaml").stderr
    forced = typed("create", "mine", "-s", "loop.yaml", "--force")
    assert forced.returncode == 0 and "the old one is mine.bak" in forced.stdout
    listed = json.loads(typed("list", "--json").stdout)
    assert [each["name"] for each in listed if each["source"] == "project"] == ["mine"]
    assert "cannot name a template" in typed("create", "../x", "-s", "loop.yaml").stderr
    assert typed("create", "none", "-s", "no-such-run").returncode == 2
