"""Runs whose agents ask a model of a fake service, over a real socket, by the built-in adapter."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loopengt import hookimpl
from loopengt.testing import FakeOpenAI, RecordingObserver, loop_spec, run_loop
from loopengt_hookspecs.engines import RunResult
from loopengt_hookspecs.models import Effects, EndReason

from .kit import kernel_with

KEY = "sk-live-fedcba9876543210"
SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number", "maximum": 1}},
    "required": ["score"],
    "additionalProperties": False,
}


class Adder:
    """A builtin tool; ``parties`` calls wait for each other."""

    description = "Adds two numbers."
    input_schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    }
    output_schema = None
    effects = Effects.NONE
    options = None

    def __init__(self, parties: int = 1) -> None:
        self.barrier = asyncio.Barrier(parties)
        self.calls = 0

    async def call(self, call: Any, options: Any) -> int:
        """Add."""
        self.calls += 1
        await self.barrier.wait()
        return int(call.arguments["a"] + call.arguments["b"])


class Service:
    """A fake service, and runs against it."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.server = FakeOpenAI()
        self.adder = Adder()
        self.seen = RecordingObserver()
        self.options: dict[str, Any] = {}

    async def run(self, *answers: Any, agent: dict[str, Any] | None = None, **spec: Any) -> RunResult:
        """Run a loop of one step with these answers of the model."""
        for answer in answers:
            self.server.answer(**({"text": answer} if isinstance(answer, str) else answer))
        given = {"name": "writer", **(agent or {})}
        config = {"provider": "openai-compatible", "model": "m1", **given.get("config", {})}
        key = {} if "api_key" in config.get("extra", {}) else {"api_key_env": "FAKE_SERVICE_KEY"}
        config["extra"] = {"base_url": self.server.url, **key, **config.get("extra", {})}
        step = spec.pop("step", {"name": "work", "prompt_template": "Write."})

        @hookimpl
        def loopengt_register_tools(register: Any) -> None:
            register("add", self.adder, summary="Adds")

        hooks = SimpleNamespace(loopengt_register_tools=loopengt_register_tools)
        kernel = kernel_with(self.project, plugins=[("adder", hooks)], **self.options)
        tools = [{"name": "add", "tool_type": "builtin"}] if given.get("tools") else []
        loop = loop_spec(step, agents=[{**given, "config": config}], tools=tools, **spec)
        context = loop.pop("given", {})
        return await run_loop(kernel, loop, observers=[self.seen], context=context)

    def bodies(self) -> list[dict[str, Any]]:
        """The bodies of all requests."""
        return [request.body for request in self.server.requests]

    def data(self, event_type: str) -> list[dict[str, Any]]:
        """The data of the events of one type."""
        return [event.data for event in self.seen.of(event_type)]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A fake service without answers, which echoes, and a key for it."""
    monkeypatch.setenv("FAKE_SERVICE_KEY", "key-of-the-fake-service")
    found = Service(tmp_path)
    yield found
    found.server.close()


def call(name: str = "add", **arguments: Any) -> dict[str, Any]:
    """A tool call of an answer."""
    return {"name": name, "arguments": arguments}


async def test_text_comes_back_with_its_tokens(service: Service) -> None:
    """The answer is the step's output, and the run has its tokens; what was declared is in the request."""
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "cached_tokens": 8}
    agent = {
        "system_prompt": "Be brief.",
        "config": {"temperature": 0.2, "max_tokens": 99, "extra": {"settings": {"seed": 5}}},
    }
    result = await service.run({"text": "Here it is.", "usage": usage}, agent=agent)
    assert (result.end.reason, result.output, result.tokens) == (EndReason.GOAL_MET, "Here it is.", 15)
    (body,) = service.bodies()
    assert [message["content"] for message in body["messages"]] == ["Be brief.", "Write."]
    assert (body["model"], body["temperature"], body["seed"]) == ("m1", 0.2, 5)
    assert 99 in (body.get("max_tokens"), body.get("max_completion_tokens"))
    (response,) = service.data("agent.response")
    assert response["token_usage"] == {"prompt_tokens": 12, "completion_tokens": 3, "cached_tokens": 8}
    assert (response["metadata"]["model"], response["metadata"]["requests"]) == ("m1", 1)
    assert "".join(data["text"] for data in service.data("agent.progress")) == "Here it is."


@pytest.mark.parametrize("stream", [True, False])
async def test_tools_are_called_and_their_results_read(service: Service, stream: bool) -> None:
    """The model's calls reach the tool, its results the model, and each is an event of the journal."""
    answers = [{"tool_calls": [call(a=2, b=3)]}, {"tool_calls": [call(a=5, b=5)]}, "It is 10."]
    agent = {"tools": ["add"], "config": {"extra": {"stream": stream}}}
    result = await service.run(*answers, agent=agent)
    assert (result.output, service.adder.calls) == ("It is 10.", 2)
    bodies = service.bodies()
    assert [tool["function"]["name"] for tool in bodies[0]["tools"]] == ["add"]
    assert [message["content"] for message in bodies[2]["messages"] if message["role"] == "tool"] == [
        "5",
        "10",
    ]
    kinds = [kind for kind in service.seen.types() if kind.split(".")[0] in ("model", "tool")]
    assert kinds == ["tool.offer", *["model.request", "model.response", "tool.call", "tool.result"] * 2,
                     "model.request", "model.response"]  # fmt: skip


