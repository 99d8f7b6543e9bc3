"""What goes into a journal comes out of it, and what cannot is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopengt import LoopengtError, StorageCorrupt
from loopengt.journal import clean_text, decode_batch, encode_batch, to_json_data
from loopengt_hookspecs.models import Event

TEXT = st.text(st.characters(codec="utf-8"))
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_data_is_a_copy_of_itself(value: Any) -> None:
    """Plain JSON data comes back equal, of the same types, and shared with nobody."""
    data, size = to_json_data(value)
    assert data == value
    assert json.dumps(data) == json.dumps(value)
    assert size > 0 or value == ""
    if isinstance(value, list | dict):
        assert data is not value


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.integers(1, 2**40), TEXT, st.floats(0, 4e9), st.none() | TEXT, st.dictionaries(TEXT, JSON)
        )
    )
)
def test_a_batch_comes_back_as_it_was(fields: list[tuple[Any, ...]]) -> None:
    """Events survive the way to bytes and back; the bytes are one line of JSON that any tool can read."""
    events = [Event(*field) for field in fields]
    payload = encode_batch(events)
    assert decode_batch(payload) == events
    assert b"\n" not in payload
    assert json.loads(payload) == [list(event) for event in events]


@given(st.text())
def test_any_text_can_be_stored(text: str) -> None:
    """Lone surrogates become question marks; all else stays."""
    cleaned = clean_text(text)
    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert len(cleaned) == len(text)
    assert all(new in (old, "?") for new, old in zip(cleaned, text, strict=True))
    assert to_json_data({text: [text]})[0] == {cleaned: [cleaned]}


@pytest.mark.parametrize(
    "value", [math.nan, [math.inf], {"a": -math.inf}, b"x", {1: 2}, {"a": {1}}, object()]
)
def test_what_is_no_json_data_is_refused(value: Any) -> None:
    """NaN, infinity, bytes, sets, keys that are no text and objects are not guessed at."""
    with pytest.raises(TypeError, match="not JSON data"):
        to_json_data(value)


def test_data_that_holds_itself_is_refused() -> None:
    """An endless or very deep structure is an error, and not the end of the process."""
    endless: list[Any] = []
    endless.append(endless)
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    for value in (endless, deep):
        with pytest.raises(TypeError, match="not JSON data"):
            to_json_data(value)


def test_an_event_that_cannot_be_written_is_an_error() -> None:
    """The message says what journals hold."""
    with pytest.raises(LoopengtError, match="cannot be written") as caught:
        encode_batch([Event(1, "custom", 0.0, None, {"x": object()})])
    assert "JSON data" in caught.value.remedy


def test_an_event_with_undecodable_text_is_written_all_the_same() -> None:
    """A text that slipped through with a lone surrogate does not stop the run."""
    payload = encode_batch([Event(1, "custom", 0.0, "caf\udce9", {"k\ud800": ["v\udfff"]})])
    assert decode_batch(payload) == [Event(1, "custom", 0.0, "caf?", {"k?": ["v?"]})]


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"{}", b"[1]", b'[["a"]]', b'[[1,"t",2,null]]', b"[\xff]", b"[" * 100_000]
)
def test_bytes_that_are_no_batch_are_damage(payload: bytes) -> None:
    """Whatever was made of a batch, reading it says that the journal is damaged."""
    with pytest.raises(StorageCorrupt, match="cannot be read") as caught:
        decode_batch(payload)
    assert "doctor" in caught.value.remedy
