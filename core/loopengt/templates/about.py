"""What a template says of itself in its template.yaml: what it is for, and which values it takes."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any, Final, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from loopengt.errors import SpecError, UsageError
from loopengt.spec import parse_document

__all__ = ["TemplateAbout", "TemplateVariable", "Value", "read_about", "values_for"]

Value: TypeAlias = str | int | float

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_NUMBER: Final = re.compile(r"[-+]?[0-9]{1,300}")


class TemplateVariable(BaseModel):
    """A value that a template takes."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    description: str = Field(min_length=1, description="What the value is.")
    type: Literal["text", "integer", "number"] = Field(default="text", description="What it has to be.")
    default: Any = Field(default=None, description="The value when none is given; null: one is required.")
    prompt: str = Field(default="", description="The question on a terminal; empty: the description.")
    choices: tuple[Any, ...] = Field(default=(), description="The values that it may have; empty: any.")

    @property
    def required(self) -> bool:
        """Whether a value has to be given."""
        return self.default is None

    @property
    def question(self) -> str:
        """What a person is asked."""
        return self.prompt or self.description

    def value_of(self, given: Any) -> Value:
        """Return a given value as the type of the variable.

        Args:
            given: The value, or a text that says it.

        Raises:
            ValueError: It is not of the type, or none of the choices; the message goes behind the variable's name.
        """
        value = _typed(self.type, given)
        if self.choices and value not in self.choices:
            raise ValueError(f"is {value!r}, but has to be one of {', '.join(map(str, self.choices))}")
        return value

    @model_validator(mode="after")
    def _fits_itself(self) -> Self:
        for choice in self.choices:
            if _typed(self.type, choice) != choice:
                raise ValueError(f"the choice {choice!r} is not of the type {self.type}: write it as one")
        if self.default is not None and self.value_of(self.default) != self.default:
            raise ValueError(f"the default {self.default!r} is not of the type {self.type}: write it as one")
        return self


class TemplateAbout(BaseModel):
    """The content of a template.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str = Field(default="", description="What loops of the template do, in one line.")
    variables: dict[str, TemplateVariable] = Field(
        default_factory=dict,
        description="The values that it takes, in the order in which they are asked for.",
    )

    @field_validator("variables")
    @classmethod
    def _are_named(cls, variables: dict[str, TemplateVariable]) -> dict[str, TemplateVariable]:
        for name in variables:
            if not _NAME.fullmatch(name):
                raise ValueError(
                    f"{name!r} cannot name a variable: use small letters, digits and _, a letter first"
                )
        return variables


@lru_cache(maxsize=64)
def read_about(text: str, file: str) -> TemplateAbout:
    """Read a template.yaml; the same text is read once.

    Args:
        text: Its text.
        file: What problems call it.

    Raises:
        SpecError: It is not valid; all problems are in ``problems``.
    """
    document = parse_document(text, file)
    if document.problems:
        raise SpecError(document.problems)
    try:
        return TemplateAbout.model_validate(document.data)
    except ValidationError as exc:
        problems = []
        for error in exc.errors(include_url=False, include_input=False):
            where = ".".join(map(str, error["loc"]))
            message = error["msg"].removeprefix("Value error, ")
            place = document.position([part for part in error["loc"] if isinstance(part, str | int)])
            problems.append(document.problem(place, f"{where}: {message}" if where else message))
        raise SpecError(problems) from None


def values_for(about: TemplateAbout, given: dict[str, Any]) -> dict[str, Value]:
    """Return a value for every variable: the given one, else its default.

    Raises:
        UsageError: Some are missing, unknown, or do not fit; the message names all of them.
    """
    from loopengt.naming import hint

    faults = [
        f"there is no variable {name!r}{hint(name, about.variables)}"
        for name in given
        if name not in about.variables
    ]
    values: dict[str, Value] = {}
    missing = []
    for name, variable in about.variables.items():
        if name not in given:
            missing += [name] if variable.required else []
            values[name] = variable.default
            continue
        try:
            values[name] = variable.value_of(given[name])
        except ValueError as exc:
            faults.append(f"the variable {name!r} {exc}")
    faults += [f"the variable {name!r} needs a value: {about.variables[name].question}" for name in missing]
    if faults:
        sets = " ".join(f"--set {name}=…" for name in missing)
        raise UsageError("\n".join(faults), remedy=f"Give: {sets}" if sets else "")
    return values


def _typed(kind: str, given: Any) -> Value:
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ValueError(f"is {given!r}, but has to be of the type {kind}")
    if kind == "text":
        return given if isinstance(given, str) else str(given)
    if kind == "integer":
        if isinstance(given, int):
            return given
        if isinstance(given, str) and _NUMBER.fullmatch(given.strip()):
            return int(given)
        raise ValueError(f"is {given!r}, but has to be an integer")
    try:
        number = given if isinstance(given, int) else float(given)
    except ValueError:
        raise ValueError(f"is {given!r}, but has to be a number") from None
    if not math.isfinite(number):
        raise ValueError(f"is {given!r}, but has to be a finite number")
    return number
