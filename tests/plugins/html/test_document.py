"""The page as a document: what it holds, and what it cannot be made to hold."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from loopengt.journal import Tracer
from loopengt_html.exporter import HtmlExporter

from .conftest import element
from .runs import Journal, Recorded, long, rich

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "\x1b[31mred\x1b[0m\x00\x07",
    "\u202egnp.exe\u202c \u2066x",
    "\u2028\u2029",
    "]]>&amp;&lt;",
    "lone \ud800 surrogate",
    "javascript:alert(1)",
]


class Tags(HTMLParser):
    """Reads a document as a browser does, as far as that matters here."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def export(recorded: Recorded) -> str:
    """Export a run."""
    return HtmlExporter().export(*recorded)


def data(document: str) -> dict[str, Any]:
    """Return the data of a page."""
    found: dict[str, Any] = json.loads(element(document, "data"))
    return found


def everywhere(text: str) -> Recorded:
    """A run in which everything that can be said says the same."""
    run = Journal(loop=text, pattern=text, goal=text, steps=[text, "other"])
    where = run.begin(text, text)
    run.tool(text, 1, text, {text: text}, error=text)
    run.answer(text, {text: [text * 100]})
    run.gate(text, False, gate=text, text=text)
    run.add(
        "judge.score",
        text,
        judge=text,
        score=0.1,
        passed=False,
        reasoning=text,
        criteria={text: 0.5},
        gate=text,
    )
    run.add("approval.request", text, id=text, kind="gate", question=text, input={text: text})
    run.add("handoff", None, from_agent=text, to_agent=text, protocol=text, payload={text: text})
    run.add("step.error", text, error=text, **where)
    run.done("loop.error", "failed", text)
    return run.record()


def test_the_page_needs_nothing_else() -> None:
    """No element loads anything: there is no address in it but that of its own icon, which is in the page."""
    tags = Tags(export(rich()))
    assert {tag for tag, _ in tags.found}.isdisjoint(
        {"iframe", "img", "object", "embed", "base", "form", "audio"}
    )
    addresses = [
        value
        for _, attributes in tags.found
        for name, value in attributes.items()
        if name in ("src", "href", "action", "srcset")
    ]
    assert [address[:9] for address in addresses if address and not address.startswith("#")] == ["data:imag"]
    document = export(rich())
    assert "@import" not in document
    assert set(re.findall(r"url\([^)]*\)", document)) == {"url(#arrow)"}


