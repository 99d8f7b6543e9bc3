"""Each rule for triggers is broken by a kind of trigger that is broken so."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from loopengt.testing import TriggerContract
from loopengt_hookspecs.models import TriggerOptions

from .biting import Case, all_are_rules, bite, each_rule


class InboxOptions(TriggerOptions):
    model_config = ConfigDict(extra="forbid")
    suffix: str = "letter"


class OpenOptions(BaseModel):
    suffix: str = "letter"


class Inbox:
    """Yields for each new file."""

    options: Any = InboxOptions

    def bind(self, trigger: Any, project: Path) -> Any:
        bound = type(self)()
        bound.folder, bound.siblings = project, self.__dict__  # type: ignore[attr-defined] # set here alone
        bound.seen = set()  # type: ignore[attr-defined] # set here alone
        return bound

    def plan(self) -> str:
        return "each new letter"

    def missing(self) -> list[Any]:
        return []

    def forget(self) -> None:
        self.seen |= set(self.folder.iterdir())  # type: ignore[attr-defined] # set by bind

    async def occasions(self) -> Any:
        while True:
            for path in sorted(set(self.folder.glob("*.letter")) - self.seen):  # type: ignore[attr-defined] # set by bind
                self.seen.add(path)  # type: ignore[attr-defined] # set by bind
                yield self.names(path)
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        pass

    def names(self, path: Path) -> Any:
        return {"letter": path.name}


def _inbox(**attributes: Any) -> dict[str, Any]:
    kind = type("Broken", (Inbox,), attributes)
    return {
        "make": lambda self, folder: kind(),
        "occur": lambda self, folder: (folder / "a.letter").touch(),
        "refused": [{"suffix": 7}],
        "wait_seconds": 0.6,
    }


async def _only_once(self: Any) -> Any:
    self.siblings["waiting"] = self.siblings.get("waiting", 0) + 1
    if self.siblings["waiting"] > 1:
        await asyncio.Event().wait()
    async for names in Inbox.occasions(self):
        yield names


async def _leaves_a_task(self: Any) -> Any:
    self.task = asyncio.ensure_future(asyncio.sleep(60))
    await asyncio.Event().wait()
    yield {}


async def _closes_what_is_open(self: Any) -> None:
    self.server.close()


def _plans_by_running(self: Any) -> str:
    subprocess.run(["true"], check=True)
    return "wait"


TRIGGER = Case(
    TriggerContract,
    _inbox(),
    {
        "its_options_are_a_closed_model": _inbox(options=OpenOptions),
        "plan_and_missing_do_nothing": _inbox(plan=_plans_by_running),
        "an_occasion_is_names_for_a_run": _inbox(names=lambda self, path: {"letter": path}),
        "two_loops_may_wait_at_once": _inbox(occasions=_only_once),
        "it_ends_when_nobody_waits": _inbox(occasions=_leaves_a_task),
        "it_may_be_closed_before_it_waits": _inbox(close=_closes_what_is_open),
        "what_is_forgotten_is_no_occasion": _inbox(forget=lambda self: None),
        "what_does_not_fit_is_refused": {"refused": [{"suffix": "anything"}]},
    },
)

CASES = [TRIGGER]


@each_rule(CASES)
def test_a_broken_component_breaks_the_rule(case: Case, rule: str, tmp_path: Path) -> None:
    """A sound component keeps the rule; one that is broken in this way fails it, with a fact and a remedy."""
    bite(case, rule, tmp_path)


def test_nothing_is_broken_for_no_rule() -> None:
    """Every rule has its broken component, and says in a sentence what it is."""
    all_are_rules(CASES)
