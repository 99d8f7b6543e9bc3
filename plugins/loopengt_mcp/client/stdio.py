"""The connection to a server that is started here: a program that speaks on its standard streams."""

from __future__ import annotations

import asyncio
import signal
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from loopengt.processes.groups import forget, signal_group, track

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator, Callable

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams

    from loopengt_mcp.client.failures import Notes
    from loopengt_mcp.client.servers import Program

__all__ = ["MAX_MESSAGE_BYTES", "program_streams"]

MAX_MESSAGE_BYTES: Final = 32 * 1024 * 1024
"""Most bytes of one message of a server; one that sends more is ended."""
GRACE_SECONDS = 2.0
"""Seconds that a program has to end after its input was closed, and again after SIGTERM."""
_POLL_SECONDS = 0.01


@asynccontextmanager
async def program_streams(
    program: Program, notes: Notes, on_end: Callable[[], None]
) -> AsyncIterator[TransportStreams]:
    """Start a program and exchange messages with it; at the end none of its processes is left.

    Unlike the transport of the ``mcp`` package it bounds the size of a message, keeps what the program writes to
    its standard error, and hands over no environment but the given one.

    Args:
        program: What to start.
        notes: Learns how it ended and what it said.
        on_end: Called when the program has closed its output or its input.
    """
    process = await asyncio.create_subprocess_exec(
        *program.argv,
        cwd=program.cwd,
        env=dict(program.env),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=MAX_MESSAGE_BYTES,
    )
    track(process.pid)
    incoming, messages = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outgoing, unsent = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_read, process, incoming, notes, on_end)
            tasks.start_soon(_write, process, unsent, incoming, on_end)
            tasks.start_soon(_listen, process, notes)
            try:
                yield messages, outgoing
            finally:
                with anyio.CancelScope(shield=True):
                    await _end(process, notes)
                tasks.cancel_scope.cancel()
    finally:
        # The event loop itself may be going down, and the wait above was cut short.
        signal_group(process.pid, signal.SIGKILL)
        with anyio.CancelScope(shield=True):
            await _exits(process, GRACE_SECONDS)
        forget(process.pid)
        for stream in (incoming, messages, outgoing, unsent):
            stream.close()
        _close_pipes(process)


async def _read(
    process: Process,
    incoming: MemoryObjectSendStream[SessionMessage | Exception],
    notes: Notes,
    on_end: Callable[[], None],
) -> None:
    assert process.stdout is not None
    try:
        with suppress(anyio.ClosedResourceError, anyio.BrokenResourceError, ConnectionError):
            while True:
                await incoming.send(_parse(await process.stdout.readuntil(b"\n")))
    except asyncio.IncompleteReadError:
        await _exits(process, 0.2)
        notes.exit = _ending(process.returncode)
    except asyncio.LimitOverrunError:
        notes.blame(f"it sent a message of more than {MAX_MESSAGE_BYTES:,} bytes")
    finally:
        incoming.close()
        on_end()


def _parse(line: bytes) -> SessionMessage | Exception:
    """Read a line; what is no message goes on as the error, so that it is counted."""
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _write(
    process: Process,
    unsent: MemoryObjectReceiveStream[SessionMessage],
    incoming: MemoryObjectSendStream[SessionMessage | Exception],
    on_end: Callable[[], None],
) -> None:
    assert process.stdin is not None
    try:
        async for sent in unsent:
            data = sent.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(data.encode("utf-8", "replace") + b"\n")
            await process.stdin.drain()
    except (OSError, anyio.ClosedResourceError):
        on_end()
        incoming.close()  # or whoever waits for an answer would wait in vain


async def _listen(process: Process, notes: Notes) -> None:
    assert process.stderr is not None
    while chunk := await process.stderr.read(4096):
        notes.hear(chunk.decode("utf-8", "replace"))


async def _end(process: Process, notes: Notes) -> None:
    """Close its input, which asks it to end, and then insist."""
    if process.stdin is not None:
        process.stdin.close()
    for signum in (signal.SIGTERM, signal.SIGKILL):
        if await _exits(process, GRACE_SECONDS):
            break
        signal_group(process.pid, signum)
    await _exits(process, GRACE_SECONDS)
    notes.exit = notes.exit or _ending(process.returncode)


async def _exits(process: Process, seconds: float) -> bool:
    """Wait for the end of the program itself: its pipes may be held open by what it has started."""
    deadline = asyncio.get_running_loop().time() + seconds
    while process.returncode is None:
        if asyncio.get_running_loop().time() >= deadline:
            return False
        await asyncio.sleep(_POLL_SECONDS)
    return True


def _ending(code: int | None) -> str:
    if code is None:
        return "it closed its output"
    if code >= 0:
        return f"it ended with exit code {code}"
    try:
        return f"it ended by signal {signal.Signals(-code).name}"
    except ValueError:
        return f"it ended by signal {-code}"


def _close_pipes(process: Process) -> None:
    # Nothing public closes the pipes that a surviving descendant holds open; unclosed they warn when collected.
    transport = getattr(process, "_transport", None)
    if transport is not None:
        with suppress(PermissionError, ProcessLookupError):
            transport.close()
