"""``run_command`` and the tool type ``builtin``: what is allowed, what is refused, and what comes back."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.tools import ToolError

Bench = Any
ANY = {"allow_any": True}


async def test_a_program_runs_in_the_workspace(bench: Bench) -> None:
    """How it ended and both outputs come back; a failure is a result, and nothing at all is said, too."""
    bench.write("sub/x", "")
    assert (
        await bench.call("run_command", {"allow": ["ls"]}, command=["ls"]) == "exit code 0\n--- stdout\nsub"
    )
    assert await bench.call("run_command", ANY, command=["ls"], cwd="sub") == "exit code 0\n--- stdout\nx"
    said = await bench.call("run_command", ANY, command=["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert said == "exit code 3\n--- stdout\nout\n--- stderr\nerr"
    assert await bench.call("run_command", ANY, command=["true"]) == "exit code 0\nIt printed nothing."


async def test_only_allowed_commands_run(bench: Bench, contents: Callable[[], dict[str, bytes]]) -> None:
    """A command must begin with the words of an allowed one; a name in another place or with more to it is another."""
    bench.write("echo", "#!/bin/sh\ntouch owned\n").chmod(0o755)
    options = {"allow": ["echo", "git status"]}
    before = contents()
    assert await bench.call("run_command", options, command=["echo", "; rm -rf ."]) == (
        "exit code 0\n--- stdout\n; rm -rf ."
    )
    for command in (["rm", "-rf", "."], ["git", "clean"], ["git"], ["./echo"], ["echo x"], ["/bin/echo"]):
        with pytest.raises(ToolError, match=r"is not allowed\nAllowed are: echo, git status"):
            await bench.call("run_command", options, command=command)
    assert contents() == before


@pytest.mark.parametrize(
    "argument",
    [
        "../outside",
        "{outside}",
        "sub/../../outside",
        "--target={outside}",
        "-C../outside",
        "-I{outside}",
        "link",
        "link/secret.txt",
        "@{outside}/secret.txt",
        "file://{outside}",
        "/",
        "~/x",
        "..",
    ],
)
async def test_arguments_that_lead_out_are_refused(
    bench: Bench, argument: str, contents: Callable[[], dict[str, bytes]]
) -> None:
    """rm -rf of a place outside, however it is written, is refused before anything runs."""
    (bench.workspace / "link").symlink_to(bench.outside)
    (bench.workspace / "sub").mkdir()
    before = contents()
    argument = argument.format(outside=bench.outside)
    with pytest.raises(ToolError, match="leads out of the workspace"):
        await bench.call("run_command", {"allow": ["rm"]}, command=["rm", "-rf", argument])
    assert contents() == before


@pytest.mark.parametrize(
    "argument",
    [
        *(
            "./...",
            "HEAD~1",
            "main..dev",
            "https://example.org/../x",
            "s/a/b/",
            "/no-such-folder/d",
            "a=b",
            "--x=y",
        ),
        *("/dev/null", "sub/../sub", "{workspace}/sub", ".venv/bin/x", "x" * 5000, "-rf", "a\nb", "*"),
    ],
)
async def test_arguments_that_stay_are_passed_on_as_they_are(bench: Bench, argument: str) -> None:
    """Revisions, patterns, addresses and paths inside are no ways out, and reach the program unchanged."""
    (bench.workspace / "sub").mkdir()
    (bench.workspace / ".venv").symlink_to(bench.outside)
    argument = argument.format(workspace=bench.workspace)
    said = await bench.call("run_command", ANY, command=["printf", "%s", argument])
    assert said == f"exit code 0\n--- stdout\n{argument}"


async def test_a_folder_to_run_in_is_confined(bench: Bench) -> None:
    """cwd obeys the rules for paths, and arguments are relative to it."""
    (bench.workspace / "sub").mkdir()
    (bench.workspace / "link").symlink_to(bench.outside)
    for cwd in ("..", "link", str(bench.outside)):
        with pytest.raises(ToolError, match="leads out of the workspace"):
            await bench.call("run_command", ANY, command=["ls"], cwd=cwd)
    with pytest.raises(ToolError, match=r"no such file|there is no"):
        await bench.call("run_command", ANY, command=["ls"], cwd="none")
    await bench.call("run_command", ANY, command=["ls", ".."], cwd="sub")
    with pytest.raises(ToolError, match="leads out of the workspace"):
        await bench.call("run_command", ANY, command=["ls", "../.."], cwd="sub")


async def test_long_output_is_shortened_and_kept_whole(bench: Bench) -> None:
    """Beginning and end come back within the limit, and the blob that is named holds every byte."""
    code = "for n in range(20000): print(n)"
    said = await bench.call("run_command", ANY | {"max_output_bytes": 2_000}, command=["python3", "-c", code])
    whole = "".join(f"{n}\n" for n in range(20_000)).encode()
    assert len(said) < 2_200 and "\n0\n1\n" in said and said.endswith("\n19999")
    assert f"108,890 bytes, shortened; whole in blob {hashlib.sha256(whole).hexdigest()}" in said
    assert list(bench.blobs.values()) == [whole]


async def test_a_command_that_hangs_is_ended_with_what_it_has_printed(bench: Bench) -> None:
    """Its own time limit returns the output so far; a cancelled call leaves no process behind."""
    hang = ["sh", "-c", "echo begun; sleep 60 & echo $! > pid; sleep 60"]
    said = await bench.call("run_command", ANY | {"timeout_seconds": 0.5}, command=hang)
    assert said == "ended after 0.5 seconds, its time was up\n--- stdout\nbegun"
    (bench.workspace / "pid").unlink()
    task = asyncio.create_task(bench.call("run_command", ANY, command=hang))
    while not (bench.workspace / "pid").exists() or not (bench.workspace / "pid").read_text():  # noqa: ASYNC110 - another process tells by a file
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pid = int((bench.workspace / "pid").read_text())
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


async def test_keys_do_not_reach_a_command(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment is a short list of ours, the variables that are named, and what says which call it is."""
    monkeypatch.setenv("SOME_API_KEY", "k-123456789")
    monkeypatch.setenv("WANTED", "w")
    said = await bench.call("run_command", ANY | {"pass_env": ["WANTED"]}, command=["env"])
    assert "k-123456789" not in said and "WANTED=w" in said
    assert "LOOPENGT_IDEMPOTENCY_KEY=run-1/work/1/1/c1" in said


