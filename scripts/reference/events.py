"""The pages of events and of ends, from the enumerations and from what docs/journal.md says of each type."""

from __future__ import annotations

import re
from pathlib import Path

from plugin_docs.reading import read_module

from loopengt_hookspecs.models import EndReason, EventType, enums
from reference.markdown import cell, code, head, table

__all__ = ["ends_page", "events_page"]

_EVENTS = """
The types of a journal's events, as [the journal](../journal.md) describes them, by family. Observers get the same
events, and `loopengt trace RUN --events` shows them. An event is `seq`, `type`, `at`, `step` and `data`; here is what
`data` holds.
"""

_ENDS = """
A run comes to rest for exactly one reason, and each has one status and one exit code: that of `run`, `resume` and
`fork`. What the reasons mean to whoever starts a loop: [how a run ends](../explanation/ends.md).
"""

_COMMANDS = """
## Other commands

| code | meaning |
|---|---|
| 0 | done |
| 1 | it failed: something is missing, damaged, or went wrong, and the message says what |
| 2 | the command, a spec or a setting is wrong; nothing was done |
| 3 | of `eval` and the commands below it: all was measured, and something did not pass |
| 130 | broken off by Ctrl-C |
"""


def events_page(journal: str) -> str:
    """Return the page of events.

    Args:
        journal: The text of docs/journal.md, whose table says what each type holds.

    Raises:
        ValueError: The table lacks a type, or has one that there is not.
    """
    said = {
        name: text
        for names, text in re.findall(r"^\| ((?:`[a-z.]+`(?:, )?)+) \| (.*) \|$", journal, re.MULTILINE)
        for name in re.findall(r"`([a-z.]+)`", names)
    }
    known = {kind.value for kind in EventType}
    recorded = known - {EventType.AGENT_PROGRESS.value}
    missing = recorded - said.keys()
    if missing:
        raise ValueError(f"docs/journal.md does not say what {', '.join(sorted(missing))} hold")
    parts = [head("Events", _EVENTS)]
    for family in dict.fromkeys(kind.family for kind in EventType):
        rows = []
        for kind in EventType:
            if kind.family == family:
                text = said.get(kind.value, "`text`: a piece of what an agent is writing; never recorded")
                rows.append((code(kind.value), text))
        parts += [f"## {family}\n", table(("type", "data"), rows)]
    return "\n".join(parts)


def ends_page() -> str:
    """Return the page of ends."""
    meanings = _meanings()
    rows = [
        (code(reason.value), code(reason.status.value), str(reason.exit_code), cell(meanings[reason.name]))
        for reason in sorted(EndReason, key=lambda reason: (reason.exit_code, reason.value))
    ]
    ends = table(("reason", "status", "exit code", "meaning"), rows)
    return "\n".join([head("Ends and exit codes", _ENDS), ends, _COMMANDS.strip("\n"), ""])


def _meanings() -> dict[str, str]:
    (found,) = (one for one in read_module(Path(enums.__file__)).classes if one.name == "EndReason")
    return {field.name: field.doc for field in found.fields}
