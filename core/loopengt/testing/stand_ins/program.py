"""Puts a stand-in for a coding CLI into a folder, tells it what to play, and reads what it was asked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import loopengt

__all__ = ["PROGRAMS", "StandInCli"]

PROGRAMS = {
    "antigravity": "agy",
    "claude-code": "claude",
    "codex": "codex",
    "copilot": "copilot",
    "cursor": "cursor-agent",
    "gemini": "gemini",
    "opencode": "opencode",
}
"""The program of each provider."""

_SOURCE = """\
#!{python} -SE
import sys
sys.path.insert(0, {packages!r})
from loopengt.testing.stand_ins.player import main
sys.exit(main({name!r}, {home!r}))
"""


class StandInCli:
    """A program that behaves as a coding CLI does, without a model and without a service.

    It refuses arguments that the CLI does not know, and reads and prints in the CLI's own form. Put its folder in front
    on ``PATH``, or name ``program`` in the option of that name.

    Args:
        folder: Where to put the program and its files.
        name: The provider, such as ``claude-code``.
        *turns: What it plays, one for each call; the last one is played from then on. Each is a dict with any of

            - ``text`` ("Done."), ``structured``: the answer, as text and as data;
            - ``edits`` {path: text}: files to write in the folder it works in;
            - ``tools`` [{name, input, output} or {name, input, error}]: tools to use on the way;
            - ``usage`` {input, cached, output, reasoning}, ``cost``: what to report; input includes what was cached;
            - ``session``: id of the session; by default the one that is resumed, or a new one;
            - ``ending``: ``success``, ``error`` (it says that it failed), ``silent_failure`` (a word on standard error,
              exit code 1), ``limit`` (a quota is used up), ``empty`` (no answer, exit code 0), ``nothing`` (no output,
              exit code 0), ``no_result`` (ends in the midst), ``hang`` (in the midst), ``hang_after`` (the result);
            - ``error``, ``status``, ``resets_in``: what ``error`` and ``limit`` say: words, HTTP status, seconds;
            - ``exit``, ``stderr``: the exit code, and words on standard error;
            - ``junk`` (true: lines between the others that are nothing known), ``huge`` (bytes of one long line);
            - ``knows`` [ids]: the only sessions that can be resumed.
    """

    def __init__(self, folder: Path, name: str, *turns: dict[str, Any]) -> None:
        self.program = folder / PROGRAMS[name]
        """The program's file."""
        self._home = folder / f".{name}"
        self._home.mkdir(parents=True, exist_ok=True)
        packages = str(Path(loopengt.__file__).parent.parent)
        source = _SOURCE.format(python=sys.executable, packages=packages, name=name, home=str(self._home))
        self.program.write_text(source, encoding="utf-8")
        self.program.chmod(0o755)
        self.plays(*turns)

    def plays(self, *turns: dict[str, Any]) -> None:
        """Set what it plays from now on."""
        told = {"skip": len(self.calls), "turns": turns or ({},)}
        self._home.joinpath("turns.json").write_text(json.dumps(told), encoding="utf-8")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call so far: ``argv`` (without the program), ``stdin``, ``prompt``, ``cwd``, ``env``, ``session``."""
        log = self._home / "calls.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [json.loads(line) for line in lines]
