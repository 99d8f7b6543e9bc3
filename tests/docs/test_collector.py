"""The tests of blocks find what is wrong: each kind of mistake that a page can have, made on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .blocks import Block, marks_of, read_page
from .checks import check
from .commands import commands_of, problems_of, synopsis_of
from .sessions import differs, run_page

if TYPE_CHECKING:
    from pathlib import Path


def block(language: str, text: str, **marks: str) -> Block:
    """A block of a page."""
    return Block("page.md", 1, language, text, {key.rstrip("_"): value for key, value in marks.items()})


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("loopengt rum loop.yaml", "no command 'rum'"),
        ("loopengt run loop.yaml --fast", "No such option"),
        ("loopengt run", "Missing argument"),
        ("loopengt run a.yaml b.yaml", "unexpected extra argument"),
        ("loopengt mcp alow x", "alow"),
        ("loopengt adapter install cursor --scope everywhere", "is not one of"),
        ("cd x && loopengt trace latest --no-such | head", "No such option"),
        ("X=1 loopengt resume --add-budget", "requires an argument"),
        ("loopengt run 'loop.yaml", "no shell command"),
    ],
)
def test_a_command_that_does_not_exist_is_told(command: str, problem: str) -> None:
    """Commands, options, choices and numbers of arguments are those of the program, wherever on the line they stand."""
    assert problem in "".join(problems_of(command))


@pytest.mark.parametrize(
    "command",
    [
        "loopengt run loop.yaml --set a=b -q > /dev/null 2>&1",
        "loopengt -C DIR -o storage.name=memory trace latest --format html # a page",
        "loopengt eval RUN -m tokens && loopengt eval suite evals.yaml",
        "loopengt --version; loopengt mcp",
        "cat <<EOF\nloopengt nonsense\nEOF",
        "echo loopengt nonsense",
    ],
)
def test_a_command_that_exists_is_no_problem(command: str) -> None:
    """What is right is not told, nor what calls something else."""
    assert problems_of(command) == []


@pytest.mark.parametrize(
    ("language", "text", "problem"),
    [
        ("yaml", "steps:\n  - {name: a, promt_template: x}\n", "promt_template"),
        ("yaml", "name: a\ngoal: b\nagents: [{name: c}]\nsteps: [{name: d, agent: e}]\n", "'e'"),
        ("yaml", "- {name: a, kind: judge, judge: {kind: exakt}}\n", "exakt"),
        ("yaml", "kind: regex\n", "pattern"),
        ("yaml", "something: else\n", "say what it is"),
        ("toml", "[engine]\nnaem = 'local'\n", "naem"),
        ("toml", "[plugins.llm]\nadaptor = 'x'\n", "adaptor"),
        ("json", "{'a': 1}", "Expecting property name"),
        ("python", "from loopengt import Kernal\n", "loopengt has no Kernal"),
        ("python", "def f(:\n", "invalid syntax"),
        (
            "python",
            "from loopengt import hookimpl\n\n@hookimpl\ndef loopengt_register_gate(register): ...\n",
            "gate",
        ),
        ("text", "$ loopengt run\n", "call it sh or console"),
        ("text", "loopengt run SPEC --sloow\n", "No such option"),
        ("console", "loopengt runs\n", "begin with"),
        ("fish", "ls", "nothing checks 'fish'"),
    ],
)
def test_a_wrong_block_is_told(tmp_path: Path, language: str, text: str, problem: str) -> None:
    """Each language has a checker, and each checker finds a mistake and says where it is."""
    found = check(block(language, text), tmp_path)
    assert len(found) >= 1
    assert problem in found[0]
    assert found[0].startswith("page.md:1: ")


def test_marks_are_read_and_unknown_ones_refused() -> None:
    """A mark belongs to the block behind it, and a misspelled or stray one is an error, not silence."""
    page = read_page(
        "p.md",
        "<!-- test-page: project=runs; A=x -->\n<!-- test: exit=3 -->\n```sh\nls\n```\n\n```\nx\n```\n",
    )
    assert page.project == "runs"
    assert page.words == {"A": "x"}
    assert [one.marks for one in page.blocks] == [{"exit": "3"}, {}]
    assert page.blocks[1].language == "text"
    with pytest.raises(ValueError, match="there is no mark skp"):
        read_page("p.md", "<!-- test: skp=why -->\n```sh\nls\n```\n")
    with pytest.raises(ValueError, match="before no block"):
        read_page("p.md", "<!-- test: exit=3 -->\nProse.\n\n```sh\nls\n```\n")
    with pytest.raises(ValueError, match="not key=value"):
        marks_of("skip")


def test_commands_and_what_they_print_are_told_apart() -> None:
    """In a console block commands stand behind the prompt; in a script each line is one, with its continuation."""
    console = commands_of(block("console", "$ echo a \\\n> b\na b\n$ ls\n"))
    assert [(one.text, one.shown) for one in console] == [("echo a \\\nb", ["a b"]), ("ls", [])]
    script = commands_of(block("sh", "# a comment\ncat <<X\n# text\nX\n\nls\n"))
    assert [one.text for one in script] == ["cat <<X\n# text\nX", "ls"]
    assert synopsis_of("loopengt trace RUN [--step NAME]   what it does\n") == [
        "loopengt trace RUN --step NAME"
    ]


def test_what_is_printed_is_compared() -> None:
    """Ids, times and left-out parts may differ; a word may not, and neither may a line be missing."""
    printed = "run 20261121-111656-e2fd91a8f8: 3 turns, 0.1s\n  done\nrest\n"
    assert differs(["run 20250101-000000-0000000000: 3 turns, 12s", "…"], printed) == ""
    assert differs(["…", "rest"], printed) == ""
    assert "not printed: 'run 20250101-000000-0000000000: 4 turns, 12s'" in differs(
        ["run 20250101-000000-0000000000: 4 turns, 12s", "…"], printed
    )
    assert differs(["run …: 3 turns, 0.1s", "rest"], printed) != ""
    assert differs(["…", "done"], printed) != ""


def test_a_page_is_followed_to_the_letter(tmp_path: Path) -> None:
    """Files are laid down, folders and variables last, exit codes count, and each mistake is told with its line."""
    text = """\
<!-- test-page: project=empty; WHO=world -->
```sh
mkdir sub && cd sub
export HELLO=hello
```

```text title="name.txt"
you
```

```console
$ echo $HELLO WHO; cat name.txt
hello world
you
```

```console
$ echo one
two
$ false
```

<!-- test: exit=3 -->
```sh
sh -c 'exit 3'
```

<!-- test: skip=would fail -->
```sh
false
```
"""
    problems = run_page(read_page("p.md", text), "", tmp_path)
    assert [problem.partition("\n")[0].partition(": it prints")[0] for problem in problems] == [
        "p.md:18: 'echo one'",
        "p.md:20: 'false' ends with 1, not 0",
    ]
    assert (tmp_path / "project" / "sub" / "name.txt").read_text() == "you\n"


def test_a_page_cannot_hang_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not end is ended, with all that it has started, and told with what it printed."""
    monkeypatch.setattr(f"{run_page.__module__}.SECONDS", 0.5)
    page = read_page("p.md", "```sh\necho begun; sleep 600 & sleep 600\n```\n")
    (problem,) = run_page(page, "", tmp_path)
    assert "not done after 0.5 s" in problem
    assert "begun" in problem
