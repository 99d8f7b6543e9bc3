"""Writes a suite as tests of promptfoo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loopengt_evals.formats.asked import GOAL, QUALITY, model_of, note_lost
from loopengt_evals.formats.collected import as_text
from loopengt_evals.formats.writing import dump
from loopengt_hookspecs.models import DEFAULT_THRESHOLD

if TYPE_CHECKING:
    from loopengt_evals.formats.collected import Notes
    from loopengt_evals.suites.reading import LoadedCase, LoadedSuite
    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["to_promptfoo"]


def to_promptfoo(suite: LoadedSuite, notes: Notes) -> str:
    """Return the tests as YAML, for ``tests: file://…`` of a configuration; what has no place in them is noted."""
    return dump([_test(case, notes) for case in suite.cases])


def _test(case: LoadedCase, notes: Notes) -> dict[str, Any]:
    if case.files:
        notes.add(case.id, "its files were left out")
    if case.case.description:
        notes.add(case.id, "its description is in its metadata")
    inputs = case.case.inputs
    metadata = dict(case.case.metadata)
    if case.case.tags:
        metadata["tags"] = list(case.case.tags)
    if case.case.description:
        metadata["description"] = case.case.description
    test: dict[str, Any] = {"description": case.id, "vars": inputs}
    if any(isinstance(value, list) for value in inputs.values()):
        test["options"] = {"disableVarExpansion": True}
    if metadata:
        test["metadata"] = metadata
    asserted = [each for judge in case.judges for each in _assertions(judge, case, notes)]
    return test | ({"assert": asserted} if asserted else {})


def _assertions(judge: JudgeSpec, case: LoadedCase, notes: Notes) -> list[dict[str, Any]]:
    options = judge.options
    if options.get("of") is not None or options.get("against") is not None:
        notes.add(case.id, f"the judge {judge.label} was left out: it looks at more than the output")
        return []
    expected = options.get("expected") if options.get("expected") is not None else case.expected
    made = _made(judge, expected, case, notes)
    if made is None:
        notes.add(case.id, f"the judge {judge.label} ({judge.kind}) was left out: no assertion does the same")
        return []
    return [each | ({"metric": judge.label} if judge.name else {}) for each in made]


def _made(judge: JudgeSpec, expected: Any, case: LoadedCase, notes: Notes) -> list[dict[str, Any]] | None:
    options = judge.options
    match judge.kind:
        case "exact" if expected is not None:
            if any(options.get(name) for name in ("ignore_case", "ignore_whitespace", "tolerance")):
                return None
            if options.get("strip", True):
                notes.add(case.id, f"to {judge.label} spaces around a text do count there")
            return [{"type": "equals", "value": _literal(expected, case, notes)}]
        case "contains" if expected is not None:
            return [_contains(options, expected, case, notes)]
        case "regex" if not any(
            options.get(name) for name in ("full", "multiline", "dot_all", "ignore_case")
        ):
            notes.add(
                case.id, f"the regular expression of {judge.label} is Python's, and is read as JavaScript's"
            )
            negate = "not-" if options.get("negate") else ""
            return [{"type": f"{negate}regex", "value": _literal(options["pattern"], case, notes)}]
        case "json_schema" if (
            options.get("schema", {}).get("type") != "string"
        ):  # is-json takes no plain text
            return [{"type": "is-json", "value": options.get("schema", {})}]
        case "rubric" | "quality" | "goal_achievement":
            return _asking(judge, case, notes)
        case "similarity" if isinstance(expected, str):
            notes.add(case.id, f"the assertion of {judge.label} compares embeddings")
            value = _literal(expected, case, notes)
            return [{"type": "similar", "value": value, "threshold": _least(judge)}]
    return None


def _contains(options: dict[str, Any], expected: Any, case: LoadedCase, notes: Notes) -> dict[str, Any]:
    several = isinstance(expected, list)
    find = options.get("find", "all")
    kind = f"{'i' if options.get('ignore_case') else ''}contains"
    texts = [as_text(one) for one in expected] if several else [as_text(expected)]
    value = _literal(texts if several else texts[0], case, notes)
    if find == "none":
        return {"type": f"not-{kind}-any" if several else f"not-{kind}", "value": value}
    return {"type": f"{kind}-{find}" if several else kind, "value": value}


def _asking(judge: JudgeSpec, case: LoadedCase, notes: Notes) -> list[dict[str, Any]]:
    note_lost(judge, case.id, notes, inputs=True)
    model = model_of(judge, case.id, notes)
    rest: dict[str, Any] = {"threshold": _least(judge)}
    if model is not None:
        rest["provider"] = model
    texts = [str(one.get("description", "")) for one in judge.options.get("criteria", ())]
    if judge.kind != "rubric":
        texts = [QUALITY if judge.kind == "quality" else GOAL]
    if len(texts) > 1:
        notes.add(case.id, f"each criterion of {judge.label} became an assertion of its own, which must pass")
    more = [f"What is expected: {as_text(case.expected)}"] if case.expected is not None else []
    more += [str(judge.options["instructions"])] if judge.options.get("instructions") else []
    return [
        {"type": "llm-rubric", "value": _literal("\n".join([text, *more]), case, notes), **rest}
        for text in texts
    ]


def _least(judge: JudgeSpec) -> float:
    return DEFAULT_THRESHOLD if judge.threshold is None else judge.threshold


def _literal(value: Any, case: LoadedCase, notes: Notes) -> Any:
    """Return a value of an assertion; braces in it would be filled in as a template."""
    texts = value if isinstance(value, list) else [value]
    if any(isinstance(text, str) and ("{{" in text or "{%" in text) for text in texts):
        notes.add(case.id, "what is expected has {{ or {%, which promptfoo takes for a template")
    return value
