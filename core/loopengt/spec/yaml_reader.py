"""Reads YAML into a tree, from the parser's events: nothing is constructed but plain data."""

from __future__ import annotations

import re
from typing import Any, Final, NoReturn

import yaml

from loopengt.spec.scalars import resolve
from loopengt.spec.tree import Place, TreeBuilder

__all__ = ["read_yaml"]

_UNPRINTABLE: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TEXT: Final = ("!", "tag:yaml.org,2002:str")
_COLLECTIONS: Final = ("!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str, builder: TreeBuilder) -> None:
    """Feed the document in the text to the builder.

    Raises:
        SpecError: The text is not YAML, holds several documents, or breaks a limit of the builder.
    """
    if (odd := _UNPRINTABLE.search(text)) is not None:
        line = text.count("\n", 0, odd.start()) + 1
        place = Place(line, odd.start() - text.rfind("\n", 0, odd.start()))
        builder.fail(
            place,
            f"the character {odd.group()!r} is not allowed in YAML",
            "write it as an escape in double quotes",
        )
    documents = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    builder.fail(_place(event), "a second document starts here", "one file holds one loop")
            else:
                _feed(event, builder)
    except yaml.MarkedYAMLError as error:
        _not_yaml(error, text, builder)


def _feed(event: Any, builder: TreeBuilder) -> None:
    if isinstance(event, yaml.ScalarEvent):
        place = _place(event, event.style or "")
        builder.scalar(_value(event, place, builder), place, text=event.value, anchor=event.anchor)
    elif isinstance(event, yaml.CollectionStartEvent):
        place = _place(event)
        if event.tag is not None and event.tag not in _COLLECTIONS:
            _refuse_tag(event.tag, place, builder)
        builder.begin(place, mapping=isinstance(event, yaml.MappingStartEvent), anchor=event.anchor)
    elif isinstance(event, yaml.CollectionEndEvent):
        builder.end()
    elif isinstance(event, yaml.AliasEvent):
        builder.alias(event.anchor or "", _place(event))


def _value(event: Any, place: Place, builder: TreeBuilder) -> Any:
    if event.tag in _TEXT:
        return event.value
    if event.tag is not None:
        _refuse_tag(event.tag, place, builder)
    return resolve(event.value) if event.implicit[0] else event.value


def _refuse_tag(tag: str, place: Place, builder: TreeBuilder) -> None:
    builder.report(place, f"the tag {tag!r} is not allowed", "a spec holds plain data: remove the tag")


def _place(event: Any, style: str = "") -> Place:
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1, style)


def _not_yaml(error: yaml.MarkedYAMLError, text: str, builder: TreeBuilder) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
    lines = text.splitlines() or [""]
    if place.line > len(lines):
        # The end of the text counts as a line of its own; what is missing is missing on the last one.
        place = Place(len(lines), len(lines[-1]) + 1)
    message = f"not valid YAML: {error.problem or error.context}"
    if error.context and error.problem:
        start = error.context_mark
        where = f" that starts in line {start.line + 1}" if start and start.line + 1 != place.line else ""
        message += f", {error.context}{where}"
    builder.fail(place, message, _HINTS.get(error.problem or "", ""))


_HINTS: Final = {
    "found character that cannot start any token": "indent with spaces; quote text that starts with a sign",
    "mapping values are not allowed in this context": "check the indentation, and quote text that holds ': '",
    "did not find expected key": "check the indentation",
    "did not find expected '-' indicator": "check the indentation",
}
