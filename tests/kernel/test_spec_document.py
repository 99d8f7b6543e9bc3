"""Reading a spec's file: YAML and JSON become plain data with positions; bad files are refused clearly."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from loopengt.errors import SpecError
from loopengt.spec import parse_document, read_document, yaml_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loopengt.spec import Problem


@pytest.fixture(params=["C parser", "Python parser"])
def either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read with the parser of libyaml, and with the one in Python that stands in where that is missing."""
    if request.param == "C parser":
        assert yaml.__with_libyaml__
    else:
        monkeypatch.setattr(yaml_reader, "_LOADER", yaml.SafeLoader)


def refused(text: str, file: str = "loop.yaml") -> Problem:
    """The one problem for which a text is refused."""
    with pytest.raises(SpecError) as caught:
        parse_document(text, file)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.usefixtures("either_parser")
def test_scalars_follow_yaml_1_2() -> None:
    """Only null, true, false and numbers are more than text: no yes, no on, no dates, no octal by a zero."""
    text = """
    text: [yes, no, on, off, y, 2020-01-01, 12:30:00, 1_000, 0b1, 'true', "1", !!str 5, ! 6, .5., 1e, =]
    null: [null, Null, NULL, ~, ]
    bool: [true, True, FALSE]
    int: [0, -1, +2, 010, 0x1F, 0o17]
    float: [1.0, .5, 5., 1e3, -1.5E-2]
    """
    data = parse_document(text).data
    assert all(type(value) is str for value in data.pop("text"))
    assert data == {
        "null": [None] * 4,
        "bool": [True, True, False],
        "int": [0, -1, 2, 10, 31, 15],
        "float": [1.0, 0.5, 5.0, 1000.0, -0.015],
    }


@pytest.mark.usefixtures("either_parser")
def test_aliases_and_merges() -> None:
    """An alias repeats its anchor; a merge fills in keys, and what is written out wins."""
    text = """
    base: &base {a: 1, b: [x]}
    more: &more {b: 2, c: 3}
    one: {<<: *base, a: 9}
    two: {<<: [*base, *more]}
    same: *base
    key: &k name
    *k : value
    '<<': quoted
    """
    data = parse_document(text).data
    assert data["one"] == {"a": 9, "b": ["x"]}
    assert data["two"] == {"a": 1, "b": ["x"], "c": 3}
    assert data["same"] == data["base"]
    assert data["name"] == "value"
    assert data["<<"] == "quoted"


@pytest.mark.usefixtures("either_parser")
def test_positions() -> None:
    """Every key and value has its line and column, whatever the line ends and the width of characters."""
    document = parse_document('\ufeffname: a\r\nsteps:\r\n  - {"é😀": "x", b: [1, two]}\r\n  -   c:\r\n')
    assert document.data == {"name": "a", "steps": [{"é😀": "x", "b": [1, "two"]}, {"c": None}]}
    assert document.position(("name",)) == (1, 7)
    assert document.key_position(("steps",)) == (2, 1)
    assert document.position(("steps", 0)) == (3, 5)
    assert document.key_position(("steps", 0, "é😀")) == (3, 6)
    assert document.position(("steps", 0, "é😀")) == (3, 12)
    assert document.position(("steps", 0, "b", 1)) == (3, 24)
    assert document.key_position(("steps", 0, "b", 1)) == (3, 24)
    assert document.position(("steps", 1)) == (4, 7)
    assert document.position(("steps", 1, "missing", "deeper")) == (4, 7)
    assert document.key_position(("missing",)) == (1, 1)


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("k: plain! text", (1, 9)),
        ("k: 'it''s! text'", (1, 10)),
        (r'k: "a\n\"\u00e9\x41! text"', (1, 20)),
        ("k: |\n  one\n   two! x\n", (3, 7)),
        ("k: |2-\n\n   one! x\n", (3, 7)),
        ("k: >\n   folded\n   text! x\n", (2, 4)),
        ("k: plain\n  over! lines", (1, 4)),
        ("k: 'quoted\n  over! lines'", (1, 4)),
    ],
)
def test_position_within_text(text: str, position: tuple[int, int]) -> None:
    """A character of a value is found in the file: exactly where the text is on a line, else at its start."""
    document = parse_document(text)
    assert document.text_position(("k",), document.data["k"].index("!")) == position


