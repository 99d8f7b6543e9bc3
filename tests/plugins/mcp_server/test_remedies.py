"""Errors that a model reads name the tools of the server, and commands of a shell only where there is no tool."""

from __future__ import annotations

import pytest

from loopengt_mcp.server.wording import in_tools

from .kit import Bench, harmless, patient

TURNED = [
    ("See `loopengt runs`; -C DIR names another project.", "See list_runs."),
    ("List the runs there are: loopengt runs", "List the runs there are: list_runs"),
    ("Wait for it, or end it with `loopengt stop r-1`.", "Wait for it, or end it with stop_run(run_id='r-1')."),
    ("See where it stands: loopengt trace r-1", "See where it stands: inspect_trace(run_id='r-1')"),
    ("See `git log`, or `loopengt trace` for more.", "See `git log`, or inspect_trace for more."),
    ("Free some space, then `loopengt resume RUN`.", "Free some space, then resume_loop."),
    ("By the changed one: loopengt resume r-1 --accept-spec\nOr not: loopengt resume r-1 --keep-spec",
     "By the changed one: resume_loop(run_id='r-1', accept_changes=true)\nOr not: resume_loop(run_id='r-1')"),
    ("loopengt fork r-1 --at STEP --spec FILE", "fork_run(run_id='r-1', at=STEP, loop=FILE)"),
    ("Fork that one: loopengt fork r-1 --at build#2", "Fork that one: fork_run(run_id='r-1', at='build#2')"),
    ("Decide: loopengt approve r-1", "Decide: approve(run_id='r-1', decision='approve')"),
    ("loopengt answer r-1 TEXT", "approve(run_id='r-1', answer=TEXT)"),
    ("loopengt init makes one", "create_loop makes one"),
    ("loopengt validate loops/a.yaml", "validate_loop(loop='loops/a.yaml')"),
    ("Give: --set goal=… --set depth=…", "Give: variables={'goal': …, 'depth': …}"),
    ("Run with --in-place, or free space.", "Run with in_place=true, or free space."),
]  # fmt: skip
KEPT = [
    "Take over what is good of it, or: loopengt resume r-1 --discard",
    "Delete it: loopengt runs delete r-1",
    "wait for `loopengt runs prune`.",
    "Run `loopengt doctor` to have the storage checked.",
    "loopengt plugins list shows all of them",
    "Make one: loopengt run SPEC --record DIR",
    "A person can run them with `loopengt run loop.yaml`.",
    "Ask the person to type: loopengt mcp allow FILE",
]


@pytest.mark.parametrize(("said", "wanted"), TURNED)
def test_commands_become_tools(said: str, wanted: str) -> None:
    """A command that a tool does as well becomes that tool, with its arguments, and the sentence around it stays."""
    assert in_tools(said) == wanted


@pytest.mark.parametrize("said", KEPT)
def test_what_no_tool_does_stays_a_command(said: str) -> None:
    """What only a terminal does, or is said to a person, is not made into a call that does something else."""
    assert in_tools(said) == said


async def test_errors_of_every_kind_name_tools(bench: Bench) -> None:
    """Of runs, templates and loops that are not there, and of a run that another process drives."""
    bench.storage = "sqlite"
    bench.write("loop.json", harmless("hi"))
    broken = bench.write(
        "broken.json", {"name": "broken", "goal": "", "agents": [], "steps": [{"loop": "gone"}]}
    )
    async with bench.client() as call:
        await call("run_loop", loop="loop.json", wait_seconds=20)
        errors = [
            (await call("run_status", run_id="nothing")).error,
            (await call("create_loop", template="nothing")).error,
            (await call("create_loop", template="ralph", variables={"nothing": 1})).error,
            (await call("fork_run", run_id="latest", at="nowhere")).error,
            (await call("stop_run")).error,
            (await call("run_loop", loop=broken)).error,
            (await call("validate_loop", loop=broken)).text,
        ]
    assert [
        text for text in errors if "`loopengt" in text or "--set" in text or "loopengt init" in text
    ] == []
    assert "list_runs" in errors[0]
    assert "list_templates" in errors[1]


async def test_a_run_that_a_client_stops_says_who_did(bench: Bench) -> None:
    """Without a comment it does not say that a command of a shell was typed."""
    bench.write("loop.json", patient(bench.project))
    async with bench.client() as call:
        run_id = (await call("run_loop", loop="loop.json")).data["run_id"]
        await call.until(run_id, step="work")
        ended = (await call("stop_run", run_id=run_id, now=True, wait_seconds=20)).data
        assert ended["reason"] == "stopped"
        assert ended["detail"].startswith("stopped over MCP by ")
