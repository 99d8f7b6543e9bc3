"""The reports of an evaluation: sound for their readers, also with hostile, many and missing values."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from loopengt_evals.reports.data import report_data
from loopengt_evals.reports.html import to_html
from loopengt_evals.reports.junit import to_junit
from loopengt_evals.reports.markdown import to_markdown
from loopengt_evals.reports.report import Report, change_text, level_text
from loopengt_evals.reports.text import to_text
from loopengt_evals.statistics.proportions import Interval
from loopengt_evals.suites.analysis import analyse
from loopengt_evals.suites.comparing import Compared, compare
from loopengt_evals.suites.model import Limit
from loopengt_evals.suites.results import CaseResult, EvaluationResult, Figure
from loopengt_evals.suites.trials import Trial, Verdict

HOSTILE = (
    "</script><script>alert(1)</script> ]]> \x1b[2J \u202e \x00 \ud800 | ` @team ![x](http://x) "
    + "x" * 5_000
)
FIGURES = {"cost_usd": Figure("usd", "lower"), "judge.exact": Figure("", "higher")}


def trial(case: str, number: int, passed: bool | None, text: str = "", error: str = "") -> Trial:
    """Return a trial with a verdict, unless it has none."""
    made = Trial(case, number, f"eval-1-{case[:5]}-{number}", passed, "goal_met", "", True, error)
    made.metrics = {"cost_usd": 0.01 * number, "tokens": 100, "driven_seconds": 0.5}
    if passed is not None:
        made.verdicts = {"exact": Verdict(float(passed), passed, text)}
    return made


def report(cases: dict[str, list[Trial]], **fields: object) -> Report:
    """Return the report of an evaluation."""
    header = {
        "evaluation": "eval-1", "suite": HOSTILE[:120], "loop": HOSTILE[:100], "level": 0.95, "suite_digest": "d",
        "versions": {"loopengt": "1"}, "cases": {}, "metrics": ["cost_usd"],
    }  # fmt: skip
    result = EvaluationResult(header, [CaseResult(name, name, t) for name, t in cases.items()], FIGURES)
    for name, value in fields.items():
        setattr(result, name, value)
    before = result.side("before")
    has_any = any(case.judged for case in result.cases)
    held = (
        compare(before, result.side(HOSTILE[:90]), level=0.95, figures=FIGURES, thresholds={})
        if has_any
        else None
    )
    return Report(result, analyse(result), held)


@pytest.fixture
def hostile() -> Report:
    """A report in which every text tries to be something else."""
    name = HOSTILE[:128]
    return report(
        {
            name: [trial(name, 1, True), trial(name, 2, False, HOSTILE)],
            "none": [trial("none", 1, None, error=HOSTILE)],
            "open": [Trial("open", 1)],
            "good": [trial("good", 1, True)],
        },
        stopped=HOSTILE,
        thresholds={"success_rate": Limit(min=0.99)},
    )


class Tags(HTMLParser):
    """Collects what a page consists of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def test_the_page_holds_no_markup_but_its_own(hostile: Report) -> None:
    """No script, no reference to elsewhere, no event handler comes into the page, whatever the texts are."""
    page = to_html(hostile)
    seen = Tags()
    seen.feed(page)
    assert not {"script", "img", "iframe", "link", "a", "object"} & seen.tags
    assert not {name for name in seen.attributes if name.startswith("on") or name in ("src", "href")}
    assert "\x1b" not in page and "\u202e" not in page and "\x00" not in page
    page.encode()
    assert "&lt;script&gt;" in page
    assert "width=device-width" in page and "prefers-color-scheme:dark" in page


def test_junit_is_sound_and_counts_what_it_holds(hostile: Report) -> None:
    """The document is well-formed, its counts are those of its elements, and each has only what the schema knows."""
    root = ET.fromstring(to_junit(hostile))
    (suite,) = root
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases][1:] == ["none", "open", "good"]
    for tag, key in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert suite.get(key) == root.get(key) == str(len(suite.findall(f"testcase/{tag}"))) == "1"
    assert suite.get("tests") == "4"
    assert {child.tag for child in suite} == {"properties", "testcase"}
    assert suite[0].tag == "properties"
    properties = {each.get("name"): each.get("value") for each in suite.findall("properties/property")}
    assert properties["success_rate"] == "0.6667"
    assert all(float(case.get("time", "")) >= 0 and case.get("classname") for case in cases)


