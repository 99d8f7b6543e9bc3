"""Binds a loop spec to its components, once a run, so that nothing is looked up on the hot path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from loopengt.custom_patterns import is_dotted_path, load_pattern
from loopengt.expressions import Expression, parse_expression
from loopengt.judging import with_agent
from loopengt.prompts import Prompt, compile_prompt
from loopengt_hookspecs.models import (
    AgentConfig,
    AgentRole,
    Effects,
    LoopSpec,
    OnFailure,
    SessionMode,
    StepSpec,
    VerificationGate,
)
from loopengt_local.budgeting.pricing import Pricing
from loopengt_local.calling.toolbox import ToolBox, allowed_tools
from loopengt_local.chain import Invoke, chain
from loopengt_local.children.subloops import ChildLoop, LoopTree
from loopengt_local.limits import max_turns, refuse_unheld, time_limit
from loopengt_local.refusing import refuse_same_names, refuse_unable, refuse_unsupported
from loopengt_local.remembering.fitting import FitRule
from loopengt_local.remembering.memories import MemoryRule
from loopengt_local.retry import RetryRule
from loopengt_local.watching.progress import ProgressRule

if TYPE_CHECKING:
    from loopengt_hookspecs.agents import Agent
    from loopengt_hookspecs.gates import Gate
    from loopengt_hookspecs.middleware import Middleware
    from loopengt_hookspecs.patterns import Pattern
    from loopengt_hookspecs.registration import Components
    from loopengt_hookspecs.stop_conditions import StopRule
    from loopengt_local.intake import Intake

__all__ = ["BoundGate", "CompiledLoop", "CompiledStep", "compile_loop"]

OUTPUT_SCHEMA_GATE = "output_schema"
"""Name of the gate that stands for an ``output_schema``."""
INPUT_SCHEMA_GATE = "input_schema"
"""Name of the gate that stands for an agent's ``input_schema``."""


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
    agent: Agent | ChildLoop
    """Who does it; a loop, when ``child`` is one."""
    invoke: Invoke | None
    """Calls the agent through the middleware; None: a loop does the step."""
    prompt: Prompt
    plain_prompt: str | None
    """The prompt as it is whenever nothing in it changes but for a ``goal`` in the run's context."""
    system_prompt: Prompt | None
    takes_feedback: bool
    """Whether the prompt has a place for ``{feedback}``."""
    takes_memory: bool
    """Whether it has one for ``{memory}``."""
    gates: tuple[BoundGate, ...]
    timeout: float
    retry: RetryRule
    once: bool
    pricing: Pricing
    """What an attempt costs."""
    dependencies: tuple[tuple[str, Expression | None], ...]
    """Steps that come first, each with the condition on its result."""
    for_each: Expression | None = None
    """Gives the list of items, for each of which the step is executed."""
    input_gate: BoundGate | None = None
    """Holds what the agent is given against its ``input_schema``."""
    child: ChildLoop | None = None
    """The loop that is run as a child run, in place of an agent."""
    inputs: Mapping[str, Expression] = field(default_factory=dict)
    """What the child run is given, by name."""
    tools: tuple[str, ...] = ()
    """Names of the tools that the agent may call."""
    continues: bool = False
    """Whether the agent goes on with its last conversation in the run."""
    memory: MemoryRule | None = None
    """What is read from memory before, and written to it after."""
    fit: FitRule | None = None
    """How what the prompt takes from the run is brought under a limit; None: there is none."""
    summarizer: tuple[AgentRole, Invoke, Prompt | None] | None = None
    """The agent that writes summaries, with its system prompt."""

    @property
    def declared(self) -> str:
        """The step's name as declared, also that of an instance."""
        return self.spec.name


