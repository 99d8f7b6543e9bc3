"""Servers that die, hang, flood, lie and change their minds."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.tools import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable


async def test_a_server_that_does_not_start_says_why(bench: Any) -> None:
    """The error of a server that ends at once has its exit code and what it said, and can be retried."""
    with pytest.raises(AgentError, match="exit code 1") as caught:
        await bench.bad("exit").offers()
    assert "cannot find my database" in str(caught.value)
    assert caught.value.kind == "ConnectionError"


@pytest.mark.slow
async def test_a_server_that_never_greets_is_given_up(bench: Any) -> None:
    """Connecting has a deadline of its own, though the server hangs without a word."""
    bench.options["connect_seconds"] = 0.5
    began = time.monotonic()
    with pytest.raises(AgentError, match=r"did not greet within 0\.5 seconds") as caught:
        await bench.bad("mute").offers()
    assert caught.value.kind == "TimeoutError"
    assert time.monotonic() - began < 8


async def test_a_call_lost_to_a_dead_server_is_not_repeated(bench: Any) -> None:
    """A tool that does not say that it may be repeated is called once, and its loss is told; the next call works."""
    tool = bench.bad()
    with pytest.raises(ToolError, match=r"may or may not have been done.*SIGKILL") as caught:
        await tool.call("t_wipe")
    assert caught.value.kind == "ConnectionError"
    assert (bench.project / "calls").read_text() == "x"
    assert await tool.call("t_echo", text="again") == "again"


async def test_a_lost_call_that_may_be_repeated_is(bench: Any) -> None:
    """An idempotent tool whose server dies is called again, on a new connection."""
    assert await bench.bad().call("t_die_once") == "done"
    assert (bench.project / "calls").read_text() == "xx"


async def test_the_spec_decides_whether_a_lost_call_is_repeated(bench: Any) -> None:
    """``effects: once`` in the spec holds against a server that calls its tool idempotent."""
    with pytest.raises(ToolError, match="may or may not have been done"):
        await bench.bad(effects="once").call("t_die_once")
    assert (bench.project / "calls").read_text() == "x"


async def test_a_server_killed_from_outside_is_started_again(bench: Any, kill: Callable[[int], None]) -> None:
    """A server that died between two calls is started anew, and a call that only reads does not notice."""
    tool = bench.bad()
    first = int(await tool.call("t_pid"))
    kill(first)
    assert await tool.call("t_echo", text="here") == "here"
    assert int(await tool.call("t_pid")) != first


async def test_a_hanging_call_ends_at_its_deadline(bench: Any) -> None:
    """A call without an answer ends by the tool's own time limit, and two in a row start the server afresh."""
    tool = bench.bad(timeout_seconds=0.2)
    pid = int(await tool.call("t_pid"))
    for _ in range(2):
        with pytest.raises(ToolError, match=r"did not answer within 0\.2 seconds") as caught:
            await tool.call("t_hang")
        assert caught.value.kind == "TimeoutError"
    assert int(await tool.call("t_pid")) != pid


