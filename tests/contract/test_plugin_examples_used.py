"""Each example of docs/plugins is used once, as a person or a program would: through the kernel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from loopengt import ConfigError, SpecError, StorageFull
from loopengt.testing import RecordingObserver, ScriptedAgent, loop_spec, run_loop, run_loop_sync
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import LoopRefused
from loopengt_hookspecs.metrics import RecordedRun
from loopengt_hookspecs.models import Event, LoopSpec, LoopTrigger, MemoryEntry, MemoryScope, ToolSpec

from .plugin_examples import KINDS, PLUGIN, component_name, kernel_with


def gated(**gate: Any) -> dict[str, Any]:
    """Make a loop whose one step has a gate."""
    policy = {"verification_gates": [{"name": "check", **gate}]}
    return loop_spec({"name": "work", "verification_gates": ["check"]}, policy=policy)


@pytest.mark.parametrize("kind", KINDS)
def test_it_registers_one_component_of_its_kind(kind: str, tmp_path: Path) -> None:
    """A kernel loads the example beside loopengt's own plugins, and can make what it registers."""
    name = component_name(kind, tmp_path)
    if kind != "options":
        assert kernel_with(kind, tmp_path).get(kind, name) is not None


def test_adapters(tmp_path: Path) -> None:
    """The file is there after install, and a person's own file stays."""
    adapter = kernel_with("adapters", tmp_path).get("adapters", "acme")
    adapter.install(tmp_path, scope="project")
    assert "loopengt run" in (tmp_path / "ACME-NOTES.md").read_text()
    (tmp_path / "ACME-NOTES.md").write_text("mine")
    adapter.uninstall(tmp_path, scope="project")
    assert (tmp_path / "ACME-NOTES.md").read_text() == "mine"


def test_agents(tmp_path: Path) -> None:
    """A loop names the provider, its option counts, and a wrong one is refused when the loop is loaded."""
    config = {"provider": "numbers", "extra": {"sort": "down"}}
    step = {"name": "work", "prompt_template": "1, 3 and 2"}
    kernel = kernel_with("agents", tmp_path)
    result = run_loop_sync(kernel, loop_spec(step, agents=[{"name": "worker", "config": config}]))
    assert (result.end.reason, result.output, result.cost_usd) == ("goal_met", [3, 2, 1], 0.0)
    wrong = {"provider": "numbers", "extra": {"sort": "sideways"}}
    with pytest.raises(SpecError, match="'sort': Input should be 'none', 'up' or 'down'"):
        run_loop_sync(kernel, loop_spec(step, agents=[{"name": "worker", "config": wrong}]))


def test_commands(tmp_path: Path) -> None:
    """The command finds the kernel and prints its lines."""
    kernel = kernel_with("commands", tmp_path)
    done = CliRunner().invoke(kernel.get("commands", "gates"), ["--containing", "schema"], obj=kernel)
    assert done.output == f"schema: {kernel.names('gates')['schema']}\n"


async def test_embedders(tmp_path: Path) -> None:
    """The memory finds the entry whose letters have more in common with the query, though no word is the same."""
    kernel = kernel_with("embedders", tmp_path, config={"memory": {"embedder": "trigrams"}})
    async with kernel.storage():
        memory = kernel.get("memories", "sqlite").memory(MemoryScope.PROJECT)
        await memory.add_many([MemoryEntry(content="writing tests"), MemoryEntry(content="cooking soup")])
        found = await memory.retrieve("rewritings", keyword_weight=0.0, top_k=1)
    assert [entry.content for entry in found] == ["writing tests"]


def test_engines(tmp_path: Path) -> None:
    """A loop without a budget is refused, and one that has one is run by the inner engine."""
    kernel = kernel_with(
        "engines", tmp_path, agents=ScriptedAgent("done"), config={"engine": {"name": "thrifty"}}
    )
    with pytest.raises(LoopRefused, match="no budget limits the tokens"):
        run_loop_sync(kernel, loop_spec())
    assert run_loop_sync(kernel, loop_spec(policy={"budget": {"max_tokens": 1000}})).output == "done"


def test_exporters(tmp_path: Path) -> None:
    """A run's steps are rows, and a name cannot break the table."""
    watched = RecordingObserver()
    kernel = kernel_with("exporters", tmp_path, agents=ScriptedAgent("a", "b"))
    result = run_loop_sync(kernel, loop_spec("one", "two"), observers=[watched])
    table = kernel.get("exporters", "times").export(result.snapshot(), watched.events)
    assert [line.split(" | ")[0] for line in table.splitlines()] == [
        "| step",
        "|---|---|---|",
        "| one",
        "| two",
    ]
    odd = [event.model_copy(update={"step_name": "a|\n"}) for event in watched.events]
    assert "| a\\|\N{REPLACEMENT CHARACTER} |" in kernel.get("exporters", "times").export(
        result.snapshot(), odd
    )


