"""Consent: what a client has written is run once a person allows it, and never behind the person's back."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import loop_spec

from .kit import Bench, Program, commanding

if TYPE_CHECKING:
    from .kit import Caller

ERAS = pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.slow)])


async def started(call: Caller, **arguments: Any) -> list[dict[str, Any]]:
    """Try to run something, and return the runs that there are then."""
    await call("run_loop", **arguments)
    runs: list[dict[str, Any]] = (await call("list_runs")).data["runs"]
    return runs


@ERAS
async def test_commands_of_a_client_need_consent(bench: Bench, mode: str) -> None:
    """A client that cannot ask is told what would be executed, and what a person types; nothing runs."""
    async with bench.client(mode=mode) as call:
        text = json.dumps(commanding(["rm", "-rf", "/"]))
        error = (await call("run_loop", spec=text)).error
        assert '["rm", "-rf", "/"]' in error
        assert "create_loop" in error
        made = (await call("create_loop", spec=text)).data
        assert made["needs_consent"]
        error = (await call("run_loop", loop=made["loop"])).error
        assert "loopengt mcp allow loops/demo.yaml" in error
        assert (await call("list_runs")).data["runs"] == []


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_person_at_the_client_consents_once(bench: Bench, mode: str) -> None:
    """The form lists what is executed; consent holds for this content, and a change needs it anew."""
    async with bench.client(mode=mode, person={"allow": True}) as call:
        made = (await call("create_loop", spec=json.dumps(commanding()))).data
        for _ in range(2):
            state = (await call("run_loop", loop=made["loop"], wait_seconds=20)).data
            assert state["output"].strip() == "ran"
        assert len(call.asked) == 1
        assert "print('ran')" in call.asked[0]
        changed = json.dumps(commanding([sys.executable, "-c", "print('other')"]))
        await call("create_loop", spec=changed, overwrite=True)
        await call("run_loop", loop=made["loop"], wait_seconds=20)
        assert len(call.asked) == 2


@ERAS
@pytest.mark.parametrize("person", [{"allow": False}, "decline", "cancel"])
async def test_a_person_who_does_not_consent_is_heeded(bench: Bench, mode: str, person: Any) -> None:
    """Nothing runs, and the model reads that the person did not allow it."""
    async with bench.client(mode=mode, person=person) as call:
        assert "did not allow" in (await call("run_loop", spec=json.dumps(commanding()))).error
        assert (await call("list_runs")).data["runs"] == []


async def test_what_people_have_written_needs_no_consent(bench: Bench) -> None:
    """A loop of the project runs as it does in a terminal; one that a client only composes around it does not."""
    path = bench.write("loop.yaml", commanding())
    around = loop_spec({"name": "inner", "loop": "../loop.yaml"}, name="around")
    async with bench.client() as call:
        state = (await call("run_loop", loop=path, wait_seconds=20)).data
        assert state["reason"] == "goal_met"
        made = (await call("create_loop", spec=json.dumps(around))).data
        assert made["needs_consent"]
        assert "needs a person's consent" in (await call("run_loop", loop="around")).error


async def test_models_and_people_need_no_consent(bench: Bench) -> None:
    """A loop of a client that executes nothing runs at once."""
    bench.agent.script("work", "fine")
    async with bench.client() as call:
        state = (await call("run_loop", spec=json.dumps(loop_spec()), wait_seconds=20)).data
        assert state["output"] == "fine"


CASES: list[dict[str, Any]] = [
    {"agents": [{"name": "worker", "config": {"provider": "claude-code"}}]},
    {"agents": [{"name": "worker", "config": {"provider": "auto"}}]},
    {"agents": [{"name": "worker", "config": {"provider": "python", "extra": {"function": "os:getcwd"}}}]},
    {
        "agents": [
            {"name": "worker", "config": {"provider": "openai", "extra": {"base_url": "http://evil/v1"}}}
        ]
    },
    {
        "agents": [
            {"name": "worker", "config": {"provider": "openai", "extra": {"api_key_env": "AWS_SECRET"}}}
        ]
    },
    {"policy": {"verification_gates": [{"name": "g", "kind": "command", "command": "true"}]}},
    {"policy": {"no_progress": {"max_repeats": 2, "metric": {"command": "wc -l x"}}}},
    {"tools": [{"name": "run_command", "tool_type": "builtin", "options": {"allow": ["ls"]}}]},
    {"tools": [{"name": "write_file", "tool_type": "builtin"}]},
    {"tools": [{"name": "f", "tool_type": "function", "function_ref": "os:getcwd"}]},
    {"mcp_servers": {"files": {"command": ["touch", "here"]}}},
]


async def test_everything_that_executes_counts(bench: Bench) -> None:
    """Providers, tools, gates, metrics, servers, and models at addresses of a client's choice need consent."""
    async with bench.client() as call:
        for fields in CASES:
            checked = (await call("validate_loop", spec=json.dumps(loop_spec(**fields)))).data
            assert checked["executes"], fields
            assert checked["needs_consent"]


