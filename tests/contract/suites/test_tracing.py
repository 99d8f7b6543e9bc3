"""Every built-in exporter and observer passes its suite."""

from __future__ import annotations

from .builtin import suites

globals().update(suites("exporters") | suites("observers"))
