"""The provider ``python`` calling functions of every shape, the badly behaved included."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from loopengt_hookspecs.agents import AgentError, AgentReply, MissingRequirement

Bench = Any


# -- calling -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "def fix(request): return {'said': request.prompt}",
        "async def fix(request): return {'said': request.prompt}",
        "def fix(): return {'said': 'hi'}",
        "async def fix(): return {'said': 'hi'}",
        "def fix(request, extra=1, *more, **others): return {'said': request.prompt}",
        "async def later(p): return {'said': p}\ndef fix(request): return later(request.prompt)",
        "class Fix:\n  async def __call__(self, request): return {'said': request.prompt}\nfix = Fix()",
        "import functools\ndef f(x, request): return {x: request.prompt}\nfix = functools.partial(f, 'said')",
    ],
)
async def test_every_shape_of_function_is_called(bench: Bench, source: str) -> None:
    """Sync, async, with and without the request, callable objects and partials all answer."""
    reply = await bench.call(source)
    assert reply.output == {"said": "hi"}
    assert (reply.cost_usd, reply.cost_source) == (None, "unknown")


async def test_a_reply_is_passed_on_as_it_is(bench: Bench) -> None:
    """A function that knows its tokens and cost returns an AgentReply."""
    source = (
        "from loopengt_hookspecs.agents import AgentReply\n"
        "def fix(): return AgentReply('x', {'prompt_tokens': 3}, 0.5, 'reported', {'id': 1})"
    )
    assert await bench.call(source) == AgentReply("x", {"prompt_tokens": 3}, 0.5, "reported", {"id": 1})


async def test_sync_functions_leave_the_event_loop_free(bench: Bench) -> None:
    """Two sync functions that wait for each other both end, so neither blocks the loop nor the other."""
    source = (
        "import threading\nboth = threading.Barrier(2, timeout=10)\n"
        "def fix(request):\n  both.wait()\n  return threading.current_thread().name"
    )
    bench.write("agents.py", source)
    agent = bench.agent("agents:fix")
    replies = await asyncio.gather(agent.invoke(bench.request()), agent.invoke(bench.request()))
    assert all(reply.output != threading.main_thread().name for reply in replies)


async def test_a_hanging_sync_function_is_abandoned_with_a_note(bench: Bench) -> None:
    """When the engine cancels, the call returns at once and the journal says that the thread goes on."""
    bench.write(
        "agents.py",
        "import threading\nfree = threading.Event()\n"
        "def fix(request):\n  (request.workspace / 'begun').touch()\n  free.wait(30)\n  return 'late'",
    )
    agent = bench.agent("agents:fix")
    task = asyncio.create_task(agent.invoke(bench.request()))
    while not (bench.project / "begun").exists():  # noqa: ASYNC110 - another process tells by a file
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    sys.modules["agents"].free.set()
    assert [kind for kind, _ in bench.events] == ["custom"]
    assert "was abandoned; it goes on in its thread" in bench.events[0][1]["note"]


def test_a_hanging_sync_function_does_not_hold_the_exit(bench: Bench) -> None:
    """A process whose agent hangs for ever still exits."""
    bench.write("agents.py", "import time\ndef fix(): time.sleep(600)")
    source = f"""
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
from conftest import Bench
async def main():
    try:
        async with asyncio.timeout(0.2):
            await Bench(Path(sys.argv[1])).invoke()
    except TimeoutError:
        print("timeout")
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", source, str(bench.project)], capture_output=True, timeout=30, check=True
    )
    assert done.stdout == b"timeout\n"


# -- failures ------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "async "])
@pytest.mark.parametrize(
    ("statement", "kind", "base", "words"),
    [
        ("raise ConnectionResetError('gone')", "ConnectionResetError", "ConnectionError", "gone"),
        ("raise TimeoutError", "TimeoutError", "OSError", "raised TimeoutError"),
        ("import sys; sys.exit(3)", "SystemExit", "SystemExit", "3"),
        (
            "import asyncio; raise asyncio.CancelledError",
            "CancelledError",
            "CancelledError",
            "CancelledError",
        ),
    ],
)
async def test_an_exception_becomes_an_agent_error(
    bench: Bench, prefix: str, statement: str, kind: str, base: str, words: str
) -> None:
    """The kind is the exception's class, the kinds its bases; the message says where it was raised."""
    with pytest.raises(AgentError, match=words) as caught:
        await bench.call(f"{prefix}def fix():\n  {statement}\n")
    assert caught.value.kind == kind
    assert base in (caught.value.kind, *caught.value.kinds)
    assert not isinstance(caught.value, MissingRequirement)
    assert f"{bench.project / 'agents.py'}, line 2" in caught.value.message


async def test_a_stop_iteration_is_a_failure_like_others(bench: Bench) -> None:
    """The one exception that cannot travel through a coroutine arrives all the same."""
    with pytest.raises(AgentError) as caught:
        await bench.call("def fix(): next(iter(()))")
    assert caught.value.kind == "StopIteration"


@pytest.mark.parametrize("prefix", ["", "async "])
async def test_an_agent_error_passes_unchanged(bench: Bench, prefix: str) -> None:
    """A function may raise AgentError itself, with its own kind and delay."""
    source = (
        "from loopengt_hookspecs.agents import AgentError\n"
        f"{prefix}def fix(): raise AgentError('busy', kind='RateLimit', retry_after=7.0)"
    )
    with pytest.raises(AgentError) as caught:
        await bench.call(source)
    assert (caught.value.message, caught.value.kind, caught.value.retry_after) == ("busy", "RateLimit", 7.0)


async def test_cancellation_reaches_an_async_function(bench: Bench) -> None:
    """A cancelled attempt cancels the function, which can clean up."""
    bench.write(
        "agents.py",
        "import asyncio\nseen = []\nasync def fix():\n  try:\n    await asyncio.sleep(600)\n"
        "  finally:\n    seen.append('cleaned')",
    )
    agent = bench.agent("agents:fix")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await agent.invoke(bench.request())
    assert sys.modules["agents"].seen == ["cleaned"]