def test_gates(tmp_path: Path) -> None:
    """The next attempt hears why the output was too long."""
    agent = ScriptedAgent("one two three", "one two")
    kernel = kernel_with("gates", tmp_path, agents=agent)
    result = run_loop_sync(kernel, gated(kind="brief", metadata={"most_words": 2}))
    assert (result.end.reason, result.output) == ("goal_met", "one two")
    assert "It has 3 words; write at most 2." in agent.requests[1].feedback


def test_judges(tmp_path: Path) -> None:
    """A gate has the judge score the output, and what is missing is what the next attempt hears."""
    agent = ScriptedAgent("Do it.", "Please do it. Thank you.")
    kernel = kernel_with("judges", tmp_path, agents=agent)
    judge = {"kind": "mentions", "options": {"words": ["please", "thank you"]}}
    result = run_loop_sync(kernel, gated(kind="judge", judge=judge))
    assert (result.end.reason, len(agent.requests)) == ("goal_met", 2)
    assert "please, thank you" in agent.requests[1].feedback


def test_mcp_features(tmp_path: Path) -> None:
    """The functions answer for the project."""
    (tmp_path / "a.py").touch()
    tool, resource = kernel_with("mcp_features", tmp_path).get("mcp_features", "files").features()
    assert (tool.function("py"), tool.function("md"), resource.function()) == (1, 0, tmp_path.name)


async def test_memories(tmp_path: Path) -> None:
    """What is added alone or with others is kept without the address, and found."""
    kernel = kernel_with("memories", tmp_path, config={"memory": {"name": "discreet"}})
    async with kernel.storage():
        memory = kernel.get("memories", "discreet").memory(MemoryScope.PROJECT)
        await memory.add("write to ann@example.org today")
        await memory.add_many([MemoryEntry(content="or to bob@example.org")])
        found = [entry.content for entry in await memory.search("to")]
    assert sorted(found) == ["or to [address]", "write to [address] today"]


def test_metrics(tmp_path: Path) -> None:
    """Handoffs are counted, and nothing else."""
    kernel = kernel_with("metrics", tmp_path, agents=ScriptedAgent("done"))
    state = run_loop_sync(kernel).snapshot()
    types = ("handoff", "step.start", "handoff")
    events = [Event(seq, kind, float(seq), None, {}) for seq, kind in enumerate(types, 1)]
    assert kernel.get("metrics", "handoffs").measure(RecordedRun(state, events)) == 2


def test_middleware(tmp_path: Path) -> None:
    """The agent is told the date, behind its own instructions."""
    agent = ScriptedAgent("done")
    kernel = kernel_with("middleware", tmp_path, agents=agent, config={"engine": {"middleware": ["today"]}})
    role = {"name": "worker", "system_prompt": "Be brief.", "config": {"provider": "scripted"}}
    run_loop_sync(kernel, loop_spec(agents=[role]))
    assert agent.requests[0].system_prompt.startswith("Be brief.\n\nToday is 20")


def test_model_adapters(tmp_path: Path) -> None:
    """An agent provider for models uses the adapter that config.toml names."""
    config = {"plugins": {"llm": {"adapter": "parrot"}}}
    kernel = kernel_with("model_adapters", tmp_path, config=config)
    role = {"name": "worker", "config": {"provider": "ollama", "model": "any"}}
    result = run_loop_sync(kernel, loop_spec({"name": "work", "prompt_template": "say this"}, agents=[role]))
    assert (result.end.reason, result.output, result.cost_usd) == ("goal_met", "say this", 0.0)


def test_observers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a terminal the bell rings once, when the run has ended; elsewhere it never does."""
    config = {"observers": {"names": ["bell"]}}
    run_loop_sync(kernel_with("observers", tmp_path, agents=ScriptedAgent("done"), config=config))
    assert "\a" not in capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    run_loop_sync(kernel_with("observers", tmp_path, agents=ScriptedAgent("done"), config=config))
    assert capsys.readouterr().err.count("\a") == 1


def test_options(tmp_path: Path) -> None:
    """The table of config.toml reaches the component, and a value that does not fit is named."""
    fine = {"plugins": {PLUGIN: {"seconds": 0.01}}, "engine": {"middleware": ["pause"]}}
    kernel = kernel_with("options", tmp_path, agents=ScriptedAgent("done"), config=fine)
    assert run_loop_sync(kernel).output == "done"
    assert kernel.plugin_options(PLUGIN).seconds == 0.01
    with pytest.raises(ConfigError, match=f"plugins.{PLUGIN}.seconds"):
        kernel_with("options", tmp_path, config={"plugins": {PLUGIN: {"seconds": 99}}}).get(
            "middleware", "pause"
        )


def test_patterns(tmp_path: Path) -> None:
    """A step whose gate fails has a second turn with the gate's words, and then the run goes on."""
    agent = ScriptedAgent(steps={"one": ["bad", "good"], "two": ["good"]})
    kernel = kernel_with("patterns", tmp_path, agents=agent)
    gate = {"name": "fine", "condition": "output == 'good'"}
    spec = loop_spec(
        {"name": "one", "verification_gates": ["fine"]},
        "two",
        pattern="second_chance",
        policy={"verification_gates": [gate]},
    )
    assert run_loop_sync(kernel, spec).end.reason == "goal_met"
    assert [request.step for request in agent.requests] == ["one", "one", "two"]
    assert "[fine]" in agent.requests[1].feedback