async def test_ten_calls_are_made_at_once(service: Service) -> None:
    """Ten calls of one answer run at the same time, and the model gets the results in the order of its calls."""
    service.adder = Adder(parties=10)
    calls = [call(a=n, b=100) for n in range(10)]
    result = await service.run({"tool_calls": calls}, "done", agent={"tools": ["add"]})
    assert result.output == "done"
    told = [message["content"] for message in service.bodies()[1]["messages"] if message["role"] == "tool"]
    assert told == [str(100 + n) for n in range(10)]


async def test_the_model_reads_what_was_wrong_with_its_calls(service: Service) -> None:
    """An unknown tool, arguments that do not fit and arguments that are no JSON come back as text."""
    broken = {"name": "add", "arguments": '{"a": 1, '}
    answers = [{"tool_calls": [call("subtract"), call(a="x", b=1), broken]}, "sorry"]
    result = await service.run(*answers, agent={"tools": ["add"]})
    assert (result.output, service.adder.calls) == ("sorry", 0)
    told = [message["content"] for message in service.bodies()[1]["messages"] if message["role"] == "tool"]
    assert "there is no tool 'subtract'" in told[0]
    assert "$.a" in told[1]
    assert "must be a JSON object" in told[2]
    assert len(service.data("tool.error")) == 3


async def test_an_endless_tool_loop_fails_the_run(service: Service) -> None:
    """A model that never answers is asked max_requests times, and the run fails."""
    answers = [{"tool_calls": [call(a=1, b=1)]}] * 5
    result = await service.run(*answers, agent={"tools": ["add"], "config": {"extra": {"max_requests": 5}}})
    assert result.end.reason == EndReason.FAILED
    assert service.data("agent.error")[0]["kinds"][0] == "TooManyRequests"
    assert len(service.server.requests) == 5


async def test_a_budget_ends_a_tool_loop(service: Service) -> None:
    """Tokens are debited after each request: the run ends as exhausted in the midst of the loop."""
    usage = {"prompt_tokens": 40, "completion_tokens": 10}
    answers = [{"tool_calls": [call(a=1, b=1)], "usage": usage}] * 9
    policy = {"budget": {"max_tokens": 120}}
    result = await service.run(*answers, agent={"tools": ["add"]}, policy=policy)
    assert result.end.reason == EndReason.EXHAUSTED
    assert len(service.server.requests) == 3


@pytest.mark.parametrize("mode", ["auto", "native", "tool", "prompt"])
async def test_a_wrong_structured_answer_is_corrected(service: Service, mode: str) -> None:
    """In each mode a wrong answer is sent back over the wire, and the right one is the output, as data."""

    def said(value: Any) -> dict[str, Any]:
        return {"tool_calls": [call("final_result", **value)]} if mode == "tool" else {"json": value}

    agent = {"output_schema": SCORE, "config": {"extra": {"output_mode": mode}}}
    result = await service.run(said({"score": 7}), said({"score": 0.5}), agent=agent)
    assert (result.end.reason, result.output) == (EndReason.GOAL_MET, {"score": 0.5})
    first, second = service.bodies()
    assert ("response_format" in first) == (mode in ("auto", "native"))
    assert first.get("tool_choice") == ("required" if mode == "tool" else None)
    assert "greater than the maximum" in second["messages"][-1]["content"]


async def test_an_agent_with_tools_and_a_schema(service: Service) -> None:
    """Both are there at once: tools first, the structured answer in the end."""
    answers: list[Any] = [{"tool_calls": [call(a=1, b=0)]}, {"json": {"score": 1}}]
    result = await service.run(*answers, agent={"tools": ["add"], "output_schema": SCORE})
    assert (result.output, service.adder.calls) == ({"score": 1}, 1)


async def test_a_failed_request_is_repeated_alone(service: Service) -> None:
    """After a server error the next attempt goes on at the open request: no call is made twice."""
    answers = [{"tool_calls": [call(a=1, b=1)]}, {"error": "server_error"}, "two"]
    result = await service.run(*answers, agent={"tools": ["add"]})
    assert (result.output, service.adder.calls, len(service.server.requests)) == ("two", 1, 3)
    assert len(service.data("agent.error")) == 1


