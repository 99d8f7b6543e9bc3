"""Draws a loop: its steps in the order of its pattern, with their gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from loopengt.spec import loop_key
from loopengt_cli_design.graphs.drawing import Box, Graph

if TYPE_CHECKING:
    from loopengt_hookspecs.models import LoopSpec, StepSpec, VerificationGate

__all__ = ["graph_of_spec"]

_IN_TURN: Final = ("sequential", "repeat", "handoff")
_DEEPEST: Final = 16


def graph_of_spec(
    spec: LoopSpec, loops: Mapping[str, LoopSpec] | None = None, file: str = "loop.yaml"
) -> Graph:
    """Draw a loop, and those that its steps run in boxes of their own.

    Args:
        spec: The loop.
        loops: The loops below it, by their path in the project.
        file: The loop's own path in the project.
    """
    graph = Graph(spec.name)
    _Drawer(graph, loops or {}).loop(spec, graph.root, file, 0)
    return graph


class _Drawer:
    def __init__(self, graph: Graph, loops: Mapping[str, LoopSpec]) -> None:
        self._graph = graph
        self._loops = loops

    def loop(self, spec: LoopSpec, box: Box, file: str, depth: int) -> str:
        """Draw a loop into a box and return the node that it begins with."""
        start = self._graph.node(box, spec.name, f"pattern {spec.pattern}", kind="start")
        drawn = _Loop(self._graph, box, spec)
        for step in spec.steps:
            entry = drawn.step(step)
            if step.loop is not None and depth < _DEEPEST:
                self._below(step.loop, entry, box, file, depth)
        end = self._graph.node(box, "end", kind="end")
        drawn.connect(start, end)
        return start

    def _below(self, loop: str, entry: str, box: Box, file: str, depth: int) -> None:
        key = loop_key(file, loop)
        child = self._loops.get(key)
        if child is not None:
            inner = self._graph.box(box, key)
            self._graph.edge(entry, self.loop(child, inner, key, depth + 1), "runs", "below")


class _Loop:
    """The steps of one loop, while they are drawn."""

    def __init__(self, graph: Graph, box: Box, spec: LoopSpec) -> None:
        self._graph = graph
        self._box = box
        self._spec = spec
        self._gates = {gate.name: gate for gate in spec.policy.verification_gates}
        self._first: dict[str, str] = {}
        """The node that a step begins with."""
        self._last: dict[str, str] = {}
        """The node behind which a step has passed."""

    def step(self, step: StepSpec) -> str:
        """Draw a step with its gates, and return its node."""
        node = self._graph.node(self._box, *self._words(step))
        self._first[step.name] = last = node
        for name in step.verification_gates:
            gate = self._gates.get(name)
            if gate is not None:
                last = self._gate(gate, node, last)
        self._last[step.name] = last
        return node

    def _gate(self, gate: VerificationGate, step: str, before: str) -> str:
        node = self._graph.node(self._box, f"gate {gate.name}", _check_of(gate), kind="gate")
        self._graph.edge(before, node, "passes" if before != step else "")
        again = self._spec.pattern != "repeat"  # there the next lap is what comes again
        if gate.on_failure == "retry" and again:
            self._graph.edge(node, step, "fails: again, told why", "back")
        elif gate.on_failure == "abort":
            failed = self._graph.node(self._box, "run ends blocked", kind="end")
            self._graph.edge(node, failed, "fails")
        return node

    def _words(self, step: StepSpec) -> list[str]:
        found = [step.name]
        if step.loop is not None:
            found.append(f"loop {step.loop}")
        else:
            agent = next((agent for agent in self._spec.agents if agent.name == step.agent), None)
            provider = f" ({agent.config.provider})" if agent is not None else ""
            found.append(f"agent {step.agent}{provider}")
        if step.for_each is not None:
            found.append(f"for each of {step.for_each}")
        return found

    def connect(self, start: str, end: str) -> None:
        """Draw what comes after what."""
        steps, pattern = self._spec.steps, self._spec.pattern
        if pattern == "handoff" and self._spec.handoff.protocol != "direct":
            lead = self._spec.handoff.supervisor or steps[0].name
            self._star(start, end, lead, "hands over", "hands back")
        elif pattern in _IN_TURN:
            self._in_turn(start, end)
        elif pattern == "supervisor_worker":
            self._star(start, end, steps[0].name, "sends", "reports")
        elif pattern == "evaluator_optimizer" and len(steps) > 1:
            self._judged(start, end)
        elif pattern == "parallel_fan_out":
            self._by_dependencies(start, end)
        else:
            self._of_its_own(start, end)

    def _in_turn(self, start: str, end: str) -> None:
        ordered = _in_order(self._spec.steps)
        handing = self._spec.pattern == "handoff"
        before, label = start, ""
        for step in ordered:
            self._graph.edge(before, self._first[step.name], self._condition(step) or label)
            before = self._last[step.name]
            label = "hands over" if handing else "passes" if before != self._first[step.name] else ""
        if self._spec.pattern == "repeat":
            self._graph.edge(before, end, "every gate of the lap passed")
            self._graph.edge(before, self._first[ordered[0].name], "next lap, with what failed", "back")
        else:
            self._graph.edge(before, end, label if label == "passes" else "")

    def _condition(self, step: StepSpec) -> str:
        return " and ".join(f"if {each.condition}" for each in step.dependencies if each.condition)

    def _star(self, start: str, end: str, lead: str, out: str, back: str) -> None:
        self._graph.edge(start, self._first[lead])
        for step in self._spec.steps:
            if step.name != lead:
                self._graph.edge(self._last[lead], self._first[step.name], out)
                self._graph.edge(self._last[step.name], self._first[lead], back, "back")
        self._graph.edge(self._last[lead], end, "done")

    def _judged(self, start: str, end: str) -> None:
        judge, *others = self._spec.steps
        needed = {each.step_name for each in judge.dependencies}
        improvers = _in_order(others)
        before = start
        for step in improvers:
            if step.name in needed:
                self._graph.edge(before, self._first[step.name])
                before = self._last[step.name]
        self._graph.edge(before, self._first[judge.name])
        self._graph.edge(self._last[judge.name], end, "good enough")
        before, label = self._last[judge.name], "not yet: improve"
        for step in improvers:
            self._graph.edge(before, self._first[step.name], label)
            before, label = self._last[step.name], ""
        self._graph.edge(before, self._first[judge.name], "judge again", "back")

    def _by_dependencies(self, start: str, end: str) -> None:
        needed: set[str] = set()
        for step in self._spec.steps:
            if not step.dependencies:
                self._graph.edge(start, self._first[step.name])
            for each in step.dependencies:
                needed.add(each.step_name)
                label = f"if {each.condition}" if each.condition else ""
                if each.step_name in self._last:
                    self._graph.edge(self._last[each.step_name], self._first[step.name], label)
        for step in self._spec.steps:
            if step.name not in needed:
                self._graph.edge(self._last[step.name], end)

    def _of_its_own(self, start: str, end: str) -> None:
        """A pattern that nobody knows here decides itself which step is next."""
        for step in self._spec.steps:
            self._graph.edge(start, self._first[step.name], "as the pattern decides")
            self._graph.edge(self._last[step.name], end)


def _check_of(gate: VerificationGate) -> str:
    if gate.command is not None:
        return gate.command if isinstance(gate.command, str) else " ".join(gate.command)
    return gate.condition or (f"judge {gate.judge}" if gate.judge else f"kind {gate.kind}")


def _in_order(steps: Sequence[StepSpec]) -> list[StepSpec]:
    """Return steps in declaration order, each after those that it depends on."""
    names = {step.name for step in steps}
    needs = {step.name: {each.step_name for each in step.dependencies} & names for step in steps}
    left, done = list(steps), set[str]()
    found = []
    while left:
        step = next((each for each in left if needs[each.name] <= done), left[0])
        left.remove(step)
        done.add(step.name)
        found.append(step)
    return found
