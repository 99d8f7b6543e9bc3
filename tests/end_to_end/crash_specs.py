"""The loops that ``crash.py`` kills whose agents are functions, quick enough for many steps; and the whole project."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from crash_agents import TOKENS
from crash_calls import URL, with_calls
from crash_loops import AGENT, GATE, LOG, ONCE, Variant, spec_of, with_programs

__all__ = ["VARIANTS", "write_project"]

_AGENTS = Path(__file__).with_name("crash_agents.py")


def write_project(folder: Path, storage: str, log: Path, url: str) -> None:
    """Make a project with a loop for each variant, ``VARIANT.yaml``, under git.

    Args:
        folder: The project folder.
        storage: Name of the storage.
        log: The effects log.
        url: Where the model is.
    """
    (folder / ".loopengt").mkdir(parents=True)
    (folder / ".loopengt" / "config.toml").write_text(f'[storage]\nname = "{storage}"\n')
    (folder / ".gitignore").write_text(".loopengt/\n__pycache__/\n")
    for name, text in (("agent", AGENT), ("gate", GATE)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    shutil.copyfile(_AGENTS, folder / "agents.py")
    for variant in VARIANTS.values():
        for name, spec in {f"{variant.name}.yaml": variant.spec, **variant.more}.items():
            (folder / name).write_text(json.dumps(spec, indent=1).replace(LOG, str(log)).replace(URL, url))
    who = ("-c", "user.name=crash", "-c", "user.email=crash@example.org")
    for command in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "start")):
        subprocess.run(["git", *command], cwd=folder, check=True)


def _functions() -> list[Variant]:
    return [
        Variant("wide", _wide(), width=8, ordered=False),
        Variant("items", _items(), width=4, ordered=False),
        Variant("evaluator_optimizer", _evaluator_optimizer()),
        Variant("supervisor_worker", _supervisor_worker()),
        Variant("direct", _handoff("direct")),
        Variant("via_supervisor", _handoff("via_supervisor")),
        Variant("broadcast", _handoff("broadcast"), width=3, ordered=False),
        Variant("custom", _custom(), width=2, ordered=False),
        Variant("checkpoints", _checkpoints()),
        Variant("budgets", _budgets()),
        Variant("sub_loops", *_sub_loops()),
    ]


def _wide() -> dict[str, Any]:
    """Two hundred steps that do not depend on each other."""
    steps = [_step(f"w{number:03}", "work") for number in range(200)]
    return _spec("wide", "parallel_fan_out", steps, policy={"max_concurrency": 8})


def _items() -> dict[str, Any]:
    """A list of twenty items, two steps with an execution for each of them, and one that sees them all."""
    gate = {"name": "second", "condition": "output.attempt >= 2"}
    steps = [
        _step("begin", "work"),
        _step("each", "slow", "{item}", for_each="context.numbers", dependencies=["begin"]),
        _step(
            "again",
            "shaky",
            "{item.step} {feedback}",
            for_each="steps.each.output",
            dependencies=["each"],
            verification_gates=["second"],
        ),
        _step("all", "work", "{steps.again.output}", dependencies=["again"]),
    ]
    context = {"numbers": list(range(20))}
    policy = {"max_concurrency": 4, "verification_gates": [gate]}
    return _spec("items", "parallel_fan_out", steps, context=context, policy=policy)


def _evaluator_optimizer() -> dict[str, Any]:
    steps = [
        _step("judge", "judge", "{lap}"),
        *(
            _step(f"improve{number}", agent, "{feedback}")
            for number, agent in enumerate(("slow", "shaky", "work"))
        ),
    ]
    return _spec("evaluator_optimizer", "evaluator_optimizer", steps)


def _supervisor_worker() -> dict[str, Any]:
    steps = [
        _step("lead", "supervise", "{handoff.payload} {feedback}"),
        *(_step(name, agent, "{handoff.instructions} {feedback}") for name, agent in _CRAFTS),
    ]
    return _spec("supervisor_worker", "supervisor_worker", steps)


_CRAFTS = (("draw", "slow"), ("paint", "shaky"), ("frame", "work"))


def _handoff(protocol: str) -> dict[str, Any]:
    if protocol == "via_supervisor":
        workers = [_step(name, agent, "{handoff.payload}") for name, agent in _CRAFTS]
        steps = [_step("lead", "supervise", "{handoff.payload} {feedback}"), *workers]
    else:
        steps = [
            _step(f"h{number}", "route", "{handoff.from_agent} {handoff.payload}") for number in range(8)
        ]
    return _spec(protocol, "handoff", steps, handoff={"protocol": protocol}, policy={"max_concurrency": 3})


def _custom() -> dict[str, Any]:
    steps = [
        _step("left", "slow", "{lap}"),
        _step("right", "patch", "{lap}"),
        _step("joint", "work", "{handoff.payload}"),
    ]
    return _spec("custom", "agents:patchwork", steps, policy={"max_concurrency": 2})


def _checkpoints() -> dict[str, Any]:
    """Steps that leave files in a worktree, which every second one of them keeps."""
    steps = [_step(f"c{number}", "write", checkpoint=number % 2 == 1) for number in range(10)]
    return _spec("checkpoints", "sequential", steps, workspace="worktree")


def _budgets() -> dict[str, Any]:
    """Steps that need twice the tokens and half as many turns again as the loop has."""
    steps = [_step(f"b{number:02}", "spend", budget={"max_tokens": 5 * TOKENS}) for number in range(18)]
    policy = {"max_turns": 12, "budget": {"max_tokens": 6 * TOKENS}}
    return _spec("budgets", "sequential", steps, policy=policy)


def _sub_loops() -> tuple[dict[str, Any], int, bool, bool, dict[str, dict[str, Any]]]:
    """A loop alone, which has one below it, and six at the same time."""
    steps = [
        _step("begin", "work"),
        {"name": "alone", "loop": "below.yaml", "dependencies": ["begin"], "inputs": {"number": "1 + 1"}},
        {"name": "each", "loop": "lowest.yaml", "for_each": "context.numbers", "dependencies": ["alone"]}
        | {"inputs": {"number": "item"}, "prompt_template": "{item}"},
        _step("end", "work", "{steps.each.output}", dependencies=["each"]),
    ]
    policy = {"max_concurrency": 3}
    parent = _spec("sub_loops", "parallel_fan_out", steps, context={"numbers": [*range(6)]}, policy=policy)
    sign = {"name": "sign", "kind": "approval", "description": "Shall it go on?"}
    middle = [
        _step("first", "slow", "{number}"),
        _step("signed", "work", "{number}", verification_gates=["sign"]),
        {"name": "below", "loop": "lowest.yaml", "inputs": {"number": "context.number"}},
        _step("send", ONCE, "{number}", effects="once"),
        _step("last", "shaky", "{number} {feedback}"),
    ]
    below = _spec("below", "sequential", middle, context={"number": 0}, policy={"verification_gates": [sign]})
    twice = {"name": "twice", "condition": "run.turn >= 4"}
    laps = [_step("dig", "slow", "{number}"), _step("look", "work", verification_gates=["twice"])]
    lowest = _spec("lowest", "repeat", laps, context={"number": 0}, policy={"verification_gates": [twice]})
    return parent, 3, False, False, {"below.yaml": below, "lowest.yaml": lowest}


def _spec(name: str, pattern: str, steps: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    functions = sorted({step["agent"] for step in steps if "agent" in step})
    agents = [
        {"name": function, "config": {"provider": "python", "extra": {"function": f"agents:{function}"}}}
        for function in functions
    ]
    return spec_of(name, pattern, agents, steps, **more)


def _step(name: str, agent: str, prompt: str = "{goal}", **more: Any) -> dict[str, Any]:
    return {"name": name, "agent": agent, "prompt_template": prompt, **more}


VARIANTS = {variant.name: variant for variant in (*with_programs(), *_functions(), *with_calls())}