async def test_after_wrong_answers_an_attempt_begins_afresh(service: Service) -> None:
    """Where a spec has OutputError retried, the next attempt asks anew and does not repeat recorded answers."""
    agent = {"output_schema": SCORE, "config": {"extra": {"max_output_corrections": 0}}}
    policy = {"retry": {"initial_delay_seconds": 0, "retryable_errors": ["OutputError"]}}
    result = await service.run({"json": {}}, {"json": {"score": 1}}, agent=agent, policy=policy)
    assert result.output == {"score": 1}
    assert len(service.bodies()[1]["messages"]) == 1


async def test_a_rate_limit_is_waited_out(service: Service) -> None:
    """A 429 that names its wait is no failed attempt, and the calls before it are kept."""
    answers = [{"tool_calls": [call(a=1, b=1)]}, {"error": "rate_limited", "retry_after": 0.05}, "two"]
    result = await service.run(*answers, agent={"tools": ["add"]})
    assert (result.output, service.adder.calls, service.data("agent.error")) == ("two", 1, [])


async def test_a_prompt_is_never_a_template_twice(service: Service) -> None:
    """Braces and template syntax in what fills a prompt reach the model as they are."""
    nasty = "{goal} {{goal}} {% for x in y %} {{ 7 * 7 }} {0.__class__} %(a)s $HOME"
    step = {"name": "work", "prompt_template": "Look at: {note}"}
    result = await service.run(step=step, context={"note": nasty})
    assert result.output == f"echo: Look at: {nasty}"


async def test_a_service_needs_no_key(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no key is named, none is sent, whatever key of another service the environment holds."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    result = await service.run("ok", agent={"config": {"provider": "ollama", "extra": {"api_key": None}}})
    assert result.output == "ok"
    assert "authorization" not in service.server.requests[0].headers


async def test_an_alias_names_the_model(service: Service) -> None:
    """A model by its alias is asked for by its own name."""
    service.options = {"aliases": {"fast": "openai-compatible:tiny-1"}}
    result = await service.run("ok", agent={"config": {"model": "fast"}})
    assert (result.output, service.bodies()[0]["model"]) == ("ok", "tiny-1")


async def test_a_missing_key_ends_the_run_with_its_remedy(service: Service) -> None:
    """Without its key nothing is sent, nothing is retried, and the run says what to type."""
    result = await service.run(agent={"config": {"extra": {"api_key_env": "NO_SUCH_KEY"}}})
    assert result.end.reason == EndReason.FAILED
    (error,) = service.data("agent.error")
    assert error["error"].endswith("export NO_SUCH_KEY=...")
    assert service.server.requests == []


async def test_a_run_goes_on_once_a_refused_key_is_mended(service: Service) -> None:
    """A key that the service does not take ends the run, resumable: the calls before are not made again."""
    tools = {"tools": ["add"], "system_prompt": ""}
    failed = await service.run({"tool_calls": [call(a=1, b=2)]}, {"error": "unauthorized"}, agent=tools)
    assert (failed.end.reason, failed.can_resume) == (EndReason.FAILED, True)


async def test_an_echoed_key_stays_out_of_the_journal(
    service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    """A key from a file that a service repeats, in an error and in an answer, is nowhere in the record or the log."""
    key_file = service.project / ".loopengt" / "key"
    key_file.parent.mkdir(exist_ok=True)
    key_file.write_text(KEY)
    key_file.chmod(0o600)
    agent = {"config": {"extra": {"api_key": {"file": ".loopengt/key"}}}}
    failed = await service.run({"error": "unauthorized"}, agent=agent)
    assert service.server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert failed.end.reason == EndReason.FAILED
    assert service.data("agent.error")[0]["kinds"][0] == "AuthenticationError"
    told = await service.run(f"Your key is {KEY}.", agent=agent)
    assert told.output == "Your key is [redacted]."
    record = "".join(map(repr, service.seen.events))
    assert "[redacted]" in record
    assert KEY not in record
    assert KEY not in "".join(capfd.readouterr())


@pytest.mark.slow
def test_an_echoed_key_stays_out_of_files_and_output(service: Service) -> None:
    """The same by the command line: neither what is printed nor any file of the project holds the key."""
    service.server.answer(error="unauthorized")
    (service.project / ".loopengt").mkdir()
    extra = {"base_url": service.server.url}
    agents = [{"name": "a", "config": {"provider": "openai", "model": "m1", "extra": extra}}]
    (service.project / "loop.yaml").write_text(json.dumps(loop_spec(agents=agents)))
    environ = {key: value for key, value in os.environ.items() if not key.startswith("LOOPENGT_")}
    done = subprocess.run(
        [sys.executable, "-m", "loopengt", "run", "loop.yaml", "--in-place"],
        cwd=service.project,
        env=environ | {"OPENAI_API_KEY": KEY, "XDG_STATE_HOME": str(service.project / "state")},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr.decode()
    assert b"Incorrect API key provided" in done.stdout + done.stderr
    assert service.server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    files = [path for path in service.project.rglob("*") if path.is_file()]
    assert len(files) > 1
    for text in (done.stdout, done.stderr, *(path.read_bytes() for path in files)):
        assert KEY.encode() not in text
