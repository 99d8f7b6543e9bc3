"""The public test kit, as the author of a loop or of a plugin uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from textwrap import dedent
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import loopengt.testing
from loopengt import ComponentNotFound, SpecError, hookimpl
from loopengt.testing import (
    RecordingObserver,
    ScriptedAgent,
    ScriptUsedUp,
    loop_spec,
    make_kernel,
    resume_loop,
    run_loop,
    run_loop_sync,
)
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import MissingRequirement
from loopengt_hookspecs.models import EndReason, LoopSpec

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt import Kernel


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, without settings of pytest or of us."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "LOOPENGT"))}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_every_public_name_can_be_had() -> None:
    """Each name of __all__ is an attribute, the list is sorted, and a typo is an error."""
    assert loopengt.testing.__all__ == sorted(loopengt.testing.__all__)
    for name in loopengt.testing.__all__:
        assert getattr(loopengt.testing, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'ScriptedAgnt'"):
        _ = loopengt.testing.ScriptedAgnt


class TestScriptedAgent:
    """Answers from scripts."""

    async def test_each_kind_of_answer(self, tmp_path: Path) -> None:
        """Data, replies, exceptions, classes of them, functions and coroutine functions are all answers."""

        async def later(request: Any) -> Any:
            return lambda again: f"{request.step} {again.attempt}"

        reply = AgentReply("a reply", {"total_tokens": 3}, cost_usd=0.5)
        answers = [{"n": 1}, reply, TimeoutError("slow"), ConnectionError, lambda r: r.prompt.upper(), later]
        agent = ScriptedAgent(*answers)
        kernel = make_kernel(tmp_path, agents=agent)
        result = await run_loop(kernel, loop_spec("a", "b", "c", "d", goal="go"))
        outputs = {
            name: step.result.output for name, step in result.snapshot().step_states.items() if step.result
        }
        assert outputs == {
            "a": {"n": 1},
            "b": "a reply",
            "c": "GO\n\nTHE PREVIOUS ATTEMPT WAS NOT ACCEPTED:\nCONNECTIONERROR",
            "d": "d 1",
        }
        assert [(request.step, request.attempt) for request in agent.asked("c")] == [
            ("c", 1),
            ("c", 2),
            ("c", 3),
        ]
        assert (result.tokens, result.cost_usd, result.unknown_costs) == (3, 0.5, 0)

    async def test_the_step_goes_before_the_agent_and_the_agent_before_the_rest(self, tmp_path: Path) -> None:
        """Scripts are looked up by step, then by agent, then the common answers."""
        roles = [{"name": name, "config": {"provider": "scripted"}} for name in ("one", "two")]
        steps = ["a", "b", {"name": "c", "agent": "two"}, {"name": "d", "agent": "two"}]
        agent = ScriptedAgent(
            "common", steps={"a": ["step"], "c": ["step too"]}, agents={"two": lambda _: "role"}
        )
        kernel = make_kernel(tmp_path, agents=agent)
        result = await run_loop(kernel, loop_spec(*steps, agents=roles))
        outputs = [step.result.output for step in result.snapshot().step_states.values() if step.result]
        assert outputs == ["step", "common", "step too", "role"]

    async def test_a_script_that_is_used_up_ends_the_run_and_says_so(self, tmp_path: Path) -> None:
        """The error names the script, what it had, what asked, and how to go on; nothing is tried again."""
        agent = ScriptedAgent("common", steps={"a": ["first"]})
        kernel = make_kernel(tmp_path, agents=agent)
        result = await run_loop(kernel, loop_spec("a", pattern="repeat"))
        assert result.end.reason is EndReason.FAILED
        assert "the script of step 'a' is used up: it had 1 answer, and step 'a' asks" in result.end.detail
        assert "(occurrence 2, attempt 1)" in result.end.detail
        assert "agent.script('a', answer)" in result.end.detail
        assert len(agent.requests) == 2
        assert issubclass(ScriptUsedUp, MissingRequirement)

    async def test_answers_can_be_added(self, tmp_path: Path) -> None:
        """script() gives a step its answers, one call after the other."""
        agent = ScriptedAgent("common")
        agent.script("a", "1", "2")
        agent.script("a", "3")
        kernel = make_kernel(tmp_path, agents=agent)
        stop = {"condition_type": "max_turns", "value": 3}
        await run_loop(kernel, loop_spec("a", pattern="repeat", stop_conditions=[stop]))
        assert len(agent.requests) == 3

    @pytest.mark.parametrize("script", ["text", {"a": 1}])
    def test_a_script_is_a_list(self, script: Any) -> None:
        """A text or a dict in place of a list of answers is told at once."""
        with pytest.raises(TypeError, match="put the answers into a list"):
            ScriptedAgent(steps={"a": script})


class TestKernel:
    """Kernels for tests."""

    def test_all_built_in_plugins_and_nothing_else(self, tmp_path: Path) -> None:
        """Config, environment and the project's own plugin play no part; all of ours are there."""
        (tmp_path / ".loopengt").mkdir()
        (tmp_path / ".loopengt/config.toml").write_text("[storage]\nname = 'nonsense'\n")
        (tmp_path / "loopengt_plugins.py").write_text("raise SystemExit\n")
        kernel = make_kernel(tmp_path)
        assert {record.status for record in kernel.plugins} == {"loaded"}
        names = {record.name for record in kernel.plugins}
        assert {"local", "patterns", "stop_conditions", "gates", "storage_sqlite", "agent_command"} <= names
        assert kernel.config.storage.name == "memory"
        assert isinstance(kernel.get("agents", "scripted"), ScriptedAgent)

    async def test_a_plugin_of_a_built_ins_name_takes_its_place(self, tmp_path: Path) -> None:
        """So a test replaces what it tests; further plugins are added."""

        async def sequential(run: Any) -> None:
            await run.step("b")
            await run.step("a")

        @hookimpl
        def loopengt_register_patterns(register: Any) -> None:
            register("sequential", sequential, summary="Backwards")

        plugin = SimpleNamespace(loopengt_register_patterns=loopengt_register_patterns)
        agent = ScriptedAgent("1", "2")
        kernel = make_kernel(tmp_path, agents=agent, plugins=[("Patterns", plugin)])
        assert (await run_loop(kernel, loop_spec("a", "b"))).end.reason is EndReason.GOAL_MET
        assert [request.step for request in agent.requests] == ["b", "a"]
        with pytest.raises(ComponentNotFound):
            kernel.get("patterns", "repeat")

    async def test_several_providers_and_a_storage_on_disk(self, tmp_path: Path) -> None:
        """agents takes providers by name, storage any registered one."""
        providers = {"scripted": ScriptedAgent("1"), "other": ScriptedAgent("2")}
        roles = [{"name": name, "config": {"provider": name}} for name in providers]
        spec = loop_spec({"name": "a", "agent": "scripted"}, {"name": "b", "agent": "other"}, agents=roles)
        kernel = make_kernel(tmp_path, agents=providers, storage="sqlite")
        result = await run_loop(kernel, spec)
        assert result.output == "2"
        again = make_kernel(tmp_path, agents=providers, storage="sqlite")
        assert (await resume_loop(again, result.run_id)).end == result.end

    def test_config_tables_are_given_as_the_file_has_them(self, tmp_path: Path) -> None:
        """Settings of the engine and of plugins reach them."""
        kernel = make_kernel(tmp_path, config={"plugins": {"local": {"copy_limit_mb": 7}}})
        assert kernel.plugin_options("local").copy_limit_mb == 7


