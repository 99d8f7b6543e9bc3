"""Runs one CLI for one turn: makes its input, follows its output line by line, and makes a reply of its result."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from loopengt.processes import (
    ProgramResult,
    Watch,
    base_environment,
    find_program,
    missing_program,
    run_program,
)
from loopengt.temporary import temporary_folder
from loopengt_coding_clis.report import NOTHING, Report
from loopengt_coding_clis.structured import find_json, instruction, is_strict
from loopengt_coding_clis.verdict import Ending, judge
from loopengt_hookspecs.agents import AgentError, AgentReply, MissingRequirement

if TYPE_CHECKING:
    from loopengt_coding_clis.dialect import Dialect, Turn
    from loopengt_hookspecs.agents import AgentRequest

__all__ = ["Cli", "good_session_id"]

_SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_SHORT = 2_000
"""Bytes of output up to which it is kept in the reply's metadata; a longer one is a blob."""
_LONGEST_ARGUMENT = 100_000
"""Bytes of a system prompt that go into an argument; the kernel takes 128 KiB."""


def good_session_id(value: object) -> bool:
    """Whether it is a text that can be the id of a session and nothing else, such as an option."""
    return isinstance(value, str) and _SESSION_ID.fullmatch(value) is not None


@dataclass(frozen=True)
class Cli:
    """One CLI of an agent, with the options that concern it."""

    dialect: Dialect
    turn: Turn
    """What every turn asks for alike; prompts and session are filled in."""
    agent: str
    """The agent's name, for messages."""
    program: str
    env: Mapping[str, str]
    pass_env: tuple[str, ...]
    idle_seconds: float | None
    grace_seconds: float

    def environment(self) -> dict[str, str]:
        """What the program gets of our environment, and what the options add."""
        return base_environment((*self.dialect.keys, *self.pass_env)) | dict(self.env)

    def found(self, folder: Path) -> str | None:
        """Return what to start as the program, or None when it is not there."""
        env = self.environment()
        if self.program:
            return self.program if find_program(self.program, folder, env) else None
        usual, *others = self.dialect.programs
        if find_program(usual, folder, env):
            return usual
        for name in others:
            path = find_program(name, folder, env)
            if path is not None and any(usual in part for part in path.resolve().parts):
                return str(path)
        return None

    def missing(self, folder: Path) -> list[MissingRequirement]:
        """The program and the variables of ``pass_env`` that are not there."""
        env, needed_by = self.environment(), f"agent {self.agent!r}"
        found = [
            MissingRequirement(
                f"{needed_by} needs the environment variable {name}", remedy=f"export {name}=..."
            )
            for name in self.pass_env
            if name not in env
        ]
        if self.found(folder) is None:
            name = self.program or self.dialect.programs[0]
            lacking = missing_program([name], cwd=folder, env=env, needed_by=needed_by)
            found += [lacking] if lacking is not None else []
        return found

    def argv(self, turn: Turn, folder: Path) -> list[str]:
        """The whole command line of a turn."""
        program = self.found(folder) or self.program or self.dialect.programs[0]
        return [program, *self.dialect.arguments(turn)]

    async def version(self, folder: Path) -> str | None:
        """Return the first line that ``--version`` prints within 5 seconds; None: it prints none."""
        program = self.found(folder)
        if program is None:
            return None
        result = await run_program([program, "--version"], cwd=folder, env=self.environment(), timeout=5)
        lines = result.out.text.strip().splitlines()
        return lines[0][:200] if lines and result.exit_code == 0 else None

    async def invoke(self, request: AgentRequest, variables: Mapping[str, str]) -> AgentReply:
        """Make one turn.

        Raises:
            AgentError: As ``judge`` says; ``ArgumentListTooLong``: the CLI takes no prompt that long.
            MissingRequirement: The program or a variable of ``pass_env`` is not there.
        """
        for missing in self.missing(request.workspace):
            raise missing
        report = Report(_progress_of(request), request.emit, self.dialect.name)
        with ExitStack() as stack:
            turn = self._turn(request, stack)
            follower = _Follower(self.dialect, report, self.grace_seconds, self.idle_seconds)
            result = await run_program(
                self.argv(turn, request.workspace),
                cwd=request.workspace,
                env=self.environment() | dict(self.dialect.environment(turn)) | dict(variables),
                stdin=turn.prompt.encode() if self.dialect.prompt == "stdin" else None,
                watch=follower.watch,
            )
        resumed = bool(turn.session_id)
        facts = await self._facts(result, report, follower, request, resumed=resumed)
        self._count(report, request.session if resumed else None, facts)
        ended_by = follower.watch.ended_by
        try:
            judge(self.dialect, report, Ending(self.agent, result, ended_by, self.idle_seconds, resumed))
        except AgentError:
            request.emit("custom", {"what": "coding_cli.failed", **facts})
            raise
        return AgentReply(
            self._output(request, report, facts),
            token_usage=report.usage,
            cost_usd=report.cost_usd,
            cost_source="unknown" if report.cost_usd is None else "reported",
            metadata=facts,
        )

    def _turn(self, request: AgentRequest, stack: ExitStack) -> Turn:
        """Fill in what the request says."""
        system, parts = _clean(request.system_prompt), [_clean(request.prompt)]
        apart = self.dialect.takes_system_prompt and len(system.encode()) <= _LONGEST_ARGUMENT
        if system and not apart:
            parts.insert(0, system)
        turn = replace(
            self.turn,
            workspace=request.workspace,
            system_prompt=system if apart else "",
            session_id=self._session(request.session),
            max_budget_usd=_least(self.turn.max_budget_usd, request.cost_left_usd),
        )
        schema = request.agent.output_schema
        if schema is not None:
            if not self._takes(schema):
                parts.append(instruction(schema))
            elif self.dialect.schema == "inline":
                turn = replace(turn, schema=schema)
            else:
                file = stack.enter_context(temporary_folder(request.workspace)) / "schema.json"
                file.write_bytes(msgspec.json.encode(schema))
                turn = replace(turn, schema_file=str(file))
        return replace(turn, prompt="\n\n".join(part for part in parts if part))

    def _takes(self, schema: Mapping[str, Any]) -> bool:
        return self.dialect.schema != "none" and (not self.dialect.strict_schema or is_strict(schema))

    def _session(self, session: Mapping[str, Any] | None) -> str:
        """The session to go on with: that of the last reply, if it was this CLI's."""
        if session is None or session.get("provider") != self.dialect.name:
            return ""
        found = session.get("session_id")
        if found and not good_session_id(found):
            raise AgentError(
                f"agent {self.agent!r}: {str(found)[:200]!r} is no id of a session of {self.dialect.name}",
                remedy="Set session: fresh for the step.",
                kind="SessionLost",
                starts_over=True,
            )
        return found or ""

    def _output(self, request: AgentRequest, report: Report, facts: dict[str, Any]) -> Any:
        if report.structured is not NOTHING:
            return report.structured
        if request.agent.output_schema is None:
            return report.result
        try:
            return find_json(report.result)
        except ValueError as error:
            # The text is held against the schema by the engine, which tells the agent what is wrong with it.
            facts["output_not_json"] = str(error)
            return report.result

    def _count(self, report: Report, session: Mapping[str, Any] | None, facts: dict[str, Any]) -> None:
        """Take off the tokens of the session's earlier turns, where they are counted in."""
        if not self.dialect.cumulative or not report.usage:
            return
        whole = facts["session_usage"] = dict(report.usage)
        before = (session or {}).get("session_usage")
        before = before if isinstance(before, dict) else {}
        if all(isinstance(n, int) and n <= whole.get(kind, 0) for kind, n in before.items()):
            report.uses({kind: number - before.get(kind, 0) for kind, number in whole.items()})

    async def _facts(
        self,
        result: ProgramResult,
        report: Report,
        follower: _Follower,
        request: AgentRequest,
        *,
        resumed: bool,
    ) -> dict[str, Any]:
        """What the record keeps of the turn beside its answer."""
        facts: dict[str, Any] = {
            "provider": self.dialect.name,
            **report.facts,
            "exit_code": result.exit_code,
            "duration_seconds": round(result.duration_seconds, 3),
            "permissions": self.turn.permissions,
            "resumed": resumed,
        }
        if good_session_id(report.session_id):
            facts["session_id"] = report.session_id
        if report.model:
            facts["model"] = report.model[:200]
        if follower.junk:
            facts["junk_lines"] = follower.junk
        if follower.watch.long_lines:
            facts["lines_left_out"] = follower.watch.long_lines
        if follower.watch.ended_by:
            facts["ended_by"] = (
                "grace" if follower.watch.ended_by == "overstayed" else follower.watch.ended_by
            )
        for name, output in (("stdout", result.out), ("stderr", result.err)):
            if 0 < output.size <= _SHORT:
                facts[name] = output.text
            elif output.size:
                facts[name] = {
                    "size": output.size,
                    "digest": await request.put_blob(await asyncio.to_thread(output.read_all)),
                }
        return facts


class _Follower:
    """Takes the lines of a CLI's output as they come."""

    def __init__(self, dialect: Dialect, report: Report, grace: float, idle: float | None) -> None:
        self.junk = 0
        """Lines that are no JSON objects."""
        self.watch = Watch(self._take, idle_seconds=idle)
        self._read = dialect.read
        self._report = report
        self._grace = grace

    def _take(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            event = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError):
            event = None
        if not isinstance(event, dict):
            self.junk += 1
            return
        was_closed = self._report.closed
        self._read(event, self._report)
        if self._report.closed and not was_closed:
            self.watch.leave_within(self._grace)
        elif was_closed and not self._report.closed:
            self.watch.stay()


def _progress_of(request: AgentRequest) -> Callable[[str], None]:
    from loopengt_hookspecs.calls import NoCalls

    return (lambda words: None) if isinstance(request.calls, NoCalls) else request.calls.progress


def _clean(text: str) -> str:
    """The text without what no program can be given: lone surrogates and null characters."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _least(*amounts: float | None) -> float | None:
    return min((amount for amount in amounts if amount is not None), default=None)
