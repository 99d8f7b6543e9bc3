"""Writes an evaluation as JUnit XML: a suite with a test case for each case."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from loopengt.display import first_line, visible
from loopengt_evals.reports.report import case_word

if TYPE_CHECKING:
    from loopengt_evals.reports.report import Report
    from loopengt_evals.suites.results import CaseResult

__all__ = ["to_junit"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST = 4_000


def to_junit(report: Report) -> str:
    """Return the document. A case is a failure when one of its trials is, and an error when one has no verdict."""
    result, found = report.result, report.analysis
    words = [case_word(case) for case in result.cases]
    counts = {
        "tests": str(len(words)),
        "failures": str(sum(word in ("FAILED", "flaky") for word in words)),
        "errors": str(words.count("no verdict")),
        "skipped": str(sum(word in ("not run", "not over") for word in words)),
        "time": f"{sum(map(_seconds, result.cases)):.3f}",
    }
    suite = ET.Element("testsuite", {"name": _clean(result.suite), **counts})
    properties = ET.SubElement(suite, "properties")
    facts = {
        "evaluation": result.evaluation,
        "loop": result.loop,
        "trials": str(len(result.trials)),
        "cost_usd": f"{found.cost_usd:.6f}",
        "tokens": str(found.tokens),
    }
    if found.success is not None:
        facts |= {
            "success_rate": f"{found.success.estimate:.4f}",
            "success_rate_low": f"{found.success.low:.4f}",
            "success_rate_high": f"{found.success.high:.4f}",
        }
    if report.comparison is not None:
        facts |= {"comparison": report.comparison.verdict, "comparison_sentence": report.comparison.sentence}
    for name, value in facts.items():
        ET.SubElement(properties, "property", {"name": name, "value": _clean(value)})
    classname = _clean(result.suite)
    for case in result.cases:
        _case(suite, case, classname)
    suites = ET.Element("testsuites", {"name": _clean(result.suite), **counts})
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _case(suite: ET.Element, case: CaseResult, classname: str) -> None:
    element = ET.SubElement(
        suite,
        "testcase",
        {"name": _clean(case.id), "classname": classname, "time": f"{_seconds(case):.3f}"},
    )
    word = case_word(case)
    if word == "passed":
        return
    if word in ("not run", "not over"):
        message = f"{len(case.judged)} of {len(case.trials)} trials were run"
        ET.SubElement(element, "skipped", {"message": message})
        return
    bad = [trial for trial in case.trials if not trial.passed and (word != "no verdict" or trial.error)]
    tag, kind = ("error", "NoVerdict") if word == "no verdict" else ("failure", "Failed")
    message = f"{case.passed} of {len(case.judged)} trials passed: {first_line(bad[0].why, 200)}"
    problem = ET.SubElement(element, tag, {"message": _clean(message), "type": kind})
    text = "\n\n".join(f"trial {t.number}, run {t.run_id or '-'}:\n{t.why}" for t in bad)
    problem.text = _clean(text[:_LONGEST], keep="\n\t")


def _seconds(case: CaseResult) -> float:
    return sum(float(trial.metrics.get("driven_seconds") or 0.0) for trial in case.trials)


def _clean(text: str, keep: str = "") -> str:
    """Return a text without what XML cannot hold, and without what moves a cursor."""
    return _NOT_XML.sub("\ufffd", visible(text, keep=keep))
