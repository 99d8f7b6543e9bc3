"""A document as a tree: plain data with the place of every key and value, built within fixed limits."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn

from loopengt.errors import SpecError
from loopengt.spec.problems import Problem

__all__ = ["Node", "Place", "TreeBuilder", "show"]

MAX_DEPTH: Final = 100
"""Deepest nesting, aliases expanded."""
MAX_NODES: Final = 250_000
"""Most values in one document."""
MAX_EXPANDED: Final = 20_000
"""Most values that aliases and merges may add to those written out."""
MAX_PROBLEMS: Final = 1_000
"""Most problems of form that are collected before reading is given up."""

MERGE: Final = "<<"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written, both counted from 1, and in which quotes."""

    line: int
    column: int
    style: str = ""
    """``'`` or ``"`` for quoted text, ``|`` or ``>`` for a block, empty for plain text."""


class Node:
    """A value of the document.

    Attributes:
        data: The value as plain data, its children included.
        place: Where it is written.
        kind: ``mapping``, ``list`` or ``scalar``.
        fields: The values of a mapping.
        keys: Where the keys of a mapping are written.
        items: The values of a list.
        weight: How many values it holds, itself included, aliases expanded.
        height: How many levels lie below it.
    """

    __slots__ = ("data", "fields", "height", "items", "keys", "kind", "place", "weight")

    data: Any
    fields: dict[str, Node]
    keys: dict[str, Place]
    items: list[Node]

    def __init__(self, kind: Literal["mapping", "list", "scalar"], place: Place, data: Any = None) -> None:
        self.kind = kind
        self.place = place
        # There are many scalars: they share the empty containers, which nothing writes to.
        self.fields, self.keys, self.items = _NO_FIELDS, _NO_KEYS, _NO_ITEMS
        self.data = data
        if kind == "mapping":
            self.data, self.fields, self.keys = {}, {}, {}
        elif kind == "list":
            self.data, self.items = [], []
        self.weight = 1
        self.height = 0

    def put(self, key: str, child: Node) -> None:
        """Set a value of a mapping."""
        self.data[key] = child.data
        self.fields[key] = child
        self._grow(child)

    def append(self, child: Node) -> None:
        """Add a value to a list."""
        self.data.append(child.data)
        self.items.append(child)
        self._grow(child)

    def _grow(self, child: Node) -> None:
        self.weight += child.weight
        self.height = max(self.height, child.height + 1)


