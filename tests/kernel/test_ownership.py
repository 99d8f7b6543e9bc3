"""Owner strings name a process, and tell whether it is still there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.ownership import current_owner, describe, is_alive, is_free, lease_lost, run_owned

if TYPE_CHECKING:
    from collections.abc import Iterator

ON_LINUX = sys.platform == "linux"
linux = pytest.mark.skipif(not ON_LINUX, reason="needs /proc")

SCRIPT = """
import sys
from loopengt.ownership import current_owner
print(current_owner(), flush=True)
sys.stdin.read()
"""


def _changed(**facts: Any) -> str:
    return json.dumps(json.loads(current_owner()) | facts)


def _without(key: str) -> str:
    facts = json.loads(current_owner())
    facts.pop(key, None)
    return json.dumps(facts)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """Start another process that prints its owner string and ends with its input."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def _owner_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_this_process_is_alive() -> None:
    """The owner string of this process is compact JSON, always the same, and alive."""
    facts = json.loads(current_owner())
    assert facts["pid"] == os.getpid()
    assert current_owner() == current_owner() == json.dumps(facts, separators=(",", ":"))
    assert is_alive(current_owner()) is True


def test_another_process_is_alive_until_it_ends(process: subprocess.Popen[str]) -> None:
    """A process is alive while it runs, and gone once it has been killed and waited for."""
    owner = _owner_of(process)
    assert owner != current_owner()
    assert is_alive(owner) is True
    process.kill()
    process.wait()
    assert is_alive(owner) is False


@linux
def test_a_zombie_is_gone(process: subprocess.Popen[str]) -> None:
    """A killed process that nobody has waited for, so that its pid still exists, counts as gone."""
    owner = _owner_of(process)
    process.kill()
    deadline = time.monotonic() + 30
    while is_alive(owner) and time.monotonic() < deadline:
        os.sched_yield()
    assert is_alive(owner) is False
    assert os.path.exists(f"/proc/{process.pid}"), "the process was reaped, so this proves nothing"


@linux
def test_a_pid_in_other_use_is_gone() -> None:
    """A living pid with another start time belongs to another process: the owner is gone."""
    assert is_alive(_changed(start=1)) is False


@linux
def test_a_reboot_ends_every_owner() -> None:
    """An owner of this host from before its last boot is gone, whoever has its pid now."""
    assert is_alive(_changed(boot="11111111-2222-3333-4444-555555555555")) is False


def test_other_hosts_and_containers_cannot_be_known() -> None:
    """Of a process on another host, or in another pid namespace of this one, nothing can be said."""
    assert is_alive(_changed(host="elsewhere.example")) is None
    assert is_alive(_changed(host="elsewhere.example", pid=2**30)) is None
    if ON_LINUX:
        assert is_alive(_changed(ns="pid:[1]")) is None


@pytest.mark.parametrize("missing", ["start", "boot", "ns"])
def test_unknown_facts_do_not_contradict(missing: str) -> None:
    """An owner string from a system that tells less, such as macOS, is judged by what it has."""
    assert is_alive(_without(missing)) is True


def test_a_foreign_process_is_alive() -> None:
    """The first process of the system, which others may not signal, is alive."""
    facts = json.loads(_without("start"))
    assert is_alive(json.dumps(facts | {"pid": 1})) is True


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "nobody",
        "null",
        "[]",
        "{}",
        "7",
        '"text"',
        "[" * 100_000,
        '{"host":1,"pid":1}',
        *(_changed(pid=pid) for pid in (0, -1, True, None, "1", 1.0, 2**31, 10**30)),
    ],
)
def test_garbage_is_unknown(garbage: str) -> None:
    """A string that names no process is neither alive nor gone, and still has a description."""
    assert is_alive(garbage) is None
    assert describe(garbage) == "an unknown process"


def test_an_owner_is_described() -> None:
    """A description names pid and host."""
    assert describe('{"host":"build-7","pid":123}') == "process 123 on host build-7"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_another_owner() -> None:
    """After a fork the child has its own owner string, although the parent had asked for its own before."""
    code = (
        "import os, json; from loopengt.ownership import current_owner as owner\n"
        "before = owner(); pid = os.fork()\n"
        "assert json.loads(owner())['pid'] == os.getpid(), owner()\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) if pid else 0)"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_run_is_free_without_a_living_owner() -> None:
    """A run is free without an owner, after its lease, or when the owner is gone; else it is not."""
    soon, long_ago = time.time() + 60, time.time() - 60
    gone = _changed(start=1) if ON_LINUX else _changed(pid=2**31 - 2)
    assert is_free(None, soon)
    assert is_free(current_owner(), long_ago)
    assert is_free("of another host", long_ago)
    assert is_free(gone, soon)
    assert not is_free(current_owner(), soon)
    assert not is_free("of another host", soon)


def test_refusals_name_run_and_owner() -> None:
    """The errors of a refused claim or append name the run, its owner, and what to type next."""
    owned = run_owned("run-1", '{"host":"build-7","pid":123}')
    assert owned.message == "Run run-1 is driven by process 123 on host build-7."
    assert "loopengt stop run-1" in owned.remedy
    assert "is now driven by process" in lease_lost("run-1", current_owner()).message
    assert "was given back" in lease_lost("run-1", None).message
