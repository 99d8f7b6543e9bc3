"""Messages: within Slack's limits, and with nothing in them that Slack would take for markup."""

from __future__ import annotations

import json
import re

import pytest
from loopengt.redaction import keep_secret
from loopengt.testing.contracts.data import HOSTILE

from loopengt_exporter_slack.message import LARGEST, Report, encode, escape, plain

from .slack_kit import problems_of, texts_of

HOSTILE_TEXTS = [text for text in HOSTILE if isinstance(text, str)] + [
    "<!channel> <@U012AB3CD> <https://evil.example|click>",
    "*bold* _italic_ ~struck~ `code` ```block``` > quote",
    "&amp; &lt;!here&gt;",
    "@here @everyone #general",
    "\U0001f4a9" * 20_000,
    "&<>" * 20_000,
    "\ud800 alone",
]


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_any_text_makes_a_message_that_slack_takes(hostile: str) -> None:
    """Whatever the run's texts are, there is a message within all limits, and below 40 KB."""
    facts = {"Steps": hostile, "Turns": hostile}
    body = encode(Report(hostile or "r", hostile, hostile, facts, hostile))
    message = json.loads(body)
    assert problems_of(message) == []
    assert len(body) <= LARGEST
    shown = [*(text for _, text in texts_of(message)), message["text"]]
    assert all(sign.isprintable() or sign in "\n\u200b" for text in shown for sign in text)


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS, ids=range(len(HOSTILE_TEXTS)))
def test_no_text_of_a_run_is_markup(hostile: str) -> None:
    """Where Slack reads markup, no angle bracket, bare ampersand, format or mention of the run's is left."""
    message = json.loads(encode(Report("r", hostile, "failed", {"Steps": hostile}, hostile)))
    marked = [text.removeprefix("*Steps* ") for kind, text in texts_of(message) if kind == "mrkdwn"]
    for text in [*marked, message["text"]]:
        assert not re.search(r"[<>]", text)
        assert not re.search(r"&(?!amp;|lt;|gt;)", text)
        assert not re.search(r"[*_~`@#](?!\u200b)", text)


def test_an_escape_is_never_cut() -> None:
    """A text is cut before what would not fit as a whole."""
    assert escape("a<b", 3) == "a"
    assert escape("a<b", 5) == "a&lt;"
    assert escape("a<b", 6) == "a&lt;b"
    assert plain("abcdef", 4) == "abc…"


def test_what_was_escaped_already_is_shown_as_it_was() -> None:
    """An escape in the run's own text is text, too."""
    assert escape("&lt;!here&gt;", 100) == "&amp;lt;!here&amp;gt;"


def test_secrets_are_left_out() -> None:
    """What is known as a secret is in no part of a message, wherever it stood."""
    keep_secret("hunter2-hunter2")
    report = Report(
        "r", "loop hunter2-hunter2", "failed", {"A": "hunter2-hunter2"}, "x " * 1_490 + "hunter2-hunter2"
    )
    assert b"hunter2" not in encode(report)


def test_details_can_be_left_out() -> None:
    """Without details a message has neither why nor what is asked."""
    report = Report("r", "demo", "failed", {"Turns": "3"}, "the reason")
    assert b"the reason" in encode(report)
    assert b"the reason" not in encode(report, details=False)


def test_it_says_what_a_person_wants_to_know() -> None:
    """Heading, details, facts and run stand in this order."""
    message = json.loads(
        encode(Report("run-1", "demo", "goal_met", {"Steps": "2 of 2", "Turns": ""}, "All done."))
    )
    assert [text for _, text in texts_of(message)] == [
        "\N{WHITE HEAVY CHECK MARK} demo: goal met",
        "All done.",
        "*Steps* 2 of 2",
        "loopengt run run-1",
    ]
    assert message["text"] == "\N{WHITE HEAVY CHECK MARK} demo: goal met"
