"""The loops that the steps of a loop run as child runs: bound each once, and named in the journal by their digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from loopengt.journal import encode_value
from loopengt.spec import loop_key
from loopengt_hookspecs.engines import PlannedStep, PlannedTool
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import LoopSpec

if TYPE_CHECKING:
    from pathlib import Path

    from loopengt_hookspecs.models import StepSpec
    from loopengt_hookspecs.registration import Components
    from loopengt_hookspecs.storage import Storage
    from loopengt_local.calling.toolbox import LoopTool
    from loopengt_local.compiled import CompiledLoop

__all__ = ["ChildLoop", "LoopTree", "given_tree", "plan_steps", "recorded_tree", "stored_form"]

Bind: TypeAlias = "Callable[[LoopSpec, LoopTree], CompiledLoop]"


def stored_form(spec: LoopSpec) -> tuple[bytes, str]:
    """Return the bytes as which a spec is stored, and their digest."""
    raw = encode_value(spec.model_dump(mode="json", by_alias=True, exclude_unset=True))
    return raw, hashlib.sha256(raw).hexdigest()


@dataclass(slots=True)
class ChildLoop:
    """The loop of a step, bound; it stands in an agent's place."""

    file: str
    """Its path in the project."""
    compiled: CompiledLoop
    raw: bytes
    digest: str
    tree: LoopTree
    """The loops below it."""

    free: bool = True
    """What the child run costs is what its agents cost."""

    def plan(self) -> str:
        """Say in one line what an attempt executes."""
        spec = self.compiled.spec
        return f"loop {self.file}: {spec.name}, pattern {spec.pattern}"


class LoopTree:
    """A loop's place among the files of its project, and all loops below it.

    Args:
        file: Path of the loop's own file in the project; empty: it comes from no file there.
        specs: The loops below it, by their path in the project.
    """

    def __init__(self, file: str = "", specs: Mapping[str, LoopSpec] | None = None) -> None:
        self.file = file
        self._specs = specs or {}
        self._forms = {key: stored_form(spec) for key, spec in self._specs.items()}
        self._bound: dict[str, ChildLoop] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoopTree) and self.record() == other.record()

    __hash__ = None  # type: ignore[assignment]  # it is told apart by what it holds

    def record(self) -> dict[str, Any]:
        """Return what the header of a run says of them; it is enough to go on when the files are gone."""
        if not self._specs:
            return {}
        return {"file": self.file, "loops": {key: digest for key, (_, digest) in self._forms.items()}}

    def blobs(self) -> dict[str, bytes]:
        """Return the stored forms of the loops below, by their digests."""
        return {digest: raw for raw, digest in self._forms.values()}

    def child(self, step: StepSpec, bind: Bind) -> ChildLoop:
        """Return the loop of a step, bound.

        Raises:
            UsageError: It is not among those that the run knows of.
        """
        key = loop_key(self.file, step.loop or "")
        known = self._bound.get(key)
        if known is None:
            spec = self._specs.get(key)
            if spec is None:
                raise UsageError(
                    f"the loop {step.loop!r} of step {step.name!r} is not known to the run",
                    remedy="Start a new run; this one was made without it.",
                )
            below = self._below(key)
            raw, digest = self._forms[key]
            known = self._bound[key] = ChildLoop(key, bind(spec, below), raw, digest, below)
        return known

    def _below(self, file: str) -> LoopTree:
        tree = LoopTree(file)
        tree._specs, tree._forms, tree._bound = self._specs, self._forms, self._bound
        return tree


def given_tree(components: Components, project: Path, spec: LoopSpec, source: Path | None) -> LoopTree:
    """Load the loops below a spec that is given.

    Raises:
        SpecError: One of them has problems, or cannot be a part of the loop.
    """
    if all(step.loop is None for step in spec.steps):
        return LoopTree()
    import os

    specs = components.load_loops(spec, source)
    file = "loop.yaml" if source is None else os.path.relpath(source.resolve(), project.resolve())
    return LoopTree(file.replace(os.sep, "/"), specs)


async def recorded_tree(storage: Storage, header: Mapping[str, Any]) -> LoopTree:
    """Return the loops below that of a run, as its header names them."""
    digests: dict[str, str] = header.get("loops", {})
    specs = {
        key: LoopSpec.model_validate_json(await storage.get_blob(digest)) for key, digest in digests.items()
    }
    return LoopTree(header.get("file", ""), specs)


def plan_steps(compiled: CompiledLoop) -> list[PlannedStep]:
    """Say what a run would execute for each step, those of the loops below included."""
    known = compiled.toolbox.tools
    return [
        PlannedStep(
            step=step.name,
            agent=step.role.name if step.child is None else "",
            provider=step.role.config.provider,
            executes=step.agent.plan(),
            gates=[f"{gate.name}: {gate.gate.plan()}" for gate in step.gates],
            missing=[
                *(() if isinstance(step.agent, ChildLoop) else map(str, step.agent.missing())),
                *(str(lack) for gate in step.gates for lack in gate.gate.missing()),
                *dict.fromkeys(str(lack) for name in step.tools for lack in known[name].bound.missing()),
            ],
            steps=plan_steps(step.child.compiled) if step.child is not None else [],
            tools=[_plan_tool(known[name]) for name in step.tools],
            declares=_declared(step.spec),
        )
        for step in compiled.steps.values()
    ]


def _plan_tool(tool: LoopTool) -> PlannedTool:
    effects = tool.spec.effects.value if tool.spec.effects is not None else ""
    return PlannedTool(tool.spec.name, tool.bound.plan(), effects, tool.spec.require_approval)


def _declared(step: StepSpec) -> list[str]:
    """Say what a step declares of what its agent is given beside the prompt."""
    import json

    known = step.model_dump(mode="json", exclude_unset=True, include={"memory", "context_tokens", "session"})
    return [
        f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for key, value in known.items()
        if value is not None
    ]
