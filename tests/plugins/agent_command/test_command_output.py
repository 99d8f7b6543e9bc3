"""What the provider ``command`` makes of a program's output and ending, the badly behaved included."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loopengt_hookspecs.agents import AgentError

Bench = Any

# -- output --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printed", "mode", "expected"),
    [
        ('{"a": [1]}\n', "auto", {"a": [1]}),
        ("[1, 2]", "auto", [1, 2]),
        ("42\n", "auto", "42"),
        ('"text"', "auto", '"text"'),
        ("{not json", "auto", "{not json"),
        ('{"a": NaN}', "auto", '{"a": NaN}'),
        ("  two\nlines\n\n", "auto", "  two\nlines"),
        ('{"a": 1}', "text", '{"a": 1}'),
        ("42", "json", 42),
        ("\ufeff null", "json", None),
        (
            'log line\n{"n": 1}\n\n{"type": "result", "n": 2}\n{"n": 3}\n',
            "ndjson",
            {"type": "result", "n": 2},
        ),
        ('{"n": 1}\n{"n": 2}\n', "ndjson", [{"n": 1}, {"n": 2}]),
    ],
)
async def test_output_is_read_as_asked(bench: Bench, printed: str, mode: str, expected: object) -> None:
    """Each mode reads the same bytes in its own way."""
    assert (await bench.invoke(["cat"], printed, output=mode)).output == expected


async def test_junk_among_ndjson_is_counted(bench: Bench) -> None:
    """Lines that are no objects are skipped, and the record says how many."""
    reply = await bench.invoke(["cat"], 'Warning: x\n{"n": 1}\n[1]\n17\n', output="ndjson")
    assert (reply.output, reply.metadata["junk_lines"]) == ([{"n": 1}], 3)


@pytest.mark.parametrize(
    ("mode", "printed"), [("json", "not json"), ("ndjson", "only\njunk"), ("json", "[" * 9999)]
)
async def test_output_that_breaks_its_promise_is_a_failure(bench: Bench, mode: str, printed: str) -> None:
    """What was declared as JSON and is none fails the attempt, with the output's end in the message."""
    with pytest.raises(AgentError, match="is not JSON") as caught:
        await bench.invoke(["cat"], printed, output=mode)
    assert caught.value.kind == "InvalidOutput"
    assert printed[-20:] in caught.value.message


async def test_reported_tokens_and_cost_are_kept(bench: Bench) -> None:
    """Counts and dollars that the output object states are reported; nonsense among them is left out."""
    printed = {"token_usage": {"prompt_tokens": 5, "x": "many", "y": -1, "z": 10**30}, "cost_usd": 0.25}
    reply = await bench.invoke(["cat"], json.dumps(printed))
    assert reply.token_usage == {"prompt_tokens": 5}
    assert (reply.cost_usd, reply.cost_source) == (0.25, "reported")
    for nonsense in (True, "1", -1, 10**400, None):
        reply = await bench.invoke(["cat"], json.dumps({"cost_usd": nonsense}))
        assert (reply.cost_usd, reply.cost_source) == (None, "unknown")


async def test_a_result_that_reports_an_error_is_a_failure(bench: Bench) -> None:
    """A coding agent that exits with 0 but says is_error has failed."""
    line = json.dumps({"type": "result", "subtype": "success", "is_error": True, "result": "429 overloaded"})
    with pytest.raises(AgentError, match="429 overloaded") as caught:
        await bench.invoke(["cat"], line, output="ndjson")
    assert caught.value.kind == "ReportedError"


async def test_invalid_utf8_is_replaced_and_noted(bench: Bench) -> None:
    """Bytes that are no UTF-8 do not fail the attempt; the record says that they were there."""
    reply = await bench.invoke(r"printf 'ok \377\376'")
    assert reply.output == "ok ��"
    assert reply.metadata["stdout_invalid_utf8"] is True


@pytest.mark.slow
async def test_a_hundred_megabytes_are_cut_and_kept_beside(bench: Bench) -> None:
    """The result holds both ends; the whole is in a blob that the record names."""
    reply = await bench.invoke("head -c 100000000 /dev/zero | tr '\\0' 'x'; echo END")
    assert len(reply.output) < 1_000_100
    assert reply.output.endswith("xEND")
    kept = reply.metadata["stdout_truncated"]
    assert kept == {"size": 100_000_004, "digest": kept["digest"]}
    assert len(bench.blobs[kept["digest"]]) == 100_000_004


async def test_json_beyond_the_cap_names_the_option(bench: Bench) -> None:
    """JSON that was cut is not half read: the error says which option to raise."""
    with pytest.raises(AgentError, match="Raise max_output_bytes above 20002"):
        await bench.invoke(["cat"], f'"{"x" * 20_000}"', output="json", max_output_bytes=1_000)


# -- endings -------------------------------------------------------------------------


async def test_a_failing_program_says_why(bench: Bench) -> None:
    """An exit code that is no success is an error with the end of standard error."""
    with pytest.raises(AgentError, match=r"exit code 3\nboom") as caught:
        await bench.invoke("echo fine; echo boom >&2; exit 3")
    assert caught.value.kind == "ExitCode"
    with pytest.raises(AgentError, match=r"signal SIGKILL\nonly this"):
        await bench.invoke("echo only this; kill -9 $$")


async def test_other_exit_codes_can_mean_success(bench: Bench) -> None:
    """success_codes replaces the 0."""
    assert (await bench.invoke("echo found; exit 1", success_codes=[0, 1])).output == "found"
    with pytest.raises(AgentError, match="exit code 0"):
        await bench.invoke("echo found", success_codes=[1])


async def test_silence_is_a_failure_unless_allowed(bench: Bench) -> None:
    """Exit code 0 without output fails, and names the option that allows it."""
    with pytest.raises(AgentError, match="allow_empty: true") as caught:
        await bench.invoke("echo hint >&2; echo")
    assert caught.value.kind == "EmptyOutput"
    assert "hint" in caught.value.message
    for mode, expected in (("auto", ""), ("text", ""), ("json", None), ("ndjson", [])):
        assert (await bench.invoke(["true"], allow_empty=True, output=mode)).output == expected


@pytest.mark.slow
async def test_an_agent_that_never_ends_is_gone_with_its_children(bench: Bench) -> None:
    """When the engine cancels, a program that ignores SIGTERM and has forked is gone within 3 seconds."""
    source = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork(); os.fork()\n"
        "open(f'pid-{os.getpid()}', 'w').close(); time.sleep(600)"
    )
    agent = bench.agent([sys.executable, "-c", source])
    task = asyncio.create_task(agent.invoke(bench.request("go")))
    deadline = time.monotonic() + 10
    while len(list(bench.workspace.glob("pid-*"))) < 4:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 3
    for file in bench.workspace.glob("pid-*"):
        stat = Path("/proc", file.name.removeprefix("pid-"), "stat")
        assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in "ZX"


async def test_no_temporary_file_stays(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a success and after a failure the folder for temporary files is empty."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    await bench.invoke(["cat"], "x" * 10_000, max_output_bytes=1_000)
    with pytest.raises(AgentError):
        await bench.invoke(["false"], "x")
    assert list(folder.iterdir()) == []
