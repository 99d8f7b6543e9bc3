"""Loops within loops: which files are found, and what is said of those that cannot be a part."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from loopengt import SpecError
from loopengt.spec import loop_key
from loopengt.testing import loop_spec, make_kernel


def write(project: Path, name: str, *steps: Any, **fields: Any) -> Path:
    """Write a loop's file."""
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(loop_spec(*steps, **fields), sort_keys=False))
    return path


def sub(loop: str, name: str = "part", **fields: Any) -> dict[str, Any]:
    """Declare a step that runs a loop."""
    return {"name": name, "loop": loop, **fields}


def problems(path: Path, project: Path | None = None) -> list[str]:
    """Return what is wrong with a loop and those below it, one line each."""
    with pytest.raises(SpecError) as caught:
        make_kernel(project or path.parent).load_spec(path)
    return [str(problem) for problem in caught.value.problems]


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    """Each loop is found from the folder of its parent's file, and known by its path in the project."""
    top = write(tmp_path, "loop.yaml", sub("parts/a.yaml"), sub("parts/deep/b.yaml", "other"))
    write(tmp_path, "parts/a.yaml", sub("deep/b.yaml"), sub("../c.yaml", "up"))
    write(tmp_path, "parts/deep/b.yaml", "work")
    write(tmp_path, "c.yaml", "work")
    loaded = make_kernel(tmp_path).load_spec(top)
    assert set(loaded.loops) == {"parts/a.yaml", "parts/deep/b.yaml", "c.yaml"}
    assert loop_key("parts/a.yaml", "../c.yaml") == "c.yaml"


def test_a_loop_that_nobody_names_is_not_read(tmp_path: Path) -> None:
    """A spec without sub-loops loads alone."""
    write(tmp_path, "broken.yaml", "work").write_text("nonsense: [")
    assert make_kernel(tmp_path).load_spec(write(tmp_path, "loop.yaml")).loops == {}


def test_a_problem_in_a_child_is_told_at_its_own_place_with_the_step_that_pulls_it_in(tmp_path: Path) -> None:
    """File, line and column are the child's; the message begins with the steps that lead there."""
    top = write(tmp_path, "loop.yaml", sub("a.yaml", "build"))
    write(tmp_path, "a.yaml", sub("b.yaml", "unit"))
    child = write(tmp_path, "b.yaml", {"name": "x", "agent": "nobody"})
    (found,) = problems(top)
    line = next(n for n, text in enumerate(child.read_text().splitlines(), 1) if "nobody" in text)
    assert found.startswith(f"{child}:{line}:")
    assert "loop of step 'build' > 'unit': unknown agent 'nobody'" in found


