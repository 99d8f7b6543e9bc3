"""Scripts: which answer belongs to which attempt, and what an answer may say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

__all__ = ["SHAPE", "Answer", "Script", "parse_script"]

SHAPE = "A list of answers for all steps, or a mapping with lists: steps by name, agents by name, and common."
"""What a script looks like, for messages."""

_PARTS = ("steps", "agents", "common")
_DIRECTIVES = ("output", "files", "tools", "error")
"""A mapping with one of these keys says what is to be done; any other mapping is itself the output."""
_KEYS = (*_DIRECTIVES, "kind")


@dataclass(frozen=True, slots=True)
class Answer:
    """What an agent answers once."""

    output: Any = ""
    files: Mapping[str, str | None] = field(default_factory=dict)
    """Files of the workspace to write, with their text; None: the file is deleted."""
    tools: Sequence[tuple[str, Any]] = ()
    """Tools to call first, each with its arguments."""
    error: str | None = None
    """How the attempt fails; None: it does not."""
    kind: str = ""


_Attempts = tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class _List:
    """The answers of one step, or agent, or all."""

    answers: tuple[_Attempts, ...]
    by_execution: bool
    """Whether the n-th item belongs to the n-th execution, with an answer for each attempt."""

    def at(self, occurrence: int, attempt: int) -> tuple[Answer | None, int]:
        """Return the answer for an attempt, or None, and its number."""
        if not self.by_execution:
            number = occurrence + attempt - 1
            return (self.answers[number - 1][0] if number <= len(self.answers) else None), number
        attempts = self.answers[occurrence - 1] if occurrence <= len(self.answers) else ()
        return (attempts[attempt - 1] if attempt <= len(attempts) else None), occurrence


@dataclass(frozen=True, slots=True)
class Script:
    """The answers of a file."""

    steps: Mapping[str, _List]
    agents: Mapping[str, _List]
    common: _List

    def find(
        self, step: str, agent: str, occurrence: int, attempt: int
    ) -> tuple[Answer | None, str, int, int]:
        """Return the answer for an attempt; which it is follows from nothing but the attempt's own coordinates.

        Args:
            step: The step; an instance ``STEP[INDEX]`` has a list of its own, or else that of its step.
            agent: Name of the agent's role.
            occurrence: Which execution of the step, from 1.
            attempt: Which attempt of that execution, from 1.

        Returns:
            The answer, or None where the list has none for the attempt; whose list it is, in words; the answer's
            number; and how many the list has.
        """
        declared = step.rpartition("[")[0] if step.endswith("]") else step
        for owner, name, lists in (
            ("step", step, self.steps),
            ("step", declared, self.steps),
            ("agent", agent, self.agents),
        ):
            if name in lists:
                found, number = lists[name].at(occurrence, attempt)
                return found, f"of {owner} {name!r}", number, len(lists[name].answers)
        found, number = self.common.at(occurrence, attempt)
        return found, "for all steps", number, len(self.common.answers)


def parse_script(data: Any) -> Script:
    """Make a script of JSON data.

    Raises:
        ValueError: It is none; the message says where and why.
    """
    if isinstance(data, list):
        data = {"common": data}
    if not isinstance(data, Mapping):
        raise ValueError(f"the script is neither a list nor a mapping. {SHAPE}")
    _refuse_unknown(data, _PARTS, "the script")
    return Script(
        _lists(data.get("steps", {}), "steps"),
        _lists(data.get("agents", {}), "agents"),
        _list(data.get("common", []), "common"),
    )


def _lists(data: Any, where: str) -> dict[str, _List]:
    if not isinstance(data, Mapping):
        raise ValueError(f"{where} is not a mapping from names to lists of answers")
    return {str(name): _list(answers, f"{where}.{name}") for name, answers in data.items()}


def _list(data: Any, where: str) -> _List:
    if not isinstance(data, list):
        raise ValueError(f"{where} is not a list of answers")
    by_execution = any(isinstance(item, Mapping) and "attempts" in item for item in data)
    return _List(tuple(tuple(_attempts(item, f"{where}[{i}]")) for i, item in enumerate(data)), by_execution)


def _attempts(item: Any, where: str) -> Iterator[Answer]:
    if not (isinstance(item, Mapping) and "attempts" in item):
        yield _answer(item, where)
        return
    _refuse_unknown(item, ("attempts",), where)
    if not isinstance(item["attempts"], list) or not item["attempts"]:
        raise ValueError(f"{where}.attempts is not a list of answers, one for each attempt")
    for number, answer in enumerate(item["attempts"]):
        yield _answer(answer, f"{where}.attempts[{number}]")


def _answer(item: Any, where: str) -> Answer:
    if not isinstance(item, Mapping) or not any(key in item for key in _DIRECTIVES):
        return Answer(item)
    _refuse_unknown(item, _KEYS, where)
    error, kind = item.get("error"), item.get("kind", "")
    if error is not None and not (isinstance(error, str) and isinstance(kind, str)):
        raise ValueError(f"{where}: error and kind are texts")
    if error is None and kind:
        raise ValueError(f"{where} has a kind, but no error")
    if error is not None and "output" in item:
        raise ValueError(f"{where} has an output and an error: take one of them out")
    files = item.get("files", {})
    if not isinstance(files, Mapping) or not all(
        text is None or isinstance(text, str) for text in files.values()
    ):
        raise ValueError(f"{where}.files is not a mapping from paths to texts (or null, to delete)")
    tools = tuple(
        _tool(call, f"{where}.tools[{number}]") for number, call in enumerate(item.get("tools", []))
    )
    return Answer(item.get("output", ""), dict(files), tools, error, kind)


def _tool(call: Any, where: str) -> tuple[str, Any]:
    if not isinstance(call, Mapping) or not isinstance(call.get("name"), str):
        raise ValueError(f"{where} is not a call: write {{name: NAME, arguments: {{...}}}}")
    _refuse_unknown(call, ("name", "arguments"), where)
    return call["name"], call.get("arguments", {})


def _refuse_unknown(data: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in data:
        if key not in known:
            near = get_close_matches(str(key), known, 1)
            hint = f", did you mean {near[0]!r}?" if near else f": it has {', '.join(known)}"
            raise ValueError(f"{where} has no key {key!r}{hint}")
