"""Runs that are sent while they are driven: nothing is held up, and nothing fails, whatever the receiver does."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from loopengt.testing import loop_spec
from loopengt_hookspecs.agents import AgentError

from .receivers import Answer, GrpcReceiver, HttpReceiver, attributes, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .lab import Lab
    from .receivers import Receiver


@pytest.fixture(params=["http", "grpc"])
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    """Both kinds of receivers."""
    made: Receiver = HttpReceiver() if request.param == "http" else GrpcReceiver()
    yield made
    made.close()  # type: ignore[attr-defined]


@pytest.fixture
def live(lab: Lab) -> Lab:
    """A lab whose runs are watched."""
    lab.observed = True
    lab.agent.script("work", *["done"] * 200)
    return lab


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.01)


def counts(lab: Lab) -> Any:
    """What became of the spans."""
    return lab.kernel.get("observers", "otel").counts


def laps(number: int) -> dict[str, Any]:
    """A loop of that many executions of a step."""
    return loop_spec(pattern="repeat", stop_conditions=[{"condition_type": "max_turns", "value": number}])


async def test_all_spans_are_there_when_the_run_ends(live: Lab, receiver: Receiver) -> None:
    """A watched run's spans have arrived when it returns."""
    result = await live.to(receiver).run(loop_spec())

    assert receiver.tree() == ["invoke_workflow demo", "  step work", "    invoke_agent worker"]
    assert attributes(receiver.named("step work")[0])["loopengt.run.id"] == result.run_id


async def test_spans_are_sent_while_the_run_goes_on(live: Lab, http: HttpReceiver) -> None:
    """What has ended arrives long before the run does."""

    async def slow(_: Any) -> str:
        await until(lambda: bool(http.spans))
        return "done"

    live.agent.script("late", slow)
    result = await live.to(http).run(loop_spec("work", "late"))

    assert result.end.reason.value == "goal_met"
    assert [span.name for span in http.received[:2]] == ["invoke_agent worker", "step work"]


async def test_a_receiver_that_hangs_holds_nothing_up(live: Lab, receiver: Receiver) -> None:
    """While the receiver keeps a request, the run goes on; its end waits no longer than it was told to."""
    receiver.gate.clear()
    began = time.monotonic()
    result = await live.to(receiver, flush_seconds=0.3, batch_size=1).run(laps(50))

    assert result.end.detail
    assert time.monotonic() - began < 3
    receiver.gate.set()


async def test_a_receiver_that_is_down_costs_no_run(live: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody listens: the run ends as without us, and one line says that spans were lost, and how to send them."""
    live.options = {"endpoint": f"http://127.0.0.1:{free_port()}", "flush_seconds": 0.2}
    result = await live.run(laps(20))

    assert result.end.reason.value != "failed"
    said = capsys.readouterr().err
    assert said.count("not all spans have reached the receiver") == 1
    assert "loopengt export RUN --to otel" in said


@pytest.mark.parametrize("status", [400, 500])
async def test_a_receiver_that_refuses_costs_no_run(
    live: Lab, http: HttpReceiver, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refused batch is lost, counted and told once, and not tried again."""
    http.always = Answer(status, b"no good")
    result = await live.to(http, batch_size=4).run(laps(20))

    assert result.end.reason.value != "failed"
    assert counts(live).failed == 41
    said = capsys.readouterr().err
    assert said.count("spans were not sent") == 1
    assert f"answers {status}: no good" in said
    assert "lost=41" in said


async def test_a_short_outage_loses_nothing(live: Lab, http: HttpReceiver) -> None:
    """A receiver that asks to come again later gets everything."""
    http.answers = [Answer(503, headers={"retry-after": "0"}), Answer(429, headers={"retry-after": "0"})]
    await live.to(http).run(loop_spec())

    assert len(http.spans) == 3
    assert len(http.requests) == 3


async def test_a_full_queue_drops_and_counts(
    live: Lab, http: HttpReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """When more wait than may, further ones are dropped and counted, with one warning."""
    http.gate.clear()
    await live.to(http, queue_size=10, batch_size=5, flush_seconds=0.1).run(laps(45))

    assert 91 - 10 - 5 <= counts(live).dropped <= 91 - 10  # a batch of 5 may be under way
    said = capsys.readouterr().err
    assert said.count("queue is full") == 1
    http.gate.set()
    await until(lambda: counts(live).sent + counts(live).dropped == 91)
    assert len(http.spans) == counts(live).sent


async def test_the_thread_ends_with_the_run(live: Lab, receiver: Receiver) -> None:
    """When a run has ended and all is sent, no thread of ours is left; the next run begins another."""
    others = set(threading.enumerate())

    def is_ours(thread: threading.Thread) -> bool:
        return thread.name == "loopengt-otel" and thread not in others

    for _ in range(2):
        await live.to(receiver).run(loop_spec())
        await until(lambda: not [thread for thread in threading.enumerate() if is_ours(thread)])

    assert len(receiver.spans) == 6


@pytest.mark.parametrize("variable", ["OTEL_SDK_DISABLED=true", "OTEL_TRACES_EXPORTER=none"])
async def test_it_can_be_switched_off(
    live: Lab, http: HttpReceiver, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard switches turn the observer off."""
    monkeypatch.setenv(*variable.split("="))
    await live.to(http).run(loop_spec())

    assert not http.requests


async def test_an_interrupted_attempt_is_told_when_the_run_fails(live: Lab, http: HttpReceiver) -> None:
    """A run that fails in the midst of parallel steps leaves no span open."""
    begun = asyncio.Event()

    async def slow(_: Any) -> None:
        begun.set()
        await asyncio.sleep(30)

    async def bad(_: Any) -> None:
        await begun.wait()
        raise AgentError("no")

    live.agent.script("bad", bad)
    live.agent.script("slow", slow)
    policy = {"allow_parallel": True, "fail_fast": True, "retry": {"max_retries": 0}}
    result = await live.to(http).run(loop_spec("bad", "slow", pattern="parallel_fan_out", policy=policy))

    assert result.end.reason.value == "failed"
    assert {span.name for span in http.received} >= {"invoke_workflow demo", "step bad", "step slow"}
    cut = http.named("step slow")[0]
    assert cut.end_time_unix_nano > cut.start_time_unix_nano
