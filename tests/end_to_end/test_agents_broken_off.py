"""Runs of agents that are interrupted, stopped, killed or exhausted in the midst of their calls."""

from __future__ import annotations

import json
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from loopengt.testing import FakeOpenAI

from .agents_kit import Dialogue, calls, loop_of, put_tools, says, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Stage

    Until = Callable[..., None]

ODD = {"word": "größer \u00a0 \U0001f600 \x00 {x}", "number": 1.0}
"""Arguments that come back from a journal only when nothing is lost on the way."""
EVEN = {"number": 1e-7, "word": "z"}


def listed(stage: Stage) -> dict[str, Any]:
    """Return what ``loopengt runs`` says of the only run."""
    (row,) = json.loads(stage.run("runs", "--json").stdout)
    assert isinstance(row, dict)
    return row


def a_talk() -> Dialogue:
    """Two calls at once, one that lasts, and the end."""
    return Dialogue(work=[calls(("note", ODD), ("note", EVEN)), calls(("wait", {"word": "w"})), says()])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "where"),
    [
        ("interrupt", "tool"),
        ("interrupt", "model"),
        ("stop", "tool"),
        ("stop", "model"),
    ],
)
def test_broken_off_in_the_midst(stage: Stage, until: Until, how: str, where: str) -> None:
    """Interrupted or stopped at once in a call, a run counts its tokens so far, and goes on at that very call."""
    env = put_tools(stage)
    talk = a_talk()
    if where == "model":
        talk.held = {("work", 1)}
    with FakeOpenAI(talk) as server:
        write(stage, loop_of(server.url))
        process = stage.start("run", "loop.yaml", "--in-place", env=env | {"PYTHONASYNCIODEBUG": "1"})
        until(lambda: ("work", 1) in talk.asked, "the second request has come")
        if where == "tool":
            until(lambda: stage.marked("begun"), "the tool is being called")
        if how == "interrupt":
            process.send_signal(signal.SIGINT)
        else:
            assert stage.run("stop", "latest", "--now").returncode == 0
        _, errors = process.communicate(timeout=30)
        assert process.returncode == (130 if how == "interrupt" else 3), errors
        assert "never retrieved" not in errors
        used = 22 if where == "tool" else 11
        assert f"{used} tokens" in errors
        row = listed(stage)
        assert (row["tokens"], row["status"]) == (used, "paused" if how == "interrupt" else "cancelled")
        talk.held.clear()
        talk.go_on.set()
        stage.mark("go").touch()
        done = stage.run("resume", "latest", env=env)
    assert done.returncode == 0, done.stderr
    assert talk.asked == [("work", 0), *[("work", 1)] * (2 if where == "model" else 1), ("work", 2)]
    assert len(stage.marked("noted")) == 2
    assert stage.marked("waited") == ["w"]
    assert listed(stage)["tokens"] == 33


@pytest.mark.slow
def test_a_call_that_may_be_made_once_is_not_repeated(stage: Stage, until: Until) -> None:
    """A call with ``effects: once`` that Ctrl-C has cut short is made again only when a person says so, each time."""
    env = put_tools(stage)
    talk = a_talk()
    with FakeOpenAI(talk) as server:
        write(stage, loop_of(server.url, tools={"wait": {"effects": "once"}}))
        for times, command in enumerate((["run", "loop.yaml", "--in-place"], ["resume", "latest"]), 1):
            process = stage.start(*command, env=env)
            until(lambda times=times: len(stage.marked("begun")) == times, "the tool is being called")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
            asked = stage.run("resume", "latest", env=env)
            assert asked.returncode == 4, asked.stderr
            assert "may or may not have been done" in asked.stderr
            assert stage.run("approve" if times == 1 else "reject", "latest").returncode == 0
        done = stage.run("resume", "latest", env=env)
    assert done.returncode == 0, done.stderr
    assert stage.marked("begun") == ["w", "w"]
    assert "may or may not have been done" in talk.bodies[-1]["messages"][-1]["content"]


