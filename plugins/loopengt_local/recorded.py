"""A run as far as its journal already holds it: what was decided and done comes back, and then it goes live."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from loopengt.journal import to_json_data
from loopengt_hookspecs.errors import UsageError
from loopengt_local.checkpoints import checkpoint_data
from loopengt_local.unknown import CutShort
from loopengt_local.view import RunView

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt.journal import Journal, Replay
    from loopengt_hookspecs.engines import UnknownOutcomes
    from loopengt_hookspecs.models import HandoffContext
    from loopengt_local.compiled import CompiledLoop

__all__ = ["RecordedRun"]


class RecordedRun(RunView):
    """What a run decides, and the change from replay to live.

    Args:
        compiled: The loop, bound.
        journal: The run's journal.
        workspace: The folder that the run works in.
        replay: The recorded part of a run that is resumed.
        went_live: Called when the recorded part is over.
        unknown_outcome: What was said of steps that a crash cut short.
    """

    def __init__(
        self,
        compiled: CompiledLoop,
        journal: Journal,
        workspace: Path,
        replay: Replay | None,
        went_live: Callable[[], Any] | None,
        unknown_outcome: UnknownOutcomes,
    ) -> None:
        super().__init__(compiled, journal)
        self.workspace = workspace
        self.saving: set[str] = set()
        """Checkpoints whose files are just being kept."""
        self.cut_short: CutShort | None = None
        """Once the recorded part is over: the steps of which a person has to say how they ended."""
        self._unknown_outcome = unknown_outcome
        self._replay = replay
        self._went_live = went_live
        self._decided: dict[str, int] = {}

    async def hand_off(self, context: HandoffContext) -> HandoffContext:
        """Record a handoff; see ``loopengt_hookspecs.patterns.Run``."""
        known = [role.name for role in self.spec.agents]
        for agent in (context.from_agent, context.to_agent):
            if agent not in known:
                raise UsageError(
                    f"a handoff names the agent {agent!r}, which loop {self.spec.name!r} does not have",
                    remedy=f"Its agents: {', '.join(known)}.",
                )
        name = f"handoff {context.from_agent}"
        kept = await self._decide(name, context.model_dump(mode="json"), kind="handoff")
        return type(context).model_validate(kept)

    async def checkpoint(self, name: str) -> str:
        """Save a checkpoint; see ``loopengt_hookspecs.patterns.Run``."""
        decided = f"checkpoint {name}"
        number = self._decided.get(decided, 0) + 1

        async def save() -> dict[str, Any]:
            return await checkpoint_data(self, name, number)

        return str((await self._decide(decided, save, kind="checkpoint.save"))["checkpoint_id"])

    async def decide(self, name: str, value: Any) -> Any:
        """Record a decision, or return the recorded one; see ``loopengt_hookspecs.patterns.Run``."""
        return await self._decide(name, value)

    async def _decide(self, name: str, value: Any, *, kind: str = "decision") -> Any:
        """Decide, by an event of some kind; a callable value is called, and awaited, only when it is not recorded."""
        occurrence = self._decided.get(name, 0) + 1
        self._decided[name] = occurrence
        if self._replay is not None:
            recorded = await self._replay.ask(("decision", name, occurrence))
            if recorded is not None:
                return recorded[0]
            if self._replay is not None:
                await self._go_live()
        if kind != "decision" and callable(value):
            value = await value()
        try:
            kept = to_json_data(value)[0]
        except TypeError as exc:
            raise UsageError(
                f"the pattern decides {name!r} with a value that is {exc}",
                remedy="Decide on text, numbers, booleans, null, lists or objects with text keys.",
            ) from exc
        if kind == "decision":
            self.journal.note(kind, None, {"name": name, "value": kept})
        elif "payload" in kept:
            await self.journal.note_large(kind, None, kept | {"decided": name}, "payload")
        else:
            self.journal.note(kind, None, kept | {"decided": name})
        await self.journal.commit()
        return kept

    async def finish_replay(self, *, failed: bool = False) -> None:
        """The pattern is over: nothing recorded may be left.

        Args:
            failed: Whether a step, or an error, ended it.

        Raises:
            ReplayMismatch: The journal holds more than the pattern asked for.
        """
        if self._replay is not None:
            await self._replay.finish(failed=failed)
            await self._go_live()

    async def _go_live(self) -> None:
        # Up to the first await at once: other branches may be about to go live, too.
        assert self._replay is not None
        self._replay.go_live()
        self._replay = None
        self.cut_short = CutShort(self, self._unknown_outcome)
        if self._went_live is not None:
            await self._went_live()
