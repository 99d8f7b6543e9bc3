"""The built-in tool ``run_command``: a program that the options allow, run in the workspace."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any, Self

from pydantic import Field, field_validator, model_validator

from loopengt.processes import ProgramResult, base_environment, find_program, keep_whole, run_program
from loopengt_hookspecs.errors import AgentError
from loopengt_hookspecs.models import Effects
from loopengt_hookspecs.tools import ToolError
from loopengt_tools.arguments import arguments
from loopengt_tools.commands import check_allowed, check_arguments
from loopengt_tools.confined import located, open_child
from loopengt_tools.options import OutputOptions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from loopengt.processes import Output
    from loopengt_hookspecs.tools import ToolCall

__all__ = ["CommandOptions", "RunCommand"]


class CommandOptions(OutputOptions):
    """Which commands may be run, and how."""

    allow: list[str] = Field(
        default_factory=list,
        description="Commands that may be run, each as the words that it must begin with; required unless allow_any.",
        examples=[["pytest", "git status", "npm run test"]],
    )
    allow_any: bool = Field(default=False, description="Whether any program may be run.")
    shell: bool = Field(
        default=False,
        description="Whether a command is a text for /bin/sh; only with allow_any, since a shell runs anything.",
    )
    timeout_seconds: float | None = Field(
        default=None,
        gt=0,
        description="Seconds after which a command is ended, and what it has printed is returned. Give less than "
        "the tool's own timeout_seconds, which ends the call without a result.",
    )
    pass_env: list[str] = Field(
        default_factory=list, description="Names of variables to hand over from our environment."
    )

    @field_validator("allow")
    @classmethod
    def _are_words(cls, allow: list[str]) -> list[str]:
        for command in allow:
            try:
                words = shlex.split(command)
            except ValueError as error:
                raise ValueError(f"{command!r} cannot be split into words: {error}") from None
            if not words:
                raise ValueError("an allowed command is empty: name a program, such as pytest")
        return allow

    @model_validator(mode="after")
    def _allows_something(self) -> Self:
        if self.shell and not self.allow_any:
            raise ValueError(
                "shell: true lets a command run any program: add allow_any: true, or take shell out and allow programs"
            )
        if not self.allow and not self.allow_any:
            raise ValueError("no command is allowed: add allow: [pytest, git status], or allow_any: true")
        if self.allow and self.allow_any:
            raise ValueError("allow and allow_any exclude each other: take one out")
        return self

    @property
    def allowed(self) -> list[list[str]]:
        """The words of each allowed command."""
        return [shlex.split(command) for command in self.allow]


_ARGV = {
    "type": "array",
    "items": {"type": "string"},
    "minItems": 1,
    "description": "The program and its arguments, one item each. There is no shell: no pipes, no wildcards, no &&.",
}
_SHELL = {"type": "string", "minLength": 1, "description": "The command, for /bin/sh."}


_GIT_SETTINGS = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.bareRepository",
    "GIT_CONFIG_VALUE_0": "explicit",
}
"""Else git takes a folder with a HEAD and a config, which an agent can write, for a repository, and its settings
name programs that even ``git status`` runs."""

_CWD = {"type": "string", "description": "Folder to run in. Default: the workspace."}


class RunCommand:
    """Runs a program until it ends, with a short allow-list of our environment and nothing on standard input.

    An exit code other than 0 is a result like any other: what it means is for the model to say.
    """

    description = (
        "Run a command in the workspace and wait for its end. Returns how it ended and what it printed; long output "
        "is shortened in the middle. It reads nothing from standard input, and what it leaves in the background is "
        "ended."
    )
    input_schema = arguments("command", command=_ARGV, cwd=_CWD)
    output_schema = None
    effects = Effects.IDEMPOTENT
    options = CommandOptions

    def schema_for(self, options: CommandOptions) -> Mapping[str, Any]:
        """The schema of the arguments: a list, or a text for the shell."""
        return arguments("command", command=_SHELL, cwd=_CWD) if options.shell else self.input_schema

    def description_for(self, options: CommandOptions) -> str:
        """What it does, with the commands that are allowed."""
        return (
            f"{self.description} Allowed: {', '.join(options.allow)}." if options.allow else self.description
        )

    async def call(self, call: ToolCall, options: CommandOptions) -> str:
        """Run the command.

        Raises:
            ToolError: It is not allowed, leads out of the workspace, or cannot be started.
        """
        command: list[str] | str = call.arguments["command"]
        if "\0" in "".join(command):
            raise ToolError("the command has a zero byte")
        cwd = _folder(call.workspace, call.arguments.get("cwd", "."))
        env = _environment(call, options)
        if isinstance(command, list):
            if options.allow:
                check_allowed(command, options.allowed)
            check_arguments(command, cwd, call.workspace)
            if find_program(command[0], cwd, env) is None:
                raise ToolError(f"there is no program {command[0]}: it is not installed or not on PATH")
        try:
            result = await run_program(
                command,
                cwd=cwd,
                env=env,
                max_output=options.max_output_bytes // 2,
                timeout=options.timeout_seconds,
            )
        except AgentError as error:
            raise ToolError(error.message, remedy=error.remedy, kind=error.kind) from error
        return await _told(result, call, options)


def _folder(workspace: Path, cwd: str) -> Path:
    with located(workspace, cwd) as place:
        os.close(open_child(place.folder, place.name or "."))
        return workspace.joinpath(*place.parts)


def _environment(call: ToolCall, options: CommandOptions) -> dict[str, str]:
    env = base_environment(options.pass_env)
    return (
        ({} if "GIT_CONFIG_COUNT" in env else _GIT_SETTINGS)
        | env
        | {
            "LOOPENGT_RUN_ID": call.run_id,
            "LOOPENGT_STEP": call.step,
            "LOOPENGT_IDEMPOTENCY_KEY": call.idempotency_key,
            "LOOPENGT_WORKSPACE": str(call.workspace),
        }
    )


async def _told(result: ProgramResult, call: ToolCall, options: CommandOptions) -> str:
    ending = result.ending
    if result.timed_out:
        ending = f"ended after {options.timeout_seconds:g} seconds, its time was up"
    parts = [ending]
    for name, output in (("stdout", result.out), ("stderr", result.err)):
        text = output.text.rstrip("\n")
        if text.strip():
            parts.append(f"--- {name}{await _kept(output, call)}\n{text}")
    if len(parts) == 1:
        parts.append("It printed nothing.")
    return "\n".join(parts)


async def _kept(output: Output, call: ToolCall) -> str:
    kept = await keep_whole(output, call.put_blob)
    return "" if kept is None else f" ({kept['size']:,} bytes, shortened; whole in blob {kept['digest']})"