def test_a_file_that_is_named_relatively_is_shown_relatively(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Problems call a child's file as the user calls the parent's: relative to where they are."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "loop.yaml", sub("parts/a.yaml"))
    write(tmp_path, "parts/a.yaml", {"name": "x", "agent": "nobody"})
    (found,) = problems(Path("loop.yaml"), tmp_path)
    assert found.startswith(f"parts{os.sep}a.yaml:")


def test_all_problems_of_all_loops_are_told_together(tmp_path: Path) -> None:
    """One look shows what is wrong in two children and with a third that is not there."""
    top = write(tmp_path, "loop.yaml", sub("a.yaml", "one"), sub("b.yaml", "two"), sub("gone.yaml", "three"))
    write(tmp_path, "a.yaml", {"name": "x", "agent": "nobody"})
    write(tmp_path, "b.yaml", {"name": "x", "prompt_template": "{unknown}"})
    found = problems(top)
    assert len(found) == 3
    assert any("'one': unknown agent" in text for text in found)
    assert any("'two': unknown placeholder {unknown}" in text for text in found)
    assert any("there is no loop 'gone.yaml'" in text and text.startswith(f"{top}:") for text in found)


def test_inputs_and_the_request_are_known_to_the_child(tmp_path: Path) -> None:
    """Names that only the step gives are known where that step pulls the file in, and nowhere else."""
    child = write(tmp_path, "a.yaml", {"name": "x", "prompt_template": "{given} {request}"})
    step = sub("a.yaml", inputs={"given": "context.value"}, prompt_template="Do it.")
    make_kernel(tmp_path).load_spec(write(tmp_path, "loop.yaml", step, context={"value": 1}))
    assert len(problems(child)) == 2
    (found,) = problems(write(tmp_path, "loop.yaml", sub("a.yaml", inputs={"given": "1"})))
    assert "unknown placeholder {request}" in found


def test_a_file_is_checked_for_every_set_of_names_it_is_given(tmp_path: Path) -> None:
    """Two steps that give one file different names are both checked; the one that gives too little is named."""
    write(tmp_path, "a.yaml", {"name": "x", "prompt_template": "{given}"})
    top = write(tmp_path, "loop.yaml", sub("a.yaml", "good", inputs={"given": "1"}), sub("a.yaml", "bad"))
    (found,) = problems(top)
    assert "loop of step 'bad'" in found


@pytest.mark.parametrize("length", [1, 2, 5])
def test_a_circle_of_loops_is_refused_and_printed(tmp_path: Path, length: int) -> None:
    """A loop that is a part of itself, directly or not, is refused where the circle closes."""
    names = [f"l{number}.yaml" for number in range(length)]
    for name, following in zip(names, [*names[1:], names[0]], strict=True):
        write(tmp_path, name, sub(following))
    (found,) = problems(tmp_path / names[0])
    assert f"the loops run in a circle: {' -> '.join([*names, names[0]])}" in found


def test_a_circle_behind_a_symlink_is_found(tmp_path: Path) -> None:
    """Another name of the same file does not hide the circle."""
    write(tmp_path, "loop.yaml", sub("other.yaml"))
    (tmp_path / "other.yaml").symlink_to("loop.yaml")
    (found,) = problems(tmp_path / "loop.yaml")
    assert "run in a circle" in found


def test_sixteen_loops_may_stand_one_within_the_other(tmp_path: Path) -> None:
    """Sixteen below the first are fine; one more is refused, also by a way that leads into known ones."""
    for number in range(16):
        write(tmp_path, f"l{number}.yaml", sub(f"l{number + 1}.yaml"))
    write(tmp_path, "l16.yaml", "work")
    assert len(make_kernel(tmp_path).load_spec(tmp_path / "l0.yaml").loops) == 16
    write(tmp_path, "top.yaml", sub("l1.yaml", "fine"), sub("l0.yaml", "deep"))
    assert any(
        "more than 16 loops stand one within the other" in text for text in problems(tmp_path / "top.yaml")
    )


def test_many_ways_to_the_same_files_are_walked_once(tmp_path: Path) -> None:
    """Fifteen levels with two steps each, which are 32,768 ways, are loaded in no time."""
    for number in range(15):
        write(tmp_path, f"l{number}.yaml", sub(f"l{number + 1}.yaml", "a"), sub(f"l{number + 1}.yaml", "b"))
    write(tmp_path, "l15.yaml", "work")
    assert len(make_kernel(tmp_path).load_spec(tmp_path / "l0.yaml").loops) == 15


def test_what_lies_outside_the_project_is_refused(tmp_path: Path) -> None:
    """Neither a path upwards, nor an absolute one, nor a symlink leads out of the project."""
    project = tmp_path / "project"
    outside = write(tmp_path, "outside.yaml", "work")
    (project / "in").mkdir(parents=True)
    (project / "link.yaml").symlink_to(outside)
    (project / "dir").symlink_to(tmp_path)
    steps = [sub("../outside.yaml", "up"), sub(str(outside), "absolute"), sub("link.yaml", "link"),
             sub("dir/outside.yaml", "folder")]  # fmt: skip
    found = problems(write(project, "loop.yaml", *steps))
    assert len(found) == 4
    for text, step in zip(found, steps, strict=True):
        wrong = "is an absolute path" if step["name"] == "absolute" else "lies outside the project"
        assert wrong in text


@pytest.mark.parametrize(
    ("loop", "said"),
    [("folder", "is a folder"), ("a\0b", "there is no loop"), ("empty.yaml", "the file is empty")],
)
def test_what_is_no_loop_is_said(tmp_path: Path, loop: str, said: str) -> None:
    """A folder, a name that no file can have, and an empty file are each told for what they are."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.yaml").write_text("")
    (found,) = problems(write(tmp_path, "loop.yaml", sub(loop)))
    assert said in found


def test_a_step_has_an_agent_or_a_loop(tmp_path: Path) -> None:
    """Both, neither, and inputs without a loop are refused."""
    for step in ({"name": "x", "agent": ""}, {"name": "x", "agent": "worker", "inputs": {"a": "1"}}):
        spec = loop_spec(step)
        (tmp_path / "loop.yaml").write_text(yaml.safe_dump(spec))
        assert problems(tmp_path / "loop.yaml")
    write(tmp_path, "a.yaml", "work")
    assert "both agent and loop" in problems(write(tmp_path, "loop.yaml", sub("a.yaml", agent="worker")))[0]


def test_the_description_of_a_step_with_a_loop_is_no_prompt(tmp_path: Path) -> None:
    """Braces in the description of such a step mean nothing; without a loop they would."""
    write(tmp_path, "a.yaml", "work")
    make_kernel(tmp_path).load_spec(write(tmp_path, "loop.yaml", sub("a.yaml", description="{anything}")))
    assert problems(write(tmp_path, "loop.yaml", {"name": "x", "description": "{anything}"}))
