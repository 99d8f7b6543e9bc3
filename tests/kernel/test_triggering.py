"""Triggers in a spec: what is checked when it is loaded, with its place in the file, and what is bound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from loopengt import SpecError, UsageError
from loopengt.testing import loop_spec, make_kernel
from loopengt.triggering import bind_trigger, trigger_line
from loopengt_hookspecs.models import LoopTrigger

SPEC = """\
name: demo
goal: Show it.
trigger:
  trigger_type: {kind}
  config: {config}
agents: [{{name: a, config: {{provider: scripted}}}}]
steps: [{{name: s, agent: a, prompt_template: "{prompt}"}}]
"""


def problems(project: Path, kind: str, config: str, prompt: str = "do it") -> list[str]:
    """Return what is wrong with a spec, as validate prints it."""
    path = project / "loop.yaml"
    path.write_text(SPEC.format(kind=kind, config=config, prompt=prompt))
    try:
        make_kernel(project).load_spec(path)
    except SpecError as error:
        return str(error).replace(str(project), "").splitlines()
    return []


@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        ("schedul", "{every: 1h}", "4:17: unknown trigger 'schedul' (did you mean 'schedule'?"),
        ("schedule", "{evry: 1h}", "5:12: the trigger 'schedule' has no option 'evry'"),
        ("schedule", "{every: soon}", "5:12: option 'every': 'soon' is no duration"),
        ("schedule", "{cron: '99 * * * *'}", "5:12: option 'cron': the minute '99'"),
        ("schedule", "{every: 1h, overlap: both}", "5:23: option 'overlap': Input should be 'skip', 'queue'"),
        ("schedule", "{}", "5:3: a schedule has either every or cron"),
        ("webhook", "{port: 80, host: 0.0.0.0}", "5:3: everybody who reaches 0.0.0.0 could start runs"),
        ("webhook", "{}", "option 'port': Field required"),
        ("event", "{paths: [src, ../x]}", "option 'paths': the pattern '../x' leads out of the project"),
        ("manual", "{every: 1h}", "5:12: the trigger 'manual' has no option 'every'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, kind: str, config: str, expected: str) -> None:
    """An unknown trigger, an unknown option and one that does not fit are problems of the spec, with their place."""
    found = problems(tmp_path, kind, config)
    assert any(expected in line for line in found), found


def test_the_event_is_a_name_that_prompts_may_use(tmp_path: Path) -> None:
    """A loop with a trigger may name it; one that only a person starts may not."""
    assert problems(tmp_path, "schedule", "{every: 1h}", "it is {event.due}") == []
    (found, *_) = problems(tmp_path, "manual", "{}", "it is {event.due}")
    assert "unknown placeholder {event.due}" in found


def test_the_schema_has_the_options_of_each(tmp_path: Path) -> None:
    """An editor is told which triggers there are, and refuses what the loader refuses."""
    import jsonschema_rs

    schema = make_kernel(tmp_path).spec_schema()
    validator = jsonschema_rs.validator_for(schema)

    def fits(kind: str, config: dict[str, Any]) -> bool:
        return validator.is_valid(loop_spec(trigger={"trigger_type": kind, "config": config}))

    assert fits("schedule", {"every": "15m", "overlap": "queue"})
    assert fits("schedule", {"every": 900})
    assert fits("of_a_plugin", {"anything": 1})
    assert not fits("schedule", {"evry": "15m"})
    assert not fits("webhook", {"port": "80"})
    assert not fits("event", {})
    assert "schedule" in json.dumps(schema["$defs"]["LoopTrigger"]["properties"]["trigger_type"])


def test_a_trigger_is_bound_with_the_defaults_of_its_options(tmp_path: Path) -> None:
    """Skip is what happens where the declaration says nothing, and then the line does not say it either."""
    kernel = make_kernel(tmp_path)
    bound = bind_trigger(kernel, LoopTrigger(), tmp_path)
    assert (bound.name, bound.overlap) == ("manual", "skip")
    assert trigger_line(bound) == "manual, one run, at once"
    declared = LoopTrigger(trigger_type="schedule", config={"every": "90s", "overlap": "parallel"})
    assert (
        trigger_line(bind_trigger(kernel, declared, tmp_path)) == "schedule, every 1m30s; overlap: parallel"
    )


def test_what_was_not_loaded_is_checked_when_it_is_bound(tmp_path: Path) -> None:
    """A declaration that a program makes is refused in words, too."""
    declared = LoopTrigger(trigger_type="schedule", config={"every": "soon"})
    with pytest.raises(UsageError, match="every: 'soon' is no duration"):
        bind_trigger(make_kernel(tmp_path), declared, tmp_path)
