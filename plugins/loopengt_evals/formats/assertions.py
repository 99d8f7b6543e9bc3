"""Makes judges of the assertions of promptfoo."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from loopengt_evals.formats.collected import Notes, as_text, criterion, judge

__all__ = ["judges_of", "parse_expected"]

_VARIABLE = re.compile(r"\{\{-?\s*([A-Za-z_][\w.]*)\s*-?\}\}")
_TEMPLATE = re.compile(r"\{\{|\{%")
_PREFIXED = re.compile(
    r"(?P<type>(?:not-)?[a-z][a-z0-9-]*)(?:\((?P<threshold>\d+(?:\.\d+)?)\))?:(?P<value>.*)", re.S
)
_LISTS = ("contains-all", "contains-any", "icontains-all", "icontains-any")
_JSON = {"type": ["object", "array", "number", "boolean", "null"]}
_ASKING = ("llm-rubric", "g-eval", "model-graded-closedqa", "factuality", "model-graded-factuality")
_KNOWN = frozenset(
    {"equals", "contains", "icontains", "regex", "starts-with", "is-json", "similar", "cost", "latency", "javascript",
     "python", "ruby", "webhook", "levenshtein", "classifier", "contains-json", "answer-relevance", "moderation",
     "context-recall", "context-relevance", "context-faithfulness", "perplexity", "rouge-n", "bleu", "meteor", "is-sql",
     "is-xml", "is-html", "contains-xml", "contains-sql", "contains-html", "select-best", "is-refusal", *_LISTS,
     *_ASKING}
)  # fmt: skip
"""Types that a cell of a table may begin with; anything else before a colon is text."""
_IGNORED = ("weight", "provider", "rubricPrompt", "config", "transform", "contextTransform")


def parse_expected(cell: str) -> dict[str, Any]:
    """Read a cell of a column ``__expected``: ``type: value``, ``type(threshold): value``, or the text itself."""
    text = cell.strip()
    for before, after in (("fn:", "javascript"), ("eval:", "javascript"), ("grade:", "llm-rubric")):
        if text.startswith(before):
            return {"type": after, "value": text.removeprefix(before).strip()}
    found = _PREFIXED.fullmatch(text)
    if found is None or found["type"].removeprefix("not-") not in _KNOWN:
        if text.removeprefix("not-") in ("is-json", "is-refusal", "is-sql", "is-xml", "is-html"):
            return {"type": text}
        return {"type": "equals", "value": cell}
    kind, value = found["type"], found["value"].strip()
    parsed: dict[str, Any] = {"type": kind, "value": value}
    if kind.removeprefix("not-") in _LISTS:
        parsed["value"] = [part.strip() for part in value.split(",")]
    if found["threshold"]:
        parsed["threshold"] = float(found["threshold"])
    return parsed


def judges_of(assertion: Any, variables: Mapping[str, Any], where: str, notes: Notes) -> list[dict[str, Any]]:
    """Return the judges that hold what an assertion holds; what has none is noted.

    Args:
        assertion: As it stands in the file.
        variables: The test's variables, for ``{{name}}`` in its value.
        where: The case.
        notes: Where notes go.
    """
    if not isinstance(assertion, dict) or not isinstance(assertion.get("type"), str):
        notes.add(where, "an assertion without a type was left out")
        return []
    kind = assertion["type"]
    if kind == "assert-set":
        return _set(assertion, variables, where, notes)
    for key in _IGNORED:
        if assertion.get(key) not in (None, 1, 1.0, {}, ""):
            notes.add(where, f"{key} of the assertion {kind} was left out")
    value = _filled(assertion.get("value"), variables, where, kind, notes)
    if isinstance(value, str) and value.startswith("file://"):
        notes.add(where, f"the assertion {kind} was left out: its value stands in {value}")
        return []
    negated = kind.startswith("not-")
    made = _judge(kind.removeprefix("not-"), value, assertion.get("threshold"), where, notes, negated=negated)
    if made is None:
        notes.add(where, f"the assertion {kind} was left out: there is no judge that does the same")
        return []
    metric = assertion.get("metric")
    return [
        {"kind": made["kind"], "name": str(metric)[:128], **made} if metric and "name" not in made else made
    ]


def _set(
    assertion: Mapping[str, Any], variables: Mapping[str, Any], where: str, notes: Notes
) -> list[dict[str, Any]]:
    if assertion.get("threshold") is not None:
        notes.add(where, "an assert-set of which some may fail was left out: judges must all pass")
        return []
    inner = assertion.get("assert") or ()
    return [made for each in inner for made in judges_of(each, variables, where, notes)]


def _filled(value: Any, variables: Mapping[str, Any], where: str, kind: str, notes: Notes) -> Any:
    """Put variables into a value."""
    if isinstance(value, list):
        return [_filled(each, variables, where, kind, notes) for each in value]
    if not isinstance(value, str) or not _TEMPLATE.search(value):
        return value

    def fill(found: re.Match[str]) -> str:
        node: Any = variables
        for part in found[1].split("."):
            node = node.get(part) if isinstance(node, dict) else None
        return found[0] if node is None else as_text(node)

    filled = _VARIABLE.sub(fill, value)
    if _TEMPLATE.search(filled):
        notes.add(where, f"the template in the assertion {kind} was kept as text")
    return filled


def _judge(
    kind: str, value: Any, threshold: Any, where: str, notes: Notes, *, negated: bool
) -> dict[str, Any] | None:
    least = float(threshold) if isinstance(threshold, int | float) and 0 <= threshold <= 1 else None
    if kind in _ASKING and not negated and value:
        text = as_text(value)
        if kind.endswith("factuality"):
            text = f"The output agrees with these facts, and contradicts none of them:\n{text}"
        return judge("rubric", name=kind, threshold=least, **criterion(text))
    if kind in ("cost", "latency") and isinstance(threshold, int | float) and not negated:
        name = "run.cost_usd" if kind == "cost" else "run.elapsed"
        most = threshold if kind == "cost" else threshold / 1000
        return judge("expression", name=kind, expression=f"{name} <= {most:.10g}")
    if kind == "is-json" and not negated:
        return _is_json(value, where, notes)
    if value is None or value == "" or value == []:
        return None
    return _of_text(kind, value, least, where, notes, negated=negated)


def _of_text(
    kind: str, value: Any, least: float | None, where: str, notes: Notes, *, negated: bool
) -> dict[str, Any] | None:
    """Return the judge of an assertion that compares with its value."""
    match kind:
        case "equals" if negated:
            return judge("expression", name="not-equals", expression=f"output != {json.dumps(value)}")
        case "equals":
            return judge("exact", strip=False, expected=value)
        case "contains" | "icontains" | "contains-any" | "icontains-any" | "contains-all" | "icontains-all":
            if negated and kind.endswith("-all"):
                return None
            find = "none" if negated else "any" if kind.endswith("-any") else None
            ignore = True if kind.startswith("i") else None
            texts = [as_text(one) for one in value] if isinstance(value, list) else as_text(value)
            return judge("contains", find=find, expected=texts, ignore_case=ignore)
        case "starts-with":
            return judge(
                "regex", name="starts-with", pattern=rf"\A{re.escape(as_text(value))}", negate=negated or None
            )
        case "regex":
            return _regex(as_text(value), where, notes, negated=negated)
        case "similar" if not negated and isinstance(value, str):
            notes.add(
                where, "similar compares characters here; with options: {embedder: …} it compares embeddings"
            )
            return judge("similarity", threshold=0.75 if least is None else least, expected=value)
    return None


def _regex(pattern: str, where: str, notes: Notes, *, negated: bool) -> dict[str, Any] | None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        notes.add(where, "a regular expression that Python does not know was left out")
        return None
    return judge("regex", pattern=pattern, negate=negated or None)


def _is_json(value: Any, where: str, notes: Notes) -> dict[str, Any]:
    schema = value
    if isinstance(value, str) and value.strip():
        try:
            schema = json.loads(value)
        except (ValueError, RecursionError):
            notes.add(where, "the schema of is-json cannot be read: any JSON passes")
    return judge(
        "json_schema", name="is-json", schema=schema if isinstance(schema, dict) and schema else dict(_JSON)
    )
