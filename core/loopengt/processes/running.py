"""A program that runs: its pipes, its end, and the end of its process group."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from loopengt.processes.groups import collect, forget, group_alive, signal_group, track
from loopengt.processes.output import Output
from loopengt.processes.start import start_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loopengt.processes.watching import Watch

__all__ = ["RunningProgram"]

DRAIN_SECONDS = 0.5
"""How long a background process may keep the output open after the program itself has ended."""
SPOOL_BYTES = 256_000_000
"""Most bytes of one stream that are kept on disk."""
UNKNOWN_EXIT_CODE = 255
"""Stands for an exit code that something else in this process has collected: never a success."""
_KILL_SECONDS = 5.0
_PIPE_BYTES = 1 << 16


class RunningProgram:
    """A running program, its pipes and its process group."""

    def __init__(
        self,
        command: Sequence[str] | str,
        cwd: Path,
        env: Mapping[str, str],
        stdin: bytes | None,
        keep: int,
        watch: Watch | None = None,
    ) -> None:
        self._watch_output = watch
        self._loop = asyncio.get_running_loop()
        self._began = time.monotonic()
        self._ended: float | None = None
        self._process = start_program(command, cwd, env, feeds=bool(stdin))
        self.group = self._process.pid
        track(self.group)
        self.out, self.err = Output(keep, SPOOL_BYTES), Output(keep, SPOOL_BYTES)
        self._unread: dict[int, tuple[IO[bytes], Output]] = {}
        self._unwritten = memoryview(stdin or b"")
        self._pidfd: int | None = None
        self._exited = self._loop.create_future()
        self._closed = self._loop.create_future()
        try:
            self._connect()
        except BaseException:
            self.kill()
            self.close()
            raise

    async def wait(self, seconds: float | None) -> bool:
        """Wait for the end of the main process, then briefly for its output's; False: the time was up."""
        if self._watch_output is not None:
            if not await self._watch_output.wait(self._exited, seconds):
                return False
        else:
            await asyncio.wait([self._exited], timeout=seconds)
        if not self._exited.done():
            return False
        if self._unread:
            await asyncio.wait([self._closed], timeout=DRAIN_SECONDS)
        return True

    async def end(self, grace_seconds: float) -> asyncio.CancelledError | None:
        """Return when no process of the group runs any more, with the cancellation that arrived meanwhile."""
        cancelled = None
        kill_at: float | None = None
        give_up_at = float("inf")
        pause = 0.002
        while self._alive() and (now := time.monotonic()) < give_up_at:
            if kill_at is None:
                signal_group(self.group, signal.SIGTERM)
                signal_group(self.group, signal.SIGCONT)  # a stopped process would not see it
                kill_at = now + grace_seconds
            elif now >= kill_at and give_up_at == float("inf"):
                signal_group(self.group, signal.SIGKILL)
                # A process that hangs inside the kernel cannot be ended by anyone.
                give_up_at = now + _KILL_SECONDS
            try:
                await asyncio.sleep(pause)
            except asyncio.CancelledError as error:
                cancelled, kill_at = error, 0.0
            pause = min(2 * pause, 0.05)
        return cancelled

    def close(self) -> None:
        """Take what is left in the pipes and release everything."""
        for fd in list(self._unread):
            # As much as a pipe can hold; a daemon that goes on writing must not keep us.
            for _ in range(16):
                if not self._read(fd):
                    break
            self._drop(fd)
        self._drop_stdin()
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None
        if self._process.returncode is not None and not group_alive(self.group):
            forget(self.group)

    def kill(self) -> None:
        """Kill the group and collect the main process, without the event loop."""
        signal_group(self.group, signal.SIGKILL)
        self._reap()

    @property
    def exit_code(self) -> int:
        """The exit code, or minus the signal; to be asked after ``end``."""
        code = self._process.returncode
        return -signal.SIGKILL if code is None else code

    @property
    def duration_seconds(self) -> float:
        """Seconds from the start to the end, or to now."""
        return (self._ended or time.monotonic()) - self._began

    def _connect(self) -> None:
        process = self._process
        for pipe, output in ((process.stdout, self.out), (process.stderr, self.err)):
            if pipe is None:
                continue
            os.set_blocking(pipe.fileno(), False)
            self._unread[pipe.fileno()] = (pipe, output)
            self._loop.add_reader(pipe.fileno(), self._read, pipe.fileno())
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._write()
            if not process.stdin.closed:
                self._loop.add_writer(process.stdin.fileno(), self._write)
        self._watch()

    def _watch(self) -> None:
        try:
            self._pidfd = os.pidfd_open(self.group)
        except (AttributeError, OSError):  # not Linux, or a sandbox that does not know it
            threading.Thread(target=self._await_exit, daemon=True).start()
        else:
            self._loop.add_reader(self._pidfd, self._on_exit)

    def _await_exit(self) -> None:
        self._reap()
        with suppress(RuntimeError):  # the event loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._on_exit)

    def _on_exit(self) -> None:
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            self._reap()
        if not self._exited.done():
            self._exited.set_result(None)

    def _reap(self) -> None:
        if self._process.returncode is not None:
            return
        try:
            _, status = os.waitpid(self.group, 0)
            code = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            # Popen.wait would call this a success.
            code = UNKNOWN_EXIT_CODE
        self._ended = time.monotonic()
        self._process.returncode = code

    def _alive(self) -> bool:
        if self._process.returncode is None:
            return True
        collect(self.group)
        return group_alive(self.group)

    def _read(self, fd: int) -> bool:
        """Take what a pipe holds; False when it holds nothing now."""
        output = self._unread[fd][1]
        try:
            chunk = os.read(fd, _PIPE_BYTES)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            chunk = b""
        if not chunk:
            self._drop(fd)
            return False
        output.feed(chunk)
        if self._watch_output is not None:
            self._watch_output.feed(chunk, lines=output is self.out)
        return True

    def _drop(self, fd: int) -> None:
        pipe, _ = self._unread.pop(fd, (None, None))
        if pipe is not None:
            self._loop.remove_reader(fd)
            pipe.close()
        if not self._unread and not self._closed.done():
            self._closed.set_result(None)

    def _write(self) -> None:
        pipe = self._process.stdin
        if pipe is None:
            return
        try:
            written = os.write(pipe.fileno(), self._unwritten[:_PIPE_BYTES])
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            written = len(self._unwritten)  # it has closed its input: it need not read everything
        self._unwritten = self._unwritten[written:]
        if not self._unwritten:
            self._drop_stdin()

    def _drop_stdin(self) -> None:
        pipe = self._process.stdin
        if pipe is not None and not pipe.closed:
            self._loop.remove_writer(pipe.fileno())
            pipe.close()
