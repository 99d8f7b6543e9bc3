"""Chooses a provider: asks each of an order, in turn, whether this machine has what it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt import LoopengtError
from loopengt.display import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from loopengt_hookspecs.agents import Agent
    from loopengt_hookspecs.models import AgentRole
    from loopengt_hookspecs.registration import Components

__all__ = ["NAME", "ORDER", "Candidate", "Chooser"]

_LONGEST = 200
"""Characters of a reason that are told."""

NAME = "auto"
ORDER = (
    "claude-code",
    "codex",
    "gemini",
    "cursor",
    "opencode",
    "copilot",
    "antigravity",
    "anthropic",
    "openai",
    "google",
    "openrouter",
    "ollama",
)
"""Where ``[agents] auto`` says nothing: first the coding agents that are installed, then the services with a key."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A provider of the order."""

    provider: str
    agent: Agent | None = None
    """Its agent, bound; None when it cannot be used."""
    why: str = ""
    """Why it cannot be used, in one line."""
    remedy: str = ""
    """What would mend that."""
    misfits: tuple[str, ...] = ()
    """Options of the spec that it does not take, each with why: it could be used, but not with them."""

    @property
    def usable(self) -> bool:
        """Whether this machine has what it needs."""
        return self.agent is not None


class Chooser:
    """Tries the providers of an order for one role.

    Args:
        components: Where the providers are found.
        project: The project folder.
        role: The role; its options and its model are handed on.
    """

    def __init__(self, components: Components, project: Path, role: AgentRole) -> None:
        self._components = components
        self._project = project
        self._role = role
        self._known: dict[str, Candidate] = {}

    def order(self) -> Sequence[str]:
        """The names to try, in order."""
        return tuple(self._components.setting("agents", "auto")) or ORDER

    def first(self) -> Candidate | None:
        """Return the first of the order that can be used; those behind it are not asked."""
        return next((found for found in map(self.candidate, self.order()) if found.usable), None)

    def before(self, provider: str) -> list[Candidate]:
        """Return those of the order in front of a provider; all, where it is not in it."""
        order = list(self.order())
        end = order.index(provider) if provider in order else len(order)
        return [self.candidate(name) for name in order[:end]]

    def candidate(self, provider: str) -> Candidate:
        """Ask a provider whether it can be used, once."""
        if provider not in self._known:
            self._known[provider] = self._ask(provider)
        return self._known[provider]

    def forget(self) -> None:
        """Ask anew from now on: a program may have been installed meanwhile."""
        self._known.clear()

    def _ask(self, provider: str) -> Candidate:
        if provider == NAME:
            remedy = "Take it out of [agents] auto in config.toml."
            return Candidate(provider, why="it cannot choose itself", remedy=remedy)
        if provider not in self._components.names("agents"):
            return Candidate(
                provider, why="no plugin registers it", remedy="See the known ones: loopengt plugins list"
            )
        try:
            found = self._components.get("agents", provider)
            misfits = _misfits(found.options, self._role.config.extra)
            agent = found.bind(self._given(provider, without=bool(misfits)), self._project)
            lacks = agent.missing()
        except LoopengtError as exc:
            return Candidate(provider, why=_line(exc.message), remedy=_line(exc.remedy))
        except Exception as exc:  # a provider of anybody's; it is passed over with what it said
            return Candidate(provider, why=_line(_said(exc)))
        if lacks:
            return Candidate(provider, why=_line(lacks[0].message), remedy=_line(lacks[0].remedy))
        return Candidate(provider, agent, misfits=misfits)

    def _given(self, provider: str, *, without: bool) -> AgentRole:
        """Return the role as the provider sees it: a model that the spec does not name stays unnamed."""
        changed: dict[str, Any] = {"provider": provider} | ({"extra": {}} if without else {})
        return self._role.model_copy(update={"config": self._role.config.model_copy(update=changed)})


def _misfits(model: type[BaseModel] | None, extra: dict[str, Any]) -> tuple[str, ...]:
    """Return the options that a provider does not take, each with why."""
    if not extra:
        return ()
    if model is None:
        return tuple(f"{name} (it takes no options)" for name in extra)
    from pydantic import ValidationError

    try:
        model.model_validate(extra)
    except ValidationError as exc:
        found = {}
        for error in exc.errors(include_url=False, include_input=False):
            name = ".".join(map(str, error["loc"])) or "options"
            found[name] = "no such option" if error["type"] == "extra_forbidden" else error["msg"]
        return tuple(f"{name} ({why})" for name, why in found.items())
    return ()


def _said(exc: Exception) -> str:
    """Return what a provider has raised; of options that it needs and has not got, the first problem."""
    from pydantic import ValidationError

    if not isinstance(exc, ValidationError):
        return f"{type(exc).__name__}: {exc}"
    problem = exc.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else problem["msg"].removeprefix("Value error, ")


def _line(text: str) -> str:
    return one_line("; ".join(filter(None, (line.strip() for line in text.splitlines()))), _LONGEST)
