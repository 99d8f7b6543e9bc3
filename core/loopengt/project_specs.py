"""Loads specs as one project sees them: with the names and options of its plugins, and its defaults."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loopengt.custom_patterns import check_pattern, is_dotted_path
from loopengt.errors import SpecError, UsageError
from loopengt.judging import option_problems
from loopengt.spec import KnownNames, LoopFile, find_loops, load_spec, spec_digest, spec_json_schema
from loopengt.triggering import bind_trigger

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic import BaseModel

    from loopengt.config import Defaults
    from loopengt.kernel import Kernel
    from loopengt.spec import LoadedSpec, Problem
    from loopengt.spec.names import OptionProblem
    from loopengt_hookspecs.models import AgentRole, LoopSpec

__all__ = ["known_names", "load_project_loops", "load_project_spec", "project_schema"]


def known_names(kernel: Kernel, extra_context: frozenset[str] = frozenset()) -> KnownNames:
    """Collect what a spec may name.

    Args:
        kernel: Whose plugins register the names.
        extra_context: Names of the context that the caller gives beside the spec's own.
    """
    return KnownNames(
        patterns=kernel.names("patterns"),
        providers=kernel.names("agents"),
        gate_kinds=kernel.names("gates"),
        stop_conditions=kernel.names("stop_conditions"),
        judges=kernel.names("judges"),
        tool_types=kernel.names("tool_types"),
        triggers=kernel.names("triggers"),
        extra_context=extra_context,
        validate_provider_options=lambda provider, extra: _option_problems(kernel, provider, extra),
        validate_judge_options=lambda judge, options: _judge_option_problems(kernel, judge, options),
        validate_trigger_options=lambda kind, config: _trigger_option_problems(kernel, kind, config),
        asks_agent=lambda judge: bool(kernel.get("judges", judge).asks),
        default_provider=kernel.config.defaults.provider or KnownNames().default_provider,
    )


def load_project_spec(kernel: Kernel, path: Path, extra_context: frozenset[str]) -> LoadedSpec:
    """Load a spec with the loops below it, and fill in the project's defaults; see ``Kernel.load_spec``."""
    loaded = _load_one(kernel, path, extra_context)
    if all(step.loop is None for step in loaded.spec.steps):
        return loaded
    root = LoopFile(loaded.spec, loaded.path.resolve(), loaded.document.path, loaded.document)
    loops = _loops(kernel, root)
    problems = list(_budget_problems(kernel, loaded.spec, loaded, loops))
    if problems:
        raise SpecError(problems)
    return replace(loaded, loops=loops)


def load_project_loops(kernel: Kernel, spec: LoopSpec, source: Path | None) -> dict[str, LoopSpec]:
    """Load the loops below a spec; see ``Kernel.load_loops``."""
    path = (kernel.project / "loop.yaml" if source is None else source).resolve()
    return _loops(kernel, LoopFile(spec, path, str(path)))


def _loops(kernel: Kernel, root: LoopFile) -> dict[str, LoopSpec]:
    loops, problems = find_loops(root, kernel.project, lambda path, given: _load_one(kernel, path, given))
    if problems:
        raise SpecError(problems)
    return loops


def _load_one(kernel: Kernel, path: Path, extra_context: frozenset[str]) -> LoadedSpec:
    """Load a spec without the loops below it."""
    loaded = load_spec(path, known_names(kernel, extra_context))
    problems = [*_pattern_problems(kernel, loaded), *_stop_condition_problems(kernel, loaded)]
    problems += _trigger_problems(kernel, loaded)
    spec = _with_defaults(loaded.spec, kernel.config.defaults)
    problems += _budget_problems(kernel, spec, loaded)
    if problems:
        raise SpecError(problems)
    return loaded if spec is loaded.spec else replace(loaded, spec=spec, digest=spec_digest(spec))


def project_schema(kernel: Kernel) -> dict[str, Any]:
    """Return the JSON Schema of a spec, with the names and the provider options of the project's plugins."""
    models = {name: _options_of(kernel, name) for name in kernel.names("agents")}
    schemas = {name: model.model_json_schema() for name, model in models.items() if model is not None}
    judges = {name: kernel.get("judges", name).options for name in kernel.names("judges")}
    options = {name: model.model_json_schema() for name, model in judges.items() if model is not None}
    triggers = {name: kernel.get("triggers", name).options for name in kernel.names("triggers")}
    configs = {name: model.model_json_schema() for name, model in triggers.items() if model is not None}
    return spec_json_schema(known_names(kernel), schemas, options, configs)


