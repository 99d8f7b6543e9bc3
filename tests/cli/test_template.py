"""``loopengt template list``, ``show`` and ``use``, as a person types them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

from loopengt.spec import parse_document

from .conftest import environment
from .template_kit import typed

if TYPE_CHECKING:
    from .conftest import Bench
    from .template_kit import Type

__all__ = ["typed"]


def files_of(bench: Bench) -> set[str]:
    """Names of all files in the project."""
    return {path.relative_to(bench.project).as_posix() for path in bench.project.rglob("*") if path.is_file()}


def test_list(bench: Bench, typed: Type) -> None:
    """Every template has a row with its source and what it does, also as JSON."""
    shown = typed("list")
    rows = {line.split()[0]: line for line in shown.stdout.splitlines()}
    assert "plugin templates" in rows["fix_ci"] and "continuous integration" in rows["fix_ci"]
    listed = json.loads(typed("list", "--json").stdout)
    assert [each["name"] for each in listed] == sorted(rows)
    assert listed[0].keys() == {"name", "source", "summary", "hides"}


def test_show(bench: Bench, typed: Type) -> None:
    """A template is shown with its variables, its files and its README, also as JSON."""
    shown = typed("show", "ralph").stdout
    assert "goal           What the plan is to lead to (required)" in shown
    assert "(default: PLAN.md)" in shown and "  loop.yaml\n" in shown and "**It ends**" in shown
    data = json.loads(typed("show", "ralph", "--json").stdout)
    assert data["variables"]["max_laps"]["default"] == 20 and data["variables"]["goal"]["required"] is True
    missing = typed("show", "ralf")
    assert missing.returncode == 2 and "the nearest is 'ralph'" in missing.stderr


def test_use_writes_a_loop_that_is_valid(bench: Bench, typed: Type) -> None:
    """The values are in the loop as they were given, README and template.yaml stay behind, and it validates."""
    goal = 'say "it\'s": {all}\n- of it'
    used = typed("use", "ralph", "--set", f"goal={goal}", "--set", "max_laps=3")
    assert used.returncode == 0, used.stderr
    assert "wrote      loop.yaml" in used.stdout and "loopengt run loop.yaml --dry-run" in used.stdout
    assert files_of(bench) == {"loop.yaml"}
    data = parse_document((bench.project / "loop.yaml").read_text()).data
    assert data["goal"] == goal and data["policy"]["max_turns"] == 3
    assert bench.run("validate", "loop.yaml").returncode == 0


def test_use_lists_what_is_missing_without_a_terminal(bench: Bench, typed: Type) -> None:
    """Where nobody can be asked, the values that are required are named, and nothing is written."""
    used = typed("use", "test_coverage", "--set", "sorce=x", "--set", "threshold=most")
    assert used.returncode == 2
    assert "there is no variable 'sorce', the nearest is 'source'" in used.stderr
    assert "the variable 'threshold' is 'most', but has to be an integer" in used.stderr
    assert "the variable 'source' needs a value: Which folder holds the code to be tested?" in used.stderr
    assert "--set source=" in used.stderr
    assert files_of(bench) == set()


def test_use_never_overwrites_unasked(bench: Bench, typed: Type) -> None:
    """A file that is there stays as it is; with --force it becomes a backup; the same content is no conflict."""
    bench.write("loop.yaml", "mine\n")
    refused = typed("use", "fix_ci")
    assert refused.returncode == 2 and "loop.yaml is there already" in refused.stderr
    assert (bench.project / "loop.yaml").read_text() == "mine\n" and files_of(bench) == {"loop.yaml"}
    forced = typed("use", "fix_ci", "--force")
    assert forced.returncode == 0 and "the old one is loop.yaml.bak" in forced.stdout
    assert (bench.project / "loop.yaml.bak").read_text() == "mine\n"
    assert "unchanged  loop.yaml" in typed("use", "fix_ci").stdout
    assert files_of(bench) == {"loop.yaml", "loop.yaml.bak"}


def test_use_into_a_folder_or_a_file(bench: Bench, typed: Type) -> None:
    """-o takes a folder, which is made, or the name of the loop's file; a folder in its place is refused."""
    assert typed("use", "fix_ci", "-o", "a/b").returncode == 0
    assert typed("use", "fix_ci", "-o", "c/ci.yaml").returncode == 0
    assert files_of(bench) == {"a/b/loop.yaml", "c/ci.yaml"}
    (bench.project / "d" / "loop.yaml").mkdir(parents=True)
    assert "is a folder, not a file" in typed("use", "fix_ci", "-o", "d").stderr
    bench.write("file", "")
    refused = typed("use", "fix_ci", "-o", "file/e")
    assert refused.returncode in (1, 2) and "Traceback" not in refused.stderr
    link = bench.project / "link.yaml"
    link.symlink_to(bench.marks / "elsewhere.yaml")
    assert typed("use", "fix_ci", "-o", "link.yaml").returncode == 2
    assert not (bench.marks / "elsewhere.yaml").exists()


