"""The command ``watch``: occasions that overlap, signals, and a second watcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .watch_kit import post, webhook

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Bench
    from .watch_kit import Watching

    Until = Callable[..., None]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("overlap", "words", "runs"),
    [
        (None, "Occasion 2 is skipped: a run is under way (overlap: skip).", 1),
        ("queue", "Occasion 2 waits for the run under way to end; 1 in the queue.", 2),
        ("parallel", "Occasion 2 of webhook, at 20", 2),
    ],
)
def test_occasions_that_overlap(
    bench: Bench,
    watching: Callable[..., Watching],
    wait_until: Until,
    port: int,
    hang: str,
    overlap: str | None,
    words: str,
    runs: int,
) -> None:
    """While a run is under way the next occasion is skipped, waits, or has its run beside it, and a line says so."""
    bench.loop(hang, "true", trigger=webhook(port, **({"overlap": overlap} if overlap else {})))
    watch = watching(*(("--max-runs", "2") if overlap else ()))
    post(port, wait_until)
    bench.pids()
    post(port, wait_until)
    watch.says(words)
    if overlap == "parallel":
        wait_until(lambda: (bench.marks / "calls").read_text() == "xx")
    else:
        assert len(bench.runs()) == 1
    bench.go()
    watch.says("goal_met: ", runs)
    if overlap is None:
        watch.interrupt()
    assert watch.ends() == (0 if overlap else 130), watch.said
    assert len(bench.runs()) == runs


def test_ctrl_c_ends_the_waiting(bench: Bench, watching: Callable[..., Watching]) -> None:
    """Nothing was started, and nothing is left to resume."""
    bench.loop(trigger={"trigger_type": "schedule", "config": {"every": "1h"}})
    watch = watching()
    watch.interrupt()
    assert watch.ends() == 130
    assert "Interrupted: no more runs are started." in watch.said
    assert "Traceback" not in watch.said
    assert bench.runs() == []


@pytest.mark.slow
def test_ctrl_c_pauses_what_is_under_way_and_drops_what_waits(
    bench: Bench,
    watching: Callable[..., Watching],
    wait_until: Until,
    port: int,
    hang: str,
    gone: Callable[[int], bool],
) -> None:
    """The run can be resumed as that of ``run`` can, its programs are gone, and the queue is dropped with a word."""
    bench.loop(hang, "output.count >= 1", trigger=webhook(port, overlap="queue"))
    watch = watching()
    post(port, wait_until)
    pids = bench.pids()
    post(port, wait_until)
    watch.says("1 in the queue")
    watch.interrupt()
    assert watch.ends() == 130
    assert "what is under way is being paused" in watch.said
    assert "1 waiting occasion is dropped" in watch.said
    assert all(gone(pid) for pid in pids)
    assert bench.only_run()["status"] == "paused"
    bench.go()
    assert bench.run("resume", "latest").returncode == 0


@pytest.mark.slow
def test_a_second_watcher_is_refused_as_long_as_the_first_lives(
    bench: Bench, watching: Callable[..., Watching]
) -> None:
    """The message names the process; the lock of one that was killed holds nobody up, and another loop has its own."""
    every = {"trigger_type": "schedule", "config": {"every": "1h"}}
    bench.loop(trigger=every)
    first = watching()
    refused = bench.run("watch", "loop.yaml")
    assert refused.returncode == 2
    assert f"is being watched already, by process {first.process.pid} on host" in refused.stderr
    bench.write("other.yaml", (bench.project / "loop.yaml").read_text().replace("1h", "1s"))
    assert "a run starts" in bench.run("watch", "other.yaml", "--once").stderr
    first.kill()
    again = watching()
    again.interrupt()
    assert again.ends() == 130