async def test_what_cannot_be_started_is_a_text_for_the_model(bench: Bench) -> None:
    """A program that is not installed, one without permission, a zero byte: all errors that a model can mend."""
    bench.write("plain.txt", "x")
    for command in (["no-such-program-x"], ["./plain.txt"], ["a\0b"], [""], ["ls", "x" * 3_000_000]):
        with pytest.raises(ToolError):
            await bench.call("run_command", ANY, command=command)


async def test_a_shell_has_to_be_asked_for(bench: Bench) -> None:
    """With shell: true the command is one text, and the schema and the offer say so."""
    options = ANY | {"shell": True}
    assert await bench.call("run_command", options, command="echo a | tr a b") == "exit code 0\n--- stdout\nb"
    (offer,) = await bench.bind("run_command", options=options).offers(bench.workspace)
    assert offer.input_schema["properties"]["command"]["type"] == "string"
    (offer,) = await bench.bind("run_command", options={"allow": ["ls"]}).offers(bench.workspace)
    assert offer.input_schema["properties"]["command"]["type"] == "array"
    assert offer.description.endswith("Allowed: ls.")


async def test_git_takes_no_written_folder_for_a_repository(bench: Bench) -> None:
    """A folder that looks like a bare repository, as an agent can write one, has git run none of its programs."""
    subprocess.run(["git", "init", "-q", bench.workspace], check=True)
    for name in ("objects/x", "refs/x"):
        await bench.call("write_file", path=f"fake/{name}", content="")
    await bench.call("write_file", path="fake/HEAD", content="ref: refs/heads/main\n")
    config = (
        '[core]\nrepositoryformatversion = 0\nbare = false\nworktree = ..\nfsmonitor = "touch owned; false"\n'
    )
    await bench.call("write_file", path="fake/config", content=config)
    options = {"allow": ["git status"]}
    assert "fake/" in await bench.call("run_command", options, command=["git", "status"])
    said = await bench.call("run_command", options, command=["git", "status"], cwd="fake")
    assert "safe.bareRepository" in said and not list(bench.workspace.rglob("owned"))


# -- binding -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("run_command", {}, "no command is allowed: add allow"),
        ("run_command", {"options": {"allow": ["x"], "shell": True}}, "lets a command run any program"),
        ("run_command", {"options": {"allow": ["x"], "allow_any": True}}, "exclude each other"),
        ("run_command", {"options": {"allow": [" "]}}, "an allowed command is empty"),
        (
            "run_command",
            {"options": {"alow": ["x"]}},
            r"alow: there is no such option(.|\n)*Its options are:.*allow",
        ),
        ("write_file", {"options": {"x": 1}}, "takes no options, and is given x"),
        ("read_file", {"options": {"max_output_bytes": 1}}, "max_output_bytes: Input should be greater"),
        ("read_files", {}, "there is no builtin tool 'read_files'; there are edit_file, list_files"),
        ("read_file", {"auth": {"method": "bearer", "env_var": "X"}}, "takes no auth"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(
    bench: Bench, name: str, fields: dict[str, Any], said: str
) -> None:
    """An unknown tool, options that do not fit, a command tool that allows nothing: an error before any run."""
    with pytest.raises(UsageError, match=said):
        bench.bind(name, **fields)


async def test_the_plan_and_the_schema_are_the_declarations(bench: Bench) -> None:
    """The plan names tool and options; a schema in the spec counts in place of the tool's own."""
    schema = {"type": "object", "properties": {"path": {"enum": ["a"]}}}
    tool = bench.bind("read_file", options={"max_output_bytes": 2_000}, schema_def=schema)
    assert tool.plan() == "call the builtin read_file (max_output_bytes: 2000)" and tool.missing() == []
    (offer,) = await tool.offers(bench.workspace)
    assert offer.input_schema == schema
    assert os.listdir(bench.workspace) == []
