"""A command that tells whether a project is in order."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from loopengt.templates import yaml_scalar

__all__ = ["Check"]

_PLAIN = re.compile(r"[A-Za-z./-][A-Za-z0-9_./-]*")
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "-", "---", "..."})


class Check(NamedTuple):
    """A command that tells whether a project is in order."""

    name: str
    """What its gate is called."""
    command: tuple[str, ...]
    proves: str
    """What it proves when it passes, in a sentence."""
    tests: bool = False
    """Whether it runs tests."""
    min_tests: bool = False
    """Whether the gate can count the tests that it runs."""
    output_pattern: str = ""
    """What has to be found in the output, besides."""
    shown: str = ""
    """The command as one types it, where that is shorter."""
    remark: str = ""
    """A comment for the command."""

    @property
    def gate(self) -> str:
        """The gate that runs it, as an item of a YAML list."""
        lines = [f"- name: {self.name}", f"  description: {yaml_scalar(self.proves)}", "  kind: command"]
        if self.remark:
            lines.append(f"  # {self.remark}")
        lines.append(f"  command: [{', '.join(map(_word, self.command))}]")
        if self.min_tests:
            lines.append("  min_tests: 1 # write the number of tests that you have")
        if self.output_pattern:
            lines.append(f"  output_pattern: {json.dumps(self.output_pattern)}")
        return "\n".join(lines) + "\n"


def _word(word: str) -> str:
    plain = _PLAIN.fullmatch(word) is not None and word.lower() not in _WORDS_OF_YAML
    return word if plain else json.dumps(word, ensure_ascii=False)
