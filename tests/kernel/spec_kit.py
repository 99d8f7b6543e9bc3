"""A sound spec, and the problems of its variations, for the tests of validation."""

from __future__ import annotations

from loopengt.spec import KnownNames, parse_document, validate

NAMES = KnownNames(
    patterns={"sequential": "Steps in order", "repeat": "Laps"},
    providers={"command": "A program", "python": "A function"},
    gate_kinds={"expression": "A condition", "command": "A program", "judge": "A judge"},
    stop_conditions={"goal_met": "All done", "max_turns": "Turns", "custom": "A condition"},
    judges={"quality": "Scores quality"},
)

SOUND = """\
name: demo
goal: Mend it
context: {limit: 3}
agents:
  - name: coder
    system_prompt: Mend {goal}.
    config: {provider: command}
tools:
  - {name: grep, function_ref: tools.grep}
steps:
  - name: plan
    agent: coder
    prompt_template: "{goal} {limit} {lap} {feedback}"
  - name: fix it
    agent: coder
    tools: [grep]
    dependencies: [plan]
    verification_gates: [tests]
    prompt_template: '{steps.plan.output} {steps["fix it"].status} {{literal}}'
policy:
  verification_gates:
    - name: tests
      condition: output.ok and steps.plan.attempts < context.limit and run.turn > 0
stop_conditions:
  - {condition_type: goal_met, value: "true"}
"""


def problems(text: str, names: KnownNames = NAMES) -> list[str]:
    """The problems of a spec as they are printed, without the name of the file."""
    return [str(problem).removeprefix("f:") for problem in validate(parse_document(text, "f"), names)]


def changed(old: str, new: str, names: KnownNames = NAMES) -> list[str]:
    """The problems of the sound spec with one piece of its text replaced."""
    assert SOUND.count(old) == 1
    return problems(SOUND.replace(old, new), names)


def steps(**dependencies: str) -> str:
    """A spec with these steps, each with the names of its dependencies."""
    listed = "".join(
        f"  - {{name: {name}, agent: x, dependencies: [{needs}]}}\n" for name, needs in dependencies.items()
    )
    return f"name: a\ngoal: b\nagents: [{{name: x, config: {{provider: command}}}}]\nsteps:\n{listed}"
