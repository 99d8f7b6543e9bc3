"""What agents answer is kept as it is, or refused; nothing is changed in silence."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace
from typing import Any

import pytest

from loopengt.testing import RecordingObserver, ScriptedAgent, loop_spec, make_kernel, resume_loop, run_loop
from loopengt_hookspecs.agents import AgentReply
from loopengt_hookspecs.errors import AgentError, MissingRequirement
from loopengt_hookspecs.models import EndReason

MISSING = MissingRequirement("no frob")


class Colour(StrEnum):
    """An enum whose members are texts."""

    RED = "red"


@dataclass
class Point:
    """Something that is no JSON data."""

    x: int = 1


@pytest.mark.parametrize(
    ("output", "kept"),
    [
        ("text", "text"),
        ("", ""),
        (None, None),
        (False, False),
        (0, 0),
        (-1.5, -1.5),
        (2**70, 2**70),
        ([], []),
        ({"a": [1, None, {"b": "ü"}]}, {"a": [1, None, {"b": "ü"}]}),
        ((1, ("two",)), [1, ["two"]]),
        (Colour.RED, "red"),
        ({"colour": Colour.RED}, {"colour": "red"}),
        ("caf\udce9", "caf?"),
        ({"name\udce9": ["\ud800"]}, {"name?": ["?"]}),
    ],
)
async def test_json_data_is_kept(output: Any, kept: Any, lab: Any) -> None:
    """Live, in the next prompt, in the state and after a replay the output is the same plain data."""
    agent = ScriptedAgent(steps={"a": [output], "b": [MISSING, "done"]})
    spec = loop_spec("a", {"name": "b", "prompt_template": "{steps.a.output}"})
    failed = await run_loop(lab.kernel(agents=agent), spec)
    found = failed.snapshot().step_states["a"].result.output
    assert (found, type(found)) == (kept, type(kept))
    ended = await resume_loop(lab.kernel(agents=agent), failed.run_id)
    replayed = ended.snapshot().step_states["a"].result.output
    assert (replayed, type(replayed)) == (kept, type(kept))
    assert agent.asked("b")[0].prompt == agent.asked("b")[1].prompt


@pytest.mark.parametrize(
    "output",
    [
        math.nan,
        {"score": math.inf},
        [[-math.inf]],
        b"bytes",
        {"raw": bytearray(b"x")},
        object(),
        {1, 2},
        {1: "key"},
        {None: "key"},
        Point(),
        [Point],
    ],
)
async def test_what_is_no_json_data_fails_the_step(output: Any, lab: Any) -> None:
    """It is neither guessed at nor turned into text or null, and the error says what it was."""
    result = await run_loop(lab.kernel(agents=ScriptedAgent(AgentReply(output), "never")), loop_spec())
    assert result.end.reason is EndReason.FAILED
    assert "cannot be kept: not JSON data" in result.end.detail
    assert result.snapshot().step_states["work"].result.output is None


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (SimpleNamespace(output="x"), "SimpleNamespace in place of an AgentReply"),
        (AgentReply("x", {"prompt_tokens": "12"}), "not a whole number"),  # type: ignore[dict-item]  # on purpose
        (AgentReply("x", {"prompt_tokens": -1}), "not a whole number"),
        (AgentReply("x", cost_usd=math.nan), "not an amount"),
        (AgentReply("x", cost_usd=-0.1), "not an amount"),
        (AgentReply("x", metadata={"when": object()}), "not JSON data"),
    ],
)
async def test_wrong_figures_fail_the_step_and_not_the_journal(reply: Any, words: str, lab: Any) -> None:
    """Tokens, costs and metadata that cannot be counted or kept are refused before they are written."""

    class Wrong(ScriptedAgent):
        async def invoke(self, request: Any) -> Any:
            return reply

    result = await run_loop(lab.kernel(agents=Wrong()), loop_spec())
    assert result.end.reason is EndReason.FAILED
    assert words in result.end.detail
    assert result.tokens == 0
    fold, _ = await lab.load(result.run_id)
    assert fold.snapshot() == result.snapshot().model_copy(update={"history": fold.snapshot().history})


async def test_an_error_with_undecodable_text_can_be_written(lab: Any) -> None:
    """An exception that names a file of a strange encoding fails the step, not the run's journal."""
    result = await run_loop(lab.kernel(agents=ScriptedAgent(OSError("no file caf\udce9"))), loop_spec())
    assert result.end.reason is EndReason.FAILED
    assert "no file caf?" in result.end.detail


