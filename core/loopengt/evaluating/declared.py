"""Reads what a person names on the command line: judges, and what is expected."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.errors import SpecError, UsageError
from loopengt.naming import hint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt.spec import Document, Problem
    from loopengt_hookspecs.models import JudgeSpec
    from loopengt_hookspecs.registration import Components

__all__ = ["judge_specs", "read_data"]

_DATA = (".json", ".yaml", ".yml")
_TEXT = (".md", ".txt")


def judge_specs(
    components: Components, words: Iterable[str], *, agent: str = "", threshold: float | None = None
) -> list[JudgeSpec]:
    """Return the judges that are meant.

    Args:
        components: Where judges are looked up.
        words: Of each judge the name of its kind, or a YAML or JSON file: a declaration (a mapping with ``kind``), the
            name of a kind, or a list of these.
        agent: ``PROVIDER`` or ``PROVIDER:MODEL``: who is asked by those that ask an agent, in place of whom they
            declare; empty: as they declare.
        threshold: What counts for each, in place of what they declare; None: as they declare.

    Raises:
        SpecError: A file cannot be read, or does not declare a judge; the message names the line.
        UsageError: There is neither such a judge nor such a file.
    """
    from loopengt_hookspecs.models import AgentConfig, JudgeSpec

    known = components.names("judges")
    found: list[JudgeSpec] = []
    for word in words:
        if word in known:
            found.append(JudgeSpec(kind=word))
        elif _is_file(word) or Path(word).suffix in _DATA:
            found += _of_file(Path(word), known)
        else:
            raise UsageError(
                f"there is no judge {word!r}{hint(word, known)}",
                remedy="A judge with options is declared in a YAML file: -j judge.yaml",
            )
    changed: dict[str, Any] = {} if threshold is None else {"threshold": threshold}
    provider, _, model = agent.partition(":")
    asked = {"provider": provider, "temperature": 0.0} | ({"model": model} if model else {})
    config = {"agent": AgentConfig.model_validate(asked)} if agent else {}
    return [
        spec.model_copy(update=changed | (config if components.get("judges", spec.kind).asks else {}))
        for spec in found
    ]


def read_data(word: str) -> Any:
    """Return what a text, or the file of that name, holds.

    Args:
        word: Name of a file, whose content is taken: as data when its suffix is .json, .yaml or .yml, else as text.
            Anything else is taken as it is, as data when it is a JSON object or list.

    Raises:
        SpecError: The file is neither YAML nor JSON.
        UsageError: It cannot be read, or what has the look of a file's name is none.
    """
    import json

    if _is_file(word):
        path = Path(word)
        if path.suffix in _DATA:
            return _document(path).data
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            raise UsageError(f"the file {word} cannot be read: {exc}") from exc
    if len(word.split()) == 1 and Path(word).suffix in (*_DATA, *_TEXT):
        raise UsageError(f"there is no file {word!r}")
    if word.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(word)
        except (ValueError, RecursionError):
            return word
    return word


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False


def _document(path: Path) -> Document:
    from loopengt.spec import read_document

    document = read_document(path)
    if document.problems:
        raise SpecError(document.problems)
    return document


def _of_file(path: Path, known: Iterable[str]) -> list[JudgeSpec]:
    document = _document(path)
    listed = isinstance(document.data, list)
    problems: list[Problem] = []
    found = []
    for index, value in enumerate(document.data if listed else [document.data]):
        place: tuple[int, ...] = (index,) if listed else ()
        spec = _spec(document, place, value, known, problems)
        if spec is not None:
            found.append(spec)
    if problems:
        raise SpecError(problems)
    if not found:
        raise SpecError([document.problem((1, 1), "the file declares no judge")])
    return found


def _spec(
    document: Document, place: tuple[int, ...], value: Any, known: Iterable[str], problems: list[Problem]
) -> JudgeSpec | None:
    """Return a declaration, or None with what is wrong with it added to the problems."""
    from loopengt.spec import check_model
    from loopengt_hookspecs.models import JudgeSpec

    if not isinstance(value, str | dict):
        message = "a judge is the name of its kind, or a mapping with kind"
        problems.append(document.problem(document.position(place), message))
        return None
    if isinstance(value, str):
        spec: JudgeSpec | None = JudgeSpec.model_construct(kind=value)
    else:
        spec, misfits = check_model(document, JudgeSpec, place)
        problems += misfits
    if spec is None:
        return None
    if spec.kind not in known:
        where = document.position(place if isinstance(value, str) else (*place, "kind"))
        problems.append(document.problem(where, f"there is no judge {spec.kind!r}{hint(spec.kind, known)}"))
        return None
    return spec
