"""Checks the texts in a spec that look things up: its expressions and prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from loopengt.errors import ExpressionError
from loopengt.expressions import parse_expression
from loopengt.prompts import PromptSyntaxError, Reference, compile_prompt
from loopengt.spec.outline import Outline, Path, text_at
from loopengt.spec.problems import Problem, known_names, nearest
from loopengt_hookspecs.models import StepResult

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from loopengt.spec.names import KnownNames

__all__ = ["EXPRESSION_ROOTS", "PROMPT_ROOTS", "check_texts"]

EXPRESSION_ROOTS: Final = frozenset({"context", "item", "lap", "output", "result", "run", "steps"})
"""The names that an expression may look up."""
PROMPT_ROOTS: Final = frozenset({"feedback", "goal", "handoff", "item", "lap", "steps"})
"""The names that a prompt may look up beside those of the context."""

_STEP_FIELDS: Final = ("attempts", "output", "status")
_FIELDS: Final[Mapping[str, Collection[str]]] = {
    "result": StepResult.known_keys(),
    "run": ("cost_usd", "elapsed", "tokens", "turn"),
}


def check_texts(outline: Outline, names: KnownNames) -> Iterator[Problem]:
    """Yield a problem for every expression that cannot be parsed, and every look-up that cannot succeed."""
    texts = _Texts(outline, names)
    for agent in outline.agents:
        yield from texts.prompt((*agent.path, "system_prompt"), agent.data.get("system_prompt"), "simple")
    for step in outline.steps:
        engine: Literal["simple", "minijinja"] = (
            "minijinja" if step.data.get("prompt_engine") == "minijinja" else "simple"
        )
        # A step without a template is prompted with its description, one that runs a loop not at all.
        key = "prompt_template" if step.data.get("prompt_template") or "loop" in step.data else "description"
        reads = text_roots(step.data, "read")
        yield from texts.prompt((*step.path, key), step.data.get(key), engine, reads)
        for part, field, roots in (("read", "query", ()), ("write", "content", (*reads, "output"))):
            where = ("memory", part, field)
            yield from texts.prompt((*step.path, *where), text_at(step.data, *where), "simple", roots)
        where = ("memory", "write", "condition")
        yield from texts.expression((*step.path, *where), text_at(step.data, *where))
        yield from texts.expression((*step.path, "for_each"), step.data.get("for_each"))
        inputs = step.data.get("inputs")
        for name, text in inputs.items() if isinstance(inputs, dict) else ():
            yield from texts.expression((*step.path, "inputs", name), text)
        dependencies = step.data.get("dependencies")
        for index, item in enumerate(dependencies if isinstance(dependencies, list) else ()):
            if isinstance(item, dict):
                yield from texts.expression(
                    (*step.path, "dependencies", index, "condition"), item.get("condition")
                )
    for gate in outline.gates:
        if gate.data.get("kind", "expression") == "expression":
            yield from texts.expression((*gate.path, "condition"), gate.data.get("condition"))
    progress = outline.data.get("policy")
    metric = ("policy", "no_progress", "metric", "expression")
    yield from texts.expression(metric, text_at({"policy": progress}, *metric))
    for stop in outline.stops:
        if text_at(stop.data, "condition_type") in ("goal_met", "custom"):
            yield from texts.expression((*stop.path, "value"), stop.data.get("value"))


def text_roots(step: Mapping[str, object], part: str) -> tuple[str, ...]:
    """Return the further names that the prompt of a step sees which reads from memory."""
    memory = step.get("memory")
    return ("memory",) if isinstance(memory, dict) and isinstance(memory.get(part), dict) else ()


class _Texts:
    """The checks of single texts, with what they may look up."""

    def __init__(self, outline: Outline, names: KnownNames) -> None:
        self._document = outline.document
        self._steps = frozenset(outline.step_names)
        self._context = frozenset(outline.context) | names.extra_context
        if text_at(outline.data, "trigger", "trigger_type") not in (None, "manual"):
            self._context |= {"event"}  # what `loopengt watch` says of the occasion
        self._prompt_roots = PROMPT_ROOTS | self._context

    def expression(self, path: Path, text: object) -> Iterator[Problem]:
        if not isinstance(text, str) or not text.strip():
            return
        try:
            references = parse_expression(text).references
        except ExpressionError as error:
            position = self._document.text_position(path, (error.column or 1) - 1)
            yield self._document.problem(position, f"bad expression: {error.message}", error.remedy)
            return
        yield from self._references(path, references, self._expression_fault)

    def prompt(
        self, path: Path, text: object, engine: Literal["simple", "minijinja"], more: Collection[str] = ()
    ) -> Iterator[Problem]:
        if not isinstance(text, str):
            return
        try:
            references = compile_prompt(text, engine).references
        except PromptSyntaxError as error:
            yield self._document.problem(self._document.text_position(path, error.column - 1), error.message)
            return
        unknown = [reference for reference in references if reference.path[0] not in more]
        yield from self._references(path, unknown, self._prompt_fault)

    def _references(
        self,
        path: Path,
        references: Iterable[Reference],
        fault: Callable[[Reference], tuple[str, str] | None],
    ) -> Iterator[Problem]:
        for reference in references:
            found = fault(reference)
            if found is not None:
                position = self._document.text_position(path, max(reference.column - 1, 0))
                yield self._document.problem(position, *found)

    def _expression_fault(self, reference: Reference) -> tuple[str, str] | None:
        root, *keys = reference.path
        if root not in EXPRESSION_ROOTS:
            return f"unknown name {root!r} in an expression", self._meant(str(root))
        if root == "context":
            if keys and keys[0] not in self._context and not reference.guarded:
                return f"the context has no {keys[0]!r}", known_names(
                    str(keys[0]), self._context, "add it to context"
                )
            return None
        return self._field_fault(reference)

    def _prompt_fault(self, reference: Reference) -> tuple[str, str] | None:
        root = str(reference.path[0])
        if root in self._context:
            return None
        if root in PROMPT_ROOTS:
            return self._field_fault(reference)
        if reference.guarded:
            return None
        name = ".".join(map(str, reference.path))
        return (
            f"unknown placeholder {{{name}}}",
            f"{self._placeholder(root)}, or {{{{{name}}}}} for literal braces",
        )

    def _field_fault(self, reference: Reference) -> tuple[str, str] | None:
        """Check the keys behind ``steps``, ``result`` and ``run``, which are known before anything runs."""
        root, *keys = reference.path
        if not keys:
            return None
        if root == "steps":
            if keys[0] not in self._steps:
                return f"unknown step {keys[0]!r}", known_names(str(keys[0]), self._steps)
            known: Collection[str] | None = _STEP_FIELDS
            keys = keys[1:]
        else:
            known = _FIELDS.get(str(root))
        if keys and known is not None and keys[0] not in known:
            where = ".".join(map(str, reference.path[: -len(keys)]))
            return f"{where} has no {keys[0]!r}", known_names(str(keys[0]), known)
        return None

    def _meant(self, root: str) -> str:
        """Say what an unknown name in an expression stands for."""
        if root in self._context:
            return f"write context.{root}"
        if root in self._steps:
            return f"write steps.{root}.output"
        near = nearest(root, sorted(EXPRESSION_ROOTS))
        return f"did you mean {near!r}?" if near else f"known: {', '.join(sorted(EXPRESSION_ROOTS))}"

    def _placeholder(self, root: str) -> str:
        """Say what to write in place of an unknown placeholder."""
        if root in self._steps:
            return f"write {{steps.{root}.output}}"
        if root == "context":
            return "write the name alone, without context"
        near = nearest(root, sorted(self._prompt_roots))
        return f"did you mean {{{near}}}?" if near else "add it to context"
