"""Agents whose services, models and people do everything wrong, over real sockets and in real processes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.approvals import Answer, decide
from loopengt.testing import FakeOpenAI, RecordingObserver, make_kernel, run_loop

from .agents_kit import Dialogue, agent, calls, loop_of, put_tools, says, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from loopengt_hookspecs.engines import RunResult

    from .conftest import Stage

    Until = Callable[..., None]

KEY = "sk-live-0123456789abcdef"
SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number", "maximum": 1}},
    "required": ["score"],
    "additionalProperties": False,
}
BRACES = "{goal} {{ goal }} {% include 'x' %} {0.__class__}"
STRICT = {"PYTHONASYNCIODEBUG": "1", "PYTHONWARNINGS": "always::ResourceWarning"}
LEAKS = ("never retrieved", "never awaited", "unclosed", "was destroyed", "Traceback")
TEN = [("note", {"word": f"ten {number}"}) for number in range(10)]


def files_with(stage: Stage, secret: str) -> list[str]:
    """Return the files of the project's own folder that hold a text."""
    paths = (stage.project / ".loopengt").rglob("*")
    return [str(path) for path in paths if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.slow
def test_a_bad_day(stage: Stage) -> None:
    """Whatever goes wrong between engine, service and model, each answer is asked for until it comes, and used once.

    The key, which the service, the model and a tool repeat, is nowhere on disk or screen; values of prompts stay as
    they are; nothing is left open.
    """
    env = put_tools(stage)
    stage.mark("key").write_text(KEY)
    talk = Dialogue(
        errors=[calls(("tell", {})), says(f"It is {KEY}.", reasoning="why")],
        tools=[
            calls(("note", '{"word": '), ("note", {"wort": "x"}), ("nothing", {}), ("note", [1])),
            calls(
                ("note", '{"word": "a", "number": 1e999}'),
                ("note", '{"word": ' + "[" * 400 + "]" * 400 + "}"),
            ),
            calls(*TEN),
            says(),
        ],
        score=[says('{"score": 7}'), says('{"score": 0.5}')],
    )
    talk.trouble["errors", 0] = [
        {"error": "rate_limited", "retry_after": 0.1, "message": "Slower, {key}."},
        {"error": "rate_limited", "retry_after_date": 0.5},
        {"error": "server_error", "message": "Broken: {key}."},
    ]
    talk.trouble["errors", 1] = [{"error": "bad_json"}, {"text": "one two three", "cut": "connection"}]
    talk.trouble["tools", 3] = [{"text": "one two three", "cut": "stream"}, {"error": "hang_up"}]
    with FakeOpenAI(talk) as server:
        key = {"api_key_env": "SERVICE_KEY"}
        spec = loop_of(
            server.url,
            {"name": "errors", "prompt_template": "<errors> {value}"},
            "tools",
            {"name": "score", "agent": "judge"},
            agents=[agent(server.url, extra=key), agent(server.url, "judge", output_schema=SCORE, extra=key)],
            context={"value": BRACES},
        )
        write(stage, spec)
        done = stage.run("run", "loop.yaml", "--in-place", "-v", env=env | STRICT | {"SERVICE_KEY": KEY})
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert done.returncode == 0, done.stderr
    assert [found for found in LEAKS if found in done.stdout + done.stderr] == []
    assert KEY not in done.stdout + done.stderr
    assert "[redacted]" in done.stderr
    assert files_with(stage, KEY) == []
    assert talk.bodies[0]["messages"][-1]["content"] == f"<errors> {BRACES}"
    expected = [("errors", 0)] * 4 + [("errors", 1)] * 3
    expected += [("tools", 0), ("tools", 1), ("tools", 2)] + [("tools", 3)] * 3 + [("score", 0), ("score", 1)]
    assert talk.asked == expected
    told = [message["content"] for message in talk.bodies[-3]["messages"] if message["role"] == "tool"]
    assert sum("noted" in text for text in told) == 10
    assert "there is no tool 'nothing'" in told[2]
    assert sorted(stage.marked("noted")) == [word["word"] for _, word in TEN]
    assert stage.row().tokens == 11 * 8
    assert stage.types().count("model.error") == 7


async def ask(stage: Stage, spec: dict[str, Any], seen: RecordingObserver | None = None) -> RunResult:
    """Run a loop in this process, in SQLite."""
    kernel = make_kernel(stage.project, storage="sqlite")
    return await run_loop(kernel, spec, observers=[seen] if seen is not None else [])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "role", "reason", "most"),
    [
        ({"budget": {"max_tokens": 60}}, {}, "exhausted", 6),
        ({"budget": {"max_cost_usd": 0.06}}, {"price": {"output_usd_per_million": 1e4}}, "exhausted", 6),
        ({"budget": {"max_cost_usd": 0.005, "on_unknown_cost": "estimate"}}, {}, "exhausted", 23),
        ({}, {"extra": {"max_requests": 4}}, "failed", 4),
        ({"max_total_time_seconds": 1}, {"extra": {"max_requests": 9999}}, "exhausted", 5000),
        ({}, {"timeout_seconds": 1, "extra": {"max_requests": 9999}}, "failed", 5000),
    ],
    ids=["tokens", "price", "estimate", "max_requests", "run time", "attempt time"],
)
async def test_an_endless_tool_loop_is_bounded(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, policy: Any, role: Any, reason: str, most: int
) -> None:
    """A model that never stops calling tools is stopped by whatever bounds it, at the very request that goes beyond."""
    monkeypatch.setenv("NOTES", put_tools(stage)["NOTES"])
    talk = Dialogue(work=[calls(("note", {"word": "again"}))])
    with FakeOpenAI(talk) as server:
        agents = [agent(server.url, **{"config": {"model": "unheard-of"}, **role})]
        retry = {"max_retries": 0}
        result = await ask(stage, loop_of(server.url, agents=agents, policy={"retry": retry, **policy}))
    assert result.end.reason.value == reason, result.end
    assert len(talk.asked) == most or (most == 5000 and 1 < len(talk.asked) < most)
    assert result.tokens == 11 * len(stage.marked("noted")) or most == 5000