@pytest.mark.parametrize("storage", ["memory", "sqlite", "jsonl"])
async def test_a_megabyte_goes_to_a_blob_and_comes_back(storage: str, lab: Any) -> None:
    """A large output is kept once, outside the journal, and is whole for prompts, state, observers and replay."""
    output = {"text": "x" * 1_000_000, "lines": list(range(1000))}
    agent = ScriptedAgent(steps={"a": [output, output], "b": [MISSING, "done"]})
    kernel = make_kernel(lab.project, agents=agent, storage=storage)
    seen = RecordingObserver()
    spec = loop_spec("a", {"name": "b", "prompt_template": "{steps.a.output.text}"})
    async with kernel.storage() as opened:
        failed = await run_loop(kernel, spec, observers=[seen])
        batches = [batch.payload async for batch in opened.read(failed.run_id)]
        assert sum(map(len, batches)) < 10_000
        if storage != "memory":  # a second process
            kernel = make_kernel(lab.project, agents=agent, storage=storage)
        ended = await resume_loop(kernel, failed.run_id)
    assert ended.end.reason is EndReason.GOAL_MET
    assert ended.snapshot().step_states["a"].result.output == output
    assert seen.of("step.complete")[0].output == output  # type: ignore[attr-defined]  # a StepEvent
    assert [len(request.prompt) for request in agent.asked("b")] == [1_000_000, 1_000_000]
    assert len(agent.asked("a")) == 1


async def test_a_lost_blob_does_not_hide_the_rest(lab: Any) -> None:
    """When a blob is gone, the journal around it can still be read, and says what was lost."""
    agent = ScriptedAgent({"text": "x" * 200_000}, "2")
    result = await run_loop(lab.kernel(agents=agent), loop_spec("a", "b"))
    spec_blob = (await lab.events(result.run_id))[0].data["spec"]
    lab.memory._blobs = {spec_blob: lab.memory._blobs[spec_blob]}
    fold, events = await lab.load(result.run_id)
    assert fold.snapshot().status == "completed"
    answer = next(event for event in events if event.type == "agent.response")
    assert answer.data["output"] is None
    assert "no blob" in answer.data["lost"]


@pytest.mark.parametrize(
    "kind", ["step.complete", "agent.response", "loop.complete", "gate.pass", "nonsense"]
)
async def test_an_agent_cannot_speak_for_the_engine(kind: str, lab: Any) -> None:
    """Events that only the engine may write are refused, and the attempt fails."""

    def forge(request: Any) -> str:
        request.emit(kind, {"attempt": 1})
        return "x"

    result = await run_loop(lab.kernel(agents=ScriptedAgent(forge)), loop_spec())
    assert result.end.reason is EndReason.FAILED
    assert kind in result.end.detail
    types = await lab.types(result.run_id)
    assert kind not in types
    assert "agent.error" in types


async def test_odd_events_of_agents_can_be_observed(lab: Any) -> None:
    """Whatever an agent puts into an event of its own, observers see it, and the ones that follow."""

    def chatter(request: Any) -> str:
        request.emit("tool.call", {"tool": 7, "input": "not an object", "duration": "long"})
        request.emit("tool.error", {"error": {"code": 1}, "duration": -1})
        request.emit("custom", {"note": ["a"]})
        request.emit("handoff", {"to_agent": "b"})
        return "x"

    seen = RecordingObserver()
    result = await run_loop(lab.kernel(agents=ScriptedAgent(chatter)), loop_spec(), observers=[seen])
    assert result.end.reason is EndReason.GOAL_MET
    assert seen.types() == await lab.types(result.run_id)
    assert seen.of("tool.call")[0].tool_name == "7"


async def test_an_agent_may_emit_from_a_thread(lab: Any) -> None:
    """Events of another thread are in the journal, before the answer that they belong to."""

    async def work(request: Any) -> str:
        await asyncio.to_thread(request.emit, "tool.call", {"tool": "grep"})
        return "x"

    result = await run_loop(lab.kernel(agents=ScriptedAgent(work)), loop_spec())
    types = await lab.types(result.run_id)
    assert types.index("tool.call") < types.index("agent.response")


async def test_an_agent_may_keep_bytes_of_its_own(lab: Any) -> None:
    """put_blob stores bytes by their digest."""
    digests: list[str] = []

    async def work(request: Any) -> str:
        digests.append(await request.put_blob(b"a picture"))
        return digests[0]

    await run_loop(lab.kernel(agents=ScriptedAgent(work)), loop_spec())
    assert await lab.memory.get_blob(digests[0]) == b"a picture"


async def test_kinds_of_output_errors_can_be_retried(lab: Any) -> None:
    """An unusable answer is an error of the kind OutputError, which a policy may name."""
    spec = loop_spec(policy={"retry": {"retryable_errors": ["OutputError"], "initial_delay_seconds": 0}})
    agent = ScriptedAgent(AgentReply(b"bytes"), AgentError("x", kind="OutputError"), "text")
    assert (await run_loop(lab.kernel(agents=agent), spec)).end.reason is EndReason.GOAL_MET
