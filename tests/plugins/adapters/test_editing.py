"""The editing of JSON with comments and of TOML, on made-up documents and on random ones."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopengt_adapters.editing.jsonc import InvalidText, parse
from loopengt_adapters.editing.jsonc_edit import append, put, remove
from loopengt_adapters.editing.toml_edit import parse_toml, put_table, remove_table, set_key

ENTRY = {"command": "loopengt", "args": ["mcp"]}
PLACE = ("mcpServers", "loopengt")
KEYS = st.sampled_from(["mcpServers", "servers", "a", "b//c", 'q"', "ü", "{", "x,"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 99), st.sampled_from(["", "// no", "/* no */", "a\\b", ",]"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "mcpServers": st.dictionaries(KEYS, VALUES, max_size=3),
        "z": VALUES,
        "hooks": st.fixed_dictionaries({}, optional={"Stop": st.lists(VALUES, max_size=2), "y": VALUES}),
    },
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A JSON document as a person may have written it: any blanks, comments and trailing commas."""
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    indent = draw(st.sampled_from(["", " ", "\t", "    "]))
    note = st.sampled_from(
        ["", "", "", f" // it's {{,}} \"x{newline}", " /* , } */", f"{newline}/* [ */{newline}"]
    )

    def write(value: Any, depth: int, *, broken: bool) -> str:
        if not isinstance(value, dict | list) or (not value and draw(st.booleans())):
            return json.dumps(value, ensure_ascii=False)
        broken = broken and draw(st.booleans())
        line = newline + indent * (depth + 1) if broken else draw(st.sampled_from(["", " "]))
        pairs = value.items() if isinstance(value, dict) else ((None, each) for each in value)
        parts = []
        for key, each in pairs:
            name = "" if key is None else json.dumps(key, ensure_ascii=False) + draw(note) + ":" + draw(note)
            parts.append(line + name + write(each, depth + 1, broken=broken) + draw(note))
        last = draw(st.sampled_from(["", ","])) + draw(note) if parts else ""
        brackets = "{}" if isinstance(value, dict) else "[]"
        inside = ",".join(f"{part}" for part in parts) + last
        return brackets[0] + draw(note) + inside + (newline + indent * depth if broken else "") + brackets[1]

    head, tail = draw(note), draw(st.sampled_from(["", newline, newline * 2]))
    return head + write(draw(DOCUMENTS), 0, broken=draw(st.booleans())) + draw(note) + tail


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(texts())
def test_what_was_put_in_comes_out_without_a_trace(text: str) -> None:
    """For any document: put an entry in and take it out again, and every byte is as it was."""
    before = parse(text)
    if "loopengt" in before.get("mcpServers", {}):
        return
    edited = put(text, PLACE, ENTRY)
    assert parse(edited)["mcpServers"]["loopengt"] == ENTRY
    assert remove(edited, PLACE, text) == text


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(texts())
def test_an_element_of_a_list_comes_out_without_a_trace(text: str) -> None:
    """For any document: add an element to a list, which may not be there yet, and take it out again."""
    edited = append(text, ("hooks", "Stop"), ENTRY)
    stop = parse(edited)["hooks"]["Stop"]
    assert stop[-1] == ENTRY
    undone = remove(edited, ("hooks", "Stop", len(stop) - 1), text)
    was = parse(text).get("hooks", {})
    assert parse(undone).get("hooks", {}).get("Stop", []) == was.get("Stop", [])
    if was.get("Stop"):
        assert undone == text


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(texts(), st.sampled_from(["before", "after"]))
def test_what_others_do_meanwhile_stays(text: str, order: str) -> None:
    """For any document: with another entry put in before or after ours, ours goes and the other stays."""
    other = ("mcpServers", "other")
    both = (
        put(put(text, PLACE, ENTRY), other, 1) if order == "after" else put(put(text, other, 1), PLACE, ENTRY)
    )
    left = remove(both, PLACE, text)
    expected = parse(text)
    expected.setdefault("mcpServers", {})["other"] = 1
    assert parse(left) == expected
    for comment in ("it's", "/* , } */", "/* [ */"):
        assert left.count(comment) == text.count(comment), "a comment is gone"


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"a": 1,, "b": 2}', 1, 9),
        ('{\n  "a": 1\n  "b": 2\n}', 3, 3),
        ('{"a": NaN}', 1, 7),
        ("{'a': 1}", 1, 2),
        ('{,}', 1, 2),
        ('{"a": 1} x', 1, 10),
        ('// only\n{"a": [1, 2}', 2, 12),
        ('["', 1, 2),
        ("[" * 100_000, 1, 1),
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused_with_its_place(text: str, line: int, column: int) -> None:
    """An invalid document is never edited; the error says line and column."""
    with pytest.raises(InvalidText) as caught:
        put(text, PLACE, ENTRY)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    "text", ['{"mcpServers": []}', '{"mcpServers": null}', "[]", '"x"', '{"mcpServers": 3}']
)
def test_what_is_no_object_is_not_made_one(text: str) -> None:
    """Where something else stands in the way, it is not overwritten."""
    with pytest.raises(InvalidText, match="is not an object"):
        put(text, PLACE, ENTRY)


