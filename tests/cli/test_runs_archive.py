"""The commands ``runs export`` and ``runs import``."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Bench

pytestmark = pytest.mark.slow  # real processes, seconds each

FIRST = """
import os, pathlib
pathlib.Path("made.txt").write_text("made")
with open(os.environ["MARKS"] + "/first", "a") as calls:
    calls.write("x")
print("x" * 100_000)
"""


@pytest.fixture
def paused(bench: Bench, hang: str) -> str:
    """A run that has done its first step and was interrupted in its second; its id."""
    bench.write("first.py", FIRST)
    bench.loop(
        hang,
        pattern="sequential",
        agents=[
            bench.agent("one", [sys.executable, "first.py"]),
            bench.agent("two", [sys.executable, "agent.py"]),
        ],
        steps=[{"name": "first", "agent": "one"}, {"name": "second", "agent": "two"}],
        policy={},
    )
    process = bench.start("run", ".")
    bench.pids()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    run_id: str = bench.only_run()["run_id"]
    return run_id


@pytest.fixture
def elsewhere(bench: Bench) -> Bench:
    """Another project, on another machine as far as a run can tell."""
    other = type(bench)(bench.project.with_name("elsewhere"), bench.marks)
    other.project.mkdir()
    return other


def hide(bench: Bench) -> None:
    """Take the first project away, so that nothing of it can be used."""
    bench.project.rename(bench.project.with_name("gone"))


def test_a_paused_run_comes_to_its_goal_elsewhere(bench: Bench, paused: str, elsewhere: Bench) -> None:
    """Exported, imported in another folder and resumed, a run ends well, and its first step was executed once."""
    done = bench.run("runs", "export", paused[:-2], "-o", "../carried.zip")
    assert done.returncode == 0, done.stderr
    assert "Exported run" in done.stdout
    hide(bench)
    done = elsewhere.run("runs", "import", "../carried.zip")
    assert done.returncode == 0, done.stderr
    assert f"Imported run {paused}" in done.stdout
    run = elsewhere.only_run()
    assert (run["run_id"], run["status"], run["reason"]) == (paused, "paused", "interrupted")
    elsewhere.go()
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Next:")]
    resumed = elsewhere.type(line.removeprefix("Next:"), elsewhere.project)
    assert resumed.returncode == 0, resumed.stderr
    assert elsewhere.only_run()["reason"] == "goal_met"
    assert (elsewhere.marks / "first").read_text() == "x"
    workspace = elsewhere.project / ".loopengt" / "workspaces" / paused
    assert (workspace / "made.txt").read_text() == "made"
    trace = elsewhere.run("trace", paused)
    assert trace.returncode == 0, trace.stderr
    assert "first" in trace.stdout


def test_a_second_import_says_that_it_is_here(bench: Bench, paused: str, elsewhere: Bench) -> None:
    """The same run again is no error; when it has gone on since, it is one, and it stays as it is."""
    assert bench.run("runs", "export", paused, "-o", "../carried.zip").returncode == 0
    assert elsewhere.run("runs", "import", "../carried.zip").returncode == 0
    again = elsewhere.run("runs", "import", "../carried.zip")
    assert again.returncode == 0
    assert "is here already" in again.stdout
    elsewhere.go()
    assert elsewhere.run("resume", paused, "-q").returncode == 0
    refused = elsewhere.run("runs", "import", "../carried.zip")
    assert refused.returncode == 2
    assert f"loopengt runs delete {paused}" in refused.stderr
    assert elsewhere.only_run()["reason"] == "goal_met"


def test_a_run_without_its_files_can_be_looked_at(bench: Bench, paused: str, elsewhere: Bench) -> None:
    """With --no-workspace the journal comes along: trace shows the run, and resume says what is missing."""
    done = bench.run("runs", "export", "latest", "--no-workspace")
    assert done.returncode == 0, done.stderr
    file = bench.project / f"{paused}.loopengt.zip"
    assert file.exists()
    hide(bench)
    moved = bench.project.with_name("gone") / file.name
    done = elsewhere.run("runs", "import", str(moved))
    assert done.returncode == 0, done.stderr
    assert "without its files" in done.stderr
    assert elsewhere.run("trace", paused).returncode == 0
    resumed = elsewhere.run("resume", paused)
    assert resumed.returncode == 2
    assert "is gone" in resumed.stderr
    assert elsewhere.run("runs", "delete", paused, "--yes").returncode == 0


def test_a_driven_run_is_refused(bench: Bench, hang: str) -> None:
    """A run that another process drives is not exported; the message says which process that is."""
    bench.loop(hang)
    process = bench.start("run", ".")
    bench.pids()
    done = bench.run("runs", "export", "latest", "-o", "run.zip")
    assert done.returncode == 2
    assert f"process {process.pid} " in done.stderr
    assert not (bench.project / "run.zip").exists()
    bench.go()
    process.communicate(timeout=60)


def test_an_existing_file_is_not_overwritten(bench: Bench, paused: str) -> None:
    """An export refuses a name that is taken, and a folder that does not exist, and leaves nothing there."""
    (bench.project / "mine").write_text("mine")
    done = bench.run("runs", "export", paused, "-o", "mine")
    assert (done.returncode, (bench.project / "mine").read_text()) == (2, "mine")
    assert "exists already" in done.stderr
    done = bench.run("runs", "export", paused, "-o", "none/run.zip")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_a_damaged_file_is_refused(bench: Bench, paused: str, elsewhere: Bench) -> None:
    """A file that was damaged on its way is refused with exit code 2, and neither run nor workspace is left."""
    assert bench.run("runs", "export", paused, "-o", "../carried.zip").returncode == 0
    file = elsewhere.project.parent / "carried.zip"
    raw = bytearray(file.read_bytes())
    raw[200] ^= 1
    file.write_bytes(raw)
    done = elsewhere.run("runs", "import", str(file))
    assert done.returncode == 2
    assert "is damaged" in done.stderr
    assert elsewhere.runs() == []
    assert not (elsewhere.project / ".loopengt" / "workspaces").exists()


def test_a_file_that_unpacks_to_too_much(bench: Bench, paused: str, elsewhere: Bench) -> None:
    """--max-size bounds what a file may unpack to."""
    with (bench.project / ".loopengt" / "workspaces" / paused / "zeros").open("wb") as zeros:
        zeros.truncate(3_000_000)
    assert bench.run("runs", "export", paused, "-o", "../carried.zip").returncode == 0
    done = elsewhere.run("runs", "import", "../carried.zip", "--max-size", "2")
    assert done.returncode == 2
    assert "--max-size" in done.stderr
    assert elsewhere.run("runs", "import", "../carried.zip", "--max-size", "4").returncode == 0


SUB_AGENT = """
import os, pathlib, time
with open(os.environ["MARKS"] + "/" + os.environ["LOOPENGT_STEP"], "a") as calls:
    calls.write("x")
