"""Prompt templates: placeholders that are looked up in plain JSON data, and nothing that runs."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from loopengt._jsondata import MISSING, NotJsonError, json_copy, known_keys, look
from loopengt._references import Reference
from loopengt.errors import PromptError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Prompt",
    "PromptError",
    "PromptSyntaxError",
    "Reference",
    "Replaced",
    "compile_prompt",
    "prompt_text",
]

_PIECE: Final = re.compile(
    r"""
      \{(?P<root>[^\W\d][\w-]*+)(?P<keys>(?:\.[\w-]++|\[\d++\]|\["[^"]++"\]|\['[^']++'\])*+)\}
    | \{\{ | \}\} | \{ | \}
    """,
    re.VERBOSE,
)
_KEY: Final = re.compile(r"""\.([\w-]+)|\[(\d+)\]|\["([^"]+)"\]|\['([^']+)'\]""")


class PromptSyntaxError(PromptError):
    """A template of an engine with a syntax of its own cannot be parsed; ``column`` counts from 1."""

    def __init__(self, message: str, *, column: int) -> None:
        self.column = column
        super().__init__(message)


class Prompt(ABC):
    """A compiled template, made by ``compile_prompt``. It keeps no state: threads can share it."""

    __slots__ = ("references", "template")

    template: str
    """The template as written."""
    references: tuple[Reference, ...]
    """Every look-up, in the order of the text."""

    def __init__(self, template: str, references: tuple[Reference, ...]) -> None:
        self.template = template
        self.references = references

    @property
    def names(self) -> frozenset[str]:
        """The dotted names that the template looks up, such as ``steps.plan.output``."""
        return frozenset(".".join(map(str, reference.path)) for reference in self.references)

    def taken(self, scope: Mapping[str, Any]) -> dict[tuple[str | int, ...], Any]:
        """Return what the template looks up in a scope, by path; what is not there is left out."""
        found: dict[tuple[str | int, ...], Any] = {}
        for reference in self.references:
            value: Any = scope
            for key in reference.path:
                value = look(value, key)
            if value is not MISSING:
                found[reference.path] = value
        return found

    @abstractmethod
    def render(self, scope: Mapping[str, Any]) -> str:
        """Return the prompt's text.

        A string is inserted as it is, any other value as compact JSON. Inserted text is not expanded again.

        Args:
            scope: JSON data by name. Any mapping will do; only what the template names is read, so it may be
                computed lazily.

        Raises:
            PromptError: The scope does not hold a name, or a value is not JSON data.
        """


class Replaced(Mapping[str, Any]):
    """A scope in which other texts stand at some places.

    Args:
        scope: The scope.
        texts: The texts, by the path of the place.
    """

    def __init__(self, scope: Mapping[str, Any], texts: Mapping[tuple[str | int, ...], str]) -> None:
        self._scope = scope
        self._texts = texts

    def __getitem__(self, name: str) -> Any:
        value: Any = None
        own = {path: text for path, text in self._texts.items() if path[0] == name}
        if (name,) in own:
            return own[(name,)]
        value = self._scope[name]
        for path, text in own.items():
            value = _with(value, path[1:], text)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._scope)

    def __len__(self) -> int:
        return len(self._scope)


def _with(value: Any, path: tuple[str | int, ...], text: str) -> Any:
    """Return a copy of data with a text at some place."""
    if not path:
        return text
    key, rest = path[0], path[1:]
    inner = _with(look(value, key), rest, text)
    if isinstance(value, list | tuple) and isinstance(key, int):
        return [inner if place == key else item for place, item in enumerate(value)]
    return {**{name: value[name] for name in value}, key: inner}


def compile_prompt(template: str, engine: Literal["simple", "minijinja"] = "simple") -> Prompt:
    """Compile a template.

    Args:
        template: The text. With ``simple``, ``{a.b[0]}`` and ``{a["b c"]}`` are placeholders, ``{{`` and
            ``}}`` stand for braces, and a brace that starts no placeholder, as in JSON text, stays as it is.
        engine: ``simple``, or ``minijinja`` for templates with conditionals and loops.

    Raises:
        PromptSyntaxError: The minijinja template cannot be parsed.
        PromptError: There is no such engine.
    """
    if engine == "simple":
        return _SimplePrompt(template)
    if engine == "minijinja":
        # A heavy import, made only for those who ask for this engine.
        from loopengt.prompts._minijinja import MinijinjaPrompt

        return MinijinjaPrompt(template)
    raise PromptError(f"unknown prompt engine {engine!r}", remedy="use simple or minijinja")


def prompt_text(value: Any) -> str:
    """Return a value as it stands in a prompt: a string as it is, any other value as compact JSON.

    Raises:
        PromptError: The value is not JSON data.
    """
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return json.dumps(json_copy(value), ensure_ascii=False, separators=(",", ":"))
    except NotJsonError as problem:
        raise PromptError(f"a prompt can only hold text and JSON data: {problem}") from None


class _SimplePrompt(Prompt):
    """Literal text and placeholders in turn."""

    __slots__ = ("_constant", "_parts")

    def __init__(self, template: str) -> None:
        self._parts = _split(template)
        super().__init__(template, tuple(part for part in self._parts if isinstance(part, Reference)))
        self._constant = None if self.references else "".join(map(str, self._parts))

    def render(self, scope: Mapping[str, Any]) -> str:
        if self._constant is not None:
            return self._constant
        return "".join([part if isinstance(part, str) else _insert(part, scope) for part in self._parts])


def _split(template: str) -> list[str | Reference]:
    """Cut a template into literal text and references.

    A closing ``}}`` is one brace where it ends a ``{{`` or stands alone, and two where it ends two single
    braces, so that JSON text with nested objects stays whole.
    """
    parts: list[str | Reference] = []
    opened: list[str] = []
    offset = 0
    while match := _PIECE.search(template, offset):
        parts.append(template[offset : match.start()])
        offset = match.end()
        piece = match.group()
        if match["root"]:
            parts.append(Reference((match["root"], *_keys(match["keys"])), match.start() + 1))
            continue
        if piece[0] == "{":
            opened.append(piece)
        elif opened and opened[-1] == "{":
            opened.pop()
            offset = match.start() + 1
        elif opened and piece == "}}":
            opened.pop()
        parts.append(piece[0])
    parts.append(template[offset:])
    return [part for part in parts if part != ""]


def _keys(text: str) -> list[str | int]:
    return [
        int(index) if index else name or quoted or single
        for name, index, quoted, single in _KEY.findall(text)
    ]


def _insert(reference: Reference, scope: Mapping[str, Any]) -> str:
    value: Any = scope
    for depth, key in enumerate(reference.path):
        found = look(value, key)
        if found is MISSING:
            raise _unknown(reference, depth, value)
        value = found
    return prompt_text(value)


def _unknown(reference: Reference, depth: int, value: Any) -> PromptError:
    name = ".".join(map(str, reference.path))
    where = ".".join(map(str, reference.path[:depth])) or "the scope"
    key = (
        repr(reference.path[depth])
        if isinstance(reference.path[depth], str)
        else f"item {reference.path[depth]}"
    )
    return PromptError(
        f"the placeholder {{{name}}} is unknown: {where} has no {key} ({known_keys(value)})",
        remedy=f"correct the name, or write {{{{{name}}}}} for literal braces",
    )
