"""Makes kernels and loops for tests, and runs them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from loopengt.discovery import OWN_DISTRIBUTION
from loopengt.kernel import Kernel
from loopengt.naming import normalise
from loopengt_hookspecs import PROJECT, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopengt_hookspecs.agents import AgentProvider
    from loopengt_hookspecs.engines import RunResult, UnknownOutcomes
    from loopengt_hookspecs.models import LoopSpec
    from loopengt_hookspecs.tracing import Observer

__all__ = ["load_given", "loop_spec", "make_kernel", "resume_loop", "run_loop", "run_loop_sync"]

PLUGIN = "loopengt_testing"
"""Name of the plugin that registers the agents of ``make_kernel``."""


def make_kernel(
    project: Path,
    *,
    agents: AgentProvider | Mapping[str, AgentProvider] | None = None,
    plugins: Iterable[tuple[str, object]] = (),
    storage: str = "memory",
    config: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Kernel:
    """Make a kernel for a test: loopengt's own plugins and those that are given; nothing else counts.

    Neither config.toml, nor the environment, nor other installed plugins, nor the project's own plugin file
    play a part.

    Args:
        project: The project folder.
        agents: The agent provider to register as ``scripted``, or several by name; None: a ``ScriptedAgent``
            without answers, to be had with ``kernel.get("agents", "scripted")``.
        plugins: Further plugins as (name, module); one of a built-in's name takes the built-in's place.
        storage: Name of the storage.
        config: Tables as config.toml has them.
        environ: Used in place of the environment; None: an empty one.
    """
    if agents is None:
        from loopengt.testing.scripted import ScriptedAgent

        agents = ScriptedAgent()
    providers = agents if isinstance(agents, Mapping) else {"scripted": agents}
    chosen: dict[str, object] = {**_own_plugins()}
    for name in providers:  # the given one takes the place of a built-in one of its name
        chosen.pop(f"agent_{normalise(name)}", None)
    chosen |= {normalise(name): module for name, module in plugins}
    chosen[PLUGIN] = _registering(providers)
    tables: dict[str, Any] = {"storage": {"name": storage}, **(config or {})}
    return Kernel(project, plugins=chosen.items(), config=tables, environ=environ or {})


def loop_spec(*steps: str | Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """Make a small valid spec, as a loop.yaml would hold it.

    Args:
        *steps: Names of steps, or steps as dicts, default one step named ``work``. A step without ``agent`` or
            ``loop`` is done by the first agent.
        **fields: Top-level keys of the spec, such as ``pattern`` or ``stop_conditions``. ``agents`` defaults to
            one scripted agent named ``worker``. Keys of ``policy`` are added to a policy that waits
            not at all before a retry.
    """
    agents = fields.pop("agents", [{"name": "worker", "config": {"provider": "scripted"}}])
    policy = {"retry": {"initial_delay_seconds": 0}, **fields.pop("policy", {})}
    described = [{"name": step} if isinstance(step, str) else dict(step) for step in steps or ("work",)]
    return {
        "name": "demo",
        "goal": "Show that it works.",
        "agents": agents,
        "steps": [step if "loop" in step else {"agent": agents[0]["name"], **step} for step in described],
        "policy": policy,
        **fields,
    }


async def run_loop(
    kernel: Kernel,
    spec: Mapping[str, Any] | LoopSpec | None = None,
    *,
    context: Mapping[str, Any] | None = None,
    observers: Sequence[Observer] = (),
    in_place: bool = True,
    run_id: str | None = None,
) -> RunResult:
    """Start a run and drive it until it ends or pauses.

    Args:
        kernel: Whose engine and storage are used.
        spec: The loop; a dict is loaded and checked as a file would be. None: ``loop_spec()``.
        context: Names that override the spec's context.
        observers: Who watches.
        in_place: Work in the project folder itself; False: in a copy, as ``loopengt run`` does.
        run_id: Id of the run; None: a new one.

    Raises:
        SpecError: The spec has problems.
        UsageError: The engine cannot do what the spec asks for.
        StorageError: The journal cannot be written.
    """
    from loopengt_hookspecs.engines import RunRequest

    request = RunRequest(
        spec=load_given(kernel, loop_spec() if spec is None else spec, frozenset(context or ())),
        context=context or {},
        in_place=in_place,
        observers=observers,
        run_id=run_id,
    )
    async with kernel.storage():
        return await kernel.engine().start(request)


def run_loop_sync(
    kernel: Kernel,
    spec: Mapping[str, Any] | LoopSpec | None = None,
    *,
    context: Mapping[str, Any] | None = None,
    observers: Sequence[Observer] = (),
    in_place: bool = True,
    run_id: str | None = None,
) -> RunResult:
    """Do as ``run_loop`` does, in an event loop of its own: for tests that are plain functions."""
    import asyncio

    return asyncio.run(
        run_loop(kernel, spec, context=context, observers=observers, in_place=in_place, run_id=run_id)
    )


async def resume_loop(
    kernel: Kernel,
    run_id: str,
    *,
    observers: Sequence[Observer] = (),
    unknown_outcome: UnknownOutcomes = "ask",
    add_budget: Mapping[str, float] | None = None,
) -> RunResult:
    """Take a run up again and drive it until it ends or pauses.

    Args:
        kernel: Whose engine and storage are used.
        run_id: Id of the run.
        observers: Who watches.
        unknown_outcome: What to assume of a step with ``effects: once`` that was under way.
        add_budget: What to add to the run's limits: ``turns``, ``seconds``, ``tokens``, ``cost_usd``.

    Raises:
        RunNotFound: The storage has no such run.
        RunOwned: Another process, or another run of this engine, drives it.
    """
    from loopengt_hookspecs.engines import ResumeRequest

    request = ResumeRequest(run_id, observers, unknown_outcome, add_budget or {})
    async with kernel.storage():
        return await kernel.engine().resume(request)


@cache
def _own_plugins() -> Mapping[str, object]:
    """The modules of the plugins that come with loopengt."""
    import importlib_metadata

    entries = importlib_metadata.distribution(OWN_DISTRIBUTION).entry_points.select(group=PROJECT)
    return MappingProxyType({normalise(entry.name): import_module(entry.module) for entry in entries})


def _registering(providers: Mapping[str, AgentProvider]) -> object:
    @hookimpl
    def loopengt_register_agents(register: Any) -> None:
        for name, provider in providers.items():
            register(name, provider, summary="Given by the test")

    return SimpleNamespace(loopengt_register_agents=loopengt_register_agents)


def load_given(kernel: Kernel, spec: Mapping[str, Any] | LoopSpec, context: frozenset[str]) -> LoopSpec:
    """Load a loop that a test has made as a dict as a file would be loaded; a ``LoopSpec`` is returned as it is."""
    if not isinstance(spec, Mapping):
        return spec
    # What a step names as its loop is relative to the file, which then has to stand in the project.
    place = kernel.project if any("loop" in step for step in spec.get("steps", ())) else None
    with TemporaryDirectory(prefix="loopengt-", dir=place) as folder:
        file = Path(folder if place is None else place) / f"{Path(folder).name}.json"
        try:
            file.write_text(json.dumps(spec), encoding="utf-8")
            return kernel.load_spec(file, context).spec
        finally:
            file.unlink(missing_ok=True)
