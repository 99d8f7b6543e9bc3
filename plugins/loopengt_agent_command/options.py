"""The options of the provider ``command``."""

from __future__ import annotations

import os
from pathlib import PurePath
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints

from loopengt_hookspecs.models import Declarative

__all__ = ["CommandOptions"]

VariableName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
"""What an environment variable may be called."""


def _check_command(command: list[str] | str) -> list[str] | str:
    program = command if isinstance(command, str) else next(iter(command), "")
    if not program.strip():
        raise ValueError("the command is empty: name a program, such as [ruff, check, --fix]")
    return command


def _check_cwd(cwd: str) -> str:
    path = PurePath(cwd)
    if path.is_absolute() or PurePath(os.path.normpath(cwd)).parts[:1] == ("..",):
        raise ValueError(
            f"the folder {cwd!r} is outside the workspace: give one inside it, relative to it, such as src"
        )
    return cwd


class CommandOptions(Declarative):
    """How the program is called and how its output is read."""

    command: Annotated[list[str] | str, AfterValidator(_check_command)] = Field(
        description="Argument list, or a string for /bin/sh.",
        examples=[["ruff", "check", "--fix"], "claude -p --output-format json"],
    )
    input: Literal["stdin", "argument"] = Field(
        default="stdin",
        description="Where the prompt is: on standard input, or the last argument ($1 in a shell string).",
    )
    output: Literal["auto", "text", "json", "ndjson"] = Field(
        default="auto",
        description="How standard output is read. auto: a JSON object or list is data, all else is text; "
        "json: must be one JSON document; ndjson: one JSON object a line, the last of type 'result' is the "
        "output, or else the list of all.",
    )
    env: dict[VariableName, str] = Field(
        default_factory=dict, description="Further environment variables and their values; no secrets."
    )
    pass_env: list[VariableName] = Field(
        default_factory=list,
        description="Names of variables to hand over from our environment, such as keys; each must be set.",
    )
    cwd: Annotated[str, AfterValidator(_check_cwd)] = Field(
        default=".", description="Folder to run in, relative to the run's workspace and inside it."
    )
    max_output_bytes: int = Field(
        default=1_000_000,
        ge=1_000,
        description="Most bytes of output in the result; a longer one is shortened and kept whole beside it.",
    )
    allow_empty: bool = Field(
        default=False, description="Whether a program that prints nothing has succeeded all the same."
    )
    success_codes: list[Annotated[int, Field(ge=0, le=255)]] = Field(
        default_factory=lambda: [0], min_length=1, description="Exit codes that mean success."
    )
    cost: Literal["reported", "free", "unknown"] = Field(
        default="unknown",
        description="What is known of the cost of a call. reported: the output, a JSON object, always has cost_usd "
        "(or total_cost_usd), and an attempt without it fails; free: it costs nothing; unknown: neither.",
    )