@pytest.mark.slow
def test_what_was_done_once_is_not_done_again_by_a_changed_loop(stage: Stage, until: Until) -> None:
    """When the loop is changed in the midst, its agent begins anew, but a call to be made once is asked about first."""
    env = put_tools(stage)
    talk = Dialogue(work=[calls(("send", {"word": "it"})), calls(("wait", {"word": "w"})), says()])
    with FakeOpenAI(talk) as server:
        write(stage, loop_of(server.url))
        process = stage.start("run", "loop.yaml", "--in-place", env=env)
        until(lambda: stage.marked("begun"), "the second tool is being called")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        write(stage, loop_of(server.url, {"name": "work", "prompt_template": "<work> in another way"}))
        stage.mark("go").touch()
        for _ in range(2):  # what was asked stays asked
            asked = stage.run("resume", "latest", "--accept-spec", env=env)
            assert asked.returncode == 4, asked.stderr
        assert stage.marked("sent") == ["it"]
        assert stage.run("reject", "latest").returncode == 0
        done = stage.run("resume", "latest", env=env)
    assert done.returncode == 0, done.stderr
    assert stage.marked("sent") == ["it"]
    assert talk.times["work", 0] == 2


@pytest.mark.slow
def test_a_lost_result_is_made_anew(stage: Stage, until: Until) -> None:
    """A recorded result whose blob is gone is never taken for an empty one: that call is made again, and no other."""
    env = put_tools(stage)
    talk = Dialogue(
        work=[calls(("long", {}), ("note", {"word": "a"})), calls(("wait", {"word": "w"})), says()]
    )
    with FakeOpenAI(talk) as server:
        write(stage, loop_of(server.url))
        process = stage.start("run", "loop.yaml", "--in-place", env=env)
        until(lambda: stage.marked("begun"), "the tool is being called")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        (database,) = (stage.project / ".loopengt").glob("*.db")
        with closing(sqlite3.connect(database, isolation_level=None)) as connection:
            assert connection.execute("DELETE FROM blobs WHERE length(data) > 60000").rowcount == 1
        stage.mark("go").touch()
        done = stage.run("resume", "latest", env=env)
    assert done.returncode == 0, done.stderr
    assert talk.asked == [("work", 0), ("work", 1), ("work", 2)]
    assert stage.marked("noted") == ["a"]
    assert any(str(message["content"]).startswith("tale tale") for message in talk.bodies[-1]["messages"])


@pytest.mark.slow
def test_killed_while_a_tool_waits_for_approval(stage: Stage, until: Until) -> None:
    """Killed while it waits for a person, the run asks the same question, and the approved call is made once."""
    env = put_tools(stage)
    stage.short_lease("sqlite")
    talk = Dialogue(work=[calls(("note", {"word": "free"}), ("send", {"word": "it"})), says()])
    with FakeOpenAI(talk) as server:
        write(stage, loop_of(server.url, tools={"send": {"require_approval": True}}))
        process = stage.start("run", "loop.yaml", "--in-place", "--wait", env=env)
        until(lambda: stage.rows() and "approval.request" in stage.types(), "the question is asked")
        stage.kill(process)
        asked = stage.run("resume", "latest", "--wait", env=env, prefix=("timeout", "-s", "INT", "6"))
        assert asked.returncode in (124, 130, 4), asked.stderr
        assert stage.types().count("approval.request") == 1
        assert stage.run("approve", "latest").returncode == 0
        done = stage.run("resume", "latest", "--wait", env=env)
    assert done.returncode == 0, done.stderr
    assert (stage.marked("noted"), stage.marked("sent")) == (["free"], ["it"])
    assert talk.asked == [("work", 0), ("work", 1)]