def test_markdown_stays_a_table(hostile: Report) -> None:
    """No text breaks out of its cell, becomes HTML, a link, an image, or calls somebody."""
    text = to_markdown(hostile)
    assert "<script" not in text and "![x]" not in text and "@team" not in text and "http://x" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {line.replace("\\|", "").count("|") for line in rows} <= {4, 5, 7}
    assert text.count("<details>") == text.count("</details>") >= 1
    text.encode()


def test_the_table_for_a_terminal_moves_no_cursor(hostile: Report) -> None:
    """Control characters are written as their escapes, and long texts are cut."""
    text = to_text(hostile)
    assert "\x1b" not in text and "\x00" not in text and "\u202e" not in text
    assert max(map(len, text.splitlines())) < 400
    assert "no verdict" in text and "not run" in text


def test_the_data_can_be_read_by_a_program(hostile: Report) -> None:
    """The JSON form is JSON without infinities, and its figures are those of the analysis."""
    data = json.loads(json.dumps(report_data(hostile), allow_nan=False))
    assert (data["judged"], data["passed"], data["errors"], data["open"]) == (3, 2, 1, 1)
    assert data["success_rate"]["estimate"] == pytest.approx(2 / 3)
    assert data["comparison"]["verdict"] == "none"
    assert data["missed"] == ["success_rate is 0.6667, and at least 0.99 is asked for"]


def test_an_evaluation_without_a_verdict_can_be_reported() -> None:
    """When nothing is known of any trial, every report says so, and none fails."""
    empty = report({"a": [Trial("a", 1)]})
    for write in (to_text, to_html, to_junit, to_markdown, report_data):
        assert write(empty)  # type: ignore[operator]  # a tuple of functions of one argument
    assert empty.analysis.success is None


@pytest.mark.slow
def test_a_large_evaluation_stays_readable() -> None:
    """Of 10,000 cases the terminal and Markdown list what failed and not all of it; the page stays below 5 MB."""
    cases = {f"case {n}": [trial(f"case {n}", 1, n % 7 > 0, "because " * 30)] for n in range(10_000)}
    big = report(cases)
    assert len(to_text(big).splitlines()) < 100
    assert len(to_markdown(big)) < 65_000  # what a comment on a pull request may hold
    assert len(to_html(big)) < 5_000_000
    assert len(ET.fromstring(to_junit(big))[0].findall("testcase")) == 10_000


def test_a_case_of_which_trials_are_missing_has_not_passed() -> None:
    """After an interruption a case is not called passed for the few trials that were judged."""
    found = report({"half": [trial("half", 1, True), trial("half", 2, None)]})
    assert report_data(found)["cases"][0]["state"] == "not over"
    assert "half  1/2     not over" in to_text(found)
    root = ET.fromstring(to_junit(found))
    assert (root[0].get("skipped"), root[0].get("failures")) == ("1", "0")
    skipped = root.find(".//skipped")
    assert skipped is not None and skipped.get("message") == "1 of 2 trials were run"


def test_small_changes_and_high_levels_are_written_so_that_they_can_be_read() -> None:
    """Milliseconds are not written as 4e-05, and a level of 99.5 % is not written as 100 %."""
    interval = Interval(-4.1e-05, -0.0009, 0.0008)
    each = Compared("t", Figure("seconds", "lower"), 0.01, 0.01, interval, 0.9, None)
    assert change_text(each) == "-0.041 ms (-0.9 to +0.8)"
    dollars = Compared("c", Figure("usd", "lower"), 1, 0.9, Interval(-0.1, -0.2, 0.05), 0.9, None)
    assert change_text(dollars) == "-$0.1000 (-$0.2000 to +$0.0500)"
    assert [level_text(level) for level in (0.95, 0.995)] == ["95%", "99.5%"]
