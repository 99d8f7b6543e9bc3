"""Reads for a step from memory before it begins, and writes what came of it when it is completed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loopengt import ExpressionError, PromptError
from loopengt.expressions import Expression, parse_expression
from loopengt.prompts import Prompt, compile_prompt
from loopengt_hookspecs.errors import AgentError, LeaseLost, LoopengtError, StorageError, UsageError
from loopengt_hookspecs.models import End, EndReason, MemoryScope, StepMemory, StepResult
from loopengt_local.control import EndRun
from loopengt_local.scope import RunScope

if TYPE_CHECKING:
    from loopengt_hookspecs.memory import Memory, MemoryStore
    from loopengt_hookspecs.models import MemoryEntry
    from loopengt_hookspecs.registration import Components
    from loopengt_local.compiled import CompiledStep
    from loopengt_local.run import LocalRun

__all__ = ["MEMORY_HEADING", "MemoryRule", "memory_text"]

MEMORY_HEADING = "What is remembered of earlier work:"
"""Stands above what was read when a prompt has no place of its own for it."""


@dataclass(slots=True)
class MemoryRule:
    """What one step reads and writes, compiled."""

    declared: StepMemory
    store: MemoryStore
    query: Prompt | None
    content: Prompt | None
    condition: Expression | None

    @classmethod
    def of(cls, declared: StepMemory, components: Components) -> MemoryRule:
        """Compile what a step declares, and find the configured store.

        Raises:
            UsageError: It wants entries found by nearness, and nothing is configured that knows it.
            ComponentNotFound: There is no such store.
        """
        read, write = declared.read, declared.write
        if read is not None and read.mode == "vector" and not components.setting("memory", "embedder"):
            raise UsageError(
                "memory.read says mode: vector, and no embedder is configured: words alone would decide",
                remedy="Name one as embedder in [memory] of .loopengt/config.toml, or say mode: keyword.",
            )
        return cls(
            declared,
            components.get("memories", components.setting("memory", "name")),
            compile_prompt(read.query) if read is not None and read.query else None,
            compile_prompt(write.content) if write is not None else None,
            parse_expression(write.condition) if write is not None and write.condition else None,
        )

    async def read(
        self, run: LocalRun, step: CompiledStep, occurrence: int, names: Mapping[str, Any]
    ) -> str | None:
        """Return what the step is to remember, as text for its prompt; None: it reads nothing.

        It is read once an execution: later attempts, and a resumed run, see the same.

        Raises:
            EndRun: The memory cannot be read.
        """
        read = self.declared.read
        if read is None:
            return None
        known = run.fold.remembered.get(step.name)
        if known is None or known["occurrence"] != occurrence:
            scope = RunScope(run, names, context_at_root=True)
            try:
                query = self.query.render(scope) if self.query is not None else ""
                entries = await self._find(self._memory(run, read.scope), query)
            except (LeaseLost, StorageError):
                raise
            except (LoopengtError, OSError) as exc:
                raise _failed(step, "read from", exc) from exc
            known = {"occurrence": occurrence, "scope": read.scope.value, "query": query}
            known["entries"] = [_shown(entry) for entry in entries]
            known = run.compiled.intake.data(known)[0]
            await run.journal.note_large("memory.read", step.name, known, "entries")
            await run.journal.commit()
        return memory_text(known["entries"])

    async def write(
        self,
        run: LocalRun,
        step: CompiledStep,
        occurrence: int,
        key: str,
        response: Mapping[str, Any],
        names: Mapping[str, Any],
    ) -> None:
        """Write what the step declares; the event rides with the step's completion.

        Raises:
            EndRun: The memory cannot be written.
        """
        write = self.declared.write
        if write is None or self.content is None:
            return
        result = StepResult(
            output=response.get("output"),
            duration_seconds=response.get("duration", 0.0),
            token_usage=response.get("token_usage", {}),
            metadata=response.get("metadata", {}),
        )
        scope = RunScope(run, names, result=result)
        try:
            if self.condition is not None and not self.condition.evaluate(scope):
                return
            own = {**names, "output": result.output}
            content = run.compiled.intake.text(self.content.render(RunScope(run, own, context_at_root=True)))
            facts = {"step": step.declared, "run_id": run.run_id, "loop": run.spec.name, **write.metadata}
            await run.journal.commit()  # the agent's work must not be lost meanwhile
            # A run that dies here writes it again under the same id, which changes nothing.
            entry = await self._memory(run, write.scope).add(content, entry_id=key, metadata=facts)
        except (LeaseLost, StorageError):
            raise
        except (LoopengtError, OSError) as exc:
            raise _failed(step, "write to", exc) from exc
        data = {"occurrence": occurrence, "scope": write.scope.value, "entry_id": entry, "content": content}
        await run.journal.note_large("memory.write", step.name, data, "content")

    async def _find(self, memory: Memory, query: str) -> list[MemoryEntry]:
        read = self.declared.read
        assert read is not None, "only a step that reads looks for something"
        wanted: dict[str, Any] = {"top_k": read.top_k, "metadata_filter": read.metadata_filter or None}
        if not query.strip():
            return await memory.recent(**wanted)
        if read.mode == "keyword":
            return await memory.search(query, **wanted)
        if read.mode == "vector":
            return await memory.retrieve(query, keyword_weight=0.0, vector_weight=1.0, **wanted)
        return await memory.retrieve(query, **wanted)

    def _memory(self, run: LocalRun, scope: MemoryScope) -> Memory:
        names = {MemoryScope.RUN: run.run_id, MemoryScope.LOOP: run.spec.name, MemoryScope.PROJECT: ""}
        return self.store.memory(scope, names[scope])


def memory_text(entries: list[dict[str, Any]]) -> str:
    """Return entries as a prompt shows them: a list, one entry a dash."""
    return "\n".join("- " + str(entry["content"]).strip().replace("\n", "\n  ") for entry in entries)


def _shown(entry: MemoryEntry) -> dict[str, Any]:
    return {
        "entry_id": entry.entry_id,
        "content": entry.content,
        "metadata": entry.metadata,
        "score": round(entry.score, 6),
    }


def _failed(step: CompiledStep, doing: str, exc: Exception) -> EndRun:
    what = (
        str(exc) if isinstance(exc, PromptError | ExpressionError | AgentError | LoopengtError) else repr(exc)
    )
    return EndRun(End(EndReason.FAILED, f"step {step.name!r} could not {doing} memory: {what}"))