def test_stop_conditions(tmp_path: Path) -> None:
    """The run ends before the turn after which it would be dearer, and says why."""
    agent = ScriptedAgent(*[AgentReply("ok", cost_usd=0.4, cost_source="reported")] * 3)
    kernel = kernel_with("stop_conditions", tmp_path, agents=agent)
    conditions = [{"condition_type": "spent", "value": 0.7}]
    result = run_loop_sync(kernel, loop_spec("a", "b", "c", stop_conditions=conditions))
    assert (result.end.reason, result.end.detail) == ("exhausted", "spent $0.80 of $0.70")
    assert len(agent.requests) == 2


async def test_storages(tmp_path: Path) -> None:
    """Runs are kept by the storage within; a blob above the limit is refused with a remedy."""
    kernel = kernel_with("storages", tmp_path, agents=ScriptedAgent("done"), storage="capped")
    result = await run_loop(kernel)
    async with kernel.storage() as storage:
        assert [row.run_id for row in await storage.rows()] == [result.run_id]
        digest = await storage.put_blob(b"small")
        assert await storage.get_blob(digest) == b"small"
        with pytest.raises(StorageFull, match="larger than"):
            await storage.put_blob(bytes(64 * 2**20 + 1))


async def test_summarizers(tmp_path: Path) -> None:
    """Both texts lose about the same share, and what fits stays."""
    summarizer = kernel_with("summarizers", tmp_path).get("summarizers", "shares")
    long, short = await summarizer.summarize(["a" * 4000, "b" * 400], 110)
    assert (len(long), len(short)) == (400, 40)
    assert await summarizer.summarize(["a", "b"], 110) == ["a", "b"]


def test_templates(tmp_path: Path) -> None:
    """A loop that is made of it runs, with the command that was given."""
    from loopengt.templates import find_template

    kernel = kernel_with("templates", tmp_path, agents={"auto": ScriptedAgent("done")})
    folder = tmp_path / "loop"
    for name, text in find_template(kernel, "mend").open().fill({"command": "test -d ."}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    result = run_loop_sync(kernel, kernel.load_spec(folder).spec)
    assert result.end.reason == "goal_met"


async def test_tool_types(tmp_path: Path) -> None:
    """A declared clock offers its tool, and answers."""
    kind = kernel_with("tool_types", tmp_path).get("tool_types", "clock")
    declared = ToolSpec(name="now", tool_type="builtin", metadata={"zone": "UTC"})
    tool = kind.bind(declared, tmp_path, LoopSpec.model_validate(loop_spec()))
    [offer] = await tool.offers(tmp_path)
    assert offer.name == "now"
    assert str(await tool.call(None)).endswith("+00:00")


def test_tools(tmp_path: Path) -> None:
    """An agent calls the tool by the name of its declaration, and reads what was wrong with a call."""

    async def add(request: Any) -> Any:
        outcomes = [
            await request.calls.tool("add", {"numbers": numbers}) for numbers in (["0.1", "0.2"], ["x"])
        ]
        return [outcomes[0].content, outcomes[1].is_error, outcomes[1].text()]

    agent = ScriptedAgent(add)
    agent.takes_tools = True  # type: ignore[attr-defined]  # what a provider says of its agents
    kernel = kernel_with("tools", tmp_path, agents=agent)
    role = {"name": "worker", "tools": ["add"], "config": {"provider": "scripted"}}
    spec = loop_spec(agents=[role], tools=[{"name": "add", "tool_type": "builtin"}])
    total, failed, words = run_loop_sync(kernel, spec).output
    assert (total, failed) == ("0.3", True)
    assert "one of them is no number" in words


async def test_triggers(tmp_path: Path) -> None:
    """Occasions come one after the other, each with what is known of it, and end."""
    kind = kernel_with("triggers", tmp_path).get("triggers", "series")
    declared = LoopTrigger(trigger_type="series", config={"times": 2, "seconds": 0.01})
    trigger = kind.bind(declared, tmp_path)
    assert [occasion async for occasion in trigger.occasions()] == [{"number": 1}, {"number": 2}]
    await trigger.close()


def test_every_example_is_used() -> None:
    """No extension point lacks a test here."""
    assert [kind for kind in KINDS if f"test_{kind}" not in globals()] == []
