"""What is written for other tools, held against what they accept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from loopengt.json_schema import JsonSchema
from loopengt.testing import loop_spec, make_kernel
from loopengt_evals.formats.collected import Notes
from loopengt_evals.formats.exporting import export_suite
from loopengt_evals.formats.importing import import_file

DATA = Path(__file__).parent / "data"

RUBRIC = {
    "kind": "rubric",
    "name": "nice",
    "threshold": 0.5,
    "repeat": 3,
    "agent": {"provider": "openai", "model": "gpt-4o"},
    "options": {
        "criteria": [
            {"name": "a", "description": "is polite", "weight": 2},
            {"name": "b", "description": "is short"},
        ],
        "inputs": True,
        "instructions": "Be strict.",
    },
}


def export(folder: Path, form: str, **suite: Any) -> tuple[Any, list[str]]:
    """Export a suite, and return it with the notes."""
    (folder / "loop.json").write_text(json.dumps(loop_spec()))
    (folder / "evals.yaml").write_text(json.dumps({"name": "s", "loop": "loop.json", **suite}))
    notes = Notes()
    text = export_suite(make_kernel(folder), str(folder / "evals.yaml"), form, notes)
    return yaml.safe_load(text), list(notes.places)


def judged(*judges: Any, expected: Any = "Paris") -> dict[str, Any]:
    """A suite with one case that has these judges."""
    return {"cases": [{"id": "c", "inputs": {"q": "?"}, "expected": expected, "judges": list(judges)}]}


ALL = (
    {"kind": "exact", "options": {"strip": False}},
    {"kind": "exact", "name": "four", "options": {"expected": 4}},
    {"kind": "contains", "options": {"expected": ["a", "b"], "ignore_case": True}},
    {"kind": "contains", "name": "not", "options": {"expected": "c", "find": "none"}},
    {"kind": "regex", "options": {"pattern": "^P"}},
    {"kind": "json_schema", "options": {"schema": {"type": "object"}}},
    {"kind": "json_schema", "name": "deep", "options": {"schema": {"type": "object", "required": ["a"]}}},
    {"kind": "similarity", "threshold": 0.6},
    {"kind": "command", "options": {"command": "true"}},
    {"kind": "exact", "name": "part", "options": {"of": "output.answer"}},
    "quality",
    "goal_achievement",
    RUBRIC,
)


def test_a_dataset_is_one_that_pydantic_evals_accepts(tmp_path: Path) -> None:
    """It satisfies the schema that pydantic-evals 2.62 has made, and says what it left out."""
    suite = judged(*ALL) | {
        "judges": [{"kind": "json_schema", "name": "text", "options": {"schema": {"type": "string"}}}]
    }
    suite["cases"][0] |= {
        "tags": ["t"],
        "metadata": {"k": 1},
        "description": "about",
        "files": {"a.txt": "x"},
    }
    suite["cases"].append({"id": "bare", "inputs": {}})
    dataset, notes = export(tmp_path, "pydantic-evals", repeat=3, **suite)
    schema = JsonSchema(json.loads((DATA / "pydantic-evals.schema.json").read_text()))
    assert schema.violations(dataset) == []
    assert schema.violations(dataset | {"evaluators": [{"IsInstance": 3}]})
    case = dataset["cases"][0]
    assert case["metadata"] == {"k": 1, "tags": ["t"], "description": "about"}
    assert case["evaluators"][:4] == [
        "EqualsExpected",
        {"Equals": {"value": 4, "evaluation_name": "four"}},
        {"Contains": {"value": "a", "case_sensitive": False, "as_strings": True}},
        {"Contains": {"value": "b", "case_sensitive": False, "as_strings": True}},
    ]
    assert case["evaluators"][-1] == {
        "LLMJudge": {
            "rubric": "- is polite\n- is short\nBe strict.",
            "include_expected_output": True,
            "model": "openai:gpt-4o",
            "include_input": True,
            "assertion": {"evaluation_name": "nice", "include_reason": True},
        }
    }
    said = "\n".join(notes)
    for what in ("repeat was left out", "its files were", "the judge regex", "the judge deep", "the judge command",
                 "the judge part", "the judge not", "the threshold of nice", "weights and scales of criteria, repeat",
                 "became one rubric", "the loop loop.json was left out", "to four spaces"):  # fmt: skip
        assert what in said, what


def test_tests_of_promptfoo(tmp_path: Path) -> None:
    """Each judge becomes the assertion that holds the same, or is said to be left out."""
    (test,), notes = export(tmp_path, "promptfoo", **judged(*ALL))
    assert (test["description"], test["vars"]) == ("c", {"q": "?"})
    assert test["assert"] == [
        {"type": "equals", "value": "Paris"},
        {"type": "equals", "value": 4, "metric": "four"},
        {"type": "icontains-all", "value": ["a", "b"]},
        {"type": "not-contains", "value": "c", "metric": "not"},
        {"type": "regex", "value": "^P"},
        {"type": "is-json", "value": {"type": "object"}},
        {"type": "is-json", "value": {"type": "object", "required": ["a"]}, "metric": "deep"},
        {"type": "similar", "value": "Paris", "threshold": 0.6},
        *test["assert"][8:],
    ]
    asking = test["assert"][8:]
    assert [one["type"] for one in asking] == ["llm-rubric"] * 4
    assert asking[2] == {
        "type": "llm-rubric",
        "value": "is polite\nWhat is expected: Paris\nBe strict.",
        "threshold": 0.5,
        "provider": "openai:gpt-4o",
        "metric": "nice",
    }
    said = "\n".join(notes)
    for what in (
        "the judge command",
        "the judge part",
        "inputs, weights",
        "JavaScript",
        "embeddings",
        "of its own",
    ):
        assert what in said, what


def test_templates_and_lists_are_minded(tmp_path: Path) -> None:
    """Lists in inputs are not made into combinations, and braces in what is expected are told."""
    suite = judged("exact", expected="{{x}}")
    suite["cases"][0]["inputs"] = {"q": ["a", "b"]}
    (test,), notes = export(tmp_path, "promptfoo", **suite)
    assert test["options"] == {"disableVarExpansion": True}
    assert any("takes for a template" in note for note in notes)


def test_there_and_back(tmp_path: Path) -> None:
    """A suite of what both know is the same after an export and an import."""
    judges = [
        {"kind": "exact", "options": {"strip": False}},
        {"kind": "contains", "options": {"expected": "a"}},
    ]
    cases = [{"id": name, "inputs": {"q": name}, "expected": name, "judges": judges} for name in ("a", "b")]
    for form in ("pydantic-evals", "promptfoo"):
        written, _ = export(tmp_path, form, cases=cases)
        (tmp_path / "there.json").write_text(json.dumps(written))
        back = import_file(make_kernel(tmp_path), tmp_path / "there.json", "auto")
        found = [{key: case[key] for key in ("id", "inputs", "judges")} for case in back.cases]
        wanted = [{key: case[key] for key in ("id", "inputs", "judges")} for case in cases]
        if form == "promptfoo":  # which has no place for what is expected but in the assertion
            for case in wanted:
                case["judges"] = [
                    {"kind": "exact", "options": {"strip": False, "expected": case["id"]}},
                    judges[1],
                ]
        else:
            assert [case["expected"] for case in back.cases] == ["a", "b"]
        assert found == wanted, form
