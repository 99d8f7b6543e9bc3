"""The exporters json and jsonl."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from loopengt_exporters.events import JsonExporter, JsonLinesExporter
from loopengt_hookspecs.models import parse_event

if TYPE_CHECKING:
    from .conftest import Recorded


def test_json_is_an_array_of_all_events(recorded: Recorded) -> None:
    """The document is one JSON array, and its items are the events themselves."""
    state, events = recorded
    document = json.loads(JsonExporter().export(state, events))
    assert [parse_event(item) for item in document] == events


def test_json_of_nothing_is_an_empty_array(recorded: Recorded) -> None:
    """A run without readable events still makes a JSON document."""
    assert json.loads(JsonExporter().export(recorded[0], [])) == []


def test_jsonl_has_one_event_a_line(recorded: Recorded) -> None:
    """Every line is one event, in order, and the last one ends too."""
    state, events = recorded
    text = JsonLinesExporter().export(state, events)
    assert text.endswith("}\n")
    assert [parse_event(json.loads(line)) for line in text.splitlines()] == events
