"""The root command: shared options, commands of plugins, and the exit code and words of each way to end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site

PLUGIN = """
@hookimpl
def loopengt_register_commands(register):
    for name in ("ask", "end", "log", "pour"):
        register(name, f"demo_commands:{name}", summary=f"Command {name} of the demo")
    register("odd", "demo_commands:no_command", summary="Not a click command")
    register("gone", "demo_commands:is_not_there", summary="Not there")
"""

COMMANDS = """
import signal, time
import click
from loopengt.cli import pass_kernel
from loopengt.errors import LoopengtError, SpecError, UsageError

@click.command()
@click.argument("section")
@click.argument("key")
@pass_kernel
def ask(kernel, section, key):
    '''Print the project and a setting.'''
    click.echo(kernel.project)
    click.echo(kernel.setting(section, key))

@click.command()
@click.argument("way")
@click.pass_context
def end(ctx, way):
    '''End in some way.'''
    if way == "usage":
        raise UsageError("the words are off", remedy="write other words")
    if way == "error":
        raise LoopengtError("it is broken", remedy="mend it")
    if way == "spec":
        from loopengt.spec.problems import Problem
        raise SpecError([Problem("loop.yaml", 3, 1, "first"), Problem("loop.yaml", 9, 2, "second")])
    if way == "leak":
        import os
        raise LoopengtError("refused \\x1b[2J" + os.environ["SOME_API_KEY"], remedy="mend it")
    if way == "leaking bug":
        import os
        raise ZeroDivisionError(os.environ["SOME_API_KEY"])
    if way == "bug":
        raise ZeroDivisionError("a bug")
    if way == "wait":
        click.echo("waiting")
        time.sleep(60)
    if way == "prompt":
        click.confirm("really?", abort=True)
    ctx.exit(int(way))

@click.command()
def log():
    '''Log something.'''
    from loopengt import get_logger
    log = get_logger("demo")
    log.warning("careful", api_key="sk-1")
    log.debug("details")
    click.echo("done")

@click.command()
def pour():
    '''Print without end.'''
    while True:
        click.echo("x" * 1000)

no_command = object()
"""


@pytest.fixture
def demo(site: Site) -> Site:
    """A site with a plugin of commands."""
    site.install("demo-kit", {"demo": "demo_plugin"}, {"demo_plugin": PLUGIN, "demo_commands": COMMANDS})
    return site


@pytest.mark.slow
def test_help_lists_the_commands_with_their_summaries(demo: Site, project: Path) -> None:
    """--help, -h and no arguments at all show the registered commands."""
    for arguments in (["--help"], ["-h"], []):
        done = demo.run(*arguments, cwd=project)
        assert re.search(r"^  ask +Command ask of the demo$", done.stdout + done.stderr, re.MULTILINE)


def test_the_version_is_printed(demo: Site, project: Path) -> None:
    """--version prints name and version."""
    from loopengt import __version__

    done = demo.run("--version", cwd=project)
    assert (done.stdout, done.returncode) == (f"loopengt {__version__}\n", 0)


def test_an_unknown_command_names_the_nearest(demo: Site, project: Path) -> None:
    """A typo is a usage error, exit 2."""
    done = demo.run("askk", cwd=project)
    assert done.returncode == 2
    assert "There is no command 'askk', the nearest is 'ask'" in done.stderr


@pytest.mark.slow
def test_the_project_is_found_or_given(demo: Site, project: Path, tmp_path: Path) -> None:
    """From a folder within, with -C, and with LOOPENGT_PROJECT the command has the same project."""
    inner = project / "src/deep"
    inner.mkdir(parents=True)
    question = ("ask", "storage", "name")
    for done in (
        demo.run(*question, cwd=inner),
        demo.run("-C", str(project), *question, cwd=tmp_path),
        demo.run(*question, cwd=tmp_path, LOOPENGT_PROJECT=str(project)),
    ):
        assert done.stdout.splitlines() == [str(project), "sqlite"]
    done = demo.run("-C", "gone", *question, cwd=tmp_path)
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "Error: the project folder gone does not exist",
    )


def test_options_override_settings(demo: Site, project: Path) -> None:
    """-o reaches the kernel, and outweighs the environment."""
    done = demo.run(
        "-o", "storage.name=memory", "ask", "storage", "name", cwd=project, LOOPENGT_STORAGE__NAME="jsonl"
    )
    assert done.stdout.splitlines()[-1] == "memory"
    done = demo.run("ask", "storage", "name", cwd=project, LOOPENGT_STORAGE__NAME="jsonl")
    assert done.stdout.splitlines()[-1] == "jsonl"


@pytest.mark.parametrize("option", ["storage.name", "name=x"])
def test_a_malformed_option_is_a_usage_error(demo: Site, project: Path, option: str) -> None:
    """-o without a value or a section exits 2 and shows the form."""
    done = demo.run("-o", option, "ask", "storage", "name", cwd=project)
    assert done.returncode == 2
    assert "SECTION.KEY=VALUE" in done.stderr


@pytest.mark.slow
def test_plugins_are_switched_for_one_call(demo: Site, project: Path) -> None:
    """-p no:NAME takes a plugin's commands away, -p NAME brings them back; the last one counts."""
    assert "Command ask" not in demo.run("-p", "no:demo", "--help", cwd=project).stdout
    off = {"LOOPENGT_DISABLE_PLUGINS": "demo"}
    assert "Command ask" not in demo.run("--help", cwd=project, **off).stdout
    assert "Command ask" in demo.run("-p", "demo", "--help", cwd=project, **off).stdout
    assert "Command ask" in demo.run("-p", "no:demo", "-p", "demo", "--help", cwd=project).stdout
    done = demo.run("-p", "no:demmo", "--help", cwd=project)
    assert (done.returncode, "the nearest is 'demo'" in done.stderr) == (2, True)


