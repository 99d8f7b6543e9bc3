"""The provider ``scripted``: answers from a file, without any model, and marks every answer as scripted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt_agent_scripted.options import ScriptedOptions
from loopengt_agent_scripted.reading import read_script
from loopengt_agent_scripted.script import Answer, Script, parse_script
from loopengt_agent_scripted.writing import write_files
from loopengt_hookspecs.agents import AgentError, AgentReply, MissingRequirement

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.models import AgentRole

__all__ = ["NoScript", "ScriptUsedUp", "ScriptedAgent", "ScriptedProvider"]


class ScriptUsedUp(MissingRequirement):
    """The script has no answer for an attempt; the run ends at once, without a retry."""


class NoScript(MissingRequirement):
    """The file with the answers is not there or is no script."""


class ScriptedProvider:
    """Makes agents that answer from a script."""

    options = ScriptedOptions

    def bind(self, role: AgentRole, project: Path) -> ScriptedAgent:
        """Make the agent of one role; its file is read when it is first needed."""
        return ScriptedAgent(role.name, ScriptedOptions.model_validate(role.config.extra), project)


class ScriptedAgent:
    """Gives the answer that belongs to the step, its execution and its attempt.

    It keeps no count of what was asked: after a crash the same attempt gets the same answer.

    Args:
        name: The agent's name, for messages and for its list of answers.
        options: Where the answers are.
        project: The project folder.
    """

    free = True
    """It calls no model."""
    takes_tools = True

    def __init__(self, name: str, options: ScriptedOptions, project: Path) -> None:
        self._name = name
        self._project = project
        self._file = options.file
        self._given = parse_script(options.answers) if options.answers is not None else None
        self._read: tuple[object, Script] | None = None

    def plan(self) -> str:
        """Where the answers come from."""
        return f"answer from {self._where()} (scripted: no model is asked)"

    def missing(self) -> list[MissingRequirement]:
        """The file, when it is not there or is no script."""
        try:
            self._script()
        except MissingRequirement as exc:
            return [exc]
        return []

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Give the answer: call its tools, write its files, then return its output, or fail as it says.

        Raises:
            AgentError: The answer is an error (with its ``kind``), or its files lead out of the workspace.
            ScriptUsedUp: The script has no answer for the attempt.
            NoScript: The file is not there or is no script.
        """
        script = await asyncio.to_thread(self._script)
        asked = (request.step, request.agent.name, request.occurrence, request.attempt)
        answer, whose, number, known = script.find(*asked)
        if answer is None:
            raise self._used_up(request, whose, known)
        request.emit("custom", {"scripted": f"answer {number} {whose}", "agent": self._name})
        metadata: dict[str, Any] = {"scripted": True, "answer": number}
        called = await _call_tools(request, answer)
        if called:
            metadata["tools"] = called
        if answer.files:
            await asyncio.to_thread(write_files, request.workspace, answer.files)
        if answer.error is not None:
            raise AgentError(f"agent {self._name!r} (scripted): {answer.error}", kind=answer.kind)
        return AgentReply(answer.output, cost_usd=0.0, cost_source="reported", metadata=metadata)

    def _where(self) -> str:
        return "the answers in the spec" if self._file is None else self._file

    def _script(self) -> Script:
        """Return the script, read anew when the file has changed.

        Raises:
            NoScript: It is not there or is no script.
        """
        if self._given is not None:
            return self._given
        assert self._file is not None, "options have a file or answers"
        path = self._project / self._file
        try:
            state = path.stat()
            stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
            if self._read is None or self._read[0] != stamp:
                self._read = stamp, read_script(path, self._project)
            return self._read[1]
        except OSError:
            what, remedy = "is not there", f"Create {self._file} with a list of answers."
        except ValueError as exc:
            what, remedy = f"is no script: {exc}", f"Correct {self._file}."
        raise NoScript(f"agent {self._name!r} answers from {self._file}, which {what}", remedy=remedy)

    def _used_up(self, request: AgentRequest, whose: str, known: int) -> ScriptUsedUp:
        had = f"{known} answer{'' if known == 1 else 's'}"
        return ScriptUsedUp(
            f"the script {whose} in {self._where()} is used up: it has {had}, and step {request.step!r} asks for "
            f"another (execution {request.occurrence}, attempt {request.attempt})",
            remedy="Add an answer to the list.",
        )


async def _call_tools(request: AgentRequest, answer: Answer) -> list[dict[str, Any]]:
    called = []
    for name, arguments in answer.tools:
        outcome = await request.calls.tool(name, arguments)
        called.append({"name": name, "is_error": outcome.is_error})
    return called
