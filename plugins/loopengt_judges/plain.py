"""What all judges share that ask nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.errors import MissingRequirement
    from loopengt_hookspecs.models import JudgeSpec

__all__ = ["PlainJudge"]

O = TypeVar("O", bound=BaseModel)  # noqa: E741


class PlainJudge(Generic[O]):
    """A kind of judge whose judges need nothing but their options.

    Args:
        chosen: The options; None: it is the kind, and not yet a judge.
        project: The project folder.
    """

    options: ClassVar[Any]
    asks = False

    def __init__(self, chosen: O | None = None, project: Path | None = None) -> None:
        self._chosen = chosen
        self._project = project

    @property
    def chosen(self) -> O:
        """The options of the declaration."""
        assert self._chosen is not None, "bind() makes the judge"
        return self._chosen

    @property
    def project(self) -> Path:
        """The project folder."""
        assert self._project is not None, "bind() makes the judge"
        return self._project

    def bind(self, spec: JudgeSpec, project: Path) -> Self:
        """Make the judge of one declaration."""
        return type(self)(self.options.model_validate(spec.options), project)

    def missing(self) -> list[MissingRequirement]:
        """It lacks nothing."""
        return []
