"""Recording and replaying whole runs: what comes back, what is compared, and what is refused."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from loopengt import UsageError
from loopengt.redaction import keep_secret
from loopengt.testing import ScriptedAgent, loop_spec
from loopengt_hookspecs.agents import AgentError, AgentReply
from loopengt_hookspecs.models import EndReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest

    from .conftest import Studio

CHECK = """
import sys, pathlib, time
text, goal = (pathlib.Path(name).read_text() for name in ("n.txt", "goal.txt"))
print(f"has {text}, after {time.time()} s")
sys.exit(text != goal)
"""
"""A gate that passes when n.txt says what goal.txt says, and never says the same twice."""


def counting(request: AgentRequest) -> AgentReply:
    """Count in a file of the workspace, and say where it is."""
    file = request.workspace / "n.txt"
    file.write_text(str(request.occurrence))
    usage = {"prompt_tokens": 100, "completion_tokens": 7}
    return AgentReply(f"wrote {file} of {request.run_id}", token_usage=usage, cost_usd=0.25)


async def test_a_run_is_replayed_without_its_agent(
    studio: Studio, repeating: Any, files_of: Callable[[Path], dict[str, bytes]]
) -> None:
    """Laps, gates and files come out the same, nothing is spent, and every reply says that it is replayed."""
    spec = repeating(sys.executable, "-c", CHECK)
    studio.write("n.txt", "0")
    studio.write("goal.txt", "3")
    copy = studio.copy()
    recorded = await studio.record(ScriptedAgent(steps={"mend": counting}), spec)
    assert (recorded.end.reason, recorded.tokens, recorded.cost_usd) == (EndReason.GOAL_MET, 321, 0.75)
    assert studio.names() == ["mend.1.1", "mend.2.1", "mend.3.1"]

    replayed = await studio.replay(copy, spec)
    assert (replayed.end, replayed.tokens, replayed.cost_usd) == (recorded.end, 0, 0.0)
    assert replayed.output == f"wrote {copy}/n.txt of {replayed.run_id}"
    assert files_of(copy) == files_of(studio.project)
    kernel = studio.kernel(copy)
    response, *others = await studio.events(kernel, replayed.run_id, "agent.response")
    assert response["metadata"] == {
        "replayed": True,
        "recorded": {"token_usage": {"prompt_tokens": 100, "completion_tokens": 7}, "cost_usd": 0.25},
    }
    assert len(others) == 2
    assert [
        note["replayed"] for note in await studio.events(kernel, replayed.run_id, "custom")
    ] == studio.names()
    assert len(await studio.events(kernel, replayed.run_id, "gate.fail")) == 2
    assert studio.replayer.notes() == []


async def test_gates_really_run_in_a_replay(studio: Studio, repeating: Any) -> None:
    """A gate that has become stricter refuses the recorded work, and the lap that nobody recorded is missing."""
    studio.write("n.txt", "0")
    studio.write("goal.txt", "3")
    copy = studio.copy()
    (copy / "goal.txt").write_text("9")
    spec = repeating(sys.executable, "-c", CHECK)
    await studio.record(ScriptedAgent(steps={"mend": counting}), spec)
    result = await studio.replay(copy, spec)
    assert (result.end.reason, result.can_resume) == (EndReason.FAILED, True)
    assert "asks for the call mend.4.1, which is not in the recording" in result.end.detail
    assert "it has mend.1.1, mend.2.1, mend.3.1" in result.end.detail


async def test_a_request_that_differs_is_shown(studio: Studio) -> None:
    """The error is a unified diff of the requests, ends the run at once, and the agent is not called."""
    copy = studio.copy()
    await studio.record(
        ScriptedAgent("fine"), loop_spec({"name": "work", "prompt_template": "One\nTwo\nThree"})
    )
    result = await studio.replay(copy, loop_spec({"name": "work", "prompt_template": "One\n2\nThree"}))
    assert result.end.reason is EndReason.FAILED
    for line in ("--- recorded", "+++ now", "   One", "-  Two", "+  2", "   Three"):
        assert line in result.end.detail.splitlines()
    (error,) = await studio.events(studio.kernel(copy), result.run_id, "agent.error")
    assert error["kinds"][0] == "CassetteMismatch"
    assert error["fatal"] is True


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"model": "m-2"}, ["-model: null", "+model: m-2"]),
        ({"system_prompt": "Be kind."}, ["-system_prompt: ", "+system_prompt: Be kind."]),
        ({"context": {"colour": "red"}}, ['+ "colour": "red"']),
    ],
)
async def test_all_of_a_request_is_compared(studio: Studio, change: dict[str, Any], shown: list[str]) -> None:
    """Model, system prompt and context count as well as the prompt."""
    copy = studio.copy()
    await studio.record(ScriptedAgent("fine"), loop_spec())
    role: dict[str, Any] = {"name": "worker", "config": {"provider": "scripted"}}
    fields: dict[str, Any] = {"agents": [role]}
    if "model" in change:
        role["config"]["model"] = change["model"]
    elif "system_prompt" in change:
        role["system_prompt"] = change["system_prompt"]
    else:
        fields["context"] = change["context"]
    result = await studio.replay(copy, loop_spec(**fields))
    for line in shown:
        assert line in result.end.detail, result.end.detail


async def test_what_differs_each_time_can_be_ignored(studio: Studio) -> None:
    """An option names patterns that are not compared."""
    copy = studio.copy()
    await studio.record(
        ScriptedAgent("fine"), loop_spec({"name": "work", "prompt_template": "Build 17 of it."})
    )
    changed = loop_spec({"name": "work", "prompt_template": "Build 18 of it."})
    assert (await studio.replay(copy, changed)).end.reason is EndReason.FAILED
    studio.config = {"plugins": {"cassettes": {"ignore": [r"Build \d+"]}}}
    assert (await studio.replay(copy, changed)).output == "fine"


async def test_failures_are_replayed_with_their_retries(studio: Studio) -> None:
    """A failed attempt fails in the same way, so that the loop takes the same course."""
    copy = studio.copy()
    error = AgentError("no answer from /nowhere", kind="ConnectionError", token_usage={"prompt_tokens": 3})
    recorded = await studio.record(ScriptedAgent(error, "fine"), loop_spec())
    assert studio.names() == ["work.1.1", "work.1.2"]
    replayed = await studio.replay(copy, loop_spec())
    assert (replayed.end, replayed.output, replayed.tokens) == (recorded.end, "fine", 0)
    (failed,) = await studio.events(studio.kernel(copy), replayed.run_id, "agent.error")
    assert (failed["error"], failed["kinds"][0]) == ("no answer from /nowhere", "ConnectionError")


async def test_an_agent_that_was_too_slow_is_too_slow_again(studio: Studio) -> None:
    """An attempt that was cut off is recorded with what it had done, and replayed as a timeout, without the wait."""
    import asyncio

    async def slow(request: AgentRequest) -> str:
        (request.workspace / f"{request.attempt}.txt").write_text("begun")
        if request.attempt == 1:
            await asyncio.Event().wait()
        return "done"

    role = {"name": "worker", "config": {"provider": "scripted"}, "timeout_seconds": 0.3}
    copy = studio.copy()
    await studio.record(ScriptedAgent(steps={"work": slow}), loop_spec(agents=[role]))
    assert studio.cassette("work.1.1")["error"]["kind"] == "TimeoutError"
    assert list((studio.tape / "open").iterdir()) == []
    result = await studio.replay(copy, loop_spec(agents=[role]))
    assert result.output == "done"
    assert sorted(path.name for path in copy.glob("*.txt")) == ["1.txt", "2.txt"]


async def test_files_come_back_as_they_were(
    studio: Studio, files_of: Callable[[Path], dict[str, bytes]]
) -> None:
    """Binary and large contents, modes, links, deletions and new folders; what belongs to git or caches is left out."""
    studio.write("old/deep/gone.txt", "x")
    studio.write("folder", "a file that becomes a folder")
    studio.write("same.txt", "same")
    studio.write("mode.sh", "#!/bin/sh\n")
    copy = studio.copy()

    def work(request: AgentRequest) -> str:
        root = request.workspace
        (root / "old/deep/gone.txt").unlink()
        (root / "old/deep").rmdir()
        (root / "old").rmdir()
        (root / "folder").unlink()
        (root / "folder").mkdir()
        (root / "folder/new.txt").write_text("grüße\r\n")
        (root / "binary.bin").write_bytes(bytes(range(256)) * 40)
        (root / "large.txt").write_text("line\n" * 5000)
        (root / "empty").write_bytes(b"")
        (root / "mode.sh").chmod(0o755)
        (root / "link").symlink_to("same.txt")
        for left_out in (".git/config", "__pycache__/a.pyc", ".pytest_cache/x"):
            (root / left_out).parent.mkdir(exist_ok=True)
            (root / left_out).write_text("no")
        return "done"

    await studio.record(ScriptedAgent(steps={"work": work}), loop_spec())
    patch = studio.cassette("work.1.1")["patch"]
    assert sorted(patch) == sorted(
        [
            "old/deep/gone.txt",
            "folder",
            "folder/new.txt",
            "binary.bin",
            "large.txt",
            "empty",
            "mode.sh",
            "link",
        ]
    )
    assert patch["folder/new.txt"] == {"mode": patch["folder/new.txt"]["mode"], "text": "grüße\r\n"}
    assert len(list((studio.tape / "blobs").iterdir())) == 2
    await studio.replay(copy, loop_spec())
    expected = {
        name: content
        for name, content in files_of(studio.project).items()
        if not name.startswith((".git/", "__pycache__/", ".pytest_cache/"))
    }
    assert files_of(copy) == expected
    assert (copy / "mode.sh").stat().st_mode & 0o777 == 0o755
    assert os.readlink(copy / "link") == "same.txt"
    assert not (copy / "old").exists()


async def test_a_file_that_has_changed_since_is_overwritten_and_told(studio: Studio) -> None:
    """The recorded work is what the gates see; the journal names the files that were not as they were."""
    studio.write("n.txt", "0")
    copy = studio.copy()
    (copy / "n.txt").write_text("something else")
    await studio.record(ScriptedAgent(steps={"work": counting}), loop_spec())
    result = await studio.replay(copy, loop_spec())
    assert (copy / "n.txt").read_text() == "1"
    (note,) = await studio.events(studio.kernel(copy), result.run_id, "custom")
    assert note["overwritten"] == ["n.txt"]


async def test_secrets_reach_no_cassette(studio: Studio) -> None:
    """A key is kept out of requests, outputs, errors, and the files of a patch."""
    keep_secret("swordfish-0123456789")
    copy = studio.copy()

    def leak(request: AgentRequest) -> str:
        (request.workspace / "small.env").write_text("KEY=swordfish-0123456789")
        (request.workspace / "large.env").write_text("KEY=swordfish-0123456789\n" * 900)
        if request.attempt == 1:
            raise AgentError("bad key swordfish-0123456789", kind="ConnectionError")
        return f"used swordfish-0123456789, was asked {request.prompt}"

    spec = loop_spec({"name": "work", "prompt_template": "With swordfish-0123456789"})
    await studio.record(ScriptedAgent(steps={"work": leak}), spec)
    kept = [path.read_bytes() for path in studio.tape.rglob("*") if path.is_file()]
    assert kept
    assert not any(b"swordfish" in content for content in kept)
    result = await studio.replay(copy, spec)
    assert result.output.startswith("used [redacted], was asked With [redacted]")


async def test_words_in_braces_stay_what_they_are(studio: Studio) -> None:
    """An output that speaks of a placeholder by its name comes back as it was."""
    copy = studio.copy()
    said = "{workspace} {{workspace}} {{{run_id}}} {project}"
    await studio.record(ScriptedAgent(said), loop_spec())
    assert (await studio.replay(copy, loop_spec())).output == said


async def test_unused_calls_are_told(studio: Studio) -> None:
    """What the loop no longer asks for is noted by name."""
    copy = studio.copy()
    await studio.record(ScriptedAgent("a", "b"), loop_spec("one", "two"))
    await studio.replay(copy, loop_spec("one"))
    assert studio.replayer.notes() == ["1 recorded call was not asked for: two.1.1"]


def test_a_recording_is_not_mixed_with_other_files(studio: Studio) -> None:
    """A folder with files, or without a recording, is refused before anything is executed."""
    kernel = studio.kernel(studio.project)
    studio.tape.mkdir()
    (studio.tape / "letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="is no empty folder"):
        studio.recorder(kernel)
    with pytest.raises(UsageError, match="there is no recording in"):
        kernel.get("middleware", "replay").of(studio.tape)
    with pytest.raises(UsageError, match="has to begin with its run"):
        studio.recorder(kernel, "some-run")


async def test_another_run_is_not_recorded_over(studio: Studio) -> None:
    """A folder holds one run."""
    await studio.record(ScriptedAgent("a"), loop_spec())
    with pytest.raises(UsageError, match="holds a recording already"):
        studio.recorder(studio.kernel(studio.project))


async def test_the_middleware_can_be_configured_for_every_run(studio: Studio) -> None:
    """Named in config.toml, runs are recorded into folders of their own, and replayed from the one that is named."""
    studio.config = {"engine": {"middleware": ["record"]}, "plugins": {"cassettes": {"record": "tapes"}}}
    copy = studio.copy()
    from loopengt.testing import run_loop

    first = await run_loop(studio.kernel(studio.project, ScriptedAgent("a")), loop_spec())
    second = await run_loop(studio.kernel(studio.project, ScriptedAgent("b")), loop_spec())
    folders = sorted(path.name for path in (studio.project / "tapes").iterdir())
    assert folders == sorted([first.run_id, second.run_id])
    options = {"replay": str(studio.project / "tapes" / second.run_id)}
    studio.config = {"engine": {"middleware": ["replay"]}, "plugins": {"cassettes": options}}
    assert (await run_loop(studio.kernel(copy), loop_spec())).output == "b"