_NO_FIELDS: Final[dict[str, Node]] = {}
_NO_KEYS: Final[dict[str, Place]] = {}
_NO_ITEMS: Final[list[Node]] = []


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been read yet."""

    node: Node
    anchor: str | None
    key: str | None = None
    """The key whose value comes next; None: a key comes next."""
    merging: bool = False
    """Whether that key is the merge key."""
    merges: list[Node] = field(default_factory=list)


class TreeBuilder:
    """Builds the tree from a reader's events, without recursion.

    What can be passed over (a duplicate key) is collected in ``problems``; what cannot raises ``SpecError``.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0
        self._expanded = 0

    def report(self, place: Place, message: str, hint: str = "") -> None:
        """Collect a problem that can be passed over."""
        self.problems.append(Problem(self.file, place.line, place.column, message, hint))
        if len(self.problems) >= MAX_PROBLEMS:
            self.fail(place, "too many problems: the rest of the file was not read")

    def fail(self, place: Place, message: str, hint: str = "") -> NoReturn:
        """Give up, with the problems so far and this one.

        Raises:
            SpecError: Always.
        """
        self.problems.append(Problem(self.file, place.line, place.column, message, hint))
        raise SpecError(sorted(self.problems))

    def begin(self, place: Place, *, mapping: bool, anchor: str | None = None) -> None:
        """Start a mapping or a list."""
        if self._expects_key():
            self.fail(place, "a key must be text, not a mapping or list")
        if len(self._open) >= MAX_DEPTH:
            self.fail(place, f"nested more than {MAX_DEPTH} levels deep")
        if anchor is not None:
            self._anchors[anchor] = None
        self._open.append(_Open(Node("mapping" if mapping else "list", place), anchor))

    def end(self) -> None:
        """Finish the innermost mapping or list."""
        opened = self._open.pop()
        for source in opened.merges:
            self._merge(opened.node, source)
        self._attach(opened.node, opened.anchor)

    def scalar(self, data: Any, place: Place, *, text: str, anchor: str | None = None) -> None:
        """Add a value, or the key of the next one.

        Args:
            data: The value.
            place: Where it is written.
            text: The value as written, for a key that is not text.
            anchor: The name that aliases refer to it by.
        """
        if isinstance(data, str) and not _encodable(data):
            self.report(place, "the text holds half of a surrogate pair", "write the whole character")
            data = data.encode(errors="replace").decode()
        elif isinstance(data, float) and not math.isfinite(data):
            self.report(place, f"{show(text)} is not a finite number", "write it in quotes if text is meant")
            data = None
        if self._expects_key():
            self._key(data, place, text)
            if anchor is not None:
                self._anchors[anchor] = Node("scalar", place, data)
        else:
            self._attach(Node("scalar", place, data), anchor)

    def alias(self, name: str, place: Place) -> None:
        """Add the value of an anchor once more."""
        node = self._anchors.get(name)
        if node is None:
            inside = name in self._anchors
            self.fail(
                place, f"the alias *{name} {'lies inside its own anchor' if inside else 'has no anchor'}"
            )
        if self._expects_key():
            if node.kind != "scalar":
                self.fail(place, "a key must be text, not a mapping or list")
            self._key(node.data, place, str(node.data))
            return
        self._expand(node.weight, place)
        if len(self._open) + node.height > MAX_DEPTH:
            self.fail(place, f"nested more than {MAX_DEPTH} levels deep, aliases expanded")
        self._attach(node, None)

    def _expects_key(self) -> bool:
        if not self._open:
            return False
        opened = self._open[-1]
        return opened.node.kind == "mapping" and opened.key is None

    def _key(self, data: Any, place: Place, text: str) -> None:
        opened = self._open[-1]
        if not isinstance(data, str):
            self.report(place, f"the key {show(text)} is not text", f"write it in quotes: {show(text)}")
            data = text
        opened.key = data
        opened.merging = data == MERGE and not place.style
        if opened.merging:
            return
        first = opened.node.keys.get(data)
        if first is not None:
            self.report(place, f"duplicate key {show(data)}", f"first written in line {first.line}")
        opened.node.keys[data] = place

    def _attach(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self.fail(node.place, f"the file holds more than {MAX_NODES:,} values")
        if not self._open:
            self.root = node
            return
        opened = self._open[-1]
        key, opened.key = opened.key, None
        if key is None:
            opened.node.append(node)
        elif opened.merging:
            self._note_merge(opened.merges, node)
        else:
            opened.node.put(key, node)

    def _note_merge(self, merges: list[Node], node: Node) -> None:
        for source in node.items if node.kind == "list" else [node]:
            if source.kind == "mapping":
                merges.append(source)
            else:
                self.report(source.place, "<< takes a mapping or a list of mappings")

    def _merge(self, node: Node, source: Node) -> None:
        for key, child in source.fields.items():
            if key not in node.fields:
                self._expand(child.weight, node.place)
                node.put(key, child)
                node.keys[key] = source.keys[key]

    def _expand(self, weight: int, place: Place) -> None:
        self._expanded += weight
        if self._expanded > MAX_EXPANDED:
            self.fail(
                place,
                f"the aliases expand to more than {MAX_EXPANDED:,} values",
                "write the values out, or alias smaller parts",
            )


def show(text: str) -> str:
    """Quote a piece of the document for a message, shortened, control characters made visible."""
    return repr(text if len(text) <= 60 else f"{text[:59]}…")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