def test_only_the_scripts_and_styles_of_the_page_may_run() -> None:
    """The policy allows nothing by default, and the script and the style by the hashes that they really have."""
    document = export(rich())
    policy = Tags(document).of("meta")[1]["content"] or ""
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    script = re.findall(r"<script>(.*?)</script>", document, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", document, re.DOTALL)
    assert len(script) == len(style) == 1
    for text in (*script, *style):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_the_head_says_what_a_reader_wants_first() -> None:
    """Goal, end, detail, time, turns, tokens and cost are in the document itself, without JavaScript."""
    head = export(rich()).partition("<noscript>")[0].partition("<body>")[2]
    for words in (
        "ship-it",
        "goal_met",
        "all is well",
        "Nobody is woken at night.",
        "18,200",
        "$0.1820",
        "1m 01s",
    ):
        assert words in head


def test_the_steps_can_be_read_without_javascript() -> None:
    """The part for readers without JavaScript has a row for each step, and of very many the first and the last."""
    plain = export(rich()).partition("<noscript>")[2].partition("</noscript>")[0]
    assert plain.count("<tr>") == 7
    assert "sign-off passed" in plain
    plain = export(long(1_000)).partition("<noscript>")[2].partition("</noscript>")[0]
    assert plain.count("<tr>") == 301
    assert "700 steps in the middle are left out" in plain


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_content_stays_content(text: str) -> None:
    """Whatever a run says makes no element, ends no script, and comes back from the data as it was."""
    document = export(everywhere(text))
    document.encode("utf-8")
    ours = Tags(export(everywhere("harmless")))
    theirs = Tags(document)
    assert [tag for tag, _ in theirs.found] == [tag for tag, _ in ours.found]
    found = data(document)
    step = found["runs"][0]["executions"][0]
    assert step["step"] == text
    assert step["attempts"][0]["error" if "error" in step["attempts"][0] else "checks"]
    assert found["runs"][0]["notes"][0]["text"].startswith("asked: ")


@pytest.mark.parametrize("char", ["\x1b", "\x00", "\u202e", "\u2066", "\u2028", "\ud800"])
def test_no_control_character_is_in_the_document(char: str) -> None:
    """Escapes of terminals, reordering marks and halves of characters stand in it as escapes only."""
    assert char not in export(everywhere(f"a{char}b"))


def test_the_same_run_gives_the_same_page() -> None:
    """Two exports of a run are equal, byte for byte."""
    assert export(rich()) == export(rich())


@pytest.mark.parametrize("most", range(1, 72, 7))
def test_a_journal_that_breaks_off_gives_a_page(most: int) -> None:
    """Wherever the journal ends, there is a page with a status and as many events."""
    state, events = rich()
    document = HtmlExporter().export(state, events[:most])
    assert data(document)["events"]["count"] == most
    assert "</html>" in document


def test_no_events_give_a_page() -> None:
    """A run of which nothing can be read still has a head."""
    state, _ = rich()
    document = HtmlExporter().export(state, [])
    assert data(document)["runs"] == []
    assert "ship-it" in document


def odd() -> Recorded:
    """A run whose data has any shape but the one that it should have."""
    run = Journal(steps="none", goal=["a"], context=None, workspace=3)
    run.add("step.start", "a", turn=None, occurrence=None, attempt=None, agent=None, of=["a"], run=7)
    run.add("agent.invoke", "a", prompt={"role": [1, None]})
    run.add(
        "agent.response", "a", output={"a": float("inf")}, duration="long", token_usage={}, cost_usd="free"
    )
    run.add("gate.fail", "a", gate=None, proof="text", duration=None)
    run.add("gate.pass", "a", gate=["b"], proof=[{"t": 3}], duration=-5, feedback={"t": 10**9})
    run.add("judge.score", "a", judge=None, score="high", scores="x", criteria=["b"], passed="yes")
    run.add("judge.score", "a", judge={"t": 1}, score=7, scores=[None, 2, "x"], criteria={"b": None, "c": -3})
    run.add("tool.result", "a", output=[1, 2], tool=None)
    run.add("custom", "a", anything={"t": 3}, more={"t": 9**9}, none=None, deep=[[[[{}]]]])
    run.add("handoff", None, payload=None)
    run.add("budget.exceeded", None)
    run.add("approval.request", "b", -1_000.0)
    run.add("step.complete", "c", items=["a", 3, None])
    events = Tracer(run.run_id).convert_all(run.events)
    return rich()[0], events


def test_data_of_any_shape_is_taken() -> None:
    """Events of agents may put anything anywhere: numbers that are texts, lists that are none, nothing at all."""
    recorded = odd()
    assert data(export(recorded))["events"]["count"] == len(recorded[1])


def test_data_is_not_taken_for_what_stands_for_a_text() -> None:
    """A value that an agent emits in the form of our references stays that value."""
    run = Journal()
    run.add("custom", None, one={"t": 0}, two={"j": "x"}, three={"t": 0, "u": 1}, four="long " * 100)
    document = export(run.record())
    rows = json.loads(gzip.decompress(base64.b64decode(json.loads(element(document, "events-0")))))
    values = rows[1][6]
    assert values["one"] == {"j": '{"t": 0}'}
    assert values["two"] == {"j": '{"j": "x"}'}
    assert values["three"] == {"t": 0, "u": 1}
    assert data(document)["texts"][values["four"]["t"]]["s"] == "long " * 100


@pytest.mark.parametrize("least", range(1, 40, 6))
def test_a_journal_without_its_beginning_gives_a_page(least: int) -> None:
    """Events whose beginning is missing are shown as far as they make sense."""
    state, events = rich()
    assert data(HtmlExporter().export(state, events[least:]))["events"]["count"] == len(events) - least
