"""The command ``loopengt memory``, as a person types it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from loopengt.cli import cli

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def call(project: Path) -> Any:
    """Return a function that calls ``loopengt memory`` in a project."""

    def run(*words: str, text: str | None = None) -> Result:
        return CliRunner().invoke(cli, ["-C", str(project), "memory", *words], input=text)

    return run


def test_what_is_added_is_found(call: Any) -> None:
    """An entry added by hand is listed, found by its words and by its metadata, and removed by its id."""
    added = call("add", "the parser fails on tabs", "--metadata", "kind=bug", "--metadata", "n=3")
    assert added.exit_code == 0
    entry_id = added.output.strip()
    assert call("add", "-", "--id", "second", text="from standard input\n").output == "second\n"
    listed = call("list")
    assert listed.output.index("from standard input") < listed.output.index("the parser fails")
    assert "2 of 2 entries." in listed.output
    found = json.loads(call("search", "PARSER?", "--json").output)
    assert [(entry["entry_id"], entry["metadata"]) for entry in found] == [
        (entry_id, {"kind": "bug", "n": 3})
    ]
    assert "parser" in call("search", "tabs", "--mode", "keyword", "--filter", "n=3").output
    assert "Nothing fits." in call("search", "tabs", "--filter", "n=4").output
    assert json.loads(call("list", "--json", "--filter", "kind=bug").output)[0]["entry_id"] == entry_id
    assert call("remove", entry_id).output == f"Removed {entry_id}.\n"
    assert json.loads(call("search", "parser", "--json").output) == []


def test_scopes_are_chosen(call: Any) -> None:
    """--name alone means a loop's memory, --scope run one run's; neither is the project's."""
    call("add", "of the loop", "--name", "demo")
    call("add", "of the run", "--scope", "run", "--name", "demo")
    assert "Nothing is remembered here." in call("list").output
    assert "of the loop" in call("list", "--scope", "loop", "--name", "demo").output
    assert "of the run" in call("list", "--scope", "run", "--name", "demo").output


def test_clearing_asks(call: Any) -> None:
    """Without a terminal --yes is needed; then the number of what is gone is told."""
    assert call("clear").output == "Nothing is remembered here.\n"
    call("add", "x")
    refused = call("clear")
    assert (refused.exit_code, "--yes" in refused.output) == (2, True)
    assert call("clear", "--yes").output == "Forgot 1 of 1 entries.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("list", "--scope", "run"), "--name"),
        (("list", "--filter", "kind"), "KEY=VALUE"),
        (("add", "  "), "no text"),
        (("search", "x", "--mode", "vector"), "embedder"),
        (("search", "x", "--top-k", "0"), "--top-k"),
    ],
)
def test_mistakes_are_told(call: Any, words: tuple[str, ...], told: str) -> None:
    """What cannot be done as asked is an error of use, with the way out."""
    result = call(*words)
    assert (result.exit_code, told in result.output) == (2, True)


def test_an_unknown_id_is_an_error(call: Any) -> None:
    """Removing what is not there names it."""
    result = call("remove", "nobody")
    assert result.exit_code != 0
    assert "nobody" in f"{result.output}{result.exception}"
