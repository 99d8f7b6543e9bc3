"""The judge ``command``: a program scores the output."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Self

from pydantic import Field, field_validator

from loopengt.display import one_line
from loopengt.processes import base_environment, missing_program, run_program
from loopengt.temporary import temporary_folder
from loopengt_hookspecs.errors import AgentError, JudgeError, MissingRequirement
from loopengt_hookspecs.judges import JudgeVerdict
from loopengt_judges.plain import PlainJudge
from loopengt_judges.subjects import ComparingOptions, as_text, judged, valued

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt.processes import ProgramResult
    from loopengt_hookspecs.judges import JudgeRequest
    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["CommandJudge"]

_TAIL = 2_000
_NOT_RUN = frozenset({126, 127})
"""Exit codes with which a shell says that there is no such program, or that it may not be executed."""
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


class CommandOptions(ComparingOptions):
    """Options of the judge ``command``."""

    command: list[str] | str = Field(description="Argument list, or a string for the shell.")
    score_from: Literal["exit_code", "stdout"] = Field(
        default="exit_code",
        description="exit_code: 0 is a score of 1, any other of 0; stdout: the program prints a number from 0 to 1, or "
        'a JSON object with "score" and, if it likes, "reasoning" and "criteria".',
    )
    run_in: Literal["workspace", "project"] = Field(
        default="workspace", description="The folder in which the program runs."
    )

    @field_validator("command")
    @classmethod
    def _names_a_program(cls, value: list[str] | str) -> list[str] | str:
        first = value if isinstance(value, str) else value[0] if value else ""
        if not first.strip():
            raise ValueError("the command is empty: name a program, such as [python, check.py]")
        return value


class CommandJudge(PlainJudge[CommandOptions]):
    """Runs a program on the output.

    The program reads the output on standard input and in the file LOOPENGT_OUTPUT_FILE; the file LOOPENGT_EXPECTED_FILE
    has what is expected, when anything is (text as it is, other data as JSON). It has a short allow-list of our
    environment, LOOPENGT_GOAL, and LOOPENGT_WORKSPACE when there is one.
    """

    options = CommandOptions

    def bind(self, spec: JudgeSpec, project: Path) -> Self:
        """Make the judge of one declaration."""
        return type(self)(CommandOptions.model_validate(spec.options), project)

    def plan(self) -> str:
        """Say what a verdict executes."""
        command = self.chosen.command
        return f"run {one_line(command if isinstance(command, str) else shlex.join(command), 200)}"

    def missing(self) -> list[MissingRequirement]:
        """The program, when it is not there."""
        missing = self._missing(self.project)
        return [missing] if missing is not None else []

    async def judge(self, request: JudgeRequest) -> JudgeVerdict:
        """Run the program.

        Raises:
            JudgeError: It was ended, its score cannot be read, or the workspace is gone.
            MissingRequirement: It is not there.
        """
        folder = self.project if self.chosen.run_in == "project" else request.workspace
        if folder is None or not folder.is_dir():
            raise JudgeError(
                "the workspace is gone, in which the command is to run",
                remedy="Say run_in: project for a program that needs nothing but the output.",
            )
        missing = self._missing(folder)
        if missing is not None:
            raise missing
        output = as_text(judged(self.chosen, request)).encode("utf-8", "replace")
        with temporary_folder(self.project) as kept:
            environment = self._environment(request, kept, output)
            try:
                result = await run_program(self.chosen.command, cwd=folder, env=environment, stdin=output)
            except MissingRequirement:
                raise
            except AgentError as exc:
                raise JudgeError(exc.message, remedy=exc.remedy) from exc
        if self.chosen.score_from == "stdout":
            return _printed(result)
        return _ended(result)

    def _missing(self, folder: Path) -> MissingRequirement | None:
        needed_by = "the judge 'command'"
        return missing_program(self.chosen.command, cwd=folder, env=base_environment(), needed_by=needed_by)

    def _environment(self, request: JudgeRequest, folder: Path, output: bytes) -> dict[str, str]:
        given = {"LOOPENGT_OUTPUT_FILE": str(folder / "output")}
        (folder / "output").write_bytes(output)
        expected = self._expected(request)
        if expected is not None:
            (folder / "expected").write_bytes(as_text(expected).encode("utf-8", "replace"))
            given["LOOPENGT_EXPECTED_FILE"] = str(folder / "expected")
        if request.workspace is not None:
            given["LOOPENGT_WORKSPACE"] = str(request.workspace)
        given["LOOPENGT_GOAL"] = request.goal.replace("\0", "")[:30_000]
        return base_environment() | given

    def _expected(self, request: JudgeRequest) -> Any:
        if self.chosen.against is not None:
            return valued(self.chosen.against, request)
        return request.expected if self.chosen.expected is None else self.chosen.expected


def _ended(result: ProgramResult) -> JudgeVerdict:
    if result.exit_code < 0 or result.exit_code in _NOT_RUN:
        raise JudgeError(f"the command ended with {result.ending}{_said(result)}")
    details = {"exit_code": result.exit_code}
    if result.exit_code == 0:
        return JudgeVerdict(1.0, raw_output=_tail(result.out.text), details=details)
    told = f"the command ended with {result.ending}{_said(result)}"
    return JudgeVerdict(0.0, told, raw_output=_tail(result.out.text), details=details)


def _printed(result: ProgramResult) -> JudgeVerdict:
    if result.exit_code != 0:
        raise JudgeError(f"the command ended with {result.ending}, and not with a score{_said(result)}")
    text = result.out.text.strip()
    if _NUMBER.fullmatch(text):
        return JudgeVerdict(_score(float(text)), raw_output=text)
    try:
        found = json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise JudgeError(f"the command printed no score, but {one_line(text, 160)!r}")
    reasoning, criteria = found.get("reasoning", ""), found.get("criteria", {})
    if not isinstance(reasoning, str) or not isinstance(criteria, dict):
        raise JudgeError(
            f"the reasoning or the criteria that the command printed cannot be read: {one_line(text, 160)!r}"
        )
    scores = {name: _score(value) for name, value in criteria.items()}
    return JudgeVerdict(_score(found.get("score")), reasoning, criteria=scores, raw_output=_tail(text))


def _score(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise JudgeError(
            f"the command gave the score {one_line(str(value), 80)}, which is no number from 0 to 1"
        )
    return float(value)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _said(result: ProgramResult) -> str:
    told = _tail(result.err.text.strip() or result.out.text.strip())
    return f":\n{told}" if told else ""


def _tail(text: str) -> str:
    return text if len(text) <= _TAIL else f"…{text[-_TAIL:]}"
