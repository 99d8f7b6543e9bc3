"""Where the provider ``python`` finds its functions, and what it says when they are not there."""

from __future__ import annotations

import os
from typing import Any

import pytest
from pydantic import ValidationError

from loopengt_agent_python.options import PythonOptions
from loopengt_hookspecs.agents import AgentError, MissingRequirement

Bench = Any


async def test_missing_parts_name_their_remedy(bench: Bench) -> None:
    """A missing module, function or package, and a wrong signature, are requirements, never retried."""
    for source, function, words in [
        ("", "nowhere:fix", r"no module nowhere .*\nCreate .*nowhere.py with: def fix\(request\)"),
        (
            "def fixx(): pass",
            "agents:fix",
            r"agents has no fix \(did you mean fixx\?\)\nDefine fix in agents",
        ),
        ("fix = 3", "agents:fix", "fix in agents is not a function but a int"),
        ("import surely_not_installed", "agents:fix", "often: pip install surely_not_installed"),
        ("def fix(a, b): pass", "agents:fix", "needs the arguments a, b"),
        ("def fix(*, a): pass", "agents:fix", "needs the arguments a"),
    ]:
        with pytest.raises(MissingRequirement, match=words):
            await bench.call(source, function)


async def test_a_module_that_fails_to_import_says_where(bench: Bench) -> None:
    """An error in the module's own lines is reported as what it is, and not taken for a missing function."""
    for source, kind in (
        ("def fix(:", "SyntaxError"),
        ("None.oops", "AttributeError"),
        ("exit(1)", "SystemExit"),
    ):
        with pytest.raises(AgentError, match="importing agents raised") as caught:
            await bench.call(source)
        assert caught.value.kind == kind


def test_the_check_imports_nothing(bench: Bench) -> None:
    """missing() and plan() tell what is there without running the project's code."""
    bench.write("agents.py", "raise SystemExit('imported')")
    assert bench.agent("agents:fix").missing() == []
    assert bench.agent("agents:fix").plan() == "call agents:fix(request) in this process"
    assert bench.agent("json:dumps").missing() == []
    [missing] = bench.agent("nowhere.at.all:fix").missing()
    assert f"Create {bench.project}/nowhere/at/all.py" in missing.remedy


async def test_packages_and_neighbours_of_the_project_are_imported(bench: Bench) -> None:
    """Packages, folders without __init__.py, relative imports, neighbours and nested attributes all work."""
    bench.write("helpers.py", "word = 'helped'")
    bench.write("crew/__init__.py", "")
    bench.write("crew/names.py", "name = 'crew'")
    bench.write(
        "crew/work.py",
        "from . import names\nfrom crew.names import name\nclass Do:\n  @staticmethod\n"
        "  def it():\n    import helpers\n    return [names.name, name, helpers.word]",
    )
    bench.write("loose/work.py", "def it(): return 'loose'")
    assert (await bench.invoke("crew.work:Do.it")).output == ["crew", "crew", "helped"]
    assert (await bench.invoke("loose.work.it")).output == "loose"


async def test_two_projects_have_their_own_modules(bench: Bench) -> None:
    """The same module name means each project's own file, and one project does not see another's."""
    one, two, three = (type(bench)(bench.project / name) for name in ("one", "two", "three"))
    for other in (one, two):
        other.write("helpers.py", f"name = {other.project.name!r}")
        other.write("agents.py", "from helpers import name\ndef fix(): return name")
    outputs = [(await other.invoke()).output for other in (one, two, one)]
    assert outputs == ["one", "two", "one"]
    assert len(three.agent().missing()) == 1
    with pytest.raises(MissingRequirement, match="no module agents"):
        await three.invoke()


async def test_an_edited_file_is_imported_anew(bench: Bench) -> None:
    """A run that follows an edit of the project's files gets the edited ones; else the module stays."""
    bench.write("helpers.py", "word = 'old'")
    bench.write(
        "agents.py",
        "from helpers import word\ncalls = []\ndef fix(): calls.append(1); return [word, len(calls)]",
    )
    outputs = [(await bench.invoke("agents:fix")).output for _ in range(2)]
    bench.write("helpers.py", "word = 'newer'")
    os.utime(bench.project / "helpers.py", (1, 1))
    outputs.append((await bench.invoke("agents:fix")).output)
    assert outputs == [["old", 1], ["old", 2], ["newer", 1]]


async def test_a_file_cannot_take_a_standard_modules_place(bench: Bench) -> None:
    """A project file that bears the name of a module of Python, or of an imported package, is refused."""
    for name in ("json", "chunk", "pydantic"):
        bench.write(f"{name}.py", "def fix(): return 1")
        with pytest.raises(AgentError, match=f"{name!r} .* is taken by another module"):
            await bench.invoke(f"{name}:fix")
    import json

    assert json.loads("1") == 1


async def test_installed_functions_are_found(bench: Bench) -> None:
    """Without a file in the project the installed module answers."""
    assert (await bench.invoke("platform:python_version")).output


@pytest.mark.parametrize(
    "function", ["", "fix", ":fix", "a:", "../x:fix", "/tmp/x.py:fix", "a b:c", "a:b()", "a:b:c"]
)
def test_only_dotted_paths_are_functions(function: str) -> None:
    """A path on disk, or anything but Python names, is refused when the spec is read."""
    with pytest.raises(ValidationError, match="is not the dotted path of a function"):
        PythonOptions.model_validate({"function": function})