def _pattern_problems(kernel: Kernel, loaded: LoadedSpec) -> Iterator[Problem]:
    """Check a custom pattern, as far as that can be done without importing it."""
    try:
        if is_dotted_path(loaded.spec.pattern):
            check_pattern(loaded.spec.pattern, kernel.project)
    except UsageError as exc:
        document = loaded.document
        yield document.problem(document.position(("pattern",)), exc.message, exc.remedy)


def _stop_condition_problems(kernel: Kernel, loaded: LoadedSpec) -> Iterator[Problem]:
    """Let each kind of stop condition judge its value, which has no type that all kinds share."""
    for index, condition in enumerate(loaded.spec.stop_conditions):
        try:
            kernel.get("stop_conditions", condition.condition_type).bind(condition, loaded.spec)
        except UsageError as exc:
            document, place = loaded.document, ("stop_conditions", index)
            has_value = "value" in condition.model_fields_set
            position = document.position((*place, "value") if has_value else place)
            yield document.problem(position, exc.message, exc.remedy)


def _trigger_problems(kernel: Kernel, loaded: LoadedSpec) -> Iterator[Problem]:
    """Let the trigger look at its declaration as a whole; an unknown kind was told of before."""
    declared = loaded.spec.trigger
    if declared.trigger_type not in kernel.names("triggers"):
        return
    try:
        bind_trigger(kernel, declared, kernel.project)
    except UsageError as exc:
        document = loaded.document
        yield document.problem(document.position(("trigger",)), exc.message, exc.remedy)


def _budget_problems(
    kernel: Kernel, spec: LoopSpec, loaded: LoadedSpec, loops: Mapping[str, LoopSpec] | None = None
) -> Iterator[Problem]:
    """Refuse budgets in US dollars that nobody could hold, since the price of an agent is not known."""
    from loopengt.prices import unheld_budgets

    def bind(role: AgentRole) -> Any:
        return kernel.get("agents", role.config.provider).bind(role, kernel.project)

    document = loaded.document
    file = os.path.relpath(loaded.path.resolve(), kernel.project.resolve()) if loops else ""
    for path, message, ways in unheld_budgets(spec, bind, loops or {}, file):
        yield document.problem(document.position(path), message, ways)


def _options_of(kernel: Kernel, provider: str) -> type[BaseModel] | None:
    model: type[BaseModel] | None = kernel.get("agents", provider).options
    return model


def _option_problems(kernel: Kernel, provider: str, extra: Mapping[str, Any]) -> list[OptionProblem]:
    return list(option_problems(f"provider {provider!r}", _options_of(kernel, provider), extra))


def _judge_option_problems(kernel: Kernel, judge: str, options: Mapping[str, Any]) -> list[OptionProblem]:
    return list(option_problems(f"judge {judge!r}", kernel.get("judges", judge).options, options))


def _trigger_option_problems(kernel: Kernel, kind: str, config: Mapping[str, Any]) -> list[OptionProblem]:
    return list(option_problems(f"trigger {kind!r}", kernel.get("triggers", kind).options, config))


def _with_defaults(spec: LoopSpec, defaults: Defaults) -> LoopSpec:
    """Return the spec with the project's provider and model wherever an agent says nothing of them.

    A model that stands beside a provider is one of that provider's: an agent that names another does not get it.
    """
    chosen = {"provider": defaults.provider, "model": defaults.model}
    agents = []
    for agent in spec.agents:
        said = agent.config.model_fields_set
        silent = {key: value for key, value in chosen.items() if value and key not in said}
        if "provider" in said and defaults.provider not in ("", agent.config.provider):
            silent.pop("model", None)
        config = agent.config.model_copy(update=silent)
        agents.append(agent.model_copy(update={"config": config}) if silent else agent)
    changed = any(new is not old for new, old in zip(agents, spec.agents, strict=True))
    return spec.model_copy(update={"agents": agents}) if changed else spec