async def test_a_cancelled_call_leaves_the_others_alone(bench: Any) -> None:
    """Cancelling one call neither ends the connection nor looks like its end."""
    tool = bench.bad()
    pid = await tool.call("t_pid")
    asked = asyncio.Event()

    async def wait(question: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    bench.ask = wait
    task = asyncio.create_task(tool.call("t_ask"))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await tool.call("t_pid") == pid


@pytest.mark.slow
async def test_a_flood_of_messages_ends_the_server(bench: Any) -> None:
    """A server that never stops sending notifications is ended, long before the deadline."""
    with pytest.raises(ToolError, match="20,000 messages that nobody asked for"):
        await bench.bad().call("t_flood")


@pytest.mark.slow
async def test_an_endless_message_ends_the_server(bench: Any) -> None:
    """A message without an end takes no more memory than the longest that is allowed."""
    with pytest.raises(ToolError, match="a message of more than 33,554,432 bytes"):
        await bench.bad().call("t_huge")


async def test_a_list_without_an_end_is_refused(bench: Any) -> None:
    """A server that has always one more page of tools is not read for ever."""
    with pytest.raises(ToolError, match="lists tools on more than 100 pages"):
        await bench.bad("endless").offers()


async def test_junk_between_messages_is_passed_over(bench: Any) -> None:
    """Lines that are no messages do not keep an answer from being read."""
    assert await bench.bad().call("t_junk") == "done"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("invalid", "gave an invalid answer: content"),
        ("misfit", r"answer that cannot be used:\n- \$\.n: "),
        ("slow_pattern", r"answer that cannot be used:\n- \$\.a: "),
        ("elsewhere", "answer that cannot be used:\n.* is another document, and none is fetched"),
        ("unkept", "answer that cannot be used:\nit has no structured data"),
    ],
)
async def test_an_invalid_result_names_the_server(bench: Any, name: str, words: str) -> None:
    """A result against the protocol, or the tool's own schema, is an error, which no pattern can hold up for ever."""
    with pytest.raises(ToolError, match=f"the MCP server 'bad' .*{words}"):
        await bench.bad().call(f"t_{name}")


async def test_a_long_text_is_cut_and_kept_whole(bench: Any) -> None:
    """A text above the limit comes with its beginning and the digest of the whole."""
    bench.options["max_result_bytes"] = 10_000
    text = await bench.bad().call("t_long")
    ((digest, whole),) = bench.blobs.items()
    assert len(text.encode()) <= 10_000
    assert text.startswith("ééé")
    assert f"all 400,000 bytes are kept as {digest}" in text
    assert whole.decode() == "é" * 200_000


async def test_long_data_is_kept_whole(bench: Any) -> None:
    """Structured data above the limit is no broken data, but an error with its beginning and digest."""
    with pytest.raises(ToolError, match="the call was done, but its result has") as caught:
        await bench.bad().call("t_long_data")
    ((digest, whole),) = bench.blobs.items()
    assert digest in str(caught.value)
    assert len(json.loads(whole)["rows"]) == 4000


async def test_pictures_and_links_are_notes(bench: Any) -> None:
    """What is no text comes as a note, with its bytes beside the journal."""
    text, image, link = await bench.bad().call("t_picture")
    assert text == "see"
    assert image == {"type": "image", "mime_type": "image/png", "bytes": 3, "blob": image["blob"]}
    assert bench.blobs[image["blob"]] == b"\0\1\2"
    assert link == {"type": "resource_link", "uri": "file:///a", "name": "a"}


async def test_changed_tools_are_offered_at_the_next_attempt(bench: Any) -> None:
    """Tools are read once, until the server says that they have changed; one that is gone cannot be called."""
    tool = bench.bad()
    before = await tool.offers()
    await tool.offers()
    assert (bench.project / "lists").read_text() == "x"
    await tool.call("t_change")
    after = await tool.offers()
    assert after.keys() - before.keys() == {"t_born"}
    assert before.keys() - after.keys() == {"t_junk"}
    with pytest.raises(ToolError, match="offers no t_junk any more"):
        await tool.call("t_junk")


async def test_tools_of_a_silent_server_are_read_each_time(bench: Any) -> None:
    """A server that does not announce changes is asked at each attempt, and what stayed is the same object."""
    tool = bench.bad("silent")
    first, second = await tool.offers(), await tool.offers()
    assert (bench.project / "lists").read_text() == "xx"
    assert first["t_echo"].input_schema is second["t_echo"].input_schema


@pytest.mark.slow
async def test_a_stubborn_server_is_killed(bench: Any, ends: Callable[[int], None]) -> None:
    """A server that minds neither the end of its input nor SIGTERM is gone when its workspace is released."""
    tool = bench.bad("stubborn")
    pid = int(await tool.call("t_pid"))
    await tool.release()
    ends(pid)
