"""What evals.yaml may hold, and what is said of one that is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.errors import SpecError
from loopengt_evals.suites.reading import load_suite

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "name: demo\nloop: loop.yaml\n"


def problems(project: Path, text: str) -> list[tuple[int, str]]:
    """Return line and message of each problem of a suite."""
    (project / "evals.yaml").write_text(text)
    with pytest.raises(SpecError) as caught:
        load_suite(project / "evals.yaml", project)
    return [(problem.line, str(problem)) for problem in caught.value.problems]


def read(project: Path, text: str) -> Any:
    """Return a sound suite."""
    (project / "evals.yaml").write_text(text)
    return load_suite(project, project)


def test_a_suite_says_what_it_is(project: Path) -> None:
    """Cases get the suite's judges and repeat besides their own, and all that they name is there."""
    (project / "data").mkdir()
    (project / "data" / "a.txt").write_text("A")
    (project / "want.json").write_text('{"n": 1}')
    found = read(
        project,
        HEAD + "judges: [exact]\nrepeat: 3\ncases:\n"
        "  - {id: 7, inputs: {q: 1}, expected: x, files: {d/a.txt: {from: data/a.txt}, b.txt: hi}}\n"
        "  - {id: b, expected_file: want.json, repeat: 2, judges: [{kind: exact, name: mine}], tags: [t]}\n",
    )
    one, two = found.cases
    assert (one.id, one.repeat, one.expected) == ("7", 3, "x")
    assert one.files == {"d/a.txt": project / "data" / "a.txt", "b.txt": b"hi"}
    assert (two.repeat, two.expected, [judge.label for judge in two.judges]) == (
        2,
        {"n": 1},
        ["exact", "mine"],
    )
    assert found.loop == project / "loop.yaml"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("- 1\n", 1, "a suite is a mapping"),
        (HEAD, 1, "missing key 'cases'"),
        (HEAD + "cases: []\n", 3, "the suite has no case"),
        (HEAD + "cases: 3\n", 3, "'cases'"),
        (HEAD + "caces: []\ncases: [{id: a}]\n", 3, "did you mean 'cases'?"),
        (
            HEAD + "cases:\n  - id: a\n    repaet: 2\n",
            5,
            "unknown key 'repaet' in a case (did you mean 'repeat'?)",
        ),
        (
            HEAD + "cases:\n  - {id: a}\n  - {id: b}\n  - {id: a}\n",
            6,
            "two cases are called 'a' (the first is in line 4)",
        ),
        (HEAD + "cases: [{id: a}]\npasses: 'run.x ='\n", 4, "'passes' is no expression"),
        (HEAD + "cases: [{id: a, expected: 1, expected_file: f}]\n", 3, "both expected and expected_file"),
        (HEAD + "cases: [{id: a, expected_file: gone.txt}]\n", 3, "there is no file 'gone.txt'"),
        (
            HEAD + "cases: [{id: a, judges: [exact, exact]}]\n",
            3,
            "two judges of the case 'a' are called 'exact'",
        ),
        (HEAD + "cases: gone.csv\n", 3, "there is no file 'gone.csv'"),
        (HEAD + "cases: loop.txt\n", 3, "the suffix of 'loop.txt'"),
        (HEAD + "repeat: 0\ncases: [{id: a}]\n", 3, "'repeat' must be at least 1"),
        (HEAD + 'cases: [{id: "a\\e[31m"}]\n', 3, "unprintable"),
        (HEAD + "cases: [{id: a}]\nthresholds: {success_rate: {mni: 1}}\n", 4, "did you mean 'min'?"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(project: Path, text: str, line: int, message: str) -> None:
    """A suite that is wrong is refused, with the place of what is wrong and the nearest key."""
    found = problems(project, text)
    assert any(at == line and message in said for at, said in found), found


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/x",
        "a/../../x",
        ".git/config",
        "a/.GIT/hooks/x",
        ".loopengt/config.toml",
        "a\\b",
        "d/",
        "",
    ],
)
def test_files_of_a_case_stay_in_the_workspace(project: Path, name: str) -> None:
    """A path that would lead out of the workspace, or into what git and loopengt heed, is refused."""
    text = json.dumps({"name": "demo", "loop": "l", "cases": [{"id": "a", "files": {name: "x"}}]})
    (said,) = problems(project, text)
    assert "the file" in said[1]


@pytest.mark.parametrize("where", ["../secret", "/etc/passwd", "link", "no\u0000pe", "x" * 5000])
def test_sources_stay_in_the_project(project: Path, where: str) -> None:
    """What a case names is not read from outside of the project, also not through a link."""
    (project.parent / "secret").write_text("s")
    (project / "link").symlink_to(project.parent / "secret")
    for field in ({"files": {"a": {"from": where}}}, {"expected_file": where}):
        text = json.dumps({"name": "demo", "loop": "l", "cases": [{"id": "a", **field}]})
        (said,) = problems(project, text)
        assert "lies outside" in said[1] or "is no path" in said[1]


def test_an_expectation_that_cannot_be_read_is_said(project: Path) -> None:
    """What is expected must be UTF-8, or sound JSON."""
    (project / "a.txt").write_bytes(b"\xff\xfe")
    (project / "b.json").write_text("{")
    assert "is not UTF-8" in problems(project, HEAD + "cases: [{id: a, expected_file: a.txt}]\n")[0][1]
    assert "b.json" in problems(project, HEAD + "cases: [{id: a, expected_file: b.json}]\n")[0][1]


def test_the_digest_is_that_of_what_is_measured(project: Path) -> None:
    """Changing an input, a file, an expectation or a judge changes it; repeat, name and layout do not."""
    base = "cases: [{id: a, inputs: {q: 1}, expected: x, files: {f: y}}]\n"
    digest = read(project, HEAD + base).digest
    assert read(project, HEAD + "repeat: 9\n# note\n" + base).digest == digest
    assert read(project, HEAD.replace("demo", "other") + base).digest == digest
    changes = (("q: 1", "q: 2"), ("expected: x", "expected: z"), ("f: y", "f: z"), ("id: a", "id: b"))
    for old, new in changes:
        assert read(project, HEAD + base.replace(old, new)).digest != digest
    assert read(project, HEAD + "judges: [exact]\n" + base).digest != digest
    assert read(project, HEAD + "passes: output == 1\n" + base).digest != digest


def test_there_is_no_suite(project: Path) -> None:
    """A missing file is said as such."""
    with pytest.raises(SpecError, match="there is no such file"):
        load_suite(project / "nope.yaml", project)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ("{a: x, a/b: y}", "the file 'a' would be the folder of 'a/b'"),
        ("{a: x, ./a: y}", "the file './a' is there twice"),
    ],
)
def test_files_that_cannot_lie_side_by_side_are_refused(project: Path, files: str, said: str) -> None:
    """What no workspace could hold is said before a run is begun."""
    assert said in str(problems(project, HEAD + f"cases:\n  - {{id: c, files: {files}}}\n"))


def test_a_file_that_cannot_be_read_is_a_problem_of_its_case(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that this user may not read is named with its line, and is no crash."""
    (project / "secret.txt").write_text("x")
    opened = type(project).open

    def refuse(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path.name == "secret.txt":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(type(project), "open", refuse)
    found = problems(project, HEAD + "cases:\n  - {id: c, files: {a: {from: secret.txt}}}\n")
    assert found[0][0] == 4
    assert "cannot be read: Permission denied" in found[0][1]
