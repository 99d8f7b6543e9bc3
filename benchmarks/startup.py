"""Start-up: whole processes of the ``loopengt`` program, beside one that imports click and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.environment import child_environment

__all__ = ["program", "seconds_of", "start_up"]


def start_up(folder: Path) -> dict[str, float]:
    """Milliseconds from the start of each process to its end, once each, with bytecode compiled."""
    words = program()
    commands = {
        "click": [sys.executable, "-c", "import click"],
        "version": [*words, "--version"],
        "help": [*words, "--help"],
        "plugins": [*words, "plugins", "list"],
    }
    for command in commands.values():  # so that everything is compiled and read once
        seconds_of(command, folder)
    return {name: seconds_of(command, folder) * 1e3 for name, command in commands.items()}


def program() -> list[str]:
    """The program as its users start it, or as a module where it is not installed."""
    script = Path(sys.executable).with_name("loopengt")
    return [str(script)] if os.access(script, os.X_OK) else [sys.executable, "-m", "loopengt"]


def seconds_of(command: list[str], folder: Path) -> float:
    """Return how long a process takes from its start to its end, with the folder as its project."""
    environment = child_environment() | {"LOOPENGT_PROJECT": str(folder)}
    began = perf_counter()
    subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
    return perf_counter() - began
