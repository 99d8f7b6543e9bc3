"""Chooses a template by the words of a goal and the files of a project: plain rules, and no model."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from loopengt_cli_design.detecting import Findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from loopengt_cli_design.detecting import Check

__all__ = ["FALLBACK", "Choice", "Situation", "choices", "values_of"]

FALLBACK: Final = "starter"
"""What is taken when no rule fits."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rule may look at."""

    goal: str
    project: Path
    findings: Findings

    @property
    def tests(self) -> str:
        """What runs the tests, of each language one after the other, for a shell; empty without any."""
        return _one_after_the_other(self.findings.tests)

    @property
    def checks(self) -> str:
        """All checks, one after the other, for a shell."""
        return _one_after_the_other(self.findings.checks)


def _one_after_the_other(checks: Sequence[Check]) -> str:
    return " && ".join(shlex.join(check.command) for check in checks)


class NotFit(Exception):
    """A rule does not fit the project; the text says why."""


Values: TypeAlias = "Callable[[Situation], dict[str, Any]]"


@dataclass(frozen=True, slots=True)
class Rule:
    """When a template is taken, and what it is given."""

    template: str
    words: re.Pattern[str]
    values: Values
    """Makes its values; raises ``NotFit``."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A template that fits."""

    template: str
    why: str
    values: dict[str, Any] = field(default_factory=dict)
    last: bool = False
    """Whether there is none after it."""


def choices(situation: Situation) -> Iterator[tuple[Choice | None, str]]:
    """Yield the templates whose words occur in the goal, best first: a choice, or why it is none.

    The last one is always a choice: the template ``starter``.
    """
    for rule in _RULES:
        found = rule.words.search(situation.goal)
        if found is None:
            continue
        try:
            values = rule.values(situation)
        except NotFit as reason:
            if rule.template != FALLBACK:  # which comes in the end all the same
                yield None, f"not {rule.template}: {reason}"
        else:
            yield Choice(rule.template, f"the goal says {found[0].lower()!r}", values), ""
    yield (
        Choice(FALLBACK, "no other template fits better", last=True),
        "",
    )


def values_of(template: str, situation: Situation) -> dict[str, Any]:
    """Return what is known of the values that a template takes; of one that nobody knows here, nothing."""
    for rule in _RULES:
        if rule.template == template:
            try:
                return rule.values(situation)
            except NotFit:
                break
    return {}


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


def _fix_ci(now: Situation) -> dict[str, Any]:
    if not now.checks:
        raise NotFit("no command was recognised that does what the CI does")
    return {"ci_command": now.checks, "hint": now.goal} | _protected(now)


def _coverage(now: Situation) -> dict[str, Any]:
    if not any(check.command[0] == "pytest" for check in now.findings.tests):
        raise NotFit("coverage is measured of Python with pytest, which was not recognised")
    percent = re.search(r"(\d{1,3})\s*(?:%|per ?cent)", now.goal)
    threshold = {"threshold": min(int(percent[1]), 100)} if percent else {}
    return {"source": _source(now), **threshold}


def _dependencies(now: Situation) -> dict[str, Any]:
    if not (now.project / "requirements.txt").is_file():
        raise NotFit("it upgrades what requirements.txt names, and there is none")
    return _protected(now) | ({"test_command": now.tests} if now.tests else {})


def _docs(now: Situation) -> dict[str, Any]:
    docs = next((name for name in ("docs", "doc", "README.md") if (now.project / name).exists()), "")
    if not docs:
        raise NotFit("there is no folder docs and no README.md")
    return {"docs": docs, "source": _source(now), **({"check_command": now.tests} if now.tests else {})}


def _checked(name: str) -> Values:
    def values(now: Situation) -> dict[str, Any]:
        if not now.tests:
            raise NotFit("no test command was recognised that would prove the work")
        return {"goal": now.goal, name: now.tests}

    return values


def _goal(now: Situation) -> dict[str, Any]:
    return {"goal": now.goal}


def _document(now: Situation) -> dict[str, Any]:
    program = _PROGRAM.search(now.goal)
    if program is not None:
        raise NotFit(f"it writes a document, and the goal says {program[0].lower()!r}")
    return {"goal": now.goal}


def _starter(now: Situation) -> dict[str, Any]:
    if not now.findings.checks:
        raise NotFit("no command was recognised that checks the project")
    return {}


def _protected(now: Situation) -> dict[str, Any]:
    tests = next((name for name in ("tests", "test", "spec") if (now.project / name).is_dir()), "")
    return {"protected": tests} if tests else {}


def _source(now: Situation) -> str:
    """The folder of the code: ``src``, else the only package, or else folder with sources, at the top."""
    if (now.project / "src").is_dir():
        return "src"
    packages = sorted(path.parent.name for path in now.project.glob("*/__init__.py"))
    packages = [name for name in packages if name not in ("tests", "test") and not name.startswith(".")]
    if len(packages) == 1:
        return packages[0]
    if (now.project / "lib").is_dir():
        return "lib"
    raise NotFit("it is not plain which folder holds the code")


_PROGRAM: Final = _words(
    "programs?",
    "scripts?",
    "apps?",
    "code",
    "commands?",
    "games?",
    "librar(?:y|ies)",
    "functions?",
    "class(?:es)?",
    "servers?",
    "websites?",
    "modules?",
    "packages?",
    "tests?",
)
"""What is no document, though it is written."""
_RULES: Final = (
    Rule("fix_ci", _words("ci", "continuous integration", "pipelines?", "github actions", "broken build"), _fix_ci),
    Rule("test_coverage", _words("coverage", "untested"), _coverage),
    Rule("dependency_upgrade", _words("dependenc(?:y|ies)", "outdated packages?"), _dependencies),
    Rule("docs_sync", _words("docs?", "documentation", "readme"), _docs),
    Rule(
        "ralph",
        _words("ralph", r"plan\.md", "plan file", "backlog", "todo list", "checklist"),
        _checked("check_command"),
    ),
    Rule(
        "supervisor_workers",
        _words(r"supervis\w+", "workers?", "delegate", "team of", "coordinate"),
        _checked("test_command"),
    ),
    Rule(
        "starter",
        _words(r"fix\w*", r"fail\w*", r"mend\w*", r"repair\w*", "bugs?", "green", "errors?", r"lint\w*", "warnings?"),
        _starter,
    ),
    Rule("handoff_loop", _words("hand ?offs?", "hand over", "outline"), _goal),
    Rule(
        "research_architect",
        _words(r"research\w*", r"investigat\w+", r"compar\w+", r"evaluat\w+", r"architect\w*"),
        _goal,
    ),
    Rule(
        "planner_executor",
        _words("implement", "add", "build", "create", r"refactor\w*", r"migrat\w+", "port", "features?", "support",
               "rename", "extract", "rewrite", "upgrade", "tests?", "change", "make", "programs?", "scripts?", "apps?"),
        _checked("check_command"),
    ),
    Rule(
        "reviewer_retry",
        _words("write", "draft", r"review\w*", "proofread", "article", "report", "proposal", "text"),
        _document,
    ),
)  # fmt: skip
"""The first whose words occur, and which fits the project, is taken."""
