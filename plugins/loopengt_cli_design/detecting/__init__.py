"""Looks a project and a machine over: languages, checks that prove work, and agents that can do it."""

from __future__ import annotations

from loopengt_cli_design.detecting.checks import Check, Findings, look_over
from loopengt_cli_design.detecting.workers import Worker, find_worker, find_workers

__all__ = ["Check", "Findings", "Worker", "find_worker", "find_workers", "look_over"]
