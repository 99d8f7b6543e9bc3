"""Reads datasets of pydantic-evals: YAML or JSON, with cases and evaluators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loopengt_evals.formats.collected import Cases, Notes, criterion, judge, named_apart

__all__ = ["looks_like", "read"]

FORMAT = "pydantic-evals"

_TYPES = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "dict": "object",
    "list": "array",
    "NoneType": "null",
}
_FIRST = {
    "Equals": "value",
    "Contains": "value",
    "IsInstance": "type_name",
    "MaxDuration": "seconds",
    "LLMJudge": "rubric",
    "GEval": "criteria",
}
"""The argument that stands alone in the short form."""
_PROVIDERS = {
    "openai": "openai",
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic": "anthropic",
    "google": "google",
    "google-gla": "google",
    "gemini": "google",
    "openrouter": "openrouter",
    "ollama": "ollama",
}
_CASE_KEYS = ("name", "inputs", "metadata", "expected_output", "evaluators")
_TOP_KEYS = ("$schema", "name", "cases", "evaluators", "report_evaluators")


def looks_like(data: Any) -> bool:
    """Whether it is a dataset."""
    if not isinstance(data, dict) or not isinstance(data.get("cases"), list) or "loop" in data:
        return False
    return any(isinstance(case, dict) and "inputs" in case and "id" not in case for case in data["cases"])


def read(data: Any, name: str) -> Cases:
    """Read a dataset.

    Args:
        data: What the file holds.
        name: What the suite is called when the dataset does not say.

    Raises:
        ValueError: It is no dataset.
    """
    if not isinstance(data, dict) or not isinstance(data.get("cases"), list):
        raise ValueError("a dataset of pydantic-evals is a mapping with a list of cases")
    found = Cases(FORMAT, str(data.get("name") or name))
    for key in data:
        if key not in _TOP_KEYS:
            found.notes.add("", f"the key {key!r} is not known and was left out")
    for each in data.get("report_evaluators") or ():
        found.notes.add(
            "", f"the report evaluator {_spec(each)[0]} was left out: reports have their own figures"
        )
    evaluators = list(data.get("evaluators") or ())
    expecting = [each for each in evaluators if _spec(each)[0] == "EqualsExpected"]
    found.judges = named_apart(
        made
        for each in evaluators
        if each not in expecting
        for made in _judges(each, "all cases", found.notes)
    )
    for number, case in enumerate(data["cases"], 1):
        if not isinstance(case, dict) or "inputs" not in case:
            raise ValueError(f"case {number} is no mapping with inputs")
        _case(found, case, number, expecting)
    return found


def _case(found: Cases, case: Mapping[str, Any], number: int, expecting: list[Any]) -> None:
    where = str(case.get("name") or f"case-{number}")
    for key in case:
        if key not in _CASE_KEYS:
            found.notes.add(where, f"the key {key!r} is not known and was left out")
    inputs, metadata, expected = case["inputs"], case.get("metadata"), case.get("expected_output")
    if not isinstance(inputs, dict):
        found.notes.add("", "inputs that are no mapping are called 'input' in the loop's context")
        inputs = {"input": inputs}
    if metadata is not None and not isinstance(metadata, dict):
        metadata = {"metadata": metadata}
    judges = []
    for each in [*expecting, *(case.get("evaluators") or ())]:
        if _spec(each)[0] == "EqualsExpected" and expected is None:
            continue  # which says nothing of a case without expected output
        judges += _judges(each, where, found.notes)
    found.add(number, case.get("name"), judges, inputs=inputs, expected=expected, metadata=metadata)


def _spec(evaluator: Any) -> tuple[str, dict[str, Any]]:
    """Return the name of an evaluator and its arguments, of whichever form."""
    if isinstance(evaluator, str):
        return evaluator, {}
    if isinstance(evaluator, dict) and set(evaluator) == {"name", "arguments"}:
        name, given = str(evaluator["name"]), evaluator["arguments"]
        given = given[0] if isinstance(given, list) and len(given) == 1 else given
    elif isinstance(evaluator, dict) and len(evaluator) == 1:
        name, given = next(iter(evaluator.items()))
    else:
        return repr(evaluator)[:80], {}
    if isinstance(given, dict) and all(isinstance(key, str) for key in given):
        return str(name), given
    return str(name), {} if given is None else {_FIRST.get(str(name), "value"): given}


def _judges(evaluator: Any, where: str, notes: Notes) -> list[dict[str, Any]]:
    """Return the judges that do what an evaluator does; what has none is noted."""
    name, given = _spec(evaluator)
    label = str(given.get("evaluation_name") or "")
    match name:
        case "EqualsExpected":
            return [judge("exact", name=label, strip=False)]
        case "Equals" if given.get("value") is not None:
            return [judge("exact", name=label, strip=False, expected=given["value"])]
        case "Contains" if given.get("value") not in (None, ""):
            if not isinstance(given["value"], str) or given.get("as_strings"):
                notes.add(where, "Contains compares texts here, whatever the output is")
            ignore = given.get("case_sensitive") is False or None
            return [judge("contains", name=label, expected=given["value"], ignore_case=ignore)]
        case "IsInstance" if given.get("type_name") in _TYPES:
            return [judge("json_schema", name=label, schema={"type": _TYPES[given["type_name"]]})]
        case "MaxDuration" if _seconds(given.get("seconds")) is not None:
            seconds = _seconds(given["seconds"])
            return [judge("expression", name="max_duration", expression=f"run.elapsed <= {seconds:g}")]
        case "LLMJudge" if given.get("rubric"):
            return [_llm_judge(given, where, notes)]
        case "GEval" if given.get("criteria"):
            return [_g_eval(given, where, notes)]
    notes.add(where, f"the evaluator {name} was left out: there is no judge that does the same")
    return []


def _seconds(value: Any) -> float | None:
    """Return a time in seconds, which is a number, or ISO 8601 such as PT3S."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value.startswith("PT") and value.endswith("S"):
        try:
            return float(value[2:-1])
        except ValueError:
            return None
    return None


