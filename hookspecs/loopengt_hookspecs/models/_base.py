"""What all models share: the frozen base of the declarative ones, names, and aware UTC times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

__all__ = [
    "Declarative",
    "LongText",
    "Model",
    "Name",
    "OpenDict",
    "Reference",
    "UtcDatetime",
    "as_utc",
    "utc_now",
]


class Model(BaseModel):
    """Base of every model: unknown keys, infinity and NaN are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """The keys that this model takes, as one writes them in YAML or JSON, in declaration order."""
        return tuple(field.serialization_alias or name for name, field in cls.model_fields.items())


class Declarative(Model):
    """Base of what a person writes down or a run records: attributes cannot be set after creation."""

    model_config = ConfigDict(frozen=True)


def utc_now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


def as_utc(moment: datetime) -> datetime:
    """The same moment in UTC.

    Raises:
        ValueError: The moment has no time zone.
    """
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise ValueError(
            f"the time {moment.isoformat()} has no time zone: give an aware one, such as datetime.now(UTC)"
        )
    return moment.astimezone(UTC)


def _check_name(name: str) -> str:
    # A name is printed in terminals, logs and traces: it must be seen and must not move the cursor.
    if not name.strip() or not name.isprintable():
        raise ValueError(
            f"the name {name!r} is blank or has unprintable characters: use visible characters only"
        )
    return name


UtcDatetime: TypeAlias = Annotated[AwareDatetime, AfterValidator(as_utc)]
"""An aware time, kept in UTC; a naive one is an error."""

Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_check_name)]
"""What a loop, agent, step, tool or gate is called: 1 to 128 visible characters."""

Reference: TypeAlias = Annotated[str, Field(min_length=1)]
"""The name of something declared elsewhere; whether it exists is checked by the kernel."""

LongText: TypeAlias = Annotated[str, Field(max_length=2048)]
"""A description of at most 2048 characters."""

OpenDict: TypeAlias = dict[str, Any]
"""A place for any keys: the model does not look inside."""
