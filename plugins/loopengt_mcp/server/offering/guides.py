"""The prompts with which a person begins to design, review or improve a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loopengt_hookspecs.mcp_features import McpPrompt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loopengt_hookspecs.mcp_features import McpFeature
    from loopengt_hookspecs.registration import Components, PluginContext

__all__ = ["GuideFeatures"]

_DESIGN = """\
Design an agent loop for this goal and write it into the project:

<goal>
{goal}
</goal>

Work like this:
1. Call list_templates and list_loops. When a template fits, use it and fill in its variables; else write the YAML \
yourself.
2. Find out how this project proves that work is right: its tests, linter, type checker, build. Each becomes a gate of \
kind command, which the engine runs itself after the step. A loop without a gate that can fail is not a loop.
3. Keep it as small as the goal allows: one agent in pattern repeat with good gates beats many agents. Add a step \
only where its output is needed, and a second agent only where it judges what the first has done.
4. Set limits: policy.max_turns, policy.max_total_time_seconds, where models cost money policy.budget.max_cost_usd, \
and policy.no_progress.max_repeats.
5. Put a gate of kind approval before anything that cannot be undone.
6. Call validate_loop until nothing is wrong, then create_loop. Show the person the YAML and what it executes, and ask \
before you call run_loop.

{words}"""

_REVIEW = """\
Review this agent loop as a careful engineer who will be woken up when it goes wrong:

<loop>
{loop}
</loop>

Call validate_loop with this text first, and begin with what it finds. Then answer, each point with the line it is \
about:
1. Can every gate fail, and does it prove the goal, or could an agent pass it by weakening a test or writing nothing?
2. What ends the run when it goes in circles: max_turns, time, budget, no_progress? Are the numbers sensible?
3. What does it execute, where, with which permissions? What cannot be undone, and is a person asked before?
4. Does every prompt say what is to be done, with the outputs and the {{feedback}} that it needs?
5. What can be left out?
End with the changed YAML, and change nothing that you have not given a reason for.

{words}"""

_IMPROVE = """\
Improve this agent loop:

<loop>
{loop}
</loop>

What is known of how it works in practice:

<feedback>
{feedback}
</feedback>

When it has been run, look at the runs first: list_runs, then evaluate_run, and inspect_trace with \
types=['gate.fail','step.error','step.retry'] for those that did badly. Name the one or two causes that cost most, \
change the loop against these and nothing else, and say what you expect to be different. Call validate_loop until \
nothing is wrong, show the person the change, and write it with create_loop (overwrite=true) once the person agrees. \
To try a change on a run that went wrong, use fork_run at the step before.

{words}"""


class GuideFeatures:
    """The prompts.

    Args:
        components: Whose names the prompts tell.
    """

    def __init__(self, components: Components) -> None:
        self._components = components

    @classmethod
    def from_context(cls, context: PluginContext) -> GuideFeatures:
        """Make it with the components of all plugins."""
        return cls(context.components)

    def features(self) -> Iterable[McpFeature]:
        """Return the prompts."""
        yield McpPrompt(
            "design", "Design a loop for a goal, and write it into the project", self.design, "Design a loop"
        )
        yield McpPrompt(
            "review", "Look for what is weak or dangerous in a loop", self.review, "Review a loop"
        )
        yield McpPrompt(
            "improve", "Make a loop better, by what its runs have shown", self.improve, "Improve a loop"
        )

    def design(self, goal: str) -> str:
        """Design a loop."""
        return _filled(_DESIGN, goal=goal, words=self._words())

    def review(self, loop_yaml: str) -> str:
        """Review a loop."""
        return _filled(_REVIEW, loop=loop_yaml, words=self._words())

    def improve(self, loop_yaml: str, feedback: str = "") -> str:
        """Improve a loop."""
        known = feedback or "Nothing was said; look at its runs."
        return _filled(_IMPROVE, loop=loop_yaml, feedback=known, words=self._words())

    def _words(self) -> str:
        kinds = (
            ("Patterns", "patterns"),
            ("Providers of agents", "agents"),
            ("Kinds of gates", "gates"),
            ("Stop conditions", "stop_conditions"),
            ("Built-in tools", "tools"),
        )
        lines = [f"{title}: {', '.join(self._components.names(kind))}." for title, kind in kinds]
        return "\n".join(["What this project knows:", *lines])


def _filled(text: str, **values: str) -> str:
    """Put values in, each once: what stands within a value is left as it is."""
    parts = text.replace("{{", "\0").replace("}}", "\1")
    for name in values:
        parts = parts.replace(f"{{{name}}}", f"\2{name}\2")
    pieces = parts.split("\2")
    done = [values[piece] if place % 2 else piece for place, piece in enumerate(pieces)]
    return "".join(
        piece if place % 2 else piece.replace("\0", "{").replace("\1", "}")
        for place, piece in enumerate(done)
    )
