"""Sends runs of loopengt to OpenTelemetry, by the conventions for generative AI."""

from __future__ import annotations

__version__ = "0.2.0"

__all__ = ["__version__"]
