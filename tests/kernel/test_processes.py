"""Programs started by ``loopengt.processes``: bounded, fed without deadlock, and gone when they should be."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from loopengt.processes import (
    base_environment,
    kill_all_groups,
    run_program,
)
from loopengt_hookspecs.errors import AgentError, MissingRequirement

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = sys.executable


def environment() -> dict[str, str]:
    """What a program gets when nothing is added."""
    return base_environment()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No test may leave a tracked group behind."""
    yield
    assert kill_all_groups() == 0


async def test_a_program_gets_its_input_folder_and_environment(tmp_path: Path) -> None:
    """An argument list is executed without a shell, in the given folder, with just the given variables."""
    script = "import os,sys; print(os.getcwd(), sys.argv[1], sys.stdin.read(), os.environ.get('SECRET'))"
    result = await run_program(
        [PYTHON, "-c", script, "$HOME"], cwd=tmp_path, env=environment(), stdin=b"hello"
    )
    assert result.stdout.decode().split() == [str(tmp_path), "$HOME", "hello", "None"]
    assert (result.exit_code, result.stderr, result.timed_out) == (0, b"", False)


async def test_a_string_goes_through_the_shell(tmp_path: Path) -> None:
    """A string is a shell command, and its exit code is the program's."""
    result = await run_program("echo a | tr a b; echo bad >&2; exit 7", cwd=tmp_path, env=environment())
    assert (result.stdout, result.stderr, result.exit_code) == (b"b\n", b"bad\n", 7)
    assert result.ending == "exit code 7"


async def test_without_input_a_program_reads_nothing(tmp_path: Path) -> None:
    """A program that reads its input when there is none gets an end of file, not our terminal."""
    result = await run_program(["cat"], cwd=tmp_path, env=environment(), timeout=10)
    assert (result.exit_code, result.stdout) == (0, b"")


async def test_a_program_runs_in_a_session_of_its_own(tmp_path: Path) -> None:
    """Session and group are the program's own, so that a Ctrl-C in our terminal does not reach it."""
    script = "import os; print(os.getsid(0) == os.getpgid(0) == os.getpid())"
    result = await run_program([PYTHON, "-c", script], cwd=tmp_path, env=environment())
    assert result.stdout == b"True\n"


async def test_input_larger_than_the_pipe_does_not_deadlock(tmp_path: Path) -> None:
    """Five megabytes go in while five megabytes come out."""
    text = b"0123456789" * 500_000
    result = await run_program(["cat"], cwd=tmp_path, env=environment(), stdin=text, max_output=10_000_000)
    assert result.stdout == text


async def test_a_program_may_close_its_input_early(tmp_path: Path) -> None:
    """A program that never reads a large input ends as usual, with its own exit code."""
    script = "import os, sys; os.close(0); print('done'); sys.exit(3)"
    result = await run_program(
        [PYTHON, "-c", script], cwd=tmp_path, env=environment(), stdin=b"x" * 5_000_000
    )
    assert (result.exit_code, result.stdout) == (3, b"done\n")


async def test_a_hundred_megabytes_stay_out_of_memory(tmp_path: Path) -> None:
    """Of 100 MB both ends are in memory and the whole in a file; our own memory stays below a tenth of it."""
    tracemalloc.start()
    script = "import sys\nfor i in range(100): sys.stdout.write(f'{i:02}' * 500_000)"
    result = await run_program([PYTHON, "-c", script], cwd=tmp_path, env=environment(), timeout=60)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
    assert (result.exit_code, result.out.size, result.out.truncated) == (0, 100_000_000, True)
    assert result.stdout.startswith(b"0000")
    assert result.stdout.endswith(b"9999")
    assert len(result.stdout) < 1_000_100
    assert b"[... 99000000 bytes left out ...]" in result.stdout
    whole = await asyncio.to_thread(result.out.read_all)
    assert len(whole) == 100_000_000
    assert whole[50_000_000:50_000_004] == b"5050"