@pytest.mark.parametrize(("allow", "says"), [("never", "allow_run is never"), ("always", "")])
async def test_the_project_says_who_may_run(bench: Bench, allow: str, says: str) -> None:
    """never refuses even what a person has written; always asks nobody."""
    bench.config["mcp"] = {"allow_run": allow}
    bench.write("loop.yaml", commanding())
    async with bench.client() as call:
        for arguments in ({"loop": "loop.yaml"}, {"spec": json.dumps(commanding())}):
            answered = await call("run_loop", **arguments, wait_seconds=20)
            if says:
                assert says in answered.error
                assert says in (await call("resume_loop", run_id="latest")).error
            else:
                assert answered.data["reason"] == "goal_met"


async def test_no_client_reaches_the_consent_itself(bench: Bench) -> None:
    """The file that holds it is hidden, and one that cannot be read allows nothing."""
    async with bench.client() as call:
        text = json.dumps(commanding())
        assert "hidden" in (await call("create_loop", spec=text, path=".loopengt/mcp.json")).error
        await call("create_loop", spec=text)
        (bench.project / ".loopengt" / "mcp.json").write_text("not json")
        assert "cannot be read" in (await call("run_loop", loop="demo")).error


async def test_a_person_allows_a_loop_in_a_terminal(bench: Bench, program: Program) -> None:
    """`loopengt mcp allow` says what it executes; the client may then run it, until it changes."""
    async with bench.client() as call:
        made = (await call("create_loop", spec=json.dumps(commanding()))).data
        allowed = program.run("mcp", "allow", made["loop"])
        assert allowed.returncode == 0, allowed.stderr
        assert "executes: agent 'worker': command" in allowed.stdout
        assert (await call("run_loop", loop=made["loop"], wait_seconds=20)).data["reason"] == "goal_met"
        await call("create_loop", spec=json.dumps(commanding(["true"])), overwrite=True)
        assert "needs a person's consent" in (await call("run_loop", loop=made["loop"])).error


async def test_a_loop_that_cannot_be_noted_as_a_client_s_is_not_written(bench: Bench) -> None:
    """Else it would count as a person's, and run without consent."""
    async with bench.client() as call:
        (bench.kernel.folder / "mcp.json").mkdir(parents=True)
        refused = (await call("create_loop", spec=json.dumps(commanding()))).error
        assert "mcp.json cannot be" in refused
        assert list(bench.project.rglob("*.yaml")) == []


def test_servers_beside_each_other_lose_no_mark(bench: Bench) -> None:
    """Of loops that several processes write at the same time each is noted, and so are the consents beside them."""
    script = (
        "import sys, pathlib\n"
        "from loopengt import Kernel\n"
        "from loopengt_mcp.server.consent import Consents\n"
        "project = pathlib.Path(sys.argv[1])\n"
        "consents = Consents(Kernel(project), 'ask')\n"
        "for number in range(40):\n"
        "    consents.written([project / f'{sys.argv[2]}-{number}.yaml'])\n"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", script, str(bench.project), name]) for name in ("a", "b", "c")
    ]
    assert [process.wait(timeout=60) for process in started] == [0, 0, 0]
    known = json.loads((bench.kernel.folder / "mcp.json").read_text())
    assert sorted(known["written"]) == sorted(f"{name}-{n}.yaml" for name in "abc" for n in range(40))
