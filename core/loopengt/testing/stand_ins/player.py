"""What a stand-in for a coding CLI runs: reads its arguments, and plays the turn that it was told to."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from loopengt.testing.stand_ins.arguments import WrongArguments, prompt_of, read_arguments
from loopengt.testing.stand_ins.events import Scene, events_of

__all__ = ["main"]

_HANG_SECONDS = 3_600


def main(name: str, home: str) -> int:
    """Play one call of the CLI and return its exit code."""
    argv = sys.argv[1:]
    if argv == ["--version"]:
        print(f"{name} 9.9.9 (stand-in)")  # noqa: T201  # it is a program
        return 0
    try:
        arguments = read_arguments(name, argv)
        stdin = sys.stdin.buffer.read().decode()
        prompt = prompt_of(name, arguments, stdin)
    except WrongArguments as error:
        return _complain(str(error), 2)
    earlier = _earlier(home)
    turn = _turn(home, len(earlier))
    session = turn.get("session") or arguments.session or f"{name}-session-{len(earlier) + 1}"
    usage = {"input": 100, "cached": 20, "output": 30, "reasoning": 5} | turn.get("usage", {})
    call = {
        "argv": argv,
        "stdin": stdin,
        "prompt": prompt,
        "cwd": os.getcwd(),
        "env": dict(os.environ),
        "session": session,
        "usage": usage,
    }
    if schema := arguments.options.get("--output-schema"):
        with open(schema, encoding="utf-8") as file:
            call["schema"] = json.load(file)
    with open(os.path.join(home, "calls.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(call) + "\n")
    if arguments.session and arguments.session not in turn.get("knows", [arguments.session]):
        return _complain(f"No conversation found with session ID: {arguments.session}", 1)
    if name == "codex":
        usage = _with_earlier(usage, [entry for entry in earlier if entry["session"] == session])
    return _play(name, Scene(turn, session, usage))


def _play(name: str, scene: Scene) -> int:
    turn = scene.turn
    ending = turn.get("ending", "success")
    for path, text in turn.get("edits", {}).items():
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    if turn.get("stderr"):
        _complain(turn["stderr"], 0)
    if ending == "nothing":
        return int(turn.get("exit", 0))
    events = events_of(name, scene)
    for event in events.opening:
        _say(event)
        if turn.get("junk"):
            _junk()
    if ending == "hang":
        time.sleep(_HANG_SECONDS)
    if ending == "silent_failure" or (name == "cursor" and ending in ("error", "limit")):
        return _complain(scene.error, turn.get("exit", 1))
    if ending == "no_result":
        return int(turn.get("exit", 0))
    for event in events.closing:
        _say(event)
        if turn.get("junk"):
            _junk()
    if ending == "hang_after":
        time.sleep(_HANG_SECONDS)
    return int(turn.get("exit", 1 if ending in ("error", "limit") else 0))


def _say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def _junk() -> None:
    sys.stdout.write(
        'a word on the way\n\n[1, 2]\n{"type": "something.new", "message": {"content": 7}}\n{"cut": \n'
    )


def _complain(text: str, code: int) -> int:
    sys.stderr.write(f"{text}\n")
    return code


def _earlier(home: str) -> list[dict[str, Any]]:
    try:
        with open(os.path.join(home, "calls.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        return []


def _turn(home: str, number: int) -> dict[str, Any]:
    with open(os.path.join(home, "turns.json"), encoding="utf-8") as file:
        told: dict[str, Any] = json.load(file)
    turns: list[dict[str, Any]] = told["turns"]
    number -= told["skip"]
    return turns[min(number, len(turns) - 1)]


def _with_earlier(usage: dict[str, int], earlier: list[dict[str, Any]]) -> dict[str, int]:
    return {
        kind: number + sum(call["usage"].get(kind, 0) for call in earlier) for kind, number in usage.items()
    }
