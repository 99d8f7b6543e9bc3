"""What ``validate`` and the JSON Schema say of judges in gates: their names, options, agents and thresholds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest

from loopengt.errors import SpecError
from loopengt.testing import make_kernel
from loopengt_hookspecs.errors import LoopRefused

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """\
name: judged
goal: Do it well.
agents:
  - {name: writer, config: {provider: scripted}}
steps:
  - {name: write, agent: writer, verification_gates: [good]}
policy:
  verification_gates:
    - name: good
      kind: judge
      JUDGE
"""
"""Its judge stands in line 11."""


def load(tmp_path: Path, judge: str) -> Any:
    """Load a spec with a judge."""
    (tmp_path / "loop.yaml").write_text(
        SPEC.replace("JUDGE", judge.replace("\n", "\n      ")), encoding="utf-8"
    )
    return make_kernel(tmp_path).load_spec(tmp_path / "loop.yaml").spec


SOUND = [
    "judge: quality",
    "judge: {kind: quality, agent: writer}",
    "judge: {kind: quality, agent: {provider: openai, model: m}}",
    "judge: {kind: exact, options: {expected: x}}\nthreshold: 0.5",
    "judge:\n  kind: rubric\n  options:\n    criteria: [{name: a, description: b}]",
    "judge: {kind: json_schema, options: {schema: {type: object}}}",
    "judge: {kind: similarity, options: {embedder: openai}}",
]

WRONG: dict[str, tuple[str, str]] = {
    "an unknown judge": ("judge: qualty", "11:14: unknown judge 'qualty'"),
    "an unknown kind": ("judge: {kind: qualty}", "11:21: unknown judge 'qualty'"),
    "an unknown option": (
        "judge: {kind: exact, options: {stripp: true}}",
        "11:38: the judge 'exact' has no option 'stripp', the nearest is 'strip'",
    ),
    "an option of the wrong kind": (
        "judge:\n  kind: exact\n  options:\n    tolerance: far",
        "14:11: option 'tolerance':",
    ),
    "an option within an option": (
        "judge:\n  kind: rubric\n  options:\n    criteria:\n      - {name: a, description: b, wait: 2}",
        "15:41: the judge 'rubric' has no option 'wait'",
    ),
    "a missing option": ("judge: rubric", "option 'criteria': Field required"),
    "a missing option of a declaration": ("judge: {kind: regex}", "option 'pattern': Field required"),
    "a regular expression": ("judge: {kind: regex, options: {pattern: '('}}", "is not a regular expression"),
    "an expression": ("judge: {kind: expression, options: {expression: '1 +'}}", "is not an expression"),
    "a schema": ("judge: {kind: json_schema, options: {schema: {type: objekt}}}", "cannot be used"),
    "an unknown agent": ("judge: {kind: quality, agent: writr}", "11:37: unknown agent 'writr'"),
    "an unknown provider": (
        "judge: {kind: quality, agent: {provider: opnai}}",
        "11:48: unknown agent provider 'opnai'",
    ),
    "an option of a provider": (
        "judge: {kind: quality, agent: {provider: command, extra: {command: [cat], comand: x}}}",
        "the provider 'command' has no option 'comand'",
    ),
    "an agent that is not asked": (
        "judge: {kind: exact, agent: writer, options: {expected: x}}",
        "the judge 'exact' asks no agent, and declares one",
    ),
    "two thresholds": (
        "judge: {kind: quality, threshold: 0.5}\nthreshold: 0.6",
        "the gate and its judge both declare a threshold",
    ),
}


@pytest.mark.parametrize("judge", SOUND)
def test_a_sound_judge(judge: str, tmp_path: Path) -> None:
    """A name, or a declaration whose options fit, is accepted."""
    assert load(tmp_path, judge).policy.verification_gates[0].judge is not None


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_shown_in_its_place(name: str, tmp_path: Path) -> None:
    """Each mistake in a judge is a problem of the spec, with its line and the nearest name."""
    judge, words = WRONG[name]
    with pytest.raises(SpecError) as caught:
        load(tmp_path, judge)
    assert words in str(caught.value), str(caught.value)


def test_what_only_binding_finds_is_refused_before_a_run(tmp_path: Path) -> None:
    """An embedder that is not there is refused by the engine's check, in the place of the gate; a sound gate is not."""
    engine = make_kernel(tmp_path).engine()
    engine.check(load(tmp_path, "judge: {kind: quality, agent: writer}"))
    with pytest.raises(LoopRefused, match="the nearest is 'openai'") as caught:
        engine.check(load(tmp_path, "judge: {kind: similarity, options: {embedder: opnai}}"))
    assert [place for place, _ in caught.value.refusals] == [("policy", "verification_gates", 0)]


def test_the_schema_knows_the_options(tmp_path: Path) -> None:
    """The JSON Schema ties each judge's options to its kind, and agrees with the loader on what fits."""
    schema = make_kernel(tmp_path).spec_schema()
    validator = jsonschema_rs.validator_for(schema)

    def fits(judge: Any) -> bool:
        gate = {"name": "good", "kind": "judge", "judge": judge}
        spec = {
            "name": "judged",
            "goal": "Do it.",
            "agents": [{"name": "writer", "config": {"provider": "command", "extra": {"command": ["cat"]}}}],
            "steps": [{"name": "write", "agent": "writer"}],
            "policy": {"verification_gates": [gate]},
        }
        return bool(validator.is_valid(json.loads(json.dumps(spec))))

    assert fits("quality")
    assert fits({"kind": "rubric", "options": {"criteria": [{"name": "a", "description": "b"}]}})
    assert not fits({"kind": "rubric"})
    assert not fits({"kind": "rubric", "options": {"criteria": [{"name": "a"}]}})
    assert not fits({"kind": "exact", "options": {"stripp": True}})
    assert fits({"kind": "json_schema", "options": {"schema": {"type": "object"}}})
    assert fits({"kind": "a_plugins_own", "options": {"anything": True}})
