"""The command ``export``: exporters that write documents and exporters that send."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .trace_kit import END, RUN, Shown, lap, look, record, start

if TYPE_CHECKING:
    from pathlib import Path

    from ..conftest import Site

EXPORTERS = """
from loopengt.errors import ExportError

@hookimpl
def loopengt_register_exporters(register):
    register("count", Count, summary="Counts the events")
    register("post", Post, summary="Sends the run")
    register("down", Down, summary="Cannot reach its service")
    register("broken", Broken, summary="Raises")
    register("number", Number, summary="Returns no text")
    register("midway", Midway, summary="Raises after its first part")
    register("parted", Parted, summary="Has a part that is no text")
    register("neither", Neither, summary="Can do nothing")

class Count:
    def export(self, state, events):
        return f"{len(events)} events of {state.loop_name}, the last {events[-1].event_type.value}\\n"

class Post:
    async def send(self, state, events):
        return f"Sent {len(list(events))} events of {state.run_id} to \\x1b[31mnowhere"

class Down:
    async def send(self, state, events):
        raise ExportError("http://localhost:1 cannot be reached", remedy="Start it.")

class Broken:
    def export(self, state, events):
        raise ZeroDivisionError("by nothing")
    complete = lambda self: self

class Midway(Broken):
    def parts(self, state, events):
        yield "begun"
        raise ZeroDivisionError("by nothing")
    def complete(self):
        raise ZeroDivisionError("by all")

class Parted(Broken):
    def parts(self, state, events):
        return ["begun", 7]

class Number:
    def export(self, state, events):
        return 7

class Neither:
    pass
"""


@pytest.fixture
def project(tmp_path: Path, site: Site) -> Path:
    """A project with a run, and a plugin with exporters of all kinds."""
    site.install("demo-exporters", {"mine": "demo_exporters"}, {"demo_exporters": EXPORTERS})
    folder = tmp_path / "work"
    folder.mkdir()
    record(folder, [start(), *lap(1), END])
    return folder


@pytest.mark.slow
def test_a_document_goes_to_stdout_or_into_a_file(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What ``trace --format`` shows is what ``export --to`` writes, also a stranger's."""
    for name in ("json", "jsonl", "markdown", "tree", "count"):
        shown = look(capsys, project, "export", RUN, "--to", name)
        assert (shown.code, shown.err) == (0, ""), name
        assert shown.out == look(capsys, project, "trace", RUN, "-f", name).out
        target = project / f"run.{name}"
        assert look(capsys, project, "export", RUN, "--to", name, "-o", str(target)) == Shown(0, "", "")
        assert target.read_text() == shown.out


def test_a_sender_sends_and_says_so(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its sentence is printed, without control characters; it has no document for a file or for trace."""
    assert (
        look(capsys, project, "export", RUN, "--to", "post").out
        == f"Sent 9 events of {RUN} to \\x1b[31mnowhere\n"
    )
    refused = look(capsys, project, "export", RUN, "--to", "post", "-o", str(project / "x"))
    assert (refused.code, (project / "x").exists()) == (2, False)
    assert "sends runs to a service" in refused.err
    traced = look(capsys, project, "trace", RUN, "-f", "post")
    assert traced.code == 2
    assert f"export {RUN} --to post" in traced.err


def test_a_service_that_cannot_be_reached_is_an_error(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sender's own words, exit code 1."""
    shown = look(capsys, project, "export", RUN, "--to", "down")
    assert shown == Shown(1, "", "Error: http://localhost:1 cannot be reached\nStart it.\n")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("broken", "failed: ZeroDivisionError: by nothing"),
        ("number", "returned int"),
        ("midway", "failed: ZeroDivisionError: by nothing"),
        ("parted", "a part of the document is int, not text"),
        ("neither", "has neither"),
    ],
)
def test_an_exporter_that_fails_names_its_plugin_and_leaves_the_file(
    project: Path, capsys: pytest.CaptureFixture[str], name: str, words: str
) -> None:
    """Exit code 1, and what the file held before is still there."""
    target = project / "kept"
    target.write_text("old")
    shown = look(capsys, project, "export", RUN, "--to", name, "-o", str(target))
    assert (shown.code, shown.out, target.read_text()) == (1, "", "old")
    assert f"the exporter {name!r} of the plugin 'mine'" in shown.err
    assert words in shown.err


def test_an_exporter_that_fails_to_be_complete_names_its_plugin(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``trace --all`` lays what a plugin does wrong at the plugin's door, and not at its own."""
    shown = look(capsys, project, "trace", RUN, "-f", "midway", "--all")
    assert (shown.code, shown.out) == (1, "")
    assert "the exporter 'midway' of the plugin 'mine' failed: ZeroDivisionError: by all" in shown.err


def test_unknown_names_are_usage_errors(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest is named; trace names those alone that write documents."""
    assert "the nearest is 'post'" in look(capsys, project, "export", RUN, "--to", "pots").err
    shown = look(capsys, project, "trace", RUN, "-f", "pots")
    assert shown.code == 2
    assert "'post'" not in shown.err
    assert look(capsys, project, "export", "nope", "--to", "json").code == 2
    assert look(capsys, project, "export", RUN).code == 2


def test_both_helps_tell_the_two_exports_apart(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each names the other, and what it is for."""
    ours = " ".join(look(capsys, project, "export", "--help").out.split())
    theirs = " ".join(look(capsys, project, "runs", "export", "--help").out.split())
    assert "go on with it there: loopengt runs export" in ours
    assert "send its trace to a service: loopengt export" in theirs
