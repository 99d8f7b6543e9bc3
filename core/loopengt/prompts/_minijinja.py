"""Prompts with conditionals and loops: minijinja over copies of JSON data, strict and bounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from minijinja import Environment, TemplateError

from loopengt._jsondata import MISSING, NotJsonError, json_copy, look
from loopengt._references import Reference
from loopengt.errors import PromptError
from loopengt.prompts import Prompt, PromptSyntaxError, prompt_text

__all__ = ["MinijinjaPrompt"]

FUEL: Final = 50_000
"""Most instructions of one rendering; a loop's round takes a few."""
MAX_INSERTED: Final = 10_000_000
"""Most characters that one rendering may insert; fuel alone does not bound what an instruction makes."""

_NAME: Final = "prompt"
_RAISED: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What the methods of the copied lists and dicts raise, which a template can call."""


class MinijinjaPrompt(Prompt):
    """A minijinja template."""

    __slots__ = ("_keys",)

    def __init__(self, template: str) -> None:
        environment = _environment()
        try:
            environment.add_template(_NAME, template)
            names = environment.undeclared_variables_in_template(_NAME, nested=True)
        except TemplateError as error:
            raise _syntax(error, template) from None
        found = [
            _reference(name, template) for name in names if name.split(".")[0] not in environment.globals
        ]
        super().__init__(
            template, tuple(sorted(found, key=lambda reference: (reference.column, reference.path)))
        )
        self._keys = _first_keys(self.references)

    def render(self, scope: Mapping[str, Any]) -> str:
        # An environment of its own for each rendering: its finalizer counts, and threads do not share it.
        environment = _environment(_Inserted())
        try:
            data = {root: _select(scope, root, keys) for root, keys in self._keys.items() if root in scope}
            return environment.render_str(self.template, _NAME, **data)
        except NotJsonError as problem:
            raise PromptError(f"a prompt can only hold text and JSON data: {problem}") from None
        except TemplateError as error:
            line = f" in line {error.line}" if error.line else ""
            unknown = error.kind == "UndefinedError"
            raise PromptError(
                f"the prompt cannot be rendered: {error.detail or error.message}{line}",
                remedy="correct the name, or write value|default('')" if unknown else "",
            ) from None
        except _RAISED as error:
            raise PromptError(f"the prompt cannot be rendered: {type(error).__name__}: {error}") from None


class _Inserted:
    """Makes the text of each inserted value, as the simple engine does, and bounds their sum."""

    def __init__(self) -> None:
        self._left = MAX_INSERTED

    def __call__(self, value: Any) -> str:
        text = prompt_text(value)
        self._left -= len(text)
        if self._left < 0:
            raise PromptError(
                f"the prompt inserts more than {MAX_INSERTED:,} characters",
                remedy="insert less: shorten what the loop of the template makes",
            )
        return text


def _environment(finalizer: _Inserted | None = None) -> Environment:
    environment = Environment(
        undefined_behavior="strict",
        fuel=FUEL,
        auto_escape_callback=lambda name: False,
        keep_trailing_newline=True,
        finalizer=finalizer,
    )
    environment.remove_global("debug")
    return environment


def _syntax(error: TemplateError, template: str) -> PromptSyntaxError:
    # The engine counts bytes.
    start = error.range[0] if error.range else 0
    column = len(template.encode()[:start].decode(errors="ignore")) + 1
    return PromptSyntaxError(
        f"the minijinja template is not valid: {error.detail or error.message}", column=column
    )


def _reference(name: str, template: str) -> Reference:
    """Find where a name is written, and whether its absence is coped with; the engine tells neither."""
    written = rf"(?<![\w.])(?:{re.escape(name)})(?!\w)"
    match = re.search(written, template)
    guard = rf"{written}\s*(?:\|\s*(?:default|d)\b|is\s+(?:not\s+)?(?:un)?defined\b)"
    return Reference(
        tuple(name.split(".")),
        match.start() + 1 if match else 0,
        guarded=re.search(guard, template) is not None,
    )


def _first_keys(references: tuple[Reference, ...]) -> dict[str, frozenset[str] | None]:
    """Tell which keys of each name are used; None: the name is used as a whole."""
    keys: dict[str, set[str] | None] = {}
    for reference in references:
        root = str(reference.path[0])
        known = keys.setdefault(root, set())
        if len(reference.path) == 1:
            keys[root] = None
        elif known is not None:
            known.add(str(reference.path[1]))
    return {root: None if known is None else frozenset(known) for root, known in keys.items()}


def _select(scope: Mapping[str, Any], root: str, keys: frozenset[str] | None) -> Any:
    """Copy what a template uses of one name: not all results of a long run for one of them."""
    value = scope[root]
    if keys is None or not isinstance(value, Mapping):
        return json_copy(value)
    found = {key: look(value, key) for key in keys}
    # A key that is not there may be a method, such as items: then the template uses all.
    return json_copy(value if MISSING in found.values() else found)
