"""The ``loopengt`` program: its root command, and what the modules of commands need."""

from __future__ import annotations

from loopengt.cli.program import main
from loopengt.cli.root import cli, pass_kernel

__all__ = ["cli", "main", "pass_kernel"]