def test_several_files_are_written_all_or_none(bench: Bench, typed: Type) -> None:
    """When one of the files is there, none of the others is written either."""
    folder = bench.project / ".loopengt" / "templates" / "two"
    folder.mkdir(parents=True)
    (folder / "loop.yaml").write_text(json.dumps(bench.loop()))
    (folder / "notes.md").write_text("# Notes\n")
    (folder / "sub").mkdir()
    (folder / "sub" / "a.txt").write_text("a\n")
    bench.write("out.md", "")
    (bench.project / "out").mkdir()
    (bench.project / "out" / "notes.md").write_text("mine\n")
    assert typed("use", "two", "-o", "out").returncode == 2
    assert {name for name in files_of(bench) if name.startswith("out/")} == {"out/notes.md"}
    assert typed("use", "two", "-o", "new").returncode == 0
    assert {name for name in files_of(bench) if name.startswith("new/")} == {
        "new/loop.yaml", "new/notes.md", "new/sub/a.txt",
    }  # fmt: skip


def test_a_template_that_makes_no_valid_loop_writes_nothing(bench: Bench, typed: Type) -> None:
    """A loop that would not run is refused with its problems, and the project is as it was."""
    folder = bench.project / "broken"
    folder.mkdir()
    (folder / "loop.yaml").write_text("name: x\ngoal: y\npatern: repeat\n")
    used = typed("use", "./broken", "-o", "new")
    assert used.returncode == 2 and "broken/loop.yaml:3:1" in used.stderr and "pattern" in used.stderr
    assert not (bench.project / "new").exists()


def test_a_terminal_is_asked_for_what_is_missing(bench: Bench) -> None:
    """On a terminal the required values are asked for, again when one does not fit, and the rest is not."""
    folder = bench.project / "asks"
    folder.mkdir()
    loop = bench.loop() | {"goal": "<<goal>>", "context": {"laps": "<<laps>>", "note": "<<note>>"}}
    text = json.dumps(loop).replace('"<<laps>>"', "<<laps>>").replace('{"name": "demo"', "{name: demo", 1)
    (folder / "loop.yaml").write_text(text)
    (folder / "template.yaml").write_text(
        "variables:\n  goal: {description: A, prompt: What for?}\n"
        "  laps: {description: How many laps, type: integer}\n  note: {description: N, default: none}\n"
    )
    parent, child = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-m", "loopengt", "template", "use", "./asks", "-o", "new"],
        cwd=bench.project, env=environment(), stdin=child, stdout=subprocess.PIPE, stderr=child,
    )  # fmt: skip
    os.close(child)
    os.write(parent, b"to be: {asked}\nmany\n7\n")
    out, _ = program.communicate(timeout=60)
    said = os.read(parent, 65536).decode()
    os.close(parent)
    assert program.returncode == 0, said
    assert "What for?" in said and "an integer" in said and "none" not in said
    data = parse_document((bench.project / "new" / "loop.yaml").read_text()).data
    assert (data["goal"], data["context"]) == ("to be: {asked}", {"laps": 7, "note": "none"})
    assert b"wrote" in out
