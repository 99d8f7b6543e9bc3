"""Runs one program to its end, in a process group of its own, and leaves none of its processes behind."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt.processes.running import RunningProgram

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from loopengt.processes.output import Output
    from loopengt.processes.watching import Watch

__all__ = ["ProgramResult", "keep_whole", "run_program"]


@dataclass(slots=True)
class ProgramResult:
    """How a program ended and what it wrote."""

    exit_code: int
    """Its exit code; negative: the number of the signal that ended it."""
    out: Output
    """Its standard output, with sizes and what is beyond the cap."""
    err: Output
    """Its standard error, likewise."""
    duration_seconds: float
    """Seconds from its start to its end."""
    timed_out: bool = False
    """Whether it was ended because its time was up."""

    @property
    def stdout(self) -> bytes:
        """Standard output, capped; ``out.read_all()`` has the rest."""
        return self.out.data

    @property
    def stderr(self) -> bytes:
        """Standard error, capped; ``err.read_all()`` has the rest."""
        return self.err.data

    @property
    def ending(self) -> str:
        """How it ended, in words: ``exit code 2`` or ``signal SIGKILL``."""
        if self.exit_code >= 0:
            return f"exit code {self.exit_code}"
        try:
            return f"signal {signal.Signals(-self.exit_code).name}"
        except ValueError:
            return f"signal {-self.exit_code}"


async def run_program(
    command: Sequence[str] | str,
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdin: bytes | None = None,
    max_output: int = 1_000_000,
    grace_seconds: float = 2.0,
    timeout: float | None = None,
    watch: Watch | None = None,
) -> ProgramResult:
    """Run a program and wait until it, and all of its process group, is gone.

    The program gets a session of its own: no terminal, and no Ctrl-C of ours. It is over when its main
    process ends; what it left in the background has half a second to close the output and is then ended too.
    (A process that makes a session of its own, a daemon, is out of reach.) When the time is up, or the caller
    is cancelled, the group gets SIGTERM, and SIGKILL after the grace period; a second cancellation kills it
    at once.

    Args:
        command: Argument list, or a string for ``/bin/sh -c``. An argument list reaches no shell.
        cwd: The folder to run in.
        env: The whole environment, see ``base_environment``.
        stdin: What the program reads; None or empty: nothing. It need not read it.
        max_output: Most bytes of each stream to keep in memory; more goes to a temporary file.
        grace_seconds: Seconds between SIGTERM and SIGKILL.
        timeout: Seconds that the program may take; None: no limit.
        watch: Sees its lines as they come, and may end it early.

    Raises:
        MissingRequirement: The program, or its interpreter, is not there or may not be executed.
        AgentError: It cannot be started for another reason; ``kind`` is ``ArgumentListTooLong`` when
            arguments or environment exceed what the system takes.
    """
    program = RunningProgram(command, cwd, env, stdin, max_output, watch)
    cancelled: asyncio.CancelledError | None = None
    timed_out = False
    try:
        try:
            timed_out = not await program.wait(timeout) and (watch is None or watch.ended_by == "timeout")
        except asyncio.CancelledError as error:
            cancelled = error
        cancelled = await program.end(grace_seconds) or cancelled
    except BaseException:
        program.kill()  # the event loop itself is going down: no time for grace
        raise
    finally:
        program.close()
    if cancelled is not None:
        raise cancelled
    if watch is not None:
        watch.finish()
    return ProgramResult(
        program.exit_code, program.out, program.err, program.duration_seconds, timed_out=timed_out
    )


async def keep_whole(output: Output, put_blob: Callable[[bytes], Awaitable[str]]) -> dict[str, Any] | None:
    """Store an output that was truncated, whole, and return what a record should say of it.

    Args:
        output: One stream of a ``ProgramResult``.
        put_blob: Stores bytes and returns their digest, as a request to an agent or a gate offers it.

    Returns:
        ``{"size": bytes, "digest": str}``, with ``"discarded": bytes`` when even the blob is not whole; None
        when nothing was truncated.
    """
    if not output.truncated:
        return None
    digest = await put_blob(await asyncio.to_thread(output.read_all))
    kept = {"size": output.size, "digest": digest}
    return kept | {"discarded": output.discarded} if output.discarded else kept
