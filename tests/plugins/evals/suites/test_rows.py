"""Cases in files of their own: YAML, JSON lines, CSV."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import SpecError
from loopengt_evals.suites.reading import load_suite

if TYPE_CHECKING:
    from pathlib import Path


def load(project: Path, name: str, content: str | bytes, **file: Any) -> Any:
    """Return the cases of a suite that names a file with that content."""
    (project / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    cases: Any = {"file": name, **file} if file else name
    (project / "evals.yaml").write_text(json.dumps({"name": "demo", "loop": "l", "cases": cases}))
    return load_suite(project / "evals.yaml", project).cases


def refused(project: Path, name: str, content: str | bytes, **file: Any) -> str:
    """Return what is said of such a file."""
    with pytest.raises(SpecError) as caught:
        load(project, name, content, **file)
    return str(caught.value)


def test_csv_becomes_cases(project: Path) -> None:
    """Columns of known names are fields, dotted ones lead into groups, and all others are inputs; cells are text."""
    text = (
        "\ufeffid,question,expected,tags,repeat,inputs.n,files.a.txt\r\n"
        'x,"What, now?",yes,"a; b",2,3,"line 1\nline 2"\r\n\r\ny,Why,"{""k"": 1}",,,,\r\n'
    )
    one, two = load(project, "cases.csv", text)
    assert one.case.inputs == {"question": "What, now?", "n": "3"}
    assert (one.expected, one.case.tags, one.repeat, one.files) == (
        "yes",
        ["a", "b"],
        2,
        {"a.txt": b"line 1\nline 2"},
    )
    assert (two.expected, two.case.tags, two.repeat) == ({"k": 1}, [], 1)
    assert two.place.line == 5


def test_columns_can_be_named(project: Path) -> None:
    """``columns`` says what becomes of each; an empty one is left out, and without ids rows are counted."""
    found = load(
        project, "d.csv", "Prompt,Answer,Noise\np,a,n\nq,b,n\n",
        columns={"Prompt": "inputs.q", "Answer": "expected", "Noise": ""},
    )  # fmt: skip
    assert [(case.id, case.case.inputs, case.expected) for case in found] == [
        ("row-1", {"q": "p"}, "a"),
        ("row-2", {"q": "q"}, "b"),
    ]


def test_json_lines_and_yaml_become_cases(project: Path) -> None:
    """A line is a case; a YAML file is a list, or has one under ``cases``; keys can be renamed there, too."""
    assert [case.id for case in load(project, "c.jsonl", '{"id": "a"}\n\n{"id": "b"}\n')] == ["a", "b"]
    assert [case.id for case in load(project, "c.yaml", "cases:\n- {id: a}\n- {id: b}\n")] == ["a", "b"]
    (one,) = load(project, "d.jsonl", '{"key": "k", "q": 3}', columns={"key": "id", "q": "inputs.q"})
    assert (one.id, one.case.inputs) == ("k", {"q": 3})


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.csv", "id,id\na,b\n", "c.csv:1:1: two columns are called 'id'"),
        ("c.csv", "id,\na,b\n", "c.csv:1:1: a column has no name"),
        ("c.csv", "id;q\na;b\n", "part the cells with ',' in place of ';'"),
        ("c.csv", "id\tq\na\tb\n", "the only column is called 'id\\tq'"),
        ("c.csv", "id,q\na,b\nc\n", "c.csv:3:1: the row has 1 cells, and there are 2 columns"),
        ("c.csv", "id,q\na,b,c\n", "c.csv:2:1: the row has 3 cells"),
        ("c.csv", 'id,q\na,"b\n', "not valid CSV"),
        ("c.csv", "id,repeat\na,often\n", "c.csv:2:1: 'repeat' must be a whole number"),
        ("c.csv", "", "the suite has no case"),
        ("c.csv", "id,q\n", "the suite has no case"),
        ("c.csv", b"id\n\xff\n", "c.csv:2:1: the file is not UTF-8"),
        ("c.csv", "id\na\na\n", "c.csv:3:1: two cases are called 'a' (the first is in line 2)"),
        ("c.jsonl", '{"id": "a"}\n{"id": \n', "c.jsonl:2:1: the line is not JSON"),
        ("c.jsonl", '{"id": "a", "inputs": {"n": NaN}}\n', "NaN is not JSON"),
        ("c.jsonl", "[1]\n", "c.jsonl:1:1: a case is a mapping, found a list"),
        ("c.jsonl", '{"id": "a", "expcted": 1}\n', "did you mean 'expected'?"),
        ("c.yaml", "a: 1\n", "a file of cases is a list of them"),
        ("c.yaml", "- {id: a}\n- 3\n", "c.yaml:2:3: a case is a mapping"),
    ],
)
def test_odd_files_are_refused_with_the_line(
    project: Path, name: str, content: str | bytes, said: str
) -> None:
    """What cannot be read is said with file and line."""
    assert said in refused(project, name, content)


def test_columns_that_fit_nothing_are_refused(project: Path) -> None:
    """A column that is not there, or that is to become something unknown, is named with the nearest."""
    assert "cannot become 'expcted', the nearest is 'expected'" in refused(
        project, "c.csv", "id,a\n1,2\n", columns={"a": "expcted"}
    )
    assert "there is no column 'anwser', the nearest is 'answer'" in refused(
        project, "c.csv", "id,answer\n1,2\n", columns={"anwser": "expected"}
    )


def test_not_more_problems_are_listed_than_one_can_read(project: Path) -> None:
    """A file in which every line is wrong is given up after some."""
    assert len(refused(project, "c.jsonl", "x\n" * 10_000).splitlines()) == 50


@pytest.mark.slow
@pytest.mark.parametrize("name", ["c.csv", "c.jsonl"])
def test_ten_thousand_cases_are_read_quickly(project: Path, name: str) -> None:
    """A file of 10,000 cases is read in seconds, and each case is there."""
    rows = [(f"case-{number}", f"question {number}") for number in range(10_000)]
    if name == "c.csv":
        text = "id,q\n" + "".join(f"{a},{b}\n" for a, b in rows)
    else:
        text = "".join(json.dumps({"id": a, "inputs": {"q": b}}) + "\n" for a, b in rows)
    began = time.perf_counter()
    found = load(project, name, text)
    assert len(found) == 10_000
    assert found[-1].case.inputs == {"q": "question 9999"}
    assert time.perf_counter() - began < 10


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\x0c", "\x1c"])
def test_a_row_ends_where_its_line_ends(project: Path, mark: str) -> None:
    """Characters that only some programs take for the end of a line stay within their cell."""
    one, two = load(project, "c.csv", f"id,q\na,x{mark}y\nb,z\n")
    assert (one.case.inputs, two.case.inputs) == ({"q": f"x{mark}y"}, {"q": "z"})


def test_rows_with_an_empty_id_are_numbered(project: Path) -> None:
    """An id that is left empty is the number of the row, as if there were no such column."""
    assert [case.id for case in load(project, "c.csv", "id,q\na,1\n,2\n ,3\n")] == ["a", "row-2", "row-3"]
