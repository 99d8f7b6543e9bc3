"""The provider ``command``: runs a program for each attempt and takes its standard output as the answer."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from loopengt.processes import ProgramResult, base_environment, keep_whole, missing_program, run_program
from loopengt_agent_command.handover import full_prompt, variables
from loopengt_agent_command.options import CommandOptions
from loopengt_agent_command.parsing import NotJsonError, Parsed, cost_of, parse, tokens_of
from loopengt_hookspecs.agents import AgentError, AgentReply, MissingRequirement

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.agents import AgentRequest
    from loopengt_hookspecs.models import AgentRole

__all__ = ["CommandAgent", "CommandProvider"]

_TAIL = 2_000


class CommandProvider:
    """Makes agents that run a program."""

    options = CommandOptions

    def bind(self, role: AgentRole, project: Path) -> CommandAgent:
        """Make the agent of one role."""
        return CommandAgent(role.name, CommandOptions.model_validate(role.config.extra), project)


class CommandAgent:
    """Runs the program once for each attempt, in the run's workspace.

    The program gets the prompt, with the system prompt and a blank line before it, as ``input`` says.
    Its environment is a short allow-list of ours, what ``env`` and ``pass_env`` add, and these variables:
    LOOPENGT_RUN_ID, LOOPENGT_LOOP, LOOPENGT_STEP, LOOPENGT_OCCURRENCE, LOOPENGT_ATTEMPT, LOOPENGT_AGENT,
    LOOPENGT_IDEMPOTENCY_KEY, LOOPENGT_WORKSPACE, LOOPENGT_PROMPT_FILE and LOOPENGT_FEEDBACK_FILE, and, unless
    the text is long, LOOPENGT_PROMPT and LOOPENGT_FEEDBACK.

    Args:
        name: The agent's name, for messages.
        options: How to run the program.
        project: The project folder, in which ``missing`` looks for programs given by a relative path.
    """

    def __init__(self, name: str, options: CommandOptions, project: Path) -> None:
        self._name = name
        self._options = options
        self._project = project
        self.free = options.cost == "free"
        """Whether no call ever costs anything."""
        self.reports_cost = options.cost != "unknown"
        """Whether every answer says what the call has cost."""

    def plan(self) -> str:
        """The command line, and how the prompt reaches it."""
        options = self._options
        where = f"  (in {options.cwd})" if options.cwd != "." else ""
        how = "standard input" if options.input == "stdin" else "the last argument"
        return f"{self._shown()}  (prompt: {how}){where}"

    def missing(self) -> list[MissingRequirement]:
        """The program and the variables of ``pass_env`` that are not there."""
        return self._missing(self._project / self._options.cwd, self._environment())

    async def invoke(self, request: AgentRequest) -> AgentReply:
        """Run the program.

        Raises:
            AgentError: By ``kind``: ``ExitCode``, ``EmptyOutput``, ``InvalidOutput`` (not the promised JSON),
                ``ReportedError`` (a JSON result that says ``is_error``), ``NoCost`` (none where the option
                ``cost`` promises one), ``WorkingFolder``, ``ArgumentListTooLong``.
            MissingRequirement: The program or a variable of ``pass_env`` is not there.
        """
        options = self._options
        cwd = self._folder(request.workspace)
        env = self._environment()
        for missing in self._missing(cwd, env):
            raise missing
        prompt = full_prompt(request)
        with variables(request, self._project) as own:
            result = await run_program(
                self._command(prompt),
                cwd=cwd,
                env=env | own,
                stdin=prompt.encode() if options.input == "stdin" else None,
                max_output=options.max_output_bytes,
            )
        self._refuse_failure(result, cwd)
        return await self._reply(result, request)

    def _command(self, prompt: str) -> list[str] | str:
        command = self._options.command
        if self._options.input == "stdin":
            return command
        if isinstance(command, str):
            # A positional parameter: the shell never reads the prompt as a part of the command.
            return ["/bin/sh", "-c", command, "sh", prompt]
        return [*command, prompt] if prompt else command

    def _environment(self) -> dict[str, str]:
        return base_environment(self._options.pass_env) | self._options.env

    def _missing(self, cwd: Path, env: dict[str, str]) -> list[MissingRequirement]:
        found = [
            MissingRequirement(
                f"agent {self._name!r} needs the environment variable {name}", remedy=f"export {name}=..."
            )
            for name in self._options.pass_env
            if name not in env
        ]
        program = missing_program(self._options.command, cwd=cwd, env=env, needed_by=f"agent {self._name!r}")
        return [*found, program] if program is not None else found

    def _folder(self, workspace: Path) -> Path:
        """The folder to run in, with links resolved: one that leads out of the workspace is refused."""
        root = workspace.resolve()
        folder = (root / self._options.cwd).resolve()
        if not folder.is_relative_to(root):
            raise AgentError(
                f"agent {self._name!r}: the folder {self._options.cwd} leads outside the workspace, "
                f"to {folder}",
                remedy="Give cwd a folder inside the workspace.",
                kind="WorkingFolder",
            )
        if not folder.is_dir():
            raise AgentError(
                f"agent {self._name!r}: there is no folder {self._options.cwd} in the workspace {root}",
                remedy=f"mkdir -p {shlex.quote(str(folder))}",
                kind="WorkingFolder",
            )
        return folder

    def _refuse_failure(self, result: ProgramResult, cwd: Path) -> None:
        options = self._options
        if result.exit_code not in options.success_codes:
            said = _tail(result.err.text) or _tail(result.out.text) or "It printed nothing."
            raise AgentError(
                f"agent {self._name!r}: {self._shown()} ended with {result.ending}\n{said}",
                remedy=f"To see it yourself, run the command in {cwd}; "
                "codes that mean success can be listed in success_codes.",
                kind="ExitCode",
            )
        if not options.allow_empty and not result.stdout.strip():
            said = _tail(result.err.text)
            raise AgentError(
                f"agent {self._name!r}: {self._shown()} ended with {result.ending} but printed nothing"
                + (f" on standard output\n{said}" if said else ""),
                remedy="If that is how it succeeds, set allow_empty: true in config.extra.",
                kind="EmptyOutput",
            )

    async def _reply(self, result: ProgramResult, request: AgentRequest) -> AgentReply:
        parsed = self._parse(result)
        cost = 0.0 if self.free else cost_of(parsed.value)
        if cost is None and self.reports_cost:
            raise AgentError(
                f"agent {self._name!r}: the output of {self._shown()} has no cost_usd",
                remedy="Let the program print a JSON object with cost_usd, or take cost: reported out of config.extra.",
                kind="NoCost",
                token_usage=tokens_of(parsed.value),
            )
        return AgentReply(
            parsed.value,
            token_usage=tokens_of(parsed.value),
            cost_usd=cost,
            cost_source="unknown" if cost is None else "reported",
            metadata=await _facts(result, parsed, request),
        )

    def _parse(self, result: ProgramResult) -> Parsed:
        options = self._options
        text = result.out.text
        if not text.strip() and options.output in ("json", "ndjson"):
            return Parsed(None if options.output == "json" else [])
        try:
            parsed = parse(text, options.output)
        except NotJsonError as error:
            why = (
                f"has {result.out.size:,} bytes, more than max_output_bytes"
                if result.out.truncated
                else f"is not JSON: {error}"
            )
            raise AgentError(
                f"agent {self._name!r}: the output of {self._shown()} {why}\n{_tail(text)}",
                remedy=f"Raise max_output_bytes above {result.out.size}."
                if result.out.truncated
                else "Let the program print nothing but JSON on standard output, or set output: text.",
                kind="InvalidOutput",
            ) from None
        self._refuse_reported_error(parsed.value)
        return parsed

    def _refuse_reported_error(self, value: Any) -> None:
        # Coding agents end with such an object; some say is_error though they exit with 0.
        if isinstance(value, dict) and value.get("type") == "result" and value.get("is_error") is True:
            said = value.get("result") or value.get("error") or value.get("subtype") or "no reason given"
            raise AgentError(
                f"agent {self._name!r}: {self._shown()} reports an error: {_tail(str(said))}",
                remedy="Mend what it reports, then resume the run.",
                kind="ReportedError",
            )

    def _shown(self) -> str:
        command = self._options.command
        text = command if isinstance(command, str) else shlex.join(command)
        line = text.strip().replace("\n", "\\n")
        return line if len(line) <= 200 else f"{line[:200]}…"


def _tail(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _TAIL else f"…{text[-_TAIL:]}"


async def _facts(result: ProgramResult, parsed: Parsed, request: AgentRequest) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "exit_code": result.exit_code,
        "duration_seconds": round(result.duration_seconds, 3),
    }
    if stderr := _tail(result.err.text):
        facts["stderr_tail"] = stderr
    for name, output in (("stdout", result.out), ("stderr", result.err)):
        if not output.is_utf8:
            facts[f"{name}_invalid_utf8"] = True
        kept = await keep_whole(output, request.put_blob)
        if kept is not None:
            facts[f"{name}_truncated"] = kept
    if parsed.junk_lines:
        facts["junk_lines"] = parsed.junk_lines
    return facts
