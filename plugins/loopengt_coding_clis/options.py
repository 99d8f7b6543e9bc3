"""The options of the providers for coding CLIs, ``config.extra`` of an agent."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field, StringConstraints, field_validator, model_validator

from loopengt_coding_clis.clis import find
from loopengt_coding_clis.dialect import Permission
from loopengt_hookspecs.models import Declarative

__all__ = ["ClaudeOptions", "CliOptions", "DirsOptions", "Failover", "TrustDirsOptions", "TrustOptions"]

VariableName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Word: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[^\x00]+$")]
CliName: TypeAlias = Literal["claude-code", "codex", "gemini", "antigravity", "cursor", "opencode", "copilot"]


class Failover(Declarative):
    """A CLI that takes over when the one before it has reached a limit."""

    provider: CliName = Field(description="The CLI.")
    model: str = Field(default="", description="Its name of the model; empty: the CLI's own default.")
    args: list[Word] = Field(default_factory=list, description="Further arguments for it.")
    program: str = Field(default="", description="Its program; empty: looked for on PATH.")


class CliOptions(Declarative):
    """What every CLI takes; the options of each name it in ``cli``."""

    cli: ClassVar[str] = ""

    permissions: Permission = Field(
        default="edit",
        description="What the CLI may do. read: look at files; edit: also change files in the workspace, and run "
        "commands in a sandbox or not at all; full: everything, unasked. A CLI without a flag for a level refuses it.",
    )
    failover: list[Failover] = Field(
        default_factory=list,
        description="CLIs that do the step, in this order and with the same permissions, when this one has reached its "
        "quota or rate limit; names, or objects with provider, model, args and program.",
        examples=[["codex", "gemini"]],
    )
    idle_seconds: float | None = Field(
        default=600.0,
        gt=0,
        description="Seconds without any output after which the CLI is ended; null: no limit.",
    )
    grace_seconds: float = Field(
        default=10.0,
        ge=0,
        description="Seconds that the CLI may take to exit after its result; then it is ended.",
    )
    program: str = Field(
        default="",
        description="The program, by name or path; empty: the CLI's usual name is looked for on PATH.",
    )
    args: list[Word] = Field(
        default_factory=list, description="Further arguments for the CLI, before the prompt."
    )
    env: dict[VariableName, str] = Field(
        default_factory=dict, description="Further environment variables and their values; no secrets."
    )
    pass_env: list[VariableName] = Field(
        default_factory=list,
        description="Names of variables to hand over from our environment beside the CLI's own; each must be set.",
    )

    @field_validator("failover", mode="before")
    @classmethod
    def _names_are_short(cls, value: object) -> object:
        if not isinstance(value, list):
            return value
        return [{"provider": entry} if isinstance(entry, str) else entry for entry in value]

    @model_validator(mode="after")
    def _has_flags(self) -> CliOptions:
        for name in (self.cli, *(entry.provider for entry in self.failover)):
            levels = find(name).permissions
            if self.permissions not in levels:
                raise ValueError(
                    f"permissions: {self.permissions} cannot be kept: {name} has no flag for it; it has flags for "
                    f"{' and '.join(levels)}: set permissions to one of these, or take another CLI"
                )
        return self


class TrustOptions(CliOptions):
    """Of a CLI that works only in folders it was told to trust."""

    trust_workspace: bool = Field(
        default=False,
        description="Whether the CLI may take the workspace for trusted, so that the settings and hooks in it count; "
        "it may refuse to work in a folder that it does not know.",
    )


class DirsOptions(CliOptions):
    """Of a CLI that can be given further folders."""

    add_dirs: list[Word] = Field(
        default_factory=list,
        description="Further folders that the CLI may work in, relative to the workspace.",
    )


class TrustDirsOptions(TrustOptions, DirsOptions):
    """Of a CLI that is both."""


class ClaudeOptions(DirsOptions):
    """What Claude Code takes beside that."""

    max_turns: int | None = Field(default=None, ge=1, description="Most turns of the model; null: no limit.")
    max_budget_usd: float | None = Field(
        default=None,
        gt=0,
        description="Most US dollars for one attempt; lowered to what the budgets of the run leave. null: those alone.",
    )
    allowed_tools: list[Word] = Field(
        default_factory=list, description="Tools that need no permission, such as Bash(git diff:*)."
    )
    disallowed_tools: list[Word] = Field(
        default_factory=list, description="Tools that may not be used, such as WebFetch."
    )
