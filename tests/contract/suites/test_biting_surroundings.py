"""Each rule for adapters, templates, commands, MCP features and options is broken by one that is broken so."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel, ConfigDict, Field

from loopengt.testing import (
    AdapterContract,
    CommandContract,
    McpFeatureContract,
    OptionsContract,
    TemplateContract,
)
from loopengt_hookspecs.adapters import AdapterStatus, Change
from loopengt_hookspecs.mcp_features import McpPrompt, McpResource, McpTool

from .biting import Case, all_are_rules, bite, changed, each_rule

OURS = "# loopengt\n"


class Puts:
    """Keeps one file of its own, in the project or in the home."""

    def file(self, project: Path, scope: str) -> Path:
        return (project if scope == "project" else Path.home()) / "tool.conf"

    def install(self, project: Path, *, scope: Any, dry_run: bool = False) -> Any:
        return self.write(self.file(project, scope), OURS, dry_run)

    def uninstall(self, project: Path, *, scope: Any, dry_run: bool = False) -> Any:
        return self.write(self.file(project, scope), None, dry_run)

    def write(self, file: Path, text: str | None, dry_run: bool) -> Any:
        before = file.read_text() if file.exists() else None
        if before != text and not dry_run:
            file.unlink(missing_ok=True) if text is None else file.write_text(text)
        return [Change(f"{file.name}: {text!r}", file, before, text)]

    def status(self, project: Path, *, scope: Any) -> Any:
        file = self.file(project, scope)
        if not file.exists():
            return AdapterStatus("not installed")
        whole = file.read_bytes() == OURS.encode()
        return AdapterStatus("installed" if whole else "broken", (), (file,))

    def tool_version(self) -> str | None:
        return "1.0"


def _leaves(self: Any, project: Path, *, scope: Any, dry_run: bool = False) -> Any:
    return [Change("nothing to do")]


def _sweeps(self: Any, project: Path, *, scope: Any, dry_run: bool = False) -> Any:
    for mine in project.glob("mine*"):
        mine.unlink()
    return Puts.install(self, project, scope=scope, dry_run=dry_run)


def _appends(self: Any, project: Path, *, scope: Any, dry_run: bool = False) -> Any:
    with self.file(project, scope).open("a") as file:
        file.write(OURS)
    return [Change("appended")]


def _always_writes(self: Any, file: Path, text: str | None, dry_run: bool) -> Any:
    return Puts.write(self, file, text, False)


def _says_nothing(self: Any, project: Path, *, scope: Any, dry_run: bool = False) -> Any:
    Puts.install(self, project, scope=scope, dry_run=dry_run)
    return []


def _says_installed(self: Any, project: Path, *, scope: Any) -> Any:
    return AdapterStatus("installed", (), (self.file(project, scope),))


def _reads_text(self: Any, project: Path, *, scope: Any) -> Any:
    file = self.file(project, scope)
    if not file.exists():
        return AdapterStatus("not installed")
    return AdapterStatus("installed" if file.read_text() == OURS else "broken", (), (file,))


def _takes_long(self: Any) -> str:
    time.sleep(0.4)
    raise OSError("it does not answer")


ADAPTER = Case(
    AdapterContract,
    changed(Puts) | {"existing": {"project/mine.json": b'{"a": 1}\r\n', "home/.other": b"\xff"}},
    {
        "install_and_uninstall_leave_no_trace": changed(Puts, uninstall=_leaves),
        "what_is_a_persons_stays": changed(Puts, install=_sweeps),
        "twice_is_once": changed(Puts, install=_appends),
        "a_dry_run_only_says": changed(Puts, write=_always_writes),
        "changes_are_said_in_sentences": changed(Puts, install=_says_nothing),
        "status_tells_where_it_stands": changed(Puts, status=_says_installed),
        "status_survives_any_file": changed(Puts, status=_reads_text),
        "the_version_is_said_quickly": changed(Puts, tool_version=_takes_long),
    },
)

LOOP = """
name: demo
goal: <<goal>>
agents: [{name: worker, config: {provider: scripted}}]
steps: [{name: work, agent: worker}]
"""
ABOUT = """
description: A demo
variables:
  goal: {description: What is to be reached}