async def test_an_endless_program_is_ended_in_time(tmp_path: Path) -> None:
    """When the time is up the program is ended, and what it had written is there."""
    began = time.monotonic()
    result = await run_program("echo begun; sleep 600", cwd=tmp_path, env=environment(), timeout=0.3)
    assert result.timed_out
    assert result.exit_code == -signal.SIGTERM
    assert result.stdout == b"begun\n"
    assert result.ending == "signal SIGTERM"
    assert time.monotonic() - began < 3


async def test_a_flood_cannot_hold_the_event_loop(tmp_path: Path) -> None:
    """While a program writes without end, other tasks go on and the time limit strikes."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticker = asyncio.create_task(tick())
    result = await run_program(["yes"], cwd=tmp_path, env=environment(), timeout=0.5)
    ticker.cancel()
    assert result.timed_out
    assert result.out.truncated
    assert ticks >= 5


async def test_the_end_is_seen_without_a_pidfd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no pidfd a thread waits, with the same outcome."""

    def refuse(pid: int, flags: int = 0) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    result = await run_program("echo out; exit 4", cwd=tmp_path, env=environment())
    assert (result.exit_code, result.stdout) == (4, b"out\n")
    late = await run_program(["sleep", "600"], cwd=tmp_path, env=environment(), timeout=0.2)
    assert late.timed_out
    assert late.exit_code == -signal.SIGTERM


async def test_a_lost_exit_code_is_not_a_success(tmp_path: Path) -> None:
    """Where something else collects child processes, a failing program is not reported as a success."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        result = await run_program("exit 1", cwd=tmp_path, env=environment())
    finally:
        signal.signal(signal.SIGCHLD, before)
    assert result.exit_code == 255


async def test_many_programs_at_once_keep_their_outputs_apart(tmp_path: Path) -> None:
    """Forty concurrent programs each return what they were fed."""
    results = await asyncio.gather(
        *(run_program(["cat"], cwd=tmp_path, env=environment(), stdin=f"{n}".encode()) for n in range(40))
    )
    assert [int(result.stdout) for result in results] == list(range(40))


async def test_no_file_descriptor_stays_open(tmp_path: Path) -> None:
    """After ended, fed, timed out and failed starts there are as many open files as before."""

    async def round_trip() -> None:
        await run_program(["cat"], cwd=tmp_path, env=environment(), stdin=b"x" * 200_000, max_output=1_000)
        await run_program(["sleep", "60"], cwd=tmp_path, env=environment(), timeout=0.05)
        with pytest.raises(MissingRequirement):
            await run_program(["no-such-program"], cwd=tmp_path, env=environment())

    await round_trip()
    before = len(list(Path("/proc/self/fd").iterdir()))
    await round_trip()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


async def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    """A missing program, interpreter, folder or permission, and a long argument, have their own messages."""
    (tmp_path / "plain").write_text("echo hi")
    (tmp_path / "odd").write_text("#!/no/such/interpreter\n")
    (tmp_path / "odd").chmod(0o755)
    for name, words in (
        ("nowhere-to-be-found", "not there"),
        ("./odd", "interpreter"),
        ("./plain", "executable"),
    ):
        with pytest.raises(MissingRequirement, match=words):
            await run_program([name], cwd=tmp_path, env=environment())
    with pytest.raises(AgentError, match=r"folder .*gone is not there"):
        await run_program(["true"], cwd=tmp_path / "gone", env=environment())
    with pytest.raises(AgentError, match="longer than the system takes") as caught:
        await run_program(["true", "x" * 200_000], cwd=tmp_path, env=environment())
    assert caught.value.kind == "ArgumentListTooLong"
    with pytest.raises(AgentError, match="null byte") as caught:
        await run_program(["true", "a\0b"], cwd=tmp_path, env=environment())
    assert caught.value.kind == "ValueError"