@pytest.mark.slow
def test_an_exhausted_budget_is_added_to(stage: Stage) -> None:
    """Exhausted in the midst of a tool loop, a run with more to spend goes on at the open request."""
    env = put_tools(stage)
    talk = Dialogue(work=[*(calls(("note", {"word": str(place)})) for place in range(4)), says()])
    with FakeOpenAI(talk) as server:
        write(stage, loop_of(server.url, policy={"budget": {"max_tokens": 20}}))
        done = stage.run("run", "loop.yaml", "--in-place", env=env)
        assert (done.returncode, listed(stage)["tokens"]) == (3, 22), done.stderr
        assert "budget.max_tokens" in done.stderr
        done = stage.run("resume", "latest", "--add-budget", "tokens=11", env=env)
        assert (done.returncode, listed(stage)["tokens"]) == (3, 33), done.stderr
        done = stage.run("resume", "latest", "--add-budget", "tokens=1000", env=env)
    assert done.returncode == 0, done.stderr
    assert talk.asked == [("work", place) for place in range(5)]
    assert stage.marked("noted") == ["0", "1", "2", "3"]
    assert listed(stage)["tokens"] == 55


@pytest.mark.slow
def test_two_runs_at_once(stage: Stage) -> None:
    """Two processes whose agents call tools in one project disturb each other in nothing."""
    env = put_tools(stage)
    lines = [calls(*[("note", {"word": str(place)})] * 3) for place in range(8)]
    talk = Dialogue(work=[*lines, says()])
    with FakeOpenAI(talk) as server:
        write(stage, loop_of(server.url))
        both = [stage.start("run", "loop.yaml", "--in-place", env=env) for _ in range(2)]
        ended = [(process.communicate(timeout=60)[1], process.returncode) for process in both]
    assert [code for _, code in ended] == [0, 0], ended
    assert len(stage.marked("noted")) == 48
    assert [row.tokens for row in stage.rows()] == [99, 99]
    assert stage.damage() == []


@pytest.mark.slow
def test_forks_archives_and_pruning_keep_calls(stage: Stage, until: Until) -> None:
    """A fork takes over the calls before its place and makes those behind it; large results survive all moves."""
    env = put_tools(stage)
    talk = Dialogue(
        one=[calls(("long", {}), ("note", {"word": "1"})), says("tale " * 20_000)],
        two=[calls(("note", {"word": "2"})), calls(("wait", {"word": "w"})), says()],
    )
    with FakeOpenAI(talk) as server:
        steps = (
            {"name": "one", "checkpoint": True, "memory": {"write": {"content": "{output}"}}},
            {"name": "two", "memory": {"read": {"query": "tale"}}},
        )
        write(stage, loop_of(server.url, *steps))
        process = stage.start("run", "loop.yaml", "--in-place", env=env)
        until(lambda: stage.marked("begun"), "the last tool is being called")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        first = stage.row().run_id
        (saved,) = [
            event.data["checkpoint_id"] for event in stage.events() if event.type == "checkpoint.save"
        ]
        assert stage.run("runs", "prune", "--older-than", "0d", "--yes").returncode == 0
        before = stage.events()
        assert all("lost" not in event.data for event in before)
        archive = str(stage.folder / "run.archive")
        exported = stage.run("runs", "export", first, "-o", archive)
        assert exported.returncode == 0, exported.stderr
        stage.mark("go").touch()
        forked = stage.run("resume", first, "--checkpoint", saved, env=env)
        assert forked.returncode == 0, forked.stderr
        assert talk.times == {("one", 0): 1, ("one", 1): 1, ("two", 0): 2, ("two", 1): 2, ("two", 2): 1}
        assert stage.run("resume", first, env=env).returncode == 0
        assert talk.times["two", 1] == 2
        assert talk.times["two", 2] == 2
        for run in stage.rows():
            assert stage.run("runs", "delete", run.run_id, "--yes").returncode == 0
        assert stage.run("runs", "import", archive).returncode == 0
        assert [event.data for event in stage.events()][1:] == [event.data for event in before][1:]
        resumed = stage.run("resume", "latest", env=env)
    assert resumed.returncode == 0, resumed.stderr
    assert talk.times["two", 1] == 2
    assert stage.damage() == []
