"""The command ``trace``."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from loopengt_hookspecs.models import parse_event

if TYPE_CHECKING:
    from ..conftest import Site
    from .conftest import Bench

EXPORTERS = """
@hookimpl
def loopengt_register_exporters(register):
    register("count", Count(), summary="Counts the events")
    register("broken", Broken(), summary="Raises")

class Count:
    def export(self, state, events):
        return f"{len(events)} events of {state.loop_name}\\n"

class Broken:
    def export(self, state, events):
        raise ZeroDivisionError("by nothing")
"""


@pytest.fixture
def done(bench: Bench) -> Bench:
    """A project with one run of two laps."""
    bench.loop()
    assert bench.run("run", ".", "-q").returncode == 0
    return bench


@pytest.mark.slow
def test_the_tree_is_the_default(done: Bench) -> None:
    """Laps, attempts, gates and the end are shown as plain text, for the id, a prefix of it, and latest."""
    run_id = done.only_run()["run_id"]
    shown = done.run("trace", "latest")
    assert (shown.returncode, shown.stderr) == (0, "")
    for text in (f"demo  {run_id}  goal_met", "├─ 1 count (lap 1)", "gate enough FAIL", "└─ 2 count (lap 2)"):
        assert text in shown.stdout
    assert shown.stdout.endswith("goal_met: every gate of lap 2 passed\n")
    for name in (run_id, run_id[:12]):
        assert done.run("trace", name, "--format", "tree").stdout == shown.stdout


@pytest.mark.slow
def test_json_is_an_array_of_events(done: Bench) -> None:
    """With --format json stdout is one JSON array of events in the TraceEvent shape."""
    shown = done.run("trace", "latest", "--format", "json")
    kinds = [parse_event(event).event_type.value for event in json.loads(shown.stdout)]
    assert (kinds[0], kinds[-1], kinds.count("gate.pass")) == ("loop.start", "loop.complete", 1)


@pytest.mark.slow
def test_markdown_is_a_report(done: Bench) -> None:
    """With --format markdown stdout is a report with the gate's proof and its feedback."""
    shown = done.run("trace", "latest", "-f", "markdown")
    assert shown.stdout.startswith("# Run of `demo`\n")
    assert "`enough` | **FAIL**" in shown.stdout
    assert "The condition is not met: output.count >= 2\n" in shown.stdout


@pytest.mark.slow
def test_a_registered_exporter_is_a_format(done: Bench, site: Site) -> None:
    """A stranger's exporter is used by its name; one that raises is named with its plugin, exit code 1."""
    site.install("demo-exporters", {"mine": "demo_exporters"}, {"demo_exporters": EXPORTERS})
    environ = site.program_environ()
    shown = done.run("trace", "latest", "-f", "count", PYTHONPATH=environ["PYTHONPATH"])
    assert shown.stdout == "12 events of demo\n", shown.stderr
    broken = done.run("trace", "latest", "-f", "broken", PYTHONPATH=environ["PYTHONPATH"])
    assert (broken.returncode, broken.stdout) == (1, "")
    assert "the exporter 'broken' of the plugin 'mine' failed: ZeroDivisionError: by nothing" in broken.stderr


@pytest.mark.slow
def test_an_unknown_format_is_a_usage_error(done: Bench) -> None:
    """The nearest format is named, with exit code 2."""
    shown = done.run("trace", "latest", "--format", "jsno")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "there is no exporter 'jsno', the nearest is 'json'" in shown.stderr


@pytest.mark.slow
def test_a_name_must_fit_one_run(bench: Bench) -> None:
    """No run, and more than one, is a usage error; looking for one creates nothing."""
    assert bench.run("trace", "latest").returncode == 2
    assert not any(bench.project.iterdir())
    bench.loop(goal="output.count >= 1")
    for _ in range(2):
        assert bench.run("run", ".", "-q").returncode == 0
    shown = bench.run("trace", "2")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert all(run["run_id"] in shown.stderr for run in bench.runs())
    assert "there is no run 'x'" in bench.run("trace", "x").stderr


def damage(bench: Bench, payload: bytes) -> None:
    """Put another payload in the place of the third batch of the only run."""
    import sqlite3

    connection = sqlite3.connect(bench.project / ".loopengt" / "loopengt.db")
    (third,) = connection.execute("SELECT id FROM events ORDER BY id LIMIT 1 OFFSET 2").fetchone()
    connection.execute("UPDATE events SET payload = ? WHERE id = ?", (payload, third))
    connection.commit()
    connection.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"\x00garbage", "a batch of the journal cannot be read"),
        (b'[[7,"step.complete",1.0,"nobody",{}]]', "makes no sense"),
        (b'[[7,"no.such.event",1.0,null,{}]]', "makes no sense"),
    ],
)
@pytest.mark.parametrize("form", ["tree", "json"])
def test_of_a_damaged_journal_the_sound_part_is_shown(
    done: Bench, payload: bytes, words: str, form: str
) -> None:
    """What comes before the damage is shown in full, then the error is on stderr, with exit code 1."""
    damage(done, payload)
    shown = done.run("trace", "latest", "--format", form)
    assert shown.returncode == 1
    assert words in shown.stderr
    assert len(shown.stderr.splitlines()) == 2, "what is wrong, and the remedy"
    assert "Traceback" not in shown.stderr
    if form == "json":
        assert [event["event_type"] for event in json.loads(shown.stdout)][:2] == ["loop.start", "step.start"]
    else:
        assert "1 count (lap 1)" in shown.stdout
        assert shown.stdout.endswith("not ended: running\n")


@pytest.mark.slow
def test_colours_are_for_terminals_only(done: Bench) -> None:
    """On a terminal verdicts are coloured, unless NO_COLOR is set; in a pipe nothing is."""
    assert "\x1b" not in done.run("trace", "latest").stdout
    assert "\x1b[31mFAIL\x1b[0m" in on_terminal(done)
    assert "\x1b" not in on_terminal(done, NO_COLOR="1")


def on_terminal(bench: Bench, **environ: str) -> str:
    """Return what ``trace latest`` writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "loopengt", "trace", "latest"],
        cwd=bench.project,
        env={**os.environ, "TERM": "xterm-256color", **environ},
        stdout=theirs,
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:
            break
        if not data:
            break
        text += data
    os.close(ours)
    assert process.wait(60) == 0
    return text.decode()


@pytest.mark.slow
def test_a_crashed_run_is_traced_with_the_way_on(bench: Bench, hang: str) -> None:
    """What a killed run had done is shown, and how to resume it, on stderr."""
    bench.loop(hang)
    process = bench.start("run", ".", "--quiet")
    bench.pids()
    process.kill()
    process.communicate(timeout=60)
    shown = bench.run("trace", "latest")
    assert shown.returncode == 0
    assert shown.stdout.endswith("not ended: running\n")
    assert f"loopengt resume {bench.only_run()['run_id']}" in shown.stderr
