"""The loops that ``crash.py`` kills: thirty turns each, with gates, retries, effects and left-overs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["EFFECTS", "ONCE", "TURNS", "VARIANTS", "write_project"]

TURNS = 30
"""Turns that each loop takes when nothing goes wrong."""
VARIANTS = ("sequential", "repeat")
EFFECTS = "effects.log"
"""Every program notes here, a line each: begin, effect or gate; the idempotency key; its parent's pid."""
ONCE = "sender"
"""The agent whose steps declare ``effects: once``."""

_LAPS = 5

# Quick, since it is started some fifty times a run: a shell, and dd for an append that is synced.
_AGENT = r"""#!/bin/sh
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

_GATE = r"""#!/bin/sh
printf 'gate:%s %s %s\n' "$LOOPENGT_GATE" "$LOOPENGT_IDEMPOTENCY_KEY" "$PPID" >> "$1"
key=${LOOPENGT_IDEMPOTENCY_KEY%/*}
case $2 in
attempt) [ "$LOOPENGT_ATTEMPT" -ge "$3" ] || { echo "attempt $LOOPENGT_ATTEMPT is not enough"; exit 1; } ;;
lap) [ "${key##*/}" -ge "$3" ] || { echo "lap ${key##*/} is not enough"; exit 1; } ;;
slow) sleep 600 > /dev/null 2>&1 & sleep 0.03 ;;
esac
"""


def write_project(folder: Path, storage: str) -> None:
    """Make a project with a loop for each variant, ``VARIANT.yaml``.

    Args:
        folder: The project folder; the effects log lies beside it.
        storage: Name of the storage.
    """
    (folder / ".loopengt").mkdir(parents=True)
    (folder / ".loopengt" / "config.toml").write_text(f'[storage]\nname = "{storage}"\n')
    log = folder.parent / EFFECTS
    log.touch()
    for name, text in (("agent", _AGENT), ("gate", _GATE)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    for variant, spec in (("sequential", _sequential(log)), ("repeat", _repeat(log))):
        (folder / f"{variant}.yaml").write_text(json.dumps(spec, indent=1))


def _sequential(log: Path) -> dict[str, Any]:
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
        (ONCE, ["retried"]),
    )
    steps = []
    for number in range(TURNS):
        agent, gates = kinds[number % len(kinds)]
        before = f" after {{steps.s{number - 10:02}.output}}" if number % 10 == 1 and number > 10 else ""
        steps.append(_step(f"s{number:02}", agent, gates, f"{{goal}}{before} {{feedback}}"))
    gates = [
        _command("runs", log),
        _command("lingers", log, "slow"),
        _command("third", log, "attempt", "3"),
        _command("retried", log, "attempt", "2"),
        {"name": "second", "condition": "output.attempt >= 2"},
        {"name": "sound", "condition": "output.heard > 0"},
    ]
    return _spec("sequential", log, steps, gates)


def _repeat(log: Path) -> dict[str, Any]:
    """Six steps, lap after lap, until the fifth lap's gates pass."""
    steps = [
        _step("plan", "quick", [], "{goal}, lap {lap}: {feedback}"),
        _step("edit", "litter", ["late"], "{steps.plan.output}"),
        _step("send", ONCE, ["runs"], "lap {lap}"),
        _step("try", "shaky", ["runs", "lingers"], "lap {lap}"),
        _step("print", "large", [], "lap {lap}"),
        _step("check", "slow", ["runs", "last"], "{feedback}"),
    ]
    gates = [
        _command("runs", log),
        _command("lingers", log, "slow"),
        _command("late", log, "lap", str(_LAPS - 1)),
        {"name": "last", "condition": f"output.lap >= {_LAPS}"},
    ]
    return _spec("repeat", log, steps, gates)


def _spec(
    pattern: str, log: Path, steps: list[dict[str, Any]], gates: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": f"crash-{pattern}",
        "goal": "Lose nothing",
        "pattern": pattern,
        "agents": [_agent(name, log) for name in sorted({step["agent"] for step in steps})],
        "steps": steps,
        "policy": {
            "retry": {"initial_delay_seconds": 0.01, "jitter": False, "retryable_errors": ["ExitCode"]},
            "verification_gates": gates,
        },
    }


def _agent(name: str, log: Path) -> dict[str, Any]:
    kind = "once" if name == ONCE else name
    extra = {"command": ["./agent", kind], "env": {"EFFECTS": str(log)}}
    return {"name": name, "config": {"provider": "command", "extra": extra}}


def _step(name: str, agent: str, gates: list[str], prompt: str) -> dict[str, Any]:
    step = {"name": name, "agent": agent, "verification_gates": gates, "prompt_template": prompt}
    return step | ({"effects": "once"} if agent == ONCE else {})


def _command(name: str, log: Path, *rule: str) -> dict[str, Any]:
    return {"name": name, "kind": "command", "command": ["./gate", str(log), *rule]}