class TestRunning:
    """Specs and runs."""

    def test_the_smallest_spec_is_valid_and_runs(self, tmp_path: Path) -> None:
        """Without arguments there is one step, which runs in a plain function, with no event loop around."""
        agent = ScriptedAgent("done")
        result = run_loop_sync(make_kernel(tmp_path, agents=agent))
        assert result.end.reason is EndReason.GOAL_MET
        assert result.workspace == tmp_path
        assert LoopSpec.model_validate(loop_spec()).steps[0].name == "work"

    def test_fields_replace_and_policy_is_added_to(self) -> None:
        """Steps may be names or dicts; keys of policy stand beside the default that waits for nothing."""
        spec = loop_spec("a", {"name": "b", "agent": "other"}, name="mine", policy={"max_turns": 3})
        assert [(step["name"], step["agent"]) for step in spec["steps"]] == [("a", "worker"), ("b", "other")]
        assert spec["name"] == "mine"
        assert spec["policy"] == {"max_turns": 3, "retry": {"initial_delay_seconds": 0}}

    def test_a_dict_is_checked_as_a_file_would_be(self, tmp_path: Path) -> None:
        """All problems of a spec are raised, names that no plugin registers among them."""
        spec = loop_spec({"name": "a", "dependencies": ["b"]}, pattern="sequentail")
        with pytest.raises(SpecError) as caught:
            run_loop_sync(make_kernel(tmp_path), spec)
        assert "sequential" in str(caught.value)
        assert "unknown step" in str(caught.value)

    def test_a_loaded_spec_is_taken_as_it_is(self, tmp_path: Path) -> None:
        """A LoopSpec needs no loading; context and id are handed on."""
        spec = LoopSpec.model_validate(loop_spec({"name": "a", "prompt_template": "{colour}"}))
        agent = ScriptedAgent("done")
        result = run_loop_sync(
            make_kernel(tmp_path, agents=agent), spec, context={"colour": "blue"}, run_id="r-1"
        )
        assert (result.run_id, agent.requests[0].prompt) == ("r-1", "blue")

    async def test_runs_can_be_resumed_on_one_kernel(self, tmp_path: Path) -> None:
        """The memory of a kernel outlives a run, so that a test can interrupt and resume."""
        agent = ScriptedAgent(MissingRequirement("no frob"), "done")
        kernel = make_kernel(tmp_path, agents=agent)
        failed = await run_loop(kernel)
        assert (await resume_loop(kernel, failed.run_id)).end.reason is EndReason.GOAL_MET

    async def test_an_observer_tells_what_it_saw(self, tmp_path: Path) -> None:
        """types() and of() tell the events of one or of all runs that it watched."""
        seen = RecordingObserver()
        kernel = make_kernel(tmp_path, agents=ScriptedAgent("1", "2"))
        for _ in range(2):
            await run_loop(kernel, observers=[seen])
        assert seen.types().count("loop.start") == len(seen.of("loop.start")) == seen.closed == 2
        assert {event.run_id for event in seen.events} == {event.run_id for event in seen.of("loop.complete")}


