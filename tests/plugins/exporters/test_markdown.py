"""The exporter markdown, read by a real Markdown parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from loopengt_exporters.markdown import MarkdownExporter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it.token import Token

    from .conftest import Entry, Recorded

    Make = Callable[[Sequence[Entry]], Recorded]
    Laps = Callable[..., list[Entry]]

SECTIONS = ["Run of demo", "Goal", "End", "Steps", "Gates", "Feedback", "Last output"]

HOSTILE = [
    "```\n# owned\n```",
    "`````\n# owned",
    "~~~\n# owned",
    "<script>alert(1)</script>",
    "![x](http://evil/x.png) [y](javascript:alert(1)) <http://evil>",
    "a | b \\| c \\\\| d `|` e",
    "` `` ``` |",
    "\x1b[31mred\x1b[0m \u202egnp\r\n# owned\r# owned",
    "\n\n# owned\n\n---\n\n| a |\n|---|\n",
]


def parse(text: str) -> list[Token]:
    """Parse Markdown with tables; tokens within paragraphs and cells are in the list too."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [inner for token in tokens for inner in (token, *(token.children or ()))]


def headings(tokens: list[Token]) -> list[str]:
    """Return the text of every heading, without code marks."""
    return [
        tokens[index + 1].content.replace("`", "")
        for index, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def blocks(tokens: list[Token]) -> list[str]:
    """Return the content of every fenced block."""
    return [token.content for token in tokens if token.type == "fence"]


def cells(tokens: list[Token]) -> list[list[str]]:
    """Return the cells of every row of every table."""
    rows: list[list[str]] = []
    for index, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("td_open", "th_open"):
            rows[-1].append(tokens[index + 1].content)
    return rows


def test_the_report_has_all_that_a_reader_wants(recorded: Recorded) -> None:
    """Goal, end, steps, gates with their proof, feedback and the last output each stand in their section."""
    tokens = parse(MarkdownExporter().export(*recorded))
    assert headings(tokens) == SECTIONS
    assert blocks(tokens) == [
        "Make it work.\n",
        "every gate of lap 2 passed\n",
        "two tests fail\n",
        "all is well\n",
    ]
    rows = cells(tokens)
    assert ["1", "`work`", "1", "completed", "1", "4.00s", "1,234", "$0.5000", "-"] in rows
    assert ["1", "`work`", "1", "`tests`", "**FAIL**", "`exit 1, 2 failed in 1s`", "0.50s"] in rows
    assert ["2", "`work`", "1", "`tests`", "pass", "`exit 0`", "0.50s"] in rows
    assert ["Cost", "$1.0000"] in rows


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_content_stays_in_its_place(make: Make, laps: Laps, text: str) -> None:
    """No content makes a heading, HTML, a link, an image, another block, or a further cell of a table."""
    entries = laps(text)
    entries[0] = (
        "loop.start",
        None,
        entries[0][2] | {"goal": text, "pattern": text, "workspace": {"path": text}},
    )
    entries[4] = ("gate.fail", "work", entries[4][2] | {"proof": {}, "feedback": text.strip()})
    entries[8] = ("agent.response", "work", entries[8][2] | {"output": {text: [text]}})
    entries[-2] = ("step.error", "work", entries[-2][2] | {"error": text})
    entries[-1] = ("loop.error", None, {"reason": "failed", "detail": text})
    document = MarkdownExporter().export(*make(entries))
    tokens = parse(document)
    assert headings(tokens)[:6] == SECTIONS[:6]
    assert not {"html_block", "html_inline", "link_open", "image", "hr"} & {token.type for token in tokens}
    rows = cells(tokens)
    assert {len(row) for row in rows} == {2, 9, 7}
    assert [row[-1] for row in rows if len(row) == 7] == ["Duration", "0.50s", "0.50s"], "no cell was split"
    # GitHub's parser takes two backslashes before a bar as one that is escaped, and the bar as a border.
    assert not [line for line in document.splitlines() if line.startswith("| ") and "\\\\|" in line]
    assert all(char.isprintable() or char in "\n\t" for char in document)


def test_structured_output_is_shown_as_json(make: Make, laps: Laps) -> None:
    """The last output stands as indented JSON when it is data."""
    entries = laps()
    kind, step, answer = entries[8]
    entries[8] = (kind, step, answer | {"output": {"score": 0.9}})
    assert blocks(parse(MarkdownExporter().export(*make(entries))))[-1] == '{\n  "score": 0.9\n}\n'


def test_long_values_are_shortened(make: Make, laps: Laps) -> None:
    """Of ten megabytes the report shows a beginning, and says how much is missing."""
    document = MarkdownExporter().export(*make(laps("x" * 10_000_000)))
    assert len(document) < 10_000
    assert "9,996,000 characters more" in document


def test_of_many_failures_the_last_are_told(make: Make, laps: Laps) -> None:
    """A run of a hundred failed laps has a row for each, and the feedback of the last forty."""
    start, failed = laps()[0], laps()[1:6]
    turns = [
        (kind, step, data | {"turn": turn, "occurrence": turn})
        for turn in range(1, 101)
        for kind, step, data in failed
    ]
    document = MarkdownExporter().export(*make([start, *turns]))
    assert document.count("| `tests` | **FAIL**") == 100
    assert document.count("gate `tests`:") == 40
    assert "60 earlier ones are left out" in document
    assert "Turn 61, step `work`" in document


def test_what_a_damaged_journal_has_left_is_reported(make: Make, laps: Laps) -> None:
    """However early the events break off, there is a report that does not claim an end."""
    entries: list[Any] = laps()
    for length in range(1, len(entries)):
        assert "The run has not ended" in MarkdownExporter().export(*make(entries[:length]))