ENDS = {
    "usage": (2, "Error: the words are off\nwrite other words\n"),
    "error": (1, "Error: it is broken\nmend it\n"),
    "spec": (2, "loop.yaml:3:1: first\nloop.yaml:9:2: second\n"),
    "0": (0, ""),
    "4": (4, ""),
}


@pytest.mark.parametrize("way", ENDS)
def test_each_end_has_its_exit_code_and_words(demo: Site, project: Path, way: str) -> None:
    """Errors go to stderr without a traceback; what a command asks for as exit code it gets."""
    done = demo.run("end", way, cwd=project)
    assert (done.returncode, done.stderr) == ENDS[way]
    assert done.stdout == ""


def test_a_bug_is_apologised_for_and_its_traceback_kept(demo: Site, project: Path) -> None:
    """An unexpected exception exits 1 with one sentence and the log file that has the traceback."""
    done = demo.run("end", "bug", cwd=project)
    assert done.returncode == 1
    sorry, where = done.stderr.splitlines()
    assert sorry.endswith("ZeroDivisionError: a bug")
    (log,) = (project / ".loopengt/logs").iterdir()
    assert where == f"The traceback is in {log}"
    assert "demo_commands.py" in log.read_text()


def test_errors_show_no_secret_and_do_not_steer_the_terminal(demo: Site, project: Path) -> None:
    """A key is a mark in every error and in a crash's traceback, and control characters are escapes."""
    done = demo.run("end", "leak", cwd=project, SOME_API_KEY="sk-very-secret")
    assert done.stderr == "Error: refused \\x1b[2J[redacted]\nmend it\n"
    done = demo.run("end", "leaking bug", cwd=project, SOME_API_KEY="sk-very-secret")
    (log,) = (project / ".loopengt/logs").iterdir()
    assert (
        "ZeroDivisionError: [redacted]" in done.stderr and "ZeroDivisionError: [redacted]" in log.read_text()
    )
    assert "sk-very" not in done.stderr + log.read_text()


def test_without_a_project_folder_the_traceback_is_printed(demo: Site, tmp_path: Path) -> None:
    """A folder that is no project is not made one by a crash."""
    done = demo.run("end", "bug", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.splitlines()[-1].endswith("ZeroDivisionError: a bug")
    assert not (tmp_path / ".loopengt").exists()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("odd", "'odd' of the plugin 'demo' is not a click.Command"),
        ("gone", "of the plugin 'demo' cannot be loaded"),
    ],
)
def test_a_command_that_is_none_names_its_plugin(demo: Site, project: Path, command: str, words: str) -> None:
    """A plugin's mistake is told as such, and other commands work."""
    done = demo.run(command, cwd=project)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interrupt_exits_130(demo: Site, project: Path) -> None:
    """Ctrl-C ends a command that does nothing about it, without a traceback."""
    program = subprocess.Popen(
        [sys.executable, "-m", "loopengt", "end", "wait"],
        cwd=project,
        env=demo.program_environ(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "waiting\n"
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=30)
    assert program.returncode == 130
    assert "Traceback" not in err


def test_a_declined_question_exits_1(demo: Site, project: Path) -> None:
    """Aborting a prompt is no interrupt."""
    done = demo.run("end", "prompt", cwd=project)
    assert (done.returncode, "Aborted." in done.stderr) == (1, True)


def test_a_reader_that_goes_away_is_no_error(demo: Site, project: Path) -> None:
    """``loopengt … | head -1`` prints one line and nothing on stderr."""
    command = f"{sys.executable} -m loopengt pour | head -n 1"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=project,
        env=demo.program_environ(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (len(done.stdout), done.stderr) == (1001, "")


def test_a_broken_config_stops_commands_but_not_help(demo: Site, project: Path) -> None:
    """--help works and tells of it; a command exits 2 with file, line and column."""
    (project / ".loopengt/config.toml").write_text("[storage\n")
    done = demo.run("--help", cwd=project)
    assert done.returncode == 0
    assert "config.toml:1:9:" in done.stdout.replace("\n     ", "")
    done = demo.run("ask", "storage", "name", cwd=project)
    assert done.returncode == 2
    assert f"Error: {project}/.loopengt/config.toml:1:9:" in done.stderr


def test_help_tells_of_failed_plugins(demo: Site, project: Path) -> None:
    """A plugin that cannot be imported is named below the commands, which are all there."""
    demo.install("torn", {"torn": "torn_plugin"}, {"torn_plugin": "import no_such_module"})
    done = demo.run("--help", cwd=project)
    assert done.returncode == 0
    assert "the plugin 'torn' failed: see loopengt plugins info torn" in done.stdout
    assert "Command ask" in done.stdout


@pytest.mark.slow
def test_the_log_goes_to_stderr_in_the_wanted_form(demo: Site, project: Path) -> None:
    """Human and quiet by default, JSON and as much as wanted with options or environment; no secrets."""
    done = demo.run("log", cwd=project)
    assert done.stdout == "done\n"
    assert "careful" in done.stderr
    assert "sk-1" not in done.stderr
    assert "details" not in done.stderr
    done = demo.run("--log-format", "json", "--log-level", "debug", "log", cwd=project)
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()] == ["careful", "details"]
    done = demo.run("log", cwd=project, LOOPENGT_LOG_LEVEL="error")
    assert done.stderr == ""
