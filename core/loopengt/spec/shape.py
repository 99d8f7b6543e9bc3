"""Checks a document against a model, and says in plain words where it does not fit."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from loopengt.spec.problems import Problem, known_names
from loopengt.spec.tree import show
from loopengt_hookspecs.models import Declarative, LoopSpec

if typing.TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from loopengt.spec.document import Document
    from loopengt.spec.outline import Path

__all__ = ["check_model", "check_shape"]

M = TypeVar("M", bound=Declarative)

MAX_DETAILS: Final = 2_000
"""Most misfits that are reported."""

_EXPECTED: Final = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "mapping_type": "a mapping",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "string_type": "text",
}
_BOUNDS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "finite_number": lambda context: "a finite number",
    "greater_than": lambda context: f"greater than {_number(context['gt'])}",
    "greater_than_equal": lambda context: f"at least {_number(context['ge'])}",
    "less_than": lambda context: f"less than {_number(context['lt'])}",
    "less_than_equal": lambda context: f"at most {_number(context['le'])}",
}
_NOUNS: Final = {
    "AgentConfig": "an agent's config",
    "AgentRole": "an agent",
    "CasesFile": "the file of cases",
    "EvalCase": "a case",
    "EvalSuite": "the suite",
    "JudgeSpec": "a judge",
    "Limit": "a threshold",
    "LoopSpec": "the loop",
    "LoopTrigger": "the trigger",
    "McpServer": "an MCP server",
    "MemoryRead": "what is read from memory",
    "MemoryWrite": "what is written to memory",
    "OutputSchema": "the output_schema",
    "Policy": "the policy",
    "StepDependency": "a dependency",
    "StepMemory": "a step's memory",
    "StepSpec": "a step",
    "StopCondition": "a stop condition",
    "ToolAuth": "a tool's auth",
    "ToolSpec": "a tool",
    "VerificationGate": "a gate",
}


def check_shape(document: Document) -> tuple[LoopSpec | None, list[Problem]]:
    """Return the spec when the document fits the models, else every place where it does not."""
    if not isinstance(document.data, dict):
        message = f"a loop is a mapping with name, goal, agents and steps, found {_found(document.data)}"
        return None, [document.problem(document.position(), message)]
    return check_model(document, LoopSpec, noun="the loop")


def check_model(
    document: Document, model: type[M], place: Path = (), *, noun: str = ""
) -> tuple[M | None, list[Problem]]:
    """Make a model of a mapping in a document.

    Args:
        document: The document.
        model: What the mapping is to be.
        place: Where it stands; empty: it is the whole document.
        noun: What messages call it; empty: as they call others of its model.

    Returns:
        The model, or None and every place where the mapping does not fit it.
    """
    data = document.data
    for part in place:
        data = data[part]
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)[:MAX_DETAILS]
    return None, _Misfits(document, model, place, noun or _NOUNS.get(model.__name__, "it")).problems(
        details, data
    )


def _locate(loc: Iterable[str | int], data: Any) -> tuple[Path, Path | None]:
    """Turn pydantic's location into a path in the data; also return where a choice of types stands, if any.

    Pydantic names the alternatives of a choice, and the parts of what a validator has expanded, as if they
    were keys.
    """
    path: Path = ()
    union: Path | None = None
    for part in loc:
        inside = part in data if isinstance(data, dict) else isinstance(data, list) and isinstance(part, int)
        if inside:
            path, data = (*path, part), data[part]
        elif isinstance(part, str) and _is_type(part):
            union = path if union is None else union
    return path, union


def _is_type(part: str) -> bool:
    return not part.isidentifier() or part in ("bool", "float", "int", "str")


class _Misfits:
    """Writes down where a mapping does not fit its model; paths are those within the mapping."""

    def __init__(self, document: Document, model: type[Declarative], place: Path, noun: str) -> None:
        self._document = document
        self._model = model
        self._place = place
        self._root = noun

    def problems(self, details: Iterable[ErrorDetails], data: Any) -> list[Problem]:
        """Return what pydantic has found, one problem for each choice of types of which none fits."""
        plain: list[Problem] = []
        branches: dict[Path, list[tuple[Path, ErrorDetails]]] = {}
        for detail in details:
            path, union = _locate(detail["loc"], data)
            if union is None:
                plain.append(self._problem(detail, path))
            else:
                branches.setdefault(union, []).append((path, detail))
        return plain + [problem for union in branches.items() for problem in self._of_union(*union)]

    def _of_union(self, union: Path, found: list[tuple[Path, ErrorDetails]]) -> list[Problem]:
        deeper = [(path, detail) for path, detail in found if len(path) > len(union)]
        if deeper:
            return [self._problem(detail, path) for path, detail in deeper]
        expected = [_EXPECTED.get(detail["type"]) for _, detail in found]
        if None in expected:
            return [self._problem(detail, path) for path, detail in found]
        wanted = " or ".join(dict.fromkeys(word for word in expected if word))
        return [self._unfit(union, wanted, found[0][1])]

    def _problem(self, detail: ErrorDetails, path: Path) -> Problem:
        kind, context = detail["type"], detail.get("ctx", {})
        if kind == "missing":
            noun = self._noun(self._model_at(path), path)
            return self._at(path, f"missing key {str(detail['loc'][-1])!r} in {noun}")
        if kind == "extra_forbidden":
            return self._unknown_key(path)
        if kind in _EXPECTED:
            return self._unfit(path, _EXPECTED[kind], detail)
        if kind in _BOUNDS:
            return self._unfit(path, _BOUNDS[kind](context), detail)
        if kind in ("enum", "literal_error"):
            known = re.findall(r"'([^']*)'", context["expected"])
            message = f"{self._subject(path, detail)} cannot be {_found(detail['input'])}"
            return self._at(path, message, known_names(str(detail["input"]), known))
        return self._at(path, _sentence(detail, self._subject(path, detail)))

    def _at(self, path: Path, message: str, hint: str = "") -> Problem:
        return self._document.problem(self._document.position((*self._place, *path)), message, hint)

    def _unknown_key(self, path: Path) -> Problem:
        model = self._model_at(path[:-1])
        key = str(path[-1])
        return self._document.problem(
            self._document.key_position((*self._place, *path)),
            f"unknown key {show(key)} in {self._noun(model, path[:-1])}",
            known_names(key, model.known_keys() if model else ()),
        )

    def _unfit(self, path: Path, wanted: str, detail: ErrorDetails) -> Problem:
        # What stands where a secret might have been pasted is not repeated.
        found = "something else" if "auth" in path else _found(detail["input"])
        hint = "remove the key to use its default" if detail["input"] is None and path else ""
        return self._at(path, f"{self._subject(path, detail)} must be {wanted}, found {found}", hint)

    def _subject(self, path: Path, detail: ErrorDetails) -> str:
        path = path or tuple(detail["loc"])
        last = path[-1] if path else self._root
        if isinstance(last, str):
            return repr(last) if path else last
        parent = next((part for part in reversed(path) if isinstance(part, str)), "the list")
        return f"item {last + 1} of {parent!r}"

    def _noun(self, model: type[Declarative] | None, path: Path) -> str:
        if not path:
            return self._root
        return (_NOUNS.get(model.__name__) if model else None) or repr(path[-1])

    def _model_at(self, path: Path) -> type[Declarative] | None:
        """Return the model that describes the mapping at a path, or None in the open places."""
        model: type[Declarative] = self._model
        named = False  # whether the next key is a name in a mapping of models
        for part in path:
            if isinstance(part, int) or named:
                named = False
                continue
            field = model.model_fields.get(part)
            inner = _model_in(field.annotation) if field else None
            if inner is None:
                return None
            model = inner
            named = field is not None and typing.get_origin(field.annotation) is dict
        return None if named else model


def _sentence(detail: ErrorDetails, subject: str) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind in ("string_too_short", "too_short"):
        return f"{subject} must not be empty"
    if kind == "string_too_long":
        length = len(detail["input"])
        return f"{subject} has {length:,} characters, {context['max_length']:,} are allowed"
    return f"{subject}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _found(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {show(value)}"
    if isinstance(value, int | float):
        return f"the number {_number(value)}"
    return "a mapping" if isinstance(value, Mapping) else "a list"


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _model_in(annotation: Any) -> type[Declarative] | None:
    if isinstance(annotation, type) and issubclass(annotation, Declarative):
        return annotation
    return next(filter(None, map(_model_in, typing.get_args(annotation))), None)