def test_json_positions() -> None:
    """A JSON file has positions too, also behind escapes for characters beyond the basic plane."""
    document = parse_document('{\n  "a": ["\\ud83d\\ude00 x!", 2],\n  "b": {"c": null}}', "loop.json")
    assert document.data == {"a": ["😀 x!", 2], "b": {"c": None}}
    assert document.position(("a", 1)) == (2, 28)
    assert document.text_position(("a", 0), 3) == (2, 24)
    assert document.key_position(("b", "c")) == (3, 9)


def test_json_text_without_a_name() -> None:
    """JSON with surrogate pairs is read as such, whatever the text is called."""
    assert parse_document('{"a": "\\ud83d\\ude00", "a/b": "\\/"}').data == {"a": "😀", "a/b": "/"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in a value, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (key, *texts_in(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


@given(values.filter(lambda value: value is not None and value != ""))
def test_reads_what_json_writes(value: Any) -> None:
    """Whatever JSON can hold comes back the same, indented or not."""
    for indent in (None, 1):
        assert parse_document(json.dumps(value, indent=indent), "x.json").data == value


NUMBER_OF_1_2 = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.?[0-9]*)[eE][-+]?[0-9]+|0o[0-7]+")
"""Text in YAML 1.1, which is written without quotes, and a number in YAML 1.2."""


@given(st.dictionaries(st.text(), values, min_size=1, max_size=4))
def test_reads_what_yaml_writes(value: Any) -> None:
    """Whatever a YAML 1.1 writer puts out, in blocks and flows, comes back the same, but for numbers of YAML 1.2."""
    assume(not any(NUMBER_OF_1_2.fullmatch(text) for text in texts_in(value)))
    text = yaml.safe_dump(value, allow_unicode=True)
    loaded = yaml.safe_load(text)
    assert parse_document(text).data == loaded


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: {x: 1, x: 2}\na: 3\n", [(2, 11, "duplicate key 'x'"), (3, 1, "duplicate key 'a'")]),
        ("5: x\n2.5: x\ntrue: x\nnull: x\n", [(n, 1, "is not text") for n in (1, 2, 3, 4)]),
        (
            "a: !secret x\nb: !!python/object:os.x {}\nc: !!int '5'",
            [(n, 4, "is not allowed") for n in (1, 2, 3)],
        ),
        ("a: .inf\nb: 1e999\nc: [.NaN]\n", [(1, 4, "finite"), (2, 4, "finite"), (3, 5, "finite")]),
        ("a: {<<: 5}", [(1, 9, "<< takes")]),
    ],
)
def test_problems_that_do_not_stop_the_reading(text: str, expected: list[tuple[int, int, str]]) -> None:
    """Duplicate and non-text keys, tags and numbers without a value are all reported in one pass."""
    problems = parse_document(text).problems
    assert [(problem.line, problem.column) for problem in problems] == [
        (line, column) for line, column, _ in expected
    ]
    assert all(words in problem.message for problem, (_, _, words) in zip(problems, expected, strict=True))