async def test_what_attempts_use_together_is_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts that work at the same time overdraw a budget by the requests under way, not by a budget each."""
    monkeypatch.setenv("NOTES", put_tools(stage)["NOTES"])
    note = calls(("note", {"word": "again"}))
    talk = Dialogue(first=[says()], each=[note])
    with FakeOpenAI(talk) as server:
        agents = [agent(server.url, extra={"max_requests": 9999})]
        steps = ("first", {"name": "each", "for_each": "[1, 2, 3, 4]", "dependencies": ["first"]})
        policy = {"budget": {"max_tokens": 550}, "allow_parallel": True, "max_concurrency": 4}
        result = await ask(
            stage, loop_of(server.url, *steps, agents=agents, policy=policy, pattern="parallel_fan_out")
        )
    assert result.end.reason.value == "exhausted"
    assert 550 <= result.tokens <= 550 + 4 * 11


@pytest.mark.slow
async def test_a_persons_time_is_not_the_attempts(
    stage: Stage, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No time limit runs out while a person is asked: not the attempt's, also after a summary that had its own."""
    monkeypatch.setenv("NOTES", put_tools(stage)["NOTES"])
    talk = Dialogue(
        beside=[calls(("wait", {"word": "x"})), says()],
        long=[says("tale " * 3000)],
        short=[calls(("note", {"word": "late"})), says("In time.")],
        summary=[says("A tale.")],
    )
    seen = RecordingObserver()
    kernel = make_kernel(stage.project, storage="sqlite")

    async def approve() -> None:
        await asyncio.to_thread(until, lambda: seen.of("approval.request"), "a person is asked")
        await asyncio.sleep(2.5)
        async with kernel.storage() as storage:
            (row,) = await storage.rows()
            await decide(storage, row.run_id, seen.of("approval.request")[0].data["id"], Answer(True, "ann"))
        stage.mark("go").touch()

    with FakeOpenAI(talk) as server:
        short = {"name": "short", "prompt_template": "<short> {steps.long.output}", "dependencies": ["long"]}
        short |= {"context_tokens": 100, "summarizer": "shortener", "timeout_seconds": 2}
        shortener = agent(server.url, "shortener", system_prompt="<summary>") | {"tools": []}
        spec = loop_of(
            server.url,
            "beside",
            "long",
            short,
            agents=[agent(server.url), shortener],
            tools={"note": {"require_approval": True, "timeout_seconds": 2}},
            pattern="parallel_fan_out",
        )
        result, _ = await asyncio.gather(run_loop(kernel, spec, observers=[seen]), approve())
    assert result.end.reason.value == "goal_met", result.end
    assert stage.marked("noted") == ["late"]
    assert talk.asked.count(("summary", 0)) == 1
    assert "tools" not in next(body for body in talk.bodies if "<summary>" in str(body))
    assert [event.attempt for event in seen.of("step.complete") if event.step_name == "short"] == [1]
