"""Registers the IDE adapters, the command ``adapter``, and observers that tell people what runs do."""

from __future__ import annotations