@dataclass(slots=True)
class CompiledLoop:
    """A loop spec, bound."""

    spec: LoopSpec
    pattern: Pattern
    steps: dict[str, CompiledStep]
    stop_rules: tuple[StopRule, ...]
    max_turns: int
    """Turns that the run may take."""
    time_limit: float
    """Seconds that the run may be driven."""
    output_gate: BoundGate | None
    progress: ProgressRule | None
    """When a run that goes in circles is ended; None: never."""
    intake: Intake
    """Takes in what agents and gates hand over."""
    tree: LoopTree
    """The loops below it."""
    toolbox: ToolBox
    """The tools that the loop declares."""
    middleware: tuple[Middleware, ...]
    """What stands around every agent by the project's config, outermost first."""


def compile_loop(
    spec: LoopSpec,
    components: Components,
    project: Path,
    intake: Intake,
    middleware: tuple[str, ...] = (),
    tree: LoopTree | None = None,
) -> CompiledLoop:
    """Bind a loop spec, with the loops below it (``tree``).

    Raises:
        UsageError: The spec asks for something that this engine cannot do.
        ComponentNotFound: A provider, gate kind, pattern or stop condition is not there.
    """
    refuse_unsupported(spec)

    def bind(child: LoopSpec, below: LoopTree) -> CompiledLoop:
        return compile_loop(child, components, project, intake, middleware, below)

    return _Binding(spec, components, project, middleware, tree or LoopTree(), bind).loop(intake)