def test_a_key_that_stands_twice_is_not_edited() -> None:
    """Where a key on our way stands twice, programs differ in which they read: neither is edited."""
    text = '{"mcpServers": {"loopengt": {"x": 1}, "loopengt": {"command": "a"}}}'
    for edit in (lambda: put(text, (*PLACE, "command"), "b"), lambda: remove(text, PLACE, None)):
        with pytest.raises(
            InvalidText, match=r"mcpServers\.loopengt stands here for the second time"
        ) as caught:
            edit()
        assert (caught.value.line, caught.value.column) == (1, 39)
        assert caught.value.remedy == "keep one of the two"


def test_a_key_is_replaced_in_its_place() -> None:
    """A changed value takes the place of the old one, comments around it stay."""
    text = '{"mcpServers": {"loopengt": {"command": "old" /* why */, "args": []}}}'
    assert put(text, (*PLACE, "command"), "new") == text.replace('"old"', '"new"')


@pytest.mark.slow
def test_ten_megabytes_are_edited_in_time() -> None:
    """A config of 10 MB, as some tools let theirs grow, is edited, and comes back as it was."""
    big = {"projects": {f"/src/{i}": {"history": ["// text, }"] * 20, "n": i} for i in range(27_000)}}
    text = json.dumps(big, indent=2)
    assert len(text) > 10_000_000
    edited = put(text, PLACE, ENTRY)
    assert remove(edited, PLACE, text) == text


TOML = ("mcp_servers", "loopengt")
TOMLS = [
    "",
    "# only a comment",
    'model = "x"\r\n[mcp_servers.a]\r\ncommand = "b" # c\r\n',
    "[mcp_servers]\n",
    "mcp_servers = {}\n",
    'mcp_servers = { a = { command = "b" } } # c\n\n[tui]\nx = 1\n',
    'mcp_servers.a.command = "b"\n',
    "[[things]]\nx = 1\n\n[[things]]\nx = '''\n[mcp_servers.loopengt]\n'''\n",
    "[mcp_servers.a]\nx = 1\n[mcp_servers.a.env]\n\"K\" = 'v'   # spaced\n",
]


@pytest.mark.parametrize("text", TOMLS)
def test_a_table_is_added_changed_and_removed(text: str) -> None:
    """In any layout of TOML the table appears, changes and goes; all other lines keep their bytes."""
    edited = put_table(text, TOML, ENTRY)
    assert tomllib.loads(edited)["mcp_servers"]["loopengt"] == ENTRY
    changed = set_key(edited, (*TOML, "command"), "other")
    assert tomllib.loads(changed)["mcp_servers"]["loopengt"] == {**ENTRY, "command": "other"}
    for version in (edited, changed):
        left = remove_table(version, TOML, ENTRY, text)
        assert parse_toml(left) == parse_toml(text)
        assert [line for line in left.splitlines() if line.strip()] == [
            line for line in text.splitlines() if line.strip()
        ]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("change", ["none", "before", "in ours", "behind"])
def test_a_last_line_without_a_line_break_has_none_again(newline: str, change: str) -> None:
    """What stood before our table ends as it did, also when something was edited meanwhile."""
    text = f'a = 1{newline}[tui]{newline}x = "y"'
    edited = put_table(text, TOML, ENTRY)
    if change == "before":
        edited, text = (each.replace("a = 1", "a = 2") for each in (edited, text))
    elif change == "in ours":
        edited = set_key(edited, (*TOML, "env"), {"K": "v"})
    elif change == "behind":
        edited += f"{newline}[more]{newline}z = 1"
        text += f"{newline * 2}[more]{newline}z = 1"
    left = remove_table(edited, TOML, ENTRY, f'a = 1{newline}[tui]{newline}x = "y"')
    assert parse_toml(left) == parse_toml(text)
    assert left == text if change != "behind" else not left.endswith("\n")


def test_invalid_toml_is_refused_with_its_place() -> None:
    """A TOML file that is not valid is never edited; the error says line and column."""
    with pytest.raises(InvalidText) as caught:
        put_table('a = 1\nb = "x\n', TOML, ENTRY)
    assert (caught.value.line, caught.value.column) == (2, 7)
    with pytest.raises(InvalidText, match="mcp_servers is not a table"):
        put_table("mcp_servers = 1\n", TOML, ENTRY)
