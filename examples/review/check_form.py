"""The check of the form: exits with 1, and says why, unless a design note has the form that it must have."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

HEADINGS = ["Facts", "Goal", "Non-goals", "Design", "What can go wrong", "Rollout"]
"""The sections, in their order."""
LONGEST = 900
"""Words that a note may have."""
PLACEHOLDER = re.compile(r"\b(?:TBD|TODO|FIXME|XXX)\b|\?\?\?|\[\.\.\.\]|lorem ipsum", re.IGNORECASE)


def sections(text: str) -> dict[str, str]:
    """Return what stands below each heading of the second level, by heading, in the order of the text."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return {heading.strip(): body.strip() for heading, body in zip(parts[::2], parts[1::2], strict=True)}


def problems(text: str, original: str) -> Iterator[str]:
    """Say everything that is wrong with a note; its facts must be those of the original, word for word."""
    found = sections(text)
    yield from (f"there is no section '## {heading}'" for heading in HEADINGS if heading not in found)
    yield from (f"the section '## {heading}' is empty" for heading, body in found.items() if not body)
    yield from (
        f"the section '## {heading}' is none of the form" for heading in found if heading not in HEADINGS
    )
    if list(found) != HEADINGS and sorted(found) == sorted(HEADINGS):
        yield f"the sections are not in their order: {', '.join(HEADINGS)}"
    if found.get("Facts") != sections(original)["Facts"]:
        yield "the section '## Facts' is not what it was: facts are measured, not written"
    if (words := len(text.split())) > LONGEST:
        yield f"it has {words} words, and may have {LONGEST}"
    yield from (f"it still says {placeholder!r}" for placeholder in sorted(set(PLACEHOLDER.findall(text))))


def main() -> int:
    """Check the note that is named; the original is the one beside this file."""
    note = Path(sys.argv[1])
    original = Path(__file__).with_name(note.name)
    found = list(problems(note.read_text(encoding="utf-8"), original.read_text(encoding="utf-8")))
    for problem in found:
        print(f"{note}: {problem}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
