"""Reads evals.yaml with its cases and their files, and finds all that is wrong with them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.errors import ExpressionError, SpecError
from loopengt.expressions import parse_expression
from loopengt.spec import Problem, check_model, read_document
from loopengt_evals.suites.model import CasesFile, EvalSuite
from loopengt_evals.suites.rows import FORMATS, MOST_PROBLEMS, Place, read_rows
from loopengt_evals.suites.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from loopengt.spec import Document
    from loopengt_evals.suites.model import EvalCase
    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["LoadedCase", "LoadedSuite", "load_suite"]

FILE_NAME = "evals.yaml"
"""What a folder's suite is called."""


@dataclass(frozen=True, slots=True)
class LoadedCase:
    """A sound case, with all that it names."""

    id: str
    index: int
    """Its place among the cases of the suite, from 0."""
    case: EvalCase
    expected: Any
    files: Mapping[str, Path | bytes]
    """What is laid into the workspace, by relative path."""
    judges: tuple[JudgeSpec, ...]
    """The judges of the suite and its own."""
    repeat: int
    digest: str
    """Of all that decides what the case is: inputs, files, what is expected, and its own judges."""
    place: Place


@dataclass(frozen=True, slots=True)
class LoadedSuite:
    """A sound suite."""

    suite: EvalSuite
    document: Document
    path: Path
    """The file."""
    loop: Path
    """The loop's file or folder."""
    cases: tuple[LoadedCase, ...]
    digest: str
    """Of all that decides what is measured: the cases, the judges, and what counts as a success."""
    sources: frozenset[Path] = field(default_factory=frozenset)
    """The files that tell what is expected, which no agent is to see."""

    def problem(self, message: str, *at: str | int) -> Problem:
        """Make a problem of the suite's file."""
        return self.document.problem(self.document.key_position(at), message)


def load_suite(path: Path, project: Path) -> LoadedSuite:
    """Load a suite.

    Args:
        path: Its file, or the folder with its ``evals.yaml``.
        project: The project, within which the files that it names must lie.

    Raises:
        SpecError: It cannot be read, or has problems; all of them are in ``problems``.
    """
    path = path / FILE_NAME if path.is_dir() else path
    if not path.is_file():
        raise SpecError(
            [Problem(str(path), 1, 1, "there is no such file", "docs/suites.md tells how to write one")]
        )
    document = read_document(path)
    problems = list(document.problems)
    if not isinstance(document.data, dict):
        problems.append(document.problem((1, 1), "a suite is a mapping with name, loop and cases"))
        raise SpecError(problems)
    suite, misfits = check_model(document, EvalSuite, noun="the suite")
    if suite is None or problems or misfits:
        raise SpecError(problems + misfits)
    problems += _expression_problems(document, suite)
    sources = Sources(project, path)
    cases = _Cases(suite, sources, problems).load(_read(document, suite, sources, problems))
    if not cases and not problems:
        problems.append(document.problem(document.position(("cases",)), "the suite has no case"))
    if problems:
        raise SpecError(problems[:MOST_PROBLEMS])
    return LoadedSuite(
        suite=suite,
        document=document,
        path=path,
        loop=path.parent / suite.loop,
        cases=tuple(cases),
        digest=_digest(
            {
                "cases": {case.id: case.digest for case in cases},
                "judges": [judge.model_dump(mode="json") for judge in suite.judges],
                "passes": suite.passes,
                "isolation": suite.isolation,
            }
        ),
        sources=frozenset(sources.read),
    )


def _expression_problems(document: Document, suite: EvalSuite) -> Iterator[Problem]:
    if suite.passes is None:
        return
    try:
        parse_expression(suite.passes)
    except ExpressionError as exc:
        where = document.text_position(("passes",), (exc.column or 1) - 1)
        yield document.problem(where, f"'passes' is no expression: {exc.message}", exc.remedy)


def _read(
    document: Document, suite: EvalSuite, sources: Sources, problems: list[Problem]
) -> Iterator[tuple[EvalCase, Place]]:
    if isinstance(suite.cases, list):
        for index, case in enumerate(suite.cases):
            yield case, Place(document, ("cases", index))
        return
    named = CasesFile(file=suite.cases) if isinstance(suite.cases, str) else suite.cases
    where = Place(document, ("cases",) if isinstance(suite.cases, str) else ("cases", "file"))
    kind = named.format or FORMATS.get(Path(named.file).suffix.lower())
    file = sources.find(named.file, where, problems)
    if kind is None:
        problems.append(where.problem(f"the suffix of {named.file!r} is none of {', '.join(FORMATS)}",
                                      "say what it is with format"))  # fmt: skip
    elif file is not None:
        sources.read.add(file)
        yield from read_rows(file, kind, named.columns, problems)


class _Cases:
    """Completes cases with what they name."""

    def __init__(self, suite: EvalSuite, sources: Sources, problems: list[Problem]) -> None:
        self._suite = suite
        self._sources = sources
        self._problems = problems

    def load(self, found: Iterator[tuple[EvalCase, Place]]) -> list[LoadedCase]:
        """Return the cases; what is wrong is added to the problems."""
        first: dict[str, Place] = {}
        cases: list[LoadedCase] = []
        for case, place in found:
            if case.id in first:
                hint = f"the first is in line {first[case.id].line}"
                self._problems.append(place.problem(f"two cases are called {case.id!r}", hint, at=("id",)))
            first.setdefault(case.id, place)
            cases.append(self._one(case, place, len(cases)))
            if len(self._problems) >= MOST_PROBLEMS:
                break
        return cases

    def _one(self, case: EvalCase, place: Place, index: int) -> LoadedCase:
        judges = (*self._suite.judges, *case.judges)
        labels = [judge.label for judge in judges]
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            message = f"two judges of the case {case.id!r} are called {twice[0]!r}"
            self._problems.append(place.problem(message, "give one of them a name", at=("judges",)))
        files = self._sources.files(case, place, self._problems)
        expected = case.expected
        if case.expected_file is not None:
            expected = self._sources.expected(case.expected_file, place, self._problems)
        own = {
            "inputs": case.inputs,
            "files": {name: _content_digest(content) for name, content in sorted(files.items())},
            "expected": expected,
            "judges": [judge.model_dump(mode="json") for judge in case.judges],
        }
        return LoadedCase(
            id=case.id,
            index=index,
            case=case,
            expected=expected,
            files=files,
            judges=judges,
            repeat=case.repeat or self._suite.repeat,
            digest=_digest(own),
            place=place,
        )


def _content_digest(content: Path | bytes) -> str:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest()
    with content.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
