"""Loops that somebody proposes: as text, checked, by an architect that is a loop itself."""

from __future__ import annotations

from loopengt_cli_design.proposals.architect import ask_architect
from loopengt_cli_design.proposals.checking import Checked, check_files
from loopengt_cli_design.proposals.text import to_yaml

__all__ = ["Checked", "ask_architect", "check_files", "to_yaml"]
