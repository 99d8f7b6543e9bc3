"""Files of labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from loopengt import SpecError
from loopengt_evals.calibration.labels import read_labels

if TYPE_CHECKING:
    from pathlib import Path


def test_the_same_labels_from_each_kind_of_file(tmp_path: Path) -> None:
    """CSV, JSON lines, JSON and YAML give the same; words and numbers are labels, and data in a cell is data."""
    (tmp_path / "a.csv").write_text(
        '\ufeffid,output,label,expected,note\na,Paris,PASS,Paris,x\nb,"{""n"": 1}",0,,\nc,"two\nlines",true,,\n'
    )
    (tmp_path / "a.jsonl").write_text(
        '{"id": "a", "output": "Paris", "label": "pass", "expected": "Paris"}\n\n'
        '{"id": "b", "output": {"n": 1}, "label": 0}\n{"id": "c", "output": "two\\nlines", "label": true}\n'
    )
    (tmp_path / "a.yaml").write_text(
        "- {id: a, output: Paris, label: pass, expected: Paris}\n- {id: b, output: {n: 1}, label: fail}\n"
        '- {id: c, output: "two\\nlines", label: 1.0}\n'
    )
    csv, jsonl, yaml = (read_labels(tmp_path / f"a.{kind}") for kind in ("csv", "jsonl", "yaml"))
    assert csv.rows == jsonl.rows == yaml.rows
    assert [(row.id, row.output, row.label, row.expected) for row in csv.rows] == [
        ("a", "Paris", 1.0, "Paris"),
        ("b", {"n": 1}, 0.0, None),
        ("c", "two\nlines", 1.0, None),
    ]
    assert (csv.unused, csv.graded) == (("note",), False)


def test_outputs_from_files_and_scores_as_labels(tmp_path: Path) -> None:
    """A file's path is relative to the labels; numbers between make all of them scores; ids default to numbers."""
    (tmp_path / "outputs").mkdir()
    (tmp_path / "outputs/1.txt").write_text("one")
    (tmp_path / "outputs/2.json").write_text('{"two": 2}')
    (tmp_path / "l.csv").write_text("file,label,goal\noutputs/1.txt,0.5,Say one\noutputs/2.json,1,\n")
    found = read_labels(tmp_path / "l.csv")
    assert [(row.id, row.output, row.goal) for row in found.rows] == [
        ("1", "one", "Say one"),
        ("2", {"two": 2}, ""),
    ]
    assert found.graded


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("l.csv", "output,label\nx,maybe\n", "l.csv:2:1: the label 'maybe' is none"),
        ("l.csv", "output,label\nx,1.5\n", "the label '1.5' is none"),
        ("l.csv", "output,label\nx,nan\n", "the label 'nan' is none"),
        (
            "l.csv",
            "output,lable\nx,1\n",
            "there is no column 'label': the column 'lable' is not known, the nearest",
        ),
        ("l.csv", "output,label\nx,\n", "the row has no label"),
        ("l.csv", "text,label\nx,1\n", "the row has neither output nor file"),
        ("l.csv", "output,label\na,1,2\n", "l.csv:2:1: the row has 3 cells, and there are 2 columns"),
        ("l.csv", 'output,label\n"a\nb",1\n"x,1\n', "not valid CSV"),
        ("l.csv", "output,output,label\n", "two columns have the same name"),
        ("l.csv", "output,label\n", "there are no labels"),
        ("l.csv", "id,output,label\na,x,1\na,y,0\n", "two rows are called 'a'"),
        ("l.csv", "file,label\n../secret,1\n", "it lies outside of"),
        ("l.csv", "file,label\nnone.txt,1\n", "the file 'none.txt' cannot be read"),
        ("l.jsonl", '{"output": "x", "label": 1}\n{broken\n', "l.jsonl:2:1: the line is not JSON"),
        ("l.jsonl", "[1]\n", "a line is a JSON object"),
        ("l.yaml", "output: x\nlabel: 1\n", "a file of labels is a list of mappings"),
        ("l.yaml", "- {output: x, label: 1}\n- x\n", "l.yaml:2:1: a row is a mapping"),
        ("l.txt", "x", "labels are read from files with the suffix"),
        ("none.csv", None, "the file cannot be read: No such file"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, name: str, text: str | None, said: str) -> None:
    """Each problem names file and line, and no label is guessed."""
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(SpecError) as caught:
        read_labels(tmp_path / name)
    assert said in str(caught.value)


def test_all_problems_at_once(tmp_path: Path) -> None:
    """A file with many bad rows tells thirty of them, and ends."""
    (tmp_path / "l.csv").write_text("output,label\n" + "x,maybe\n" * 500)
    with pytest.raises(SpecError) as caught:
        read_labels(tmp_path / "l.csv")
    assert len(caught.value.problems) == 30


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    """The line of the first one is told."""
    (tmp_path / "l.csv").write_bytes(b"output,label\nx,1\n\xff,0\n")
    with pytest.raises(SpecError, match=r"l.csv:3:1: the file is not UTF-8"):
        read_labels(tmp_path / "l.csv")