class _Binding:
    """Binds one spec; what several steps share is bound once."""

    def __init__(
        self,
        spec: LoopSpec,
        components: Components,
        project: Path,
        middleware: tuple[str, ...],
        tree: LoopTree,
        bind: Callable[[LoopSpec, LoopTree], CompiledLoop],
    ) -> None:
        self._spec = spec
        self._tree = tree
        self._bind = bind
        self._components = components
        self._project = project
        self._middleware = [components.get("middleware", name) for name in middleware]
        self._roles = {role.name: _Role(role, self) for role in spec.agents}
        self._gates = {gate.name: self.gate(gate) for gate in spec.policy.verification_gates}
        self._prompts: dict[tuple[str, str], Prompt] = {}

    def loop(self, intake: Intake) -> CompiledLoop:
        spec, get = self._spec, self._components.get
        refuse_unheld(spec, lambda role: self._roles[role.name].agent)
        stop_rules = tuple(
            get("stop_conditions", condition.condition_type).bind(condition, spec)
            for condition in spec.stop_conditions
        )
        limits = [rule.time_limit for rule in stop_rules if hasattr(rule, "time_limit")]
        return CompiledLoop(
            spec=spec,
            pattern=(
                load_pattern(spec.pattern, self._project)
                if is_dotted_path(spec.pattern)
                else get("patterns", spec.pattern)
            ),
            steps={step.name: self._step(step) for step in spec.steps},
            stop_rules=stop_rules,
            max_turns=max_turns(spec),
            time_limit=min([time_limit(spec), *limits]),
            output_gate=self._output_gate(),
            progress=ProgressRule.of(spec.policy.no_progress),
            intake=intake,
            tree=self._tree,
            toolbox=ToolBox.of(spec, self._components, self._project),
            middleware=tuple(self._middleware),
        )

    def _step(self, step: StepSpec) -> CompiledStep:
        child = self._tree.child(step, self._bind) if step.loop is not None else None
        bound = self._roles[step.agent] if child is None else _Runner(child)
        otherwise = "" if child is not None else step.description or "{goal}"
        fit = FitRule.of(step, self._spec, self._components)
        tools = tuple(allowed_tools(bound.role, step)) if child is None else ()
        refuse_unable(step, bound.role, bound.agent, tools)
        refuse_same_names(step, (tool for tool in self._spec.tools if tool.name in tools))
        prompt = self.prompt(step.prompt_template or otherwise, step.prompt_engine.value)
        return CompiledStep(
            spec=step,
            name=step.name,
            role=bound.role,
            agent=bound.agent,
            invoke=bound.invoke,
            prompt=prompt,
            plain_prompt=prompt.render({"goal": self._spec.goal}) if prompt.names <= {"goal"} else None,
            system_prompt=bound.system_prompt,
            takes_feedback=any(reference.path[0] == "feedback" for reference in prompt.references),
            takes_memory=any(reference.path[0] == "memory" for reference in prompt.references),
            gates=(*bound.gates, *(self._gates[name] for name in step.verification_gates)),
            timeout=step.timeout_seconds or (bound.role.timeout_seconds if child is None else inf),
            retry=RetryRule.of(self._spec.policy.retry, bound.role, step),
            once=step.effects is Effects.ONCE,
            pricing=bound.pricing,
            dependencies=tuple(
                (
                    dependency.step_name,
                    parse_expression(dependency.condition) if dependency.condition else None,
                )
                for dependency in step.dependencies
            ),
            for_each=parse_expression(step.for_each) if step.for_each else None,
            input_gate=bound.input_gate,
            child=child,
            inputs={name: parse_expression(text) for name, text in step.inputs.items()},
            tools=tools,
            continues=step.session is SessionMode.CONTINUE,
            memory=MemoryRule.of(step.memory, self._components) if step.memory is not None else None,
            fit=fit,
            summarizer=self._roles[fit.agent].to_write() if fit is not None and fit.agent else None,
        )

    def agent(self, role: AgentRole) -> tuple[Agent, Invoke]:
        agent = self._components.get("agents", role.config.provider).bind(role, self._project)
        return agent, chain(agent, self._middleware)

    def prompt(self, template: str, engine: Literal["simple", "minijinja"] = "simple") -> Prompt:
        known = self._prompts.get((template, engine))
        if known is None:
            known = self._prompts[template, engine] = compile_prompt(template, engine=engine)
        return known

    def gate(self, gate: VerificationGate) -> BoundGate:
        gate = with_agent(gate, {role.name: role.config for role in self._spec.agents})
        bound = self._components.get("gates", gate.kind).bind(gate, self._project)
        return BoundGate(gate.name, gate.kind, bound, bound.pure, gate.on_failure, gate.timeout_seconds)

    def schema_gate(self, schema: dict[str, Any], name: str = OUTPUT_SCHEMA_GATE) -> BoundGate:
        declared = {"name": name, "kind": "schema", "schema": schema}
        return self.gate(VerificationGate.model_validate(declared))

    def _output_gate(self) -> BoundGate | None:
        declared = self._spec.output_schema
        if declared is None or not (declared.schema_def or declared.required_fields):
            return None
        schema: dict[str, Any] = {"allOf": [declared.schema_def]}
        if declared.required_fields:
            schema["allOf"].append({"type": "object", "required": list(declared.required_fields)})
        return self.schema_gate(schema)


class _Role:
    """What all steps of one agent share."""

    def __init__(self, role: AgentRole, binding: _Binding) -> None:
        self.role = role
        self.agent, self.invoke = binding.agent(role)
        self.pricing = Pricing(role, self.agent)
        self.system_prompt = compile_prompt(role.system_prompt) if role.system_prompt else None
        self.gates = (binding.schema_gate(role.output_schema),) if role.output_schema else ()
        self.input_gate = (
            binding.schema_gate(role.input_schema, INPUT_SCHEMA_GATE) if role.input_schema else None
        )

    def to_write(self) -> tuple[AgentRole, Invoke, Prompt | None]:
        """What it takes to have the agent write something."""
        return self.role, self.invoke, self.system_prompt


class _Runner:
    """What stands in a role's place for a step that runs a loop."""

    def __init__(self, child: ChildLoop) -> None:
        self.role = AgentRole(name="loop", config=AgentConfig(provider="loop"))
        self.agent, self.invoke = child, None
        self.pricing = Pricing(self.role, child)
        self.system_prompt = None
        self.gates: tuple[BoundGate, ...] = ()
        self.input_gate = None
