"""What ``crash.py`` kills: a loop for every pattern, and what a person does with its run. Here those of programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["AGENT", "GATE", "LOG", "ONCE", "REJECTED", "Variant", "spec_of", "with_programs"]

ONCE = "sender"
"""The agent whose steps declare ``effects: once``."""
REJECTED = "not yet"
"""Comment of those who reject: an approval is rejected at the first attempt of a step whose name ends with an x."""

LOG = "/EFFECTS/"
"""Stands for the path of the effects log in a spec."""

_LAPS = 4

# Quick, since it is started some thirty times a run: a shell, and dd for an append that is synced.
AGENT = r"""#!/bin/sh
note() { printf '%s %s %s\n' "$1" "$LOOPENGT_IDEMPOTENCY_KEY" "$PPID"; }
note begin >> "$EFFECTS"
case $1 in
slow) sleep 0.03 ;;
litter) sleep 600 > /dev/null 2>&1 & ;;
once)
    sleep 0.01
    # Whoever is left behind by a crash comes late, when the run may have been taken up again.
    kill -0 "$PPID" 2> /dev/null || sleep 0.7 ;;
esac
note effect | dd of="$EFFECTS" oflag=append conv=notrunc,fsync 2> /dev/null
if [ "$1" = shaky ] && [ "$LOOPENGT_ATTEMPT" = 1 ]; then echo "not at first" >&2; exit 7; fi
if [ "$1" = large ]; then head -c 70000 /dev/zero | tr '\0' x; exit; fi
heard=${#LOOPENGT_FEEDBACK}
printf '{"lap": %d, "attempt": %d, "heard": %d}\n' "$LOOPENGT_OCCURRENCE" "$LOOPENGT_ATTEMPT" "$heard"
"""

GATE = r"""#!/bin/sh
printf 'gate:%s %s %s\n' "$LOOPENGT_GATE" "$LOOPENGT_IDEMPOTENCY_KEY" "$PPID" >> "$1"
key=${LOOPENGT_IDEMPOTENCY_KEY%/*}
case $2 in
attempt) [ "$LOOPENGT_ATTEMPT" -ge "$3" ] || { echo "attempt $LOOPENGT_ATTEMPT is not enough"; exit 1; } ;;
lap) [ "${key##*/}" -ge "$3" ] || { echo "lap ${key##*/} is not enough"; exit 1; } ;;
slow) sleep 600 > /dev/null 2>&1 & sleep 0.03 ;;
esac
"""


@dataclass(frozen=True)
class Variant:
    """A loop whose runs are killed, and how they are driven."""

    name: str
    spec: dict[str, Any]
    width: int = 1
    """How many executions are under way at the same time at most: so many a crash may cost."""
    ordered: bool = True
    """Whether the steps come in the same order each time."""
    waits: bool = False
    """Whether runs are driven with ``--wait``, and answered meanwhile by another process."""
    more: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Further loops, by file name."""
    serviced: bool = False
    """Whether its agents ask a model: such runs take seconds to start, and are killed only when they are named."""


def with_programs() -> list[Variant]:
    """Return the variants whose agents are programs."""
    asking = _asking()
    return [
        Variant("sequential", _sequential()),
        Variant("repeat", _repeat()),
        Variant("fan_out", _fan_out(), width=3, ordered=False),
        Variant("asked", asking | {"name": "crash-asked"}, width=2, ordered=False),
        Variant("awaited", asking | {"name": "crash-awaited"}, width=2, ordered=False, waits=True),
    ]


def spec_of(
    name: str, pattern: str, agents: list[dict[str, Any]], steps: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """Make a spec whose policy waits next to nothing before a retry; ``policy`` in ``more`` is added to it."""
    retry = {
        "initial_delay_seconds": 0.01,
        "jitter": False,
        "retryable_errors": ["ExitCode", "ConnectionError"],
    }
    policy = {"max_turns": 1000, "retry": retry} | more.pop("policy", {})
    known = {"name": f"crash-{name}", "goal": "Lose nothing", "pattern": pattern, "workspace": "in_place"}
    return known | {"agents": agents, "steps": steps, "policy": policy} | more


def _sequential() -> dict[str, Any]:
    """Thirty steps of ten kinds; retries within the steps."""
    kinds: tuple[tuple[str, list[str]], ...] = (
        ("quick", []),
        ("quick", ["runs"]),
        ("shaky", ["sound"]),
        ("quick", ["third", "second", "runs"]),
        (ONCE, ["runs"]),
        ("slow", ["runs", "lingers"]),
        ("litter", ["runs", "second"]),
        (ONCE, []),
        ("large", ["runs"]),
        (ONCE, ["lingers"]),
    )
    steps = []
    for number in range(30):
        agent, gates = kinds[number % len(kinds)]
        before = f" after {{steps.s{number - 10:02}.output}}" if number % 10 == 1 and number > 10 else ""
        steps.append(_step(f"s{number:02}", agent, gates, f"{{goal}}{before} {{feedback}}"))
    gates = [
        _command("runs"),
        _command("lingers", "slow"),
        _command("third", "attempt", "3"),
        {"name": "second", "condition": "output.attempt >= 2"},
        {"name": "sound", "condition": "output.heard > 0"},
    ]
    return _spec("sequential", "sequential", steps, gates, workspace="copy")


def _repeat() -> dict[str, Any]:
    """Six steps, lap after lap, until the last lap's gates pass."""
    steps = [
        _step("plan", "quick", [], "{goal}, lap {lap}: {feedback}"),
        _step("edit", "litter", ["late"], "{steps.plan.output}"),
        _step("send", ONCE, ["runs"], "lap {lap}"),
        _step("try", "shaky", ["runs", "lingers"], "lap {lap}"),
        _step("print", "large", [], "lap {lap}"),
        _step("check", "slow", ["runs", "last"], "{feedback}"),
    ]
    gates = [
        _command("runs"),
        _command("lingers", "slow"),
        _command("late", "lap", str(_LAPS - 1)),
        {"name": "last", "condition": f"output.lap >= {_LAPS}"},
    ]
    return _spec("repeat", "repeat", steps, gates, workspace="worktree")


def _fan_out() -> dict[str, Any]:
    """Five rows of five; a step depends on two of the row before, and one of a row is skipped."""
    agents = ("quick", "slow", "shaky", "litter", "large")
    steps = []
    for row in range(5):
        for column, agent in enumerate(agents):
            gates = ["runs", "second"] if column == 0 else ["runs"] if row % 2 else []
            above = [f"f{row - 1}{column}", f"f{row - 1}{(column + 1) % 3}"] if row else []
            step = _step(f"f{row}{column}", agent, gates, "{goal} {feedback}") | {"dependencies": above}
            steps.append(step)
        # Conditions look at what every execution answers alike; the second one does not hold.
        for name, condition in (("yes", "output.lap == 1"), ("no", "output.attempt < 1")):
            steps.append(_step(f"{name}{row}", "quick", [], "{goal}"))
            steps[-1]["dependencies"] = [{"step_name": f"f{row}0", "condition": condition}]
        # One after the other: a person can give one answer for all that are under way.
        steps.append(_step(f"send{row}", ONCE, ["runs"], "{goal}"))
        steps[-1]["dependencies"] = [f"send{row - 1}"] if row else []
    gates = [_command("runs"), {"name": "second", "condition": "output.attempt >= 2"}]
    return _spec("fan_out", "parallel_fan_out", steps, gates, policy={"max_concurrency": 3})


def _asking() -> dict[str, Any]:
    """Branches whose steps need a person's answer; that to ``ax`` and ``cx`` is no at first."""
    steps = [
        _step("begin", "quick", ["runs"], "{goal}"),
        *(
            _step(name, "quick", ["runs", "sign"], "{goal} {feedback}") | {"dependencies": ["begin"]}
            for name in ("ax", "b", "cx")
        ),
        *(_step(f"beside{n}", "slow", ["runs"], "{goal}") | {"dependencies": ["begin"]} for n in range(3)),
        _step("join", "quick", ["sign", "also"], "{goal}") | {"dependencies": ["ax", "b", "cx"]},
    ]
    gates = [
        _command("runs"),
        {"name": "sign", "kind": "approval", "description": "Is it good?"},
        {"name": "also", "kind": "approval", "description": "Is it also beautiful?"},
    ]
    return _spec("asking", "parallel_fan_out", steps, gates, policy={"max_concurrency": 2})


def _spec(
    name: str, pattern: str, steps: list[dict[str, Any]], gates: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    agents = [_agent(agent) for agent in sorted({step["agent"] for step in steps})]
    policy = {"verification_gates": gates} | more.pop("policy", {})
    return spec_of(name, pattern, agents, steps, policy=policy, **more)


def _agent(name: str) -> dict[str, Any]:
    kind = "once" if name == ONCE else name
    extra = {"command": ["./agent", kind], "pass_env": ["EFFECTS"]}
    return {"name": name, "config": {"provider": "command", "extra": extra}}


def _step(name: str, agent: str, gates: list[str], prompt: str) -> dict[str, Any]:
    step = {"name": name, "agent": agent, "verification_gates": gates, "prompt_template": prompt}
    return step | ({"effects": "once"} if agent == ONCE else {})


def _command(name: str, *rule: str) -> dict[str, Any]:
    return {"name": name, "kind": "command", "command": ["./gate", LOG, *rule]}
