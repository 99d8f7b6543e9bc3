"""Writes a suite as a dataset of pydantic-evals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_evals.formats.asked import GOAL, QUALITY, model_of, note_lost
from loopengt_evals.formats.collected import as_text
from loopengt_evals.formats.writing import dump

if TYPE_CHECKING:
    from loopengt_evals.formats.collected import Notes
    from loopengt_evals.suites.reading import LoadedCase, LoadedSuite
    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["to_pydantic_evals"]

_TYPES = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "object": "dict",
    "array": "list",
    "null": "NoneType",
}


def to_pydantic_evals(suite: LoadedSuite, notes: Notes) -> str:
    """Return the dataset as YAML; what has no place in it is noted."""
    own = len(suite.suite.judges)
    shared = [(judge, _shared(judge, notes)) for judge in suite.suite.judges]
    depending = [judge for judge, made in shared if made is None]
    return dump(
        {
            "name": suite.suite.name,
            "cases": [_case(case, own, depending, notes) for case in suite.cases],
            "evaluators": [each for _, made in shared for each in made or ()],
        }
    )


def _shared(judge: JudgeSpec, notes: Notes) -> list[Any] | None:
    """Return the evaluators of a judge of all cases; None: they depend on the case."""
    options = judge.options
    if judge.kind == "contains" and options.get("expected") is None and options.get("against") is None:
        return None
    return _evaluators(judge, None, "all cases", notes)


def _case(case: LoadedCase, own: int, depending: list[JudgeSpec], notes: Notes) -> dict[str, Any]:
    if case.files:
        notes.add(case.id, "its files were left out")
    metadata = dict(case.case.metadata)
    if case.case.tags:
        metadata["tags"] = list(case.case.tags)
    if case.case.description:
        metadata["description"] = case.case.description
    found: dict[str, Any] = {"name": case.id, "inputs": case.case.inputs}
    if metadata:
        found["metadata"] = metadata
    if case.expected is not None:
        found["expected_output"] = case.expected
    evaluators = [
        each
        for judge in (*depending, *case.judges[own:])
        for each in _evaluators(judge, case.expected, case.id, notes)
    ]
    return found | ({"evaluators": evaluators} if evaluators else {})


def _evaluators(judge: JudgeSpec, expected: Any, where: str, notes: Notes) -> list[Any]:
    """Return the evaluators that hold what a judge holds."""
    options = judge.options
    if options.get("of") is not None or options.get("against") is not None:
        notes.add(where, f"the judge {judge.label} was left out: it looks at more than the output")
        return []
    label = {"evaluation_name": judge.label} if judge.name else {}
    match judge.kind:
        case "exact":
            return _exact(judge, label, where, notes)
        case "contains":
            return _contains(judge, expected, label, where, notes)
        case "json_schema":
            schema = options.get("schema", {})
            if set(schema) == {"type"} and schema["type"] in _TYPES:
                name = _TYPES[schema["type"]]
                return [{"IsInstance": {"type_name": name, **label} if label else name}]
        case "rubric" | "quality" | "goal_achievement":
            return [_llm_judge(judge, where, notes)]
    notes.add(where, f"the judge {judge.label} ({judge.kind}) was left out: no evaluator does the same")
    return []


def _exact(judge: JudgeSpec, label: dict[str, Any], where: str, notes: Notes) -> list[Any]:
    options = judge.options
    for name in ("ignore_case", "ignore_whitespace", "tolerance"):
        if options.get(name):
            notes.add(where, f"the judge {judge.label} was left out: no evaluator knows {name}")
            return []
    if options.get("strip", True):
        notes.add(where, f"to {judge.label} spaces around a text do count there")
    if options.get("expected") is not None:
        return [{"Equals": {"value": options["expected"], **label}}]
    return [{"EqualsExpected": label} if label else "EqualsExpected"]


def _contains(judge: JudgeSpec, expected: Any, label: dict[str, Any], where: str, notes: Notes) -> list[Any]:
    options = judge.options
    wanted = options.get("expected") if options.get("expected") is not None else expected
    if wanted is None:
        return []
    texts = [as_text(one) for one in wanted] if isinstance(wanted, list) else [as_text(wanted)]
    if options.get("find", "all") != "all" and (len(texts) > 1 or options["find"] == "none"):
        notes.add(
            where,
            f"the judge {judge.label} was left out: no evaluator finds {options['find']} of several texts",
        )
        return []
    ignore = {"case_sensitive": False} if options.get("ignore_case") else {}
    return [{"Contains": {"value": text, **ignore, "as_strings": True, **label}} for text in texts]


def _llm_judge(judge: JudgeSpec, where: str, notes: Notes) -> dict[str, Any]:
    options = judge.options
    if judge.kind == "rubric":
        criteria = options.get("criteria", [])
        parts = [str(one.get("description", "")) for one in criteria]
        rubric = parts[0] if len(parts) == 1 else "\n".join(f"- {part}" for part in parts)
        if len(parts) > 1:
            notes.add(where, f"the criteria of {judge.label} became one rubric")
    else:
        rubric = QUALITY if judge.kind == "quality" else GOAL
    if options.get("instructions"):
        rubric = f"{rubric}\n{options['instructions']}"
    if judge.threshold is not None:
        notes.add(where, f"the threshold of {judge.label} was left out: an LLMJudge says pass or fail")
    note_lost(judge, where, notes, inputs=False)
    model = model_of(judge, where, notes)
    made: dict[str, Any] = {"rubric": rubric, "include_expected_output": True}
    if model is not None:
        made["model"] = model
    if options.get("inputs"):
        made["include_input"] = True
    if judge.name:
        made["assertion"] = {"evaluation_name": judge.label, "include_reason": True}
    return {"LLMJudge": made}
