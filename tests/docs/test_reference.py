"""The pages of docs/reference are what the program says of itself."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from loopengt_hookspecs.models import EventType

from .blocks import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
try:
    from reference.environment import VARIABLES
    from reference.events import events_page
finally:
    sys.path.remove(str(ROOT / "scripts"))

NOT_FOR_USERS = {
    "LOOPENGT_API",  # a name in a plugin's module
    "LOOPENGT_COMPLETE",  # click's, behind an underscore
    "LOOPENGT_PLUGINS_TEST_CASES",  # between `plugins test` and the pytest that it starts
    "LOOPENGT_PLUGINS_TEST_REPORT",
}


@pytest.mark.slow
def test_the_pages_are_up_to_date() -> None:
    """Generating the pages anew gives the pages that are there; else run scripts/generate-reference."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate-reference"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nrun scripts/generate-reference"


def test_every_variable_of_the_source_is_listed() -> None:
    """A variable that the program reads or sets stands on the page, and the page names no other."""
    found = set()
    for folder in ("core", "plugins", "hookspecs"):
        for file in (ROOT / folder).rglob("*.py"):
            found |= set(re.findall(r"LOOPENGT_[A-Z_]*[A-Z]", file.read_text(encoding="utf-8")))
    read = {name for name in found if "__" not in name} - NOT_FOR_USERS
    listed = {name for part in VARIABLES.values() for name in part if name.startswith("LOOPENGT_")}
    assert read == listed


def test_every_command_and_event_has_its_place() -> None:
    """A reader finds each command and each type of event by its name."""
    commands = (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8")
    for name in ("run", "resume", "plugins new", "mcp allow", "template use", "eval suite"):
        assert f"# loopengt {name}\n" in commands
    events = (ROOT / "docs/reference/events.md").read_text(encoding="utf-8")
    assert all(f"| `{kind.value}` |" in events for kind in EventType)


def test_a_type_that_the_journal_page_leaves_out_is_an_error() -> None:
    """An event that nobody has described cannot slip through."""
    with pytest.raises(ValueError, match=r"docs/journal\.md does not say what .*gate\.pass"):
        events_page("| `loop.start` | `run_id` |\n")