def test_duplicate_key_says_where_the_first_is() -> None:
    """The problem stands at the second key and names the line of the first."""
    for file, text in (("loop.yaml", "a: 1\n\na: 2"), ("loop.json", '{"a": 1,\n\n"a": 2}')):
        (problem,) = parse_document(text, file).problems
        assert str(problem) == f"{file}:3:1: duplicate key 'a' (first written in line 1)"


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "the file is empty"),
        ("\ufeff", 1, 1, "the file is empty"),
        (" \n# only a comment\n", 1, 1, "the file is empty"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second document"),
        ("a: [1,\nb: 2", 2, 5, "not valid YAML"),
        ("a: [1,\n", 1, 7, "not valid YAML"),
        ("a:\n\t- b\n", 2, 1, "not valid YAML"),
        ("a: 'x", 1, 6, "not valid YAML"),
        ("a: b: c", 1, 5, "not valid YAML"),
        ("a: *x", 1, 4, "*x has no anchor"),
        ("a: &x [*x]", 1, 8, "*x lies inside its own anchor"),
        ("? [a]\n: b", 1, 3, "a key must be text"),
        ("b: &x [a]\n*x : b", 2, 1, "a key must be text"),
        ("a: \x07", 1, 4, "the character '\\x07' is not allowed"),
        ("a: b\0c", 1, 1, "binary"),
        ("[" * 100_000, 1, 101, "nested more than 100 levels"),
        ("{a: " * 20_000, 1, 401, "nested more than 100 levels"),
        ("- " * 100_000, 1, 201, "nested more than 100 levels"),
    ],
)
def test_refused_yaml(text: str, line: int, column: int, message: str) -> None:
    """What cannot be read at all is one problem, at the place where reading ended."""
    problem = refused(text)
    assert message in problem.message
    if "not valid YAML" not in message or yaml_reader._LOADER is not yaml.SafeLoader:
        assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "the file is empty"),
        ('{"a": 1,\n}', 2, 1, "not valid JSON"),
        ('{"a": 1}\n x', 2, 2, "not valid JSON: extra data"),
        ("a: 1", 1, 1, "not valid JSON"),
        ("[" * 100_000, 1, 1, "nested too deeply"),
        ("[" * 200 + "]" * 200, 1, 101, "nested more than 100 levels"),
        ('{"a": ' + "9" * 5_000 + "}", 1, 1, "too many digits"),
    ],
)
def test_refused_json(text: str, line: int, column: int, message: str) -> None:
    """A .json file must be JSON; its errors have JSON's own positions."""
    problem = refused(text, "loop.json")
    assert (problem.line, problem.column) == (line, column)
    assert message in problem.message


def test_half_a_surrogate_pair() -> None:
    """Text that no file could hold is reported, and does not reach the data."""
    document = parse_document('{"a": "\\ud83d"}', "x.json")
    assert "surrogate" in document.problems[0].message
    assert document.data["a"].encode()


def test_folder_stands_for_its_loop_yaml(tmp_path: Path) -> None:
    """A folder is read through the loop.yaml in it, and problems name that file."""
    (tmp_path / "loop.yaml").write_text("a: 1")
    document = read_document(tmp_path)
    assert document.data == {"a": 1}
    assert document.path == str(tmp_path / "loop.yaml")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nul.yaml", b"a: b\0c", "binary file"),
        ("elf.yaml", b"\x7fELF\x02\x01\x01\x00\x00", "binary file"),
        ("latin.yaml", "a: 1\nb: é".encode("latin-1"), "the byte 0xe9 is not UTF-8"),
        ("utf16.yaml", "a: 1".encode("utf-16"), "binary file"),
        ("large.yaml", b"#" * (4 * 1024 * 1024 + 1), "larger than 4 MB"),
        ("empty.yaml", b"", "the file is empty"),
        ("empty.json", b" \n", "the file is empty"),
    ],
)
def test_unreadable_content(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """A file that is no text, too large or empty is one clear problem."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SpecError) as caught:
        read_document(tmp_path / name)
    (problem,) = caught.value.problems
    assert problem.file == str(tmp_path / name)
    assert message in problem.message


def test_bad_byte_has_its_position(tmp_path: Path) -> None:
    """The byte that is not UTF-8 is found by line and column."""
    (tmp_path / "x.yaml").write_bytes("a: 1\nü: ".encode() + b"\xff")
    with pytest.raises(SpecError) as caught:
        read_document(tmp_path / "x.yaml")
    assert (caught.value.problems[0].line, caught.value.problems[0].column) == (2, 4)


def test_missing_file(tmp_path: Path) -> None:
    """A file or a folder's loop.yaml that is not there is a problem with the command that makes one."""
    (tmp_path / "folder").mkdir()
    for path, message in ((tmp_path / "no.yaml", "no such file"), (tmp_path / "folder", "has no loop.yaml")):
        with pytest.raises(SpecError) as caught:
            read_document(path)
        (problem,) = caught.value.problems
        assert message in problem.message
        assert "loopengt init" in problem.hint
        assert str(problem).startswith(f"{path}:1:1: ")


def test_unreadable_file(tmp_path: Path) -> None:
    """What the operating system refuses is said in its own words."""
    loop = tmp_path / "loop.yaml"
    os.symlink(loop, loop)
    with pytest.raises(SpecError, match="the file cannot be read: Too many levels of symbolic links"):
        read_document(loop)
