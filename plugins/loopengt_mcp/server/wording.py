"""Turns remedies that name commands of a shell into ones that name the tools of this server, where there is one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

from loopengt.display import visible
from loopengt.errors import LoopengtError, SpecError

__all__ = ["for_model", "in_tools"]

_LONGEST: Final = 8_000
_END: Final = r"(?=`|[.,;:)]?(?:\s(?!--)|$))"
"""What ends a command that is known whole: an option behind it makes it another one."""
_ALONE: Final = r"(?! \S+ --)"
_RUN: Final = r"(?P<run>RUN|FORK|latest|[\w-]*\d[\w-]*)"
_PATH: Final = r"(?P<path>[\w./~-]*\w)"
_Make: TypeAlias = Callable[[dict[str, str]], str]


def in_tools(text: str) -> str:
    """Return a remedy with the tools of this server in place of the commands that do the same.

    What is said to a person is left as it is, and so are commands that only a person has.
    """
    if "person" in text:
        return text
    for pattern, make in _TURNED:
        text = pattern.sub(_filled(make), text)
    return text


def for_model(error: LoopengtError) -> str:
    """Return what a model is told of an error: what is wrong, and what to call next."""
    if isinstance(error, SpecError):
        text = "\n".join(str(replace(each, hint=in_tools(each.hint))) for each in error.problems)
    else:
        text = "\n".join(part for part in (error.message, in_tools(error.remedy)) if part)
    text = visible(text, keep="\n")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _value(word: str) -> str:
    return word if word.isupper() and word.isalpha() else repr(word)  # a word in capitals stands for a value


def _call(tool: str, *pairs: tuple[str, str], more: str = "") -> str:
    given = [f"{key}={_value(word)}" for key, word in pairs if word and word not in ("RUN", "SPEC")]
    given += [more] if more else []
    return f"{tool}({', '.join(given)})" if given else tool


def _filled(make: _Make) -> Callable[[re.Match[str]], str]:
    return lambda found: make({"": found[0]} | found.groupdict(default=""))


def _variables(found: dict[str, str]) -> str:
    names = re.findall(r"--set ([\w-]+)=", found[""])
    return f"variables={{{', '.join(f'{name!r}: …' for name in names)}}}"


def _of_run(tool: str, more: str = "") -> _Make:
    return lambda found: _call(tool, ("run_id", found["run"]), more=more)


def _fork(found: dict[str, str]) -> str:
    return _call("fork_run", ("run_id", found["run"]), ("at", found["at"]), ("loop", found["path"]))


def _decide(found: dict[str, str]) -> str:
    decision = {"approve": "decision='approve'", "reject": "decision='reject'"}.get(
        found["verb"], "answer=TEXT"
    )
    return _call("approve", ("run_id", found["run"]), more=decision)


def _command(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<tick>`?)\bloopengt {words}{_END}(?P=tick)")


_TURNED: Final[tuple[tuple[re.Pattern[str], _Make], ...]] = (
    (_command("runs(?! [a-z])"), lambda _: "list_runs"),
    (_command(rf"trace{_ALONE}(?: {_RUN})?"), _of_run("inspect_trace")),
    (_command(rf"stop{_ALONE}(?: {_RUN})?"), _of_run("stop_run")),
    (_command(f"resume {_RUN} --accept-spec"), _of_run("resume_loop", "accept_changes=true")),
    (_command(f"resume {_RUN} --keep-spec"), _of_run("resume_loop")),
    (_command(rf"resume{_ALONE}(?: {_RUN})?"), _of_run("resume_loop")),
    (_command(rf"fork {_RUN} --at (?P<at>[\w#-]+)(?: --spec {_PATH})?"), _fork),
    (_command(f"(?P<verb>approve|reject|answer)(?: {_RUN})?(?: TEXT)?"), _decide),
    (_command("template (?:list|show)(?: NAME)?"), lambda _: "list_templates"),
    (_command(f"validate {_PATH}"), lambda found: _call("validate_loop", ("loop", found["path"]))),
    (_command(f"run {_PATH}"), lambda found: _call("run_loop", ("loop", found["path"]))),
    (_command(r"init(?: \S*[/.]\S*)?"), lambda _: "create_loop"),
    (re.compile(r"--set [\w-]+=\S*(?: --set [\w-]+=\S*)*"), _variables),
    (re.compile(r"--in-place\b"), lambda _: "in_place=true"),
    (re.compile(r"; -C DIR names another project"), lambda _: ""),
)