def _llm_judge(given: dict[str, Any], where: str, notes: Notes) -> dict[str, Any]:
    label = ""
    for part in ("assertion", "score"):
        config = given.get(part)
        label = label or (str(config.get("evaluation_name") or "") if isinstance(config, dict) else "")
    if given.get("model_settings"):
        notes.add(where, "model_settings of an LLMJudge were left out")
    if not given.get("include_expected_output"):
        notes.add("", "a judge that asks an agent is shown what is expected, where the case says it")
    inputs = True if given.get("include_input") else None
    made = judge("rubric", name=label or "llm_judge", **criterion(str(given["rubric"]), inputs=inputs))
    return made | _agent(given.get("model"), where, notes)


def _g_eval(given: dict[str, Any], where: str, notes: Notes) -> dict[str, Any]:
    steps = [str(step) for step in given.get("evaluation_steps") or ()]
    text = "\n".join(f"{place}. {step}" for place, step in enumerate(steps, 1))
    if given.get("score_range"):
        notes.add(where, "score_range of a GEval was left out: scores go from 0 to 1")
    inputs = True if given.get("include_input") else None
    options = criterion(str(given["criteria"]), inputs=inputs, instructions=text or None)
    made = judge("rubric", name=str(given.get("evaluation_name") or "g_eval"), **options)
    return made | _agent(given.get("model"), where, notes)


def _agent(model: Any, where: str, notes: Notes) -> dict[str, Any]:
    if not model:
        return {}
    provider, colon, name = str(model).partition(":")
    if colon and provider in _PROVIDERS:
        return {"agent": {"provider": _PROVIDERS[provider], "model": name}}
    notes.add(where, f"the model {model} was left out: say who is asked with agent, or --agent")
    return {}
