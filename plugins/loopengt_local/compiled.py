"""Binds a loop spec to its components, once a run, so that nothing is looked up on the hot path."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopengt.expressions import Expression, parse_expression
from loopengt.prompts import Prompt, compile_prompt
from loopengt_hookspecs.errors import UsageError
from loopengt_hookspecs.models import Effects, LoopSpec, OnFailure, StepSpec, VerificationGate
from loopengt_local.retry import RetryRule

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import Agent
    from loopengt_hookspecs.gates import Gate
    from loopengt_hookspecs.middleware import Middleware
    from loopengt_hookspecs.models import AgentRole
    from loopengt_hookspecs.patterns import Pattern
    from loopengt_hookspecs.registration import Components
    from loopengt_hookspecs.stop_conditions import StopRule

__all__ = ["BoundGate", "CompiledLoop", "CompiledStep", "compile_loop"]

OUTPUT_SCHEMA_GATE = "output_schema"
"""Name of the gate that stands for an ``output_schema``."""


@dataclass(slots=True)
class BoundGate:
    """A declared gate and the object that checks it."""

    name: str
    kind: str
    gate: Gate
    pure: bool
    on_failure: OnFailure
    timeout: float
    """Seconds that one check may take, as declared."""


@dataclass(slots=True)
class CompiledStep:
    """A step with everything that it needs resolved."""

    spec: StepSpec
    name: str
    role: AgentRole
    agent: Agent
    prompt: Prompt
    system_prompt: Prompt | None
    takes_feedback: bool
    """Whether the prompt has a place for ``{feedback}``."""
    gates: tuple[BoundGate, ...]
    timeout: float
    retry: RetryRule
    once: bool
    dependencies: tuple[tuple[str, Expression | None], ...]
    """Steps that come first, each with the condition on its result."""


@dataclass(slots=True)
class CompiledLoop:
    """A loop spec, bound."""

    spec: LoopSpec
    pattern: Pattern
    steps: dict[str, CompiledStep]
    stop_rules: tuple[StopRule, ...]
    time_limit: float
    """Seconds that the run may be driven."""
    middleware: tuple[Middleware, ...]
    output_gate: BoundGate | None


def compile_loop(
    spec: LoopSpec, components: Components, project: Path, middleware: tuple[str, ...] = ()
) -> CompiledLoop:
    """Bind a loop spec.

    Raises:
        UsageError: The spec asks for something that this engine cannot do.
        ComponentNotFound: A provider, gate kind, pattern or stop condition is not there.
    """
    refuse_unsupported(spec)
    roles = {role.name: role for role in spec.agents}
    agents = {name: components.get("agents", role.config.provider).bind(role, project) for name, role in roles.items()}
    gates = {gate.name: _bind_gate(gate, components, project) for gate in spec.policy.verification_gates}
    steps = {
        step.name: _compile_step(step, roles[step.agent], agents[step.agent], gates, spec, components, project)
        for step in spec.steps
    }
    stop_rules = tuple(
        components.get("stop_conditions", condition.condition_type).bind(condition, spec)
        for condition in spec.stop_conditions
    )
    limits = [rule.time_limit for rule in stop_rules if hasattr(rule, "time_limit")]
    return CompiledLoop(
        spec=spec,
        pattern=components.get("patterns", spec.pattern),
        steps=steps,
        stop_rules=stop_rules,
        time_limit=min([spec.policy.max_total_time_seconds, *limits]),
        middleware=tuple(components.get("middleware", name) for name in middleware),
        output_gate=_output_gate(spec, components, project),
    )


def refuse_unsupported(spec: LoopSpec) -> None:
    """Refuse what a spec may declare but this engine does not enforce, rather than ignore it.

    Raises:
        UsageError: It names every such declaration.
    """
    found = []
    if spec.policy.no_progress.max_repeats is not None:
        found.append("policy.no_progress")
    if any(step.tools for step in spec.steps) or any(role.tools for role in spec.agents):
        found.append("tools of an agent or step")
    if any(role.input_schema for role in spec.agents):
        found.append("input_schema of an agent")
    if found:
        raise UsageError(
            f"loop {spec.name!r} declares what the engine 'local' does not enforce yet: {', '.join(found)}",
            remedy="Take it out of the spec; it would otherwise be ignored in silence.",
        )


def _compile_step(
    step: StepSpec,
    role: AgentRole,
    agent: Agent,
    gates: dict[str, BoundGate],
    spec: LoopSpec,
    components: Components,
    project: Path,
) -> CompiledStep:
    prompt = compile_prompt(step.prompt_template or step.description or "{goal}", engine=step.prompt_engine.value)
    bound = [gates[name] for name in step.verification_gates]
    if role.output_schema:
        bound.insert(0, _schema_gate(role.output_schema, components, project))
    return CompiledStep(
        spec=step,
        name=step.name,
        role=role,
        agent=agent,
        prompt=prompt,
        system_prompt=compile_prompt(role.system_prompt, engine="simple") if role.system_prompt else None,
        takes_feedback=any(name.partition(".")[0] == "feedback" for name in prompt.names),
        gates=tuple(bound),
        timeout=step.timeout_seconds or role.timeout_seconds,
        retry=RetryRule.of(spec.policy.retry, role, step),
        once=step.effects is Effects.ONCE,
        dependencies=tuple(
            (dependency.step_name, parse_expression(dependency.condition) if dependency.condition else None)
            for dependency in step.dependencies
        ),
    )


def _bind_gate(gate: VerificationGate, components: Components, project: Path) -> BoundGate:
    bound = components.get("gates", gate.kind).bind(gate, project)
    return BoundGate(gate.name, gate.kind, bound, bound.pure, gate.on_failure, gate.timeout_seconds)


def _schema_gate(schema: dict[str, Any], components: Components, project: Path) -> BoundGate:
    declared = VerificationGate.model_validate({"name": OUTPUT_SCHEMA_GATE, "kind": "schema", "schema": schema})
    return _bind_gate(declared, components, project)


def _output_gate(spec: LoopSpec, components: Components, project: Path) -> BoundGate | None:
    declared = spec.output_schema
    if declared is None or not (declared.schema_def or declared.required_fields):
        return None
    schema: dict[str, Any] = {"allOf": [declared.schema_def]}
    if declared.required_fields:
        schema["allOf"].append({"type": "object", "required": list(declared.required_fields)})
    return _schema_gate(schema, components, project)