"""
FILES = {"loop.yaml": LOOP, "template.yaml": ABOUT}


class Folder:
    kept: Any = FILES

    def files(self) -> Any:
        return dict(self.kept)


def _files(**changes: str) -> dict[str, Any]:
    return changed(
        Folder, kept={**FILES, **{name.replace("_yaml", ".yaml"): text for name, text in changes.items()}}
    )


def _shared(self: Any) -> Any:
    if not hasattr(self, "given"):
        self.given = dict(FILES)
    return self.given


TEMPLATE = Case(
    TemplateContract,
    changed(Folder),
    {
        "its_files_are_texts_inside_it": changed(Folder, kept={**FILES, "../up.txt": "x"}),
        "files_are_the_same_every_time": changed(Folder, files=_shared),
        "it_is_described": _files(template_yaml="variables: {goal: {}}"),
        "the_loop_is_valid": _files(loop_yaml=LOOP.replace("steps", "stops")),
        "any_text_may_be_a_value": _files(loop_yaml=LOOP.replace("<<goal>>", "reach <<goal>> now")),
        "every_variable_is_used": _files(loop_yaml=LOOP.replace("<<goal>>", "fixed")),
    },
)


@click.command()
@click.option("--name", default="you", help="Who is greeted.")
def greet(name: str) -> None:
    """Greet somebody."""
    click.echo(f"hello {name}")


@click.command()
@click.option("--name", default="you")
def unexplained(name: str) -> None:
    """Greet somebody, without a word on the option."""


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("rest", nargs=-1)
def takes_all(rest: tuple[str, ...]) -> None:
    """Take anything."""


@click.command()
@click.option("--name", default="you", help="Who is greeted.")
def fails(name: str) -> None:
    """Raise what nobody expects."""
    raise KeyError(name)


def _help_writes(context: Any, parameter: Any, value: Any) -> None:
    if value:
        Path("helped.txt").write_text("x")
        context.exit()


@click.command()
@click.option(
    "--help", is_flag=True, is_eager=True, expose_value=False, callback=_help_writes, help="Show this."
)
def helps_by_writing() -> None:
    """Write a file when asked for help."""


def _no_command() -> None:
    """Be no command."""


def _command(command: Any, **samples: Any) -> dict[str, Any]:
    return {"make": lambda self, folder: command, **samples}


COMMAND = Case(
    CommandContract,
    _command(
        greet, reference="loopengt.cli.groups:LazyGroup", runs=[(["--name", "Ann"], 0), (["--name"], 2)]
    ),
    {
        "it_is_a_command": _command(_no_command),
        "help_says_what_it_does": _command(unexplained),
        "help_does_nothing": _command(helps_by_writing),
        "a_wrong_command_line_is_exit_code_2": _command(takes_all),
        "samples_end_as_they_should": _command(fails),
        "its_import_is_light": {"reference": "mcp:ClientSession"},
    },
)


class Notes:
    """Features that read and write notes of a folder."""

    folder: Path

    def features(self) -> Any:
        return [
            McpTool("count_notes", "Count the notes that there are", self.count, read_only=True),
            McpResource("notes://{name}", "note", "One of the notes", self.read),
            McpPrompt("summarize", "Asks for a summary", self.prompt),
        ]

    def count(self) -> int:
        return 3

    def read(self, name: str) -> str:
        return name

    def prompt(self, topic: str) -> str:
        return f"Summarize {topic}."


def _notes(*features: Any, folder: Path | None = None) -> dict[str, Any]:
    return changed(Notes, features=lambda self: list(features))


def _tool(
    name: str = "count", description: str = "Counts all notes", function: Any = None, **hints: Any
) -> McpTool:
    return McpTool(name, description, function or Notes().count, **hints)


def _unannotated(name):  # type: ignore[no-untyped-def]
    return name


def _writes_here(self: Any, folder: Path) -> Any:
    def write() -> str:
        (folder / "note.txt").write_text("x")
        return "done"

    return type("Writes", (), {"features": lambda self: [_tool(function=write, read_only=True)]})()


class Grows(Notes):
    calls = 0

    def features(self) -> Any:
        self.calls += 1
        return [_tool(f"tool_{number}") for number in range(self.calls)]


FEATURES = Case(
    McpFeatureContract,
    changed(Notes),
    {
        "features_are_listed_at_once": _notes(),
        "names_are_told_apart": _notes(_tool(), _tool()),
        "descriptions_say_something": _notes(_tool(description="")),
        "annotations_can_be_resolved": _notes(_tool(function=_unannotated)),
        "uris_name_the_parameters": _notes(
            McpResource("notes://{note}", "note", "One of them", Notes().read)
        ),
        "what_only_reads_changes_nothing": {"make": _writes_here},
        "they_are_the_same_every_time": changed(Grows),
        "hints_do_not_contradict_each_other": _notes(_tool(read_only=True, destructive=True)),
    },
)


class Sound(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: int = Field(default=3, description="Most of them.")
    loud: bool = Field(default=False, description="Whether it is loud.")


class Needs(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: int = Field(description="Most of them.")


class TakesAll(BaseModel):
    limit: int = Field(default=3, description="Most of them.")


class Undescribed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: int = 3


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    limit: int = Field(default=3, description="Most of them.")


def _model(model: Any, **samples: Any) -> dict[str, Any]:
    return {"make": lambda self, folder: model, **samples}


OPTIONS = Case(
    OptionsContract,
    _model(Sound, values={"limit": 5}),
    {
        "it_is_a_model_that_needs_nothing": _model(Needs),
        "unknown_keys_are_refused": _model(TakesAll),
        "every_option_is_described": _model(Undescribed),
        "texts_are_understood": _model(Strict),
        "samples_fit": {"values": {"limit": "many"}},
    },
)

CASES = [ADAPTER, TEMPLATE, COMMAND, FEATURES, OPTIONS]


@each_rule(CASES)
def test_a_broken_component_breaks_the_rule(case: Case, rule: str, tmp_path: Path) -> None:
    """A sound component keeps the rule; one that is broken in this way fails it, with a fact and a remedy."""
    bite(case, rule, tmp_path)


def test_nothing_is_broken_for_no_rule() -> None:
    """Every rule has its broken component, and says in a sentence what it is."""
    all_are_rules(CASES)