class TestPytestPlugin:
    """The fixtures, in a stranger's project."""

    def test_the_fixtures_are_there(
        self, kernel: Kernel, scripted_agent: ScriptedAgent, tmp_path: Path
    ) -> None:
        """A test asks for kernel and scripted_agent and gets a project of its own."""
        scripted_agent.script("work", "done")
        assert run_loop_sync(kernel).output == "done"
        assert kernel.project == tmp_path
        assert kernel.get("agents", "scripted") is scripted_agent

    @pytest.mark.slow
    def test_a_stranger_needs_nothing_else(self, tmp_path: Path) -> None:
        """In a folder with one test file, without any configuration or other plugin, the fixtures work."""
        (tmp_path / "test_mine.py").write_text(
            dedent("""
            from loopengt.testing import run_loop_sync

            def test_mine(kernel, scripted_agent):
                scripted_agent.script("work", "done")
                assert run_loop_sync(kernel).end.reason == "goal_met"
            """)
        )
        disabled = ("asyncio", "anyio", "hypothesispytest", "xdist", "timeout", "cacheprovider")
        options = [option for name in disabled for option in ("-p", f"no:{name}")]
        done = program(tmp_path, "-m", "pytest", "-q", "-W", "error", *options)
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.slow
    def test_a_strangers_own_fixture_goes_first(self, tmp_path: Path) -> None:
        """A project that has a fixture named kernel keeps it."""
        (tmp_path / "conftest.py").write_text(
            "import pytest\n@pytest.fixture\ndef kernel():\n    return 'a kernel of corn'\n"
        )
        (tmp_path / "test_mine.py").write_text(
            "def test_mine(kernel):\n    assert kernel == 'a kernel of corn'\n"
        )
        done = program(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider")
        assert done.returncode == 0, done.stdout + done.stderr

    def test_those_who_do_not_use_it_do_not_notice_it(self, tmp_path: Path) -> None:
        """A pytest run of somebody else imports neither the kernel, nor the contracts, nor what they need."""
        (tmp_path / "test_other.py").write_text(
            dedent("""
            import sys

            def test_other():
                heavy = ("asyncio", "pydantic", "structlog", "rich", "msgspec", "yaml", "sqlite3")
                ours = [name for name in sys.modules if name.startswith("loopengt")]
                assert sorted(ours) == [
                    "loopengt",
                    "loopengt._lazy",
                    "loopengt.testing",
                    "loopengt.testing.pytest_plugin",
                ]
                assert [name for name in heavy if name in sys.modules] == []
            """)
        )
        disabled = ("asyncio", "anyio", "hypothesispytest", "xdist", "timeout", "cacheprovider")
        options = [option for name in disabled for option in ("-p", f"no:{name}")]
        done = program(tmp_path, "-m", "pytest", "-q", *options)
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.slow
    def test_coverage_of_others_is_not_disturbed(self, tmp_path: Path) -> None:
        """What somebody else's tests import is measured from its first line."""
        (tmp_path / "mine.py").write_text("def double(n):\n    return 2 * n\n")
        (tmp_path / "test_mine.py").write_text(
            "import mine\ndef test_mine():\n    assert mine.double(2) == 4\n"
        )
        pytest.importorskip("coverage")
        run = program(
            tmp_path,
            "-m",
            "coverage",
            "run",
            "--include=mine.py",
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
        )
        assert run.returncode == 0, run.stdout + run.stderr
        report = program(tmp_path, "-m", "coverage", "report", "--fail-under=100")
        assert report.returncode == 0, report.stdout + report.stderr
