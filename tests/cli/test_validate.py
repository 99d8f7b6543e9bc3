"""The command ``validate``: every kind of error in a spec, at the exact place where it is written."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site

SPEC = """\
name: demo
goal: Do it.
agents:
  - name: worker
    config:
      provider: command
      extra:
        command: [cat]
steps:
  - name: first
    agent: worker
    prompt_template: "Please: {goal}"
    verification_gates: [done]
  - name: second
    agent: worker
    dependencies: [first]
policy:
  verification_gates:
    - name: done
      condition: output != ""
stop_conditions:
  - condition_type: max_turns
    value: 3
"""

CASES = {
    "YAML syntax": (
        ("goal: Do it.", "goal: [Do it."),
        "3:7: not valid YAML: did not find expected ',' or ']'",
        "",
    ),
    "a tab": (
        ("\n    config:", "\n\tconfig:"),
        "5:1: not valid YAML: found a tab character",
        "",
    ),
    "a duplicate key": (
        ("goal: Do it.", "goal: Do it.\ngoal: Do more."),
        "3:1: duplicate key 'goal'",
        "line 2",
    ),
    "a wrong type of value": (
        ("policy:", "policy:\n  max_turns: many"),
        "18:14: 'max_turns' must be a whole number, found the text 'many'",
        "",
    ),
    "a wrong type of part": (
        ("agents:", "tools: none\nagents:"),
        "3:8: 'tools' must be a list, found the text 'none'",
        "",
    ),
    "an unknown key": (
        ("prompt_template:", "prompt_tempate:"),
        "12:5: unknown key 'prompt_tempate' in a step",
        "'prompt_template'",
    ),
    "a missing key": (("goal: Do it.\n", ""), "1:1: missing key 'goal' in the loop", ""),
    "a missing agent": (
        ("agent: worker\n    dep", "agent: wroker\n    dep"),
        "15:12: unknown agent 'wroker'",
        "'worker'",
    ),
    "a missing tool": (
        ("    dependencies", "    tools: [hammer]\n    dependencies"),
        "16:13: unknown tool 'hammer'",
        "",
    ),
    "a missing gate": (("[done]", "[dune]"), "13:26: unknown gate 'dune'", "'done'"),
    "a missing dependency": (("[first]", "[frist]"), "16:20: unknown step 'frist'", "'first'"),
    "a missing pattern": (
        ("goal:", "pattern: sequental\ngoal:"),
        "2:10: unknown pattern 'sequental'",
        "'sequential'",
    ),
    "a missing provider": (
        ("provider: command", "provider: comand"),
        "6:17: unknown agent provider 'comand'",
        "'command'",
    ),
    "an unknown option of a provider": (
        ("command: [cat]", "command: [cat]\n        ouput: text"),
        "9:9: the provider 'command' has no option 'ouput'",
        "'output'",
    ),
    "a missing kind of gate": (
        ("condition: output", "kind: comand\n      condition: output"),
        "20:13: unknown gate kind 'comand'",
        "'command'",
    ),
    "a missing kind of stop condition": (
        ("condition_type: max_turns", "condition_type: max_truns"),
        "22:21: unknown stop condition type 'max_truns'",
        "'max_turns'",
    ),
    "a cycle": (
        ("[done]\n", "[done]\n    dependencies: [second]\n"),
        "14:20: the dependencies run in a circle: first -> second -> first",
        "",
    ),
    "an expression without end": (
        ('output != ""', "output !="),
        "20:27: bad expression: expected a value, found the end",
        "",
    ),
    "an unknown name in an expression": (
        ('output != ""', 'true and ouput != ""'),
        "20:27: unknown name 'ouput' in an expression",
        "'output'",
    ),
    "an unknown placeholder": (("{goal}", "{gaol}"), "12:31: unknown placeholder {gaol}", "{goal}"),
    "a name twice": (("name: second", "name: first"), "14:11: duplicate step name 'first'", "line 10"),
}
"""What is wrong: the text that is replaced, the line that comes of it, and the name that is meant."""

FILES = {
    "an empty file": (b"", "1:1: the file is empty (loopengt init writes a loop to start from)"),
    "a file of nothing": (b"# soon\n", "1:1: the file is empty (loopengt init writes a loop to start from)"),
    "a binary file": (b"\x7fELF\x02\x01\0\0", "1:1: this is a binary file, not YAML or JSON"),
    "another encoding": (b"name: caf\xe9\n", "1:10: the byte 0xe9 is not UTF-8 (save the file as UTF-8)"),
    "a list": (b"- 1\n", "1:1: a loop is a mapping with name, goal, agents and steps, found a list"),
}


def test_a_sound_spec_is_ok(site: Site, project: Path) -> None:
    """A sound spec gets one line with its name, pattern, steps and agents, and exit code 0."""
    (project / "loop.yaml").write_text(SPEC)
    done = site.run("validate", "loop.yaml", cwd=project)
    assert done.stdout == "OK loop.yaml: demo, pattern sequential, 2 steps, 1 agent\n"
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("case", CASES)
def test_an_error_is_shown_where_it_is_written(site: Site, project: Path, case: str) -> None:
    """One mistake gives one line with file, line and column, the nearest valid name, and exit code 2."""
    (old, new), expected, meant = CASES[case]
    assert old in SPEC
    (project / "loop.yaml").write_text(SPEC.replace(old, new, 1))
    done = site.run("validate", "loop.yaml", cwd=project)
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"loop.yaml:{expected}")
    assert meant in line[len(f"loop.yaml:{expected}") :]
    assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_no_spec_is_an_error(site: Site, project: Path, case: str) -> None:
    """Bytes that cannot be a spec are named as what they are, at a place, without a traceback."""
    content, expected = FILES[case]
    (project / "loop.yaml").write_bytes(content)
    done = site.run("validate", "loop.yaml", cwd=project)
    assert done.stdout == f"loop.yaml:{expected}\n"
    assert (done.returncode, done.stderr) == (2, "")


def test_a_path_without_a_spec_is_an_error(site: Site, project: Path) -> None:
    """A folder without loop.yaml and a file that is not there are said to be just that."""
    (project / "empty").mkdir()
    done = site.run("validate", "empty", "absent.yaml", cwd=project)
    assert done.stdout.splitlines() == [
        "empty:1:1: the folder has no loop.yaml (loopengt init empty)",
        "absent.yaml:1:1: there is no such file (loopengt init makes one)",
    ]
    assert done.returncode == 2


def test_all_problems_are_shown_at_once(site: Site, project: Path) -> None:
    """Problems of names, texts, values and keys in two files come together, in the order of the text."""
    wrong = SPEC.replace("[first]", "[frist]").replace("{goal}", "{gaol}").replace("value: 3", "valu: 3")
    (project / "a.yaml").write_text(wrong)
    (project / "b.yaml").write_text(SPEC.replace("agent: worker", "agent: wroker"))
    (project / "c.yaml").write_text(SPEC)
    done = site.run("validate", "a.yaml", "b.yaml", "c.yaml", cwd=project)
    places = [line.split(" ")[0] for line in done.stdout.splitlines()]
    assert places == [
        "a.yaml:12:31:",
        "a.yaml:16:20:",
        "a.yaml:23:5:",
        "b.yaml:11:12:",
        "b.yaml:15:12:",
        "OK",
    ]
    assert done.returncode == 2


@pytest.mark.slow
def test_json_lists_the_problems_of_all_specs(site: Site, project: Path) -> None:
    """--json prints one array of problems, empty when there is none, with the same exit codes."""
    (project / "a.yaml").write_text(SPEC.replace("[dune]", "").replace("[done]", "[dune]"))
    (project / "b.yaml").write_text(SPEC)
    done = site.run("validate", "--json", "a.yaml", "b.yaml", cwd=project)
    assert json.loads(done.stdout) == [
        {
            "file": "a.yaml",
            "line": 13,
            "column": 26,
            "message": "unknown gate 'dune'",
            "hint": "did you mean 'done'?",
        }
    ]
    assert done.returncode == 2
    sound = site.run("validate", "--json", "b.yaml", cwd=project)
    assert (json.loads(sound.stdout), sound.returncode) == ([], 0)


def test_a_folder_stands_for_its_spec(site: Site, project: Path) -> None:
    """A folder means the loop.yaml in it, and problems name that file."""
    (project / "loops").mkdir()
    (project / "loops" / "loop.yaml").write_text(SPEC.replace("[done]", "[dune]"))
    done = site.run("validate", "loops", cwd=project)
    assert done.stdout.startswith("loops/loop.yaml:13:26: ")


def test_a_spec_is_checked_against_its_own_project(site: Site, project: Path, tmp_path: Path) -> None:
    """The plugins that count are those of the project the spec lies in, not of the working directory."""
    other = tmp_path / "other"
    (other / ".loopengt").mkdir(parents=True)
    (other / ".loopengt" / "config.toml").write_text('[plugins]\ndisabled = ["agent_command"]\n')
    for folder in (project, other):
        (folder / "loop.yaml").write_text(SPEC)
    done = site.run("validate", str(project), str(other), cwd=project)
    first, second = done.stdout.splitlines()
    assert first.startswith(f"OK {project}")
    assert second.startswith(f"{other}/loop.yaml:6:17: unknown agent provider 'command'")


def test_a_megabyte_of_aliases_is_refused_in_bounded_memory(site: Site, project: Path) -> None:
    """Nested aliases that would expand to more than memory holds are refused within a fixed address space."""
    rows = [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 1_000)}]\n" for level in range(1, 200)]
    text = "a0: &a0 [x]\n" + "".join(rows)
    assert len(text) > 1_000_000
    (project / "loop.yaml").write_text(text)
    done = subprocess.run(
        [
            "/bin/sh",
            "-c",
            'ulimit -v 1000000; exec "$@"',
            "sh",
            sys.executable,
            "-m",
            "loopengt",
            "validate",
            ".",
        ],
        cwd=project,
        env=site.program_environ(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == (
        "loop.yaml:3:50: the aliases expand to more than 20,000 values"
        " (write the values out, or alias smaller parts)\n"
    )
    assert (done.returncode, done.stderr) == (2, "")


def test_json_specs_have_places_too(site: Site, project: Path) -> None:
    """A spec in JSON is read as such, with line and column of what is wrong."""
    (project / "loop.json").write_text('{"name": "demo",\n "goal": "Do it.",\n "agents": [], "steps": 1}\n')
    done = site.run("validate", "loop.json", cwd=project)
    places = [":".join(line.split(":")[:3]) for line in done.stdout.splitlines()]
    assert places == ["loop.json:3:12", "loop.json:3:25"]


def test_without_a_spec_it_is_a_usage_error(site: Site, project: Path) -> None:
    """The command wants at least one spec and says so."""
    done = site.run("validate", cwd=project)
    assert "Missing argument 'SPEC...'" in done.stderr
    assert done.returncode == 2
