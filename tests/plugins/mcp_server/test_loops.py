"""Loops over MCP: found, checked, written, and never outside of the project."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp import MCPError

from loopengt.testing import loop_spec

from .kit import Bench

OUTSIDE = [
    "../../secret",
    "/etc/passwd",
    "~/x.yaml",
    "a/../../x.yaml",
    "C:/x.yaml",
    "..\\x.yaml",
    "link/x.yaml",
]
HIDDEN = [".env", ".git/config.json", ".loopengt/config.toml", "a/.hidden.yaml"]


async def test_a_loop_is_written_from_its_text(bench: Bench) -> None:
    """It stands under loops/ by its name, is listed, can be read, and is not replaced unasked."""
    async with bench.client() as call:
        made = (await call("create_loop", spec=json.dumps(loop_spec(name="Fix it!")))).data
        assert made["loop"] == "loops/fix-it.yaml"
        [known] = (await call("list_loops")).data["loops"]
        assert (known["loop"], known["name"]) == ("loops/fix-it.yaml", "Fix it!")
        read = await call.client.read_resource(made["uri"])
        assert json.loads(read.contents[0].text)["name"] == "Fix it!"
        again = json.dumps(loop_spec(name="Fix it!", goal="another"))
        assert "exists already" in (await call("create_loop", spec=again)).error
        assert (await call("create_loop", spec=again, overwrite=True)).data["loop"] == made["loop"]
    assert [path.name for path in (bench.project / "loops").iterdir()] == ["fix-it.yaml"]


async def test_a_loop_with_problems_is_not_written(bench: Bench) -> None:
    """The model reads each problem with its line, and no file or folder is left behind."""
    spec = "name: x\ngoal: y\nagents:\n- name: a\nsteps:\n- name: s\n  agent: b\n"
    async with bench.client() as call:
        error = (await call("create_loop", spec=spec)).error
        assert "loops/x.yaml:7:10" in error
        assert "'b'" in error
        checked = (await call("validate_loop", spec=spec)).data
        assert not checked["valid"]
        assert [(each["line"], each["column"]) for each in checked["problems"]] == [(7, 10)]
    assert list(bench.project.iterdir()) == []


async def test_what_the_engine_refuses_is_a_problem_too(bench: Bench) -> None:
    """A sound file that could not be run as declared is not called valid."""
    spec = loop_spec(tools=[{"name": "unknown_tool", "tool_type": "builtin"}])
    async with bench.client() as call:
        checked = (await call("validate_loop", spec=json.dumps(spec))).data
        assert not checked["valid"]
        assert "unknown_tool" in checked["problems"][0]["message"]


async def test_a_loop_is_made_from_a_template(bench: Bench) -> None:
    """list_templates tells the variables; hostile values stay values; unknown ones are named."""
    async with bench.client() as call:
        templates = {each["name"]: each for each in (await call("list_templates")).data["templates"]}
        wanted = {each["name"] for each in templates["ralph"]["variables"]}
        assert wanted
        values = {each["name"]: "x" for each in templates["ralph"]["variables"] if each["required"]}
        hostile = 'a": {b}\n- c: "$(touch x)" # é'
        text = next(
            each["name"] for each in templates["ralph"]["variables"] if each.get("type", "text") == "text"
        )
        made = await call("create_loop", template="ralph", variables=values | {text: hostile})
        assert made.data["needs_consent"]
        assert (
            "no variable 'nothing'"
            in (
                await call("create_loop", template="ralph", variables=values | {"nothing": 1}, path="b.yaml")
            ).error
        )
        assert "there is no template" in (await call("create_loop", template="ralf")).error


async def test_paths_stay_inside_the_project(bench: Bench) -> None:
    """Neither tools nor resources read or write outside of it, through links, or in hidden folders."""
    outside = bench.project.parent / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text(json.dumps(loop_spec(name="secret")))
    (bench.project / "link").symlink_to(outside)
    (bench.project / ".env").write_text("agents steps SECRET=1")
    async with bench.client() as call:
        for path in (*OUTSIDE, *HIDDEN):
            says = "hidden" if path in HIDDEN else "not inside the project"
            for tool in ("run_loop", "validate_loop"):
                error = (await call(tool, loop=path)).error
                assert says in error, path
                assert "SECRET" not in error
            assert says in (await call("create_loop", spec=json.dumps(loop_spec()), path=path)).error
            quoted = path.replace("/", "%2F").replace("\\", "%5C")
            with pytest.raises(MCPError) as refused:
                await call.client.read_resource(f"loop://spec/{quoted}")
            assert refused.value.error.code == -32602
    assert [each.name for each in outside.iterdir()] == ["x.yaml"]


async def test_other_files_of_the_project_are_not_read_or_replaced(bench: Bench) -> None:
    """What is no loop is neither shown as one nor overwritten, whatever it is called."""
    package = bench.project / "package.json"
    package.write_text('{"secret": 1}')
    (bench.project / "notes.txt").write_text("steps agents")
    async with bench.client() as call:
        for name in ("notes.txt", "package.json", "missing.yaml"):
            with pytest.raises(MCPError):
                await call.client.read_resource(f"loop://spec/{name}")
        answered = await call(
            "create_loop", spec=json.dumps(loop_spec()), path="package.json", overwrite=True
        )
        assert "is not a loop, so it is not replaced" in answered.error
    assert json.loads(package.read_text()) == {"secret": 1}


async def test_prompts_tell_what_the_project_knows(bench: Bench) -> None:
    """Each prompt holds what it was given word for word, and the names that a spec may use."""
    given: list[tuple[str, dict[str, str], str]] = [
        ("design", {"goal": "Make {words} pass"}, "Make {words} pass"),
        ("review", {"loop_yaml": "name: {goal}"}, "name: {goal}"),
        ("improve", {"loop_yaml": "name: x", "feedback": "too {slow}"}, "too {slow}"),
    ]
    async with bench.client() as call:
        for name, arguments, part in given:
            shown = await call.client.get_prompt(name, arguments)
            text = shown.messages[0].content.text
            assert part in text
            assert "evaluator_optimizer" in text
            assert "claude-code" in text


async def test_every_feature_can_be_acted_on(bench: Bench) -> None:
    """Each tool has a description, a schema of its result and hints; the contract's names are all there."""
    async with bench.client() as call:
        tools: dict[str, Any] = {tool.name: tool for tool in (await call.client.list_tools()).tools}
        prompts = {prompt.name for prompt in (await call.client.list_prompts()).prompts}
        listed = {str(each.uri) for each in (await call.client.list_resources()).resources}
        templated = {
            each.uri_template for each in (await call.client.list_resource_templates()).resource_templates
        }
    assert set(tools) >= {
        "approve", "create_loop", "evaluate_run", "fork_run", "inspect_trace", "list_loops", "list_runs",
        "list_templates", "resume_loop", "run_loop", "run_status", "stop_run", "validate_loop", "wait_run",
    }  # fmt: skip
    assert prompts == {"design", "improve", "review"}
    assert listed >= {"loop://list", "runs://list", "template://list"}
    assert templated >= {"loop://spec/{name}", "trace://run/{run_id}"}
    for name, tool in tools.items():
        assert len(tool.description) > 60, name
        assert tool.output_schema["type"] == "object", name
        assert tool.annotations.read_only_hint is not None, name
    readers = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
    assert readers >= {
        "evaluate_run", "inspect_trace", "list_loops", "list_runs", "list_templates", "run_status",
        "validate_loop", "wait_run",
    }  # fmt: skip
    assert not readers & {"approve", "create_loop", "fork_run", "resume_loop", "run_loop", "stop_run"}
    doers = {name for name, tool in tools.items() if tool.annotations.destructive_hint}
    assert doers >= {"approve", "create_loop", "fork_run", "resume_loop", "run_loop", "stop_run"}


async def test_the_loop_in_the_description_is_sound(bench: Bench) -> None:
    """A model that has never seen a loop finds one that is valid in the description of create_loop."""
    async with bench.client() as call:
        [tool] = [each for each in (await call.client.list_tools()).tools if each.name == "create_loop"]
        example = tool.description.partition("The text of a small loop:\n")[2]
        checked = (await call("validate_loop", spec=example)).data
    assert (checked["valid"], checked["name"]) == (True, "fix-tests"), checked["problems"]