if os.environ["LOOPENGT_STEP"] == "second":
    (pathlib.Path(os.environ["MARKS"]) / "pids").write_text("0")
    while not os.path.exists(os.environ["MARKS"] + "/go"):
        time.sleep(0.02)
print("done")
"""


def test_a_sub_loop_goes_on_elsewhere(bench: Bench, elsewhere: Bench) -> None:
    """A run that was interrupted in a sub-loop takes it along, and goes on in the middle of it."""
    bench.write("sub.py", SUB_AGENT)
    agents = [bench.agent("one", [sys.executable, "sub.py"])]
    steps = [{"name": "first", "agent": "one"}, {"name": "second", "agent": "one"}]
    common: dict[str, Any] = {"goal": "Do it.", "agents": agents}
    bench.write("child.yaml", json.dumps({"name": "child", "steps": steps, **common}))
    outer = [{"name": "before", "agent": "one"}, {"name": "inner", "loop": "child.yaml"}]
    bench.write("loop.yaml", json.dumps({"name": "parent", "steps": outer, **common}))
    process = bench.start("run", ".")
    bench.pids()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    done = bench.run("runs", "export", "latest", "-o", "../carried.zip")
    assert done.returncode == 0, done.stderr
    assert "and 1 run of a sub-loop" in done.stdout
    hide(bench)
    assert elsewhere.run("runs", "import", "../carried.zip").returncode == 0
    elsewhere.go()
    resumed = elsewhere.run("resume", "latest", "-q")
    assert resumed.returncode == 0, resumed.stderr
    assert [(elsewhere.marks / name).read_text() for name in ("before", "first", "second")] == [
        "x",
        "x",
        "xx",
    ]


STORAGES: list[tuple[str, str]] = [("sqlite", "jsonl"), ("jsonl", "sqlite")]


@pytest.mark.parametrize(("source", "target"), STORAGES)
def test_storages_need_not_be_the_same(bench: Bench, elsewhere: Bench, source: str, target: str) -> None:
    """A run goes from one kind of storage into another and is the same there."""
    bench.loop()
    assert bench.run("-o", f"storage.name={source}", "run", ".", "-q").returncode == 0
    assert (
        bench.run("-o", f"storage.name={source}", "runs", "export", "latest", "-o", "../run.zip").returncode
        == 0
    )
    assert elsewhere.run("-o", f"storage.name={target}", "runs", "import", "../run.zip").returncode == 0
    shown = [
        place.run("-o", f"storage.name={name}", "trace", "latest", "--format", "json").stdout
        for place, name in ((bench, source), (elsewhere, target))
    ]
    assert shown[0].count("step.complete") == shown[1].count("step.complete") == 2


def test_an_imported_run_can_be_merged(bench: Bench, paused: str, elsewhere: Bench) -> None:
    """What a run did before and after its journey is brought into a project with the files that it began with."""
    for name in ("first.py", "agent.py", "loop.yaml"):
        (elsewhere.project / name).write_bytes((bench.project / name).read_bytes())
    assert bench.run("runs", "export", paused, "-o", "../carried.zip").returncode == 0
    assert elsewhere.run("runs", "import", "../carried.zip").returncode == 0
    elsewhere.go()
    done = elsewhere.run("resume", paused, "--merge")
    assert done.returncode == 0, done.stderr
    assert (elsewhere.project / "made.txt").read_text() == "made"
    assert not (elsewhere.project / ".loopengt" / "workspaces" / paused).exists()
