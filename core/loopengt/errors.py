"""Every exception that loopengt raises on purpose, in one tree.

::

    LoopengtError                     anything a person can mend; printed without a traceback
    ├── UsageError                    the call's words are off                         exit 2
    │   ├── ConfigError               config.toml, the environment or an option
    │   ├── SpecError                 one or more problems in a loop.yaml
    │   ├── LoopRefused               a loop declares what would not be enforced, or cannot work
    │   ├── ArchiveError              an archive of a run is damaged, hostile or too new
    │   ├── RunNotFound               no run, or more than one, has that id
    │   └── RunOwned                  another process drives the run
    ├── PluginError                   a plugin cannot be loaded or breaks its contract
    │   └── ComponentNotFound         nothing of that kind has that name
    ├── StorageError                  the storage cannot be read or written
    │   ├── StorageFull               no space or quota left
    │   ├── StorageReadOnly           no permission to write
    │   ├── StorageCorrupt            the stored bytes are damaged
    │   ├── StorageTooNew             written by a newer loopengt
    │   └── LeaseLost                 the run was taken over; this process may not append
    ├── ReplayMismatch                a replay asks for another step than the journal holds
    │   └── ForkMismatch              … when a fork is asked for: a UsageError, too       exit 2
    ├── ExpressionError               a condition cannot be parsed or evaluated
    ├── PromptError                   a prompt names something unknown
    │   └── PromptSyntaxError         a template cannot be parsed (loopengt.prompts)
    ├── CheckpointError               no such checkpoint
    ├── JudgeError                    a judge came to no verdict
    └── ExportError                   a run could not be sent to a service

Errors that plugins raise (those of agents and of storage among them) are defined in
``loopengt_hookspecs.errors``, below the same base class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs.errors import (
    ExportError,
    JudgeError,
    LeaseLost,
    LoopengtError,
    LoopRefused,
    RunNotFound,
    RunOwned,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageReadOnly,
    StorageTooNew,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt.spec.problems import Problem

__all__ = [
    "ArchiveError",
    "CheckpointError",
    "ComponentNotFound",
    "ConfigError",
    "ExportError",
    "ExpressionError",
    "ForkMismatch",
    "JudgeError",
    "LeaseLost",
    "LoopRefused",
    "LoopengtError",
    "PluginError",
    "PromptError",
    "ReplayMismatch",
    "RunNotFound",
    "RunOwned",
    "SpecError",
    "StorageCorrupt",
    "StorageError",
    "StorageFull",
    "StorageReadOnly",
    "StorageTooNew",
    "UsageError",
]


class ConfigError(UsageError):
    """A setting in config.toml, the environment or on the command line is not usable."""


class SpecError(UsageError):
    """A loop spec has problems; all of them are in ``problems``, in the order of their position."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ArchiveError(UsageError):
    """An archive of a run is damaged, holds what may not be taken in, or was made by a newer loopengt."""


class PluginError(LoopengtError):
    """A plugin cannot be loaded, or what it registers breaks its contract."""


class ComponentNotFound(PluginError):
    """No loaded plugin registers a component of that kind and name."""


class ReplayMismatch(LoopengtError):
    """The pattern asks for another step than the journal holds at this place."""


class ForkMismatch(ReplayMismatch, UsageError):
    """What a run has done does not fit what a fork of it is to go on by; nothing was executed."""


class ExpressionError(LoopengtError):
    """A condition cannot be parsed or evaluated; ``column`` is 1-based where it is known."""

    def __init__(self, message: str, *, column: int | None = None, remedy: str = "") -> None:
        self.column = column
        super().__init__(message, remedy=remedy)


class PromptError(LoopengtError):
    """A prompt names something that its scope does not hold."""


class CheckpointError(LoopengtError):
    """There is no checkpoint of that id, or none at all."""
