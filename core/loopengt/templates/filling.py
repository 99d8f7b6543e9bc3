"""Puts values into the files of a template, so that a value stays one value whatever is in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from loopengt.errors import SpecError
from loopengt.spec import parse_document
from loopengt.spec.problems import Problem
from loopengt.templates.about import Value
from loopengt.templates.scalars import yaml_scalar

__all__ = ["PLACEHOLDER", "Scalar", "fill_text", "fill_yaml", "scalars_of"]

PLACEHOLDER: Final = re.compile(r"<<([a-z][a-z0-9_]{0,63})>>")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value in a text of YAML, and where it stands."""

    path: tuple[str | int, ...]
    """Keys and indexes from the root to it."""
    value: str
    """What is written, without quotes."""
    start: int
    end: int
    line: int
    column: int
    is_key: bool
    simple: bool
    """Whether its text can be replaced alone: no block, no tag, no anchor."""
    quoted: bool
    """Whether it stands in quotes, and is text whatever it says."""


def fill_text(text: str, values: Mapping[str, Value]) -> str:
    """Return a text in which every ``<<name>>`` of a known variable is its value."""
    return PLACEHOLDER.sub(lambda found: str(values.get(found[1], found[0])), text)


def fill_yaml(text: str, values: Mapping[str, Value], file: str) -> str:
    """Return a text of YAML in which every value ``<<name>>`` is the variable's; all else stays as it is.

    In quotes, ``"<<name>>"``, a number becomes text.

    Args:
        text: YAML, with placeholders as whole values.
        values: Value by name.
        file: What problems call the text.

    Raises:
        SpecError: The text is not YAML, a variable is not known, or a placeholder is no value of its own.
        UsageError: A value cannot be written.
    """
    before = parse_document(text, file)
    text = text.removeprefix("\ufeff")
    found = list(scalars_of(text))
    problems = [problem for scalar in found if (problem := _problem(scalar, values, file))]
    if problems:
        raise SpecError(problems)
    parts: list[str] = []
    meant: dict[tuple[str | int, ...], Value] = {}
    at = 0
    for scalar in found:
        match = PLACEHOLDER.fullmatch(scalar.value)
        # What looks like one and cannot be one, such as a key, is left as it is, unless it names a variable.
        if match and scalar.simple and not scalar.is_key:
            value = values[match[1]]
            meant[scalar.path] = str(value) if scalar.quoted else value
            parts += [text[at : scalar.start], yaml_scalar(meant[scalar.path])]
            at = scalar.end
    filled = "".join([*parts, text[at:]])
    # Whatever a value may hold, it must not have become anything else, nor changed what stands around it.
    if parse_document(filled, file).data != _filled(before.data, meant, ()):
        raise SpecError([Problem(file, 1, 1, "the values cannot be put in without changing others", "")])
    return filled


def scalars_of(text: str) -> Iterator[Scalar]:
    """Iterate over the keys and single values of a text of YAML, in order.

    Raises:
        YAMLError: It is not YAML.
    """
    walk = _Walk()
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.ScalarEvent):
            path, is_key = walk.scalar(event.value)
            start, end = event.start_mark, event.end_mark
            assert start is not None, "the parser marks every event"
            assert end is not None
            yield Scalar(
                path=path,
                value=event.value,
                start=start.index,
                end=end.index,
                line=start.line + 1,
                column=start.column + 1,
                is_key=is_key,
                simple=event.style not in ("|", ">") and event.tag is None and event.anchor is None,
                quoted=event.style in ("'", '"'),
            )
        elif isinstance(event, yaml.CollectionStartEvent):
            walk.begin(mapping=isinstance(event, yaml.MappingStartEvent))
        elif isinstance(event, yaml.CollectionEndEvent):
            walk.end()
        elif isinstance(event, yaml.AliasEvent):
            walk.scalar("")


class _Walk:
    """Where in the document the next value stands."""

    def __init__(self) -> None:
        self._holders: list[tuple[bool, list[Any]]] = []
        """Of each open collection: whether it is a mapping, and its open key or next index; None: a key is next."""

    def scalar(self, value: str) -> tuple[tuple[str | int, ...], bool]:
        if self._holders:
            mapping, at = self._holders[-1]
            if mapping and at[0] is None:
                at[0] = value
                return self._path(), True
        path = self._path()
        self._passed()
        return path, False

    def begin(self, *, mapping: bool) -> None:
        if self._holders and self._holders[-1][0] and self._holders[-1][1][0] is None:
            self._holders[-1][1][0] = ""  # a collection as a key: no spec has one
        self._holders.append((mapping, [None if mapping else 0]))

    def end(self) -> None:
        self._holders.pop()
        self._passed()

    def _path(self) -> tuple[str | int, ...]:
        return tuple(at[0] for _, at in self._holders if at[0] is not None)

    def _passed(self) -> None:
        if self._holders:
            mapping, at = self._holders[-1]
            at[0] = None if mapping else at[0] + 1


def _problem(scalar: Scalar, known: Collection[str], file: str) -> Problem | None:
    names = PLACEHOLDER.findall(scalar.value)
    whole = PLACEHOLDER.fullmatch(scalar.value) is not None
    if whole and scalar.simple and not scalar.is_key:
        if names[0] in known:
            return None
        declared = f"declared are {', '.join(known)}" if known else "none is declared"
        return Problem(
            file,
            scalar.line,
            scalar.column,
            f"the variable {names[0]!r} is not declared in template.yaml",
            declared,
        )
    named = [name for name in names if name in known]
    if not named:
        return None
    return Problem(
        file,
        scalar.line,
        scalar.column,
        f"<<{named[0]}>> is not a value of its own",
        f"write it behind a key, such as {named[0]}: <<{named[0]}>> under context, which prompts see as "
        f"{{{named[0]}}}",
    )


def _filled(data: Any, meant: Mapping[tuple[str | int, ...], Value], path: tuple[str | int, ...]) -> Any:
    if isinstance(data, dict):
        return {key: _filled(value, meant, (*path, key)) for key, value in data.items()}
    if isinstance(data, list):
        return [_filled(item, meant, (*path, index)) for index, item in enumerate(data)]
    return meant.get(path, data)
